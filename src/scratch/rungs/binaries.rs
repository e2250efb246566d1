//! A private server, started from the server programs of this machine.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::BoxFuture;

use super::super::cluster::{self, Cluster};
use super::super::create::drop_database;
use super::super::extensions::check_available;
use super::super::options::ScratchOptions;
use super::super::programs::{self, Programs};
use super::super::roles::{self, RoleStub};
use super::super::rung::{Rung, StartedServer};
use super::super::server::Server;
use crate::db::{Environment, PgVersion, Session, embedded};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::sql::Ident;
use crate::sql;

/// The rung `binaries`.
pub(in super::super) struct Binaries {
    /// The folder of the programs; None for installed ones.
    pub(in super::super) folder: Option<PathBuf>,
}

impl Rung for Binaries {
    fn name(&self) -> &'static str {
        "binaries"
    }

    fn start<'a>(&'a self, options: &'a ScratchOptions) -> BoxFuture<'a, Result<StartedServer>> {
        Box::pin(async move {
            let (folder, major) = (self.folder.clone(), options.major);
            let variables = options.variables.clone();
            let started = tokio::task::spawn_blocking(move || {
                let programs = find(folder.as_deref(), major, &variables)?;
                cluster::remove_abandoned_servers(&programs, &variables);
                Ok::<_, Error>((Cluster::start(&programs, &variables)?, programs))
            });
            let (cluster, programs) = started.await.map_err(|error| Error::Internal(error.to_string()))??;
            let admin = Session::connect(&cluster.target("template1")?).await?;
            check_available(&admin, options, self.name()).await?;
            let mut reason = format!("a private server of {}", programs.folder.display());
            if let Some(major) = options.major.filter(|major| *major != programs.version.major()) {
                let _ = write!(reason, "; PostgreSQL {major} is not installed");
            }
            Ok(StartedServer { server: Arc::new(PrivateServer { cluster, admin }), reason })
        })
    }
}

fn find(folder: Option<&Path>, major: Option<u32>, variables: &Environment) -> Result<Programs> {
    if let Some(folder) = folder {
        return Programs::in_folder(folder).ok_or_else(|| {
            let message = format!("no server programs of PostgreSQL 14 or later in {}", folder.display());
            Diagnostic::new(codes::SCRATCH, message)
                .help("give the folder that contains `initdb` and `postgres`")
                .into()
        });
    }
    let found = programs::find(major, variables).ok_or_else(|| {
        Diagnostic::new(codes::SCRATCH, "no server programs of PostgreSQL 14 or later found")
            .help("install them, or name their folder in SCHEMADIFF_PG_BINDIRS")
    })?;
    match major {
        Some(major) => check_version(found.version, major).map(|()| found),
        None => Ok(found),
    }
}

/// Rejects programs of another version than the database if the embedded server is a better match: it has the version of
/// the database and deparses expressions the same way, or it is newer than programs that are older than the database.
fn check_version(found: PgVersion, database: u32) -> Result<()> {
    let built_in = embedded::BUILT_IN.then(|| embedded::VERSION.major());
    let same = found.major() != database && built_in == Some(database);
    let newer = found.major() < database && built_in.is_some_and(|major| major > found.major());
    if same || newer {
        let message =
            format!("the programs are of PostgreSQL {}, the database is of {database}", found.major());
        return Err(Diagnostic::new(codes::SCRATCH, message).into());
    }
    Ok(())
}

/// A private cluster and a connection to it.
struct PrivateServer {
    cluster: Arc<Cluster>,
    admin: Session,
}

impl Server for PrivateServer {
    fn version(&self) -> PgVersion {
        self.admin.version()
    }

    fn create_database(&self) -> BoxFuture<'_, Result<Session>> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Box::pin(async {
            let name = format!("scratch_{}", NEXT.fetch_add(1, Ordering::Relaxed));
            // `template1` is the cluster's only template, and has the encoding and locale that `initdb` was given.
            // WAL_LOG, the default strategy from 15 on, takes ten times as long.
            let mut create = sql!("CREATE DATABASE {} TEMPLATE template1", Ident(&name));
            if self.version() >= PgVersion::V15 {
                create.push(&sql!("STRATEGY file_copy"));
            }
            self.admin.run(create.as_str()).await?;
            Session::connect(&self.cluster.target(&name)?).await
        })
    }

    fn create_roles<'a>(&'a self, session: &'a Session, stubs: &'a [RoleStub]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { roles::create(session, stubs, None).await.map(drop) })
    }

    fn drop_database<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(drop_database(&self.admin, name))
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        let cluster = Arc::clone(&self.cluster);
        Box::pin(async {
            let _ = tokio::task::spawn_blocking(move || cluster.stop()).await;
        })
    }
}
