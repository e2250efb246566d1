//! Databases on the server of the environment that the migration is for.

use futures_util::future::BoxFuture;

use super::super::borrowed::Borrowed;
use super::super::options::{Protection, ScratchOptions};
use super::super::rung::{Rung, StartedServer};
use crate::error::{Diagnostic, Error, Result, codes};

/// The rung `environment`.
pub(in super::super) struct Environment;

impl Rung for Environment {
    fn name(&self) -> &'static str {
        "environment"
    }

    fn start<'a>(&'a self, options: &'a ScratchOptions) -> BoxFuture<'a, Result<StartedServer>> {
        Box::pin(async move {
            let unusable = |reason: &str| Error::from(Diagnostic::new(codes::SCRATCH, reason));
            let Some(environment) = &options.environment else {
                return Err(unusable("no environment is selected"));
            };
            let target = &environment.target;
            if target.folder().is_some() {
                return Err(unusable("an embedded database accepts one connection"));
            }
            if environment.protection == Protection::Protected {
                return Err(unusable("the environment is protected"));
            }
            let server = Borrowed::connect(target, options).await?;
            Ok(StartedServer { server, reason: format!("the environment's own server, {target}") })
        })
    }
}
