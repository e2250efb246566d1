//! The last rung: the server inside this program, a new one for each database.
//!
//! A server there has one connection, so that two databases at a time need two servers.

use super::{ScratchOptions, no_extension};
use crate::db::embedded::{self, Place};
use crate::db::{Environment, Session};
use crate::error::{Diagnostic, Result, codes};
use crate::files::temporary::{TemporaryFolder, remove_abandoned};

pub(super) use crate::db::embedded::{VERSION, has_extension};

/// What each of the servers starts with.
pub(super) struct Embedded {
    extensions: Vec<String>,
    variables: Environment,
}

impl Embedded {
    pub(super) fn new(wanted: &ScratchOptions) -> Result<Self> {
        if !embedded::BUILT_IN {
            return Err(Diagnostic::new(
                codes::SCRATCH,
                "the embedded server is not built into this program",
            )
            .help("build it with the Cargo feature `embedded`, which is on by default")
            .into());
        }
        // It is in every database from the beginning.
        let beside = || wanted.extensions.iter().filter(|needed| needed.name != "plpgsql");
        if let Some(missing) = beside().find(|needed| !has_extension(&needed.name)) {
            return Err(no_extension(missing, "embedded", wanted));
        }
        let mut extensions: Vec<String> = beside().map(|needed| needed.name.clone()).collect();
        extensions.sort();
        extensions.dedup();
        remove_abandoned(&wanted.variables.temporary(), |_| {});
        Ok(Self { extensions, variables: wanted.variables.clone() })
    }

    /// A session on a new server.
    pub(super) async fn session(&self) -> Result<Session> {
        let folder = TemporaryFolder::create(&self.variables.temporary())?;
        let place = Place {
            root: folder.path().join("root"),
            socket: folder.path().to_owned(),
            keep: Box::new(folder),
        };
        embedded::session(place, self.extensions.clone()).await
    }
}
