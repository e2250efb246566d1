//! Scratch servers: where declared schemas become catalogs and migrations are rehearsed.
//!
//! There is a ladder of servers: one given by its URL, a private one started from the server programs of this machine,
//! the environment's own server, and the embedded server. Each rung is a file in `rungs`; without a choice of the
//! user, the first rung that works is taken. Everything created on a server is removed: at the end, after an error,
//! after Ctrl-C, and after a `kill -9` by the next run.

mod borrowed;
mod choice;
mod cleanup;
mod cluster;
mod create;
mod database;
mod extensions;
mod options;
mod programs;
mod roles;
mod run_as;
mod rung;
mod rungs;
mod server;
mod template;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use crate::db::{Environment, PgVersion};
use crate::error::{Diagnostic, Error, Place, Result, codes};

pub use choice::Choice;
pub use cleanup::{Signals, clean_up};
pub use database::ScratchDatabase;
pub use options::{EnvironmentServer, MessageSink, Protection, RequiredExtension, ScratchOptions};
pub use roles::RoleStub;

use rung::StartedServer;
use server::Server;

/// The rung on which a scratch server was started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SelectedRung {
    /// `url`, `binaries`, `environment` or `embedded`.
    pub name: &'static str,
    /// A description of the server, and why the rungs before it were skipped.
    pub reason: String,
    /// The server's version.
    pub version: PgVersion,
}

/// A running scratch server.
pub struct Scratch {
    rung: SelectedRung,
    server: Arc<dyn Server>,
    variables: Environment,
}

/// Returns the server programs of this machine: the newest of each major version, oldest first.
pub fn installed(variables: &Environment) -> Vec<(PgVersion, PathBuf)> {
    programs::newest_of_each_major(variables)
        .into_iter()
        .map(|programs| (programs.version, programs.folder))
        .collect()
}

/// A rung on which no server could be started.
struct SkippedRung {
    name: &'static str,
    reason: String,
    /// The declaration that needs what this rung lacks.
    place: Option<Place>,
}

impl SkippedRung {
    fn new(name: &'static str, error: &Error) -> Self {
        let place = match error {
            Error::Diagnostics(list) => list.first().and_then(|first| first.place.clone()),
            Error::Server(_) | Error::Io { .. } | Error::Internal(_) => None,
        };
        let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
        Self { name, reason, place }
    }
}

impl Scratch {
    /// Starts a server on the chosen rung, or on the first one that works.
    ///
    /// # Errors
    /// Returns an error if the chosen rung does not work, or none does.
    pub async fn start(options: &ScratchOptions) -> Result<Self> {
        tracing::info!("starting a scratch server");
        let rungs = rungs::of(&options.choice);
        let mut skipped = Vec::new();
        for rung in &rungs {
            match rung.start(options).await {
                Ok(started) => return Ok(Self::new(rung.name(), started, &skipped, options)),
                Err(error) if rungs.len() == 1 => return Err(error),
                Err(error) => skipped.push(SkippedRung::new(rung.name(), &error)),
            }
        }
        let mut none = Diagnostic::new(codes::SCRATCH, "no scratch server is available");
        for SkippedRung { name, reason, place } in skipped {
            none = none.help(format!("{name}: {reason}"));
            none.place = none.place.or(place);
        }
        Err(none.help("install PostgreSQL's server programs, or give a server: --scratch URL").into())
    }

    fn new(
        name: &'static str,
        StartedServer { server, mut reason }: StartedServer,
        skipped: &[SkippedRung],
        options: &ScratchOptions,
    ) -> Self {
        for rung in skipped {
            let _ = write!(reason, "; not {}: {}", rung.name, rung.reason);
        }
        let version = server.version();
        (options.messages)(&format!("scratch server: {name}, PostgreSQL {version} ({reason})"));
        let rung = SelectedRung { name, reason, version };
        Self { rung, server, variables: options.variables.clone() }
    }

    /// The rung on which the server was started.
    pub fn rung(&self) -> &SelectedRung {
        &self.rung
    }

    /// The server's version.
    pub fn version(&self) -> PgVersion {
        self.rung.version
    }

    /// Creates an empty database from `template0`, with the encoding UTF-8 and the collation of C.
    ///
    /// # Errors
    /// Returns an error if the server refuses.
    pub async fn database(&self) -> Result<ScratchDatabase> {
        ScratchDatabase::create(&self.server).await
    }

    /// The newest installed `pg_dump` that can read this server.
    pub fn pg_dump(&self) -> Option<PathBuf> {
        programs::pg_dump(self.version(), &self.variables)
    }

    /// Drops everything that was created, and stops the server if this process started it.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
