//! A rung of the ladder: one way to get a scratch server.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::options::ScratchOptions;
use super::server::Server;
use crate::error::Result;

/// A server that a rung has started or connected to.
pub(super) struct StartedServer {
    pub(super) server: Arc<dyn Server>,
    /// A description of the server for the user.
    pub(super) reason: String,
}

/// A way to get a scratch server.
pub(super) trait Rung: Send + Sync {
    /// The name of the rung, as in `--scratch`.
    fn name(&self) -> &'static str;

    /// Starts the server or connects to it.
    fn start<'a>(&'a self, options: &'a ScratchOptions) -> BoxFuture<'a, Result<StartedServer>>;
}
