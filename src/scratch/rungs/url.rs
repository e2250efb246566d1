//! Databases on a server that the user gives by its URL.

use futures_util::future::BoxFuture;

use super::super::borrowed::Borrowed;
use super::super::options::ScratchOptions;
use super::super::rung::{Rung, StartedServer};
use crate::db::Target;
use crate::error::Result;

/// The rung `url`.
pub(in super::super) struct Url {
    pub(in super::super) target: Target,
}

impl Rung for Url {
    fn name(&self) -> &'static str {
        "url"
    }

    fn start<'a>(&'a self, options: &'a ScratchOptions) -> BoxFuture<'a, Result<StartedServer>> {
        Box::pin(async move {
            let server = Borrowed::connect(&self.target, options).await?;
            Ok(StartedServer { server, reason: format!("chosen by the user, {}", self.target) })
        })
    }
}
