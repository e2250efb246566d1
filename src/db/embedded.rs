//! `embedded:DIR`: the server inside this program, for as long as a session lives.

use std::path::Path;

use super::session::Opened;
use crate::error::{Diagnostic, Result, codes};

/// A running embedded server.
pub(super) struct Held;

impl Held {
    pub(super) async fn stop(self) {}
}

pub(super) async fn open(_folder: &Path, _database: &str) -> Result<Opened> {
    Err(Diagnostic::new(codes::CONNECTION, "the embedded server is not built into this program").into())
}
