//! The embedded server, one for each database, because it accepts only one connection.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::super::extensions;
use super::super::options::ScratchOptions;
use super::super::roles::{self, RoleStub};
use super::super::rung::{Rung, StartedServer};
use super::super::server::Server;
use crate::db::embedded::{self, ServerFolders};
use crate::db::{Environment, PgVersion, Session, Target};
use crate::error::{Diagnostic, Result, codes};
use crate::files::temporary::{TemporaryFolder, remove_abandoned};

/// The rung `embedded`.
pub(in super::super) struct Embedded;

impl Rung for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn start<'a>(&'a self, options: &'a ScratchOptions) -> BoxFuture<'a, Result<StartedServer>> {
        Box::pin(async move {
            let server = Arc::new(EmbeddedServers::new(options)?);
            Ok(StartedServer { server, reason: "built into this program".to_owned() })
        })
    }
}

/// Starts an embedded server for each database.
struct EmbeddedServers {
    extensions: Vec<String>,
    variables: Environment,
}

impl EmbeddedServers {
    fn new(options: &ScratchOptions) -> Result<Self> {
        if !embedded::BUILT_IN {
            return Err(Diagnostic::new(
                codes::SCRATCH,
                "this program was built without the embedded server",
            )
            .help("build it with the Cargo feature `embedded`, which is on by default")
            .into());
        }
        // Every new database has plpgsql.
        let required = || options.extensions.iter().filter(|extension| extension.name != "plpgsql");
        if let Some(missing) = required().find(|extension| !embedded::has_extension(&extension.name)) {
            return Err(extensions::not_available(missing, "embedded", options));
        }
        let mut extensions: Vec<String> = required().map(|extension| extension.name.clone()).collect();
        extensions.sort();
        extensions.dedup();
        remove_abandoned(&options.variables.temporary(), |_| {});
        Ok(Self { extensions, variables: options.variables.clone() })
    }
}

impl Server for EmbeddedServers {
    fn version(&self) -> PgVersion {
        embedded::VERSION
    }

    fn create_database(&self) -> BoxFuture<'_, Result<Session>> {
        Box::pin(async {
            let folder = TemporaryFolder::create(&self.variables.temporary())?;
            let folders = ServerFolders {
                root: folder.path().join("root"),
                socket: folder.path().to_owned(),
                guard: Box::new(folder),
            };
            Session::start_embedded(folders, &self.extensions).await
        })
    }

    fn connect<'a>(&'a self, _database: &'a Target) -> BoxFuture<'a, Result<Session>> {
        Box::pin(async {
            Err(Diagnostic::new(codes::SCRATCH, "the embedded server accepts one connection at a time")
                .help("choose another scratch server: --scratch binaries")
                .into())
        })
    }

    fn create_roles<'a>(&'a self, session: &'a Session, stubs: &'a [RoleStub]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { roles::create(session, stubs, None).await.map(drop) })
    }

    /// The server of the database has stopped with its session.
    fn drop_database<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}
