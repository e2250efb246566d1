//! The server inside this program.

use super::Wanted;
use crate::db::{PgVersion, Session};
use crate::error::{Diagnostic, Result, codes};

/// The version that is built in.
pub(super) const VERSION: PgVersion = PgVersion::from_number(170_005);

pub(super) struct Embedded;

pub(super) struct Instance;

impl Embedded {
    pub(super) async fn new(_wanted: &Wanted) -> Result<Self> {
        Err(Diagnostic::new(codes::SCRATCH, "the embedded server is not built into this program").into())
    }

    pub(super) async fn instance(&self) -> Result<(Instance, Session)> {
        Err(Diagnostic::new(codes::SCRATCH, "the embedded server is not built into this program").into())
    }
}

impl Instance {
    pub(super) async fn stop(self) {}
}

pub(super) fn has_extension(_name: &str) -> bool {
    false
}
