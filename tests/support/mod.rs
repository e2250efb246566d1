//! The servers that tests run on. A test whose server is missing is reported as ignored.

#![allow(dead_code, unused_imports, unused_macros, reason = "each test program uses a part of it")]

mod database;
mod suite;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemadiff::db::Environment;
use schemadiff::scratch::{self, Choice, Scratch, ScratchDatabase, ScratchOptions};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

pub(crate) use database::Database;
pub(crate) use suite::{Needs, Suite, blocking_tests, ignored, tests};

/// The supported major versions of PostgreSQL.
pub(crate) const MAJORS: std::ops::RangeInclusive<u32> = 14..=18;

/// The major version of the embedded server.
const EMBEDDED: u32 = 17;

/// The environment variables of the test program.
pub(crate) fn environment() -> Environment {
    Environment::from_vars(std::env::vars_os())
}

/// A server that tests share. It starts when the first of them uses it.
pub(crate) struct Server {
    /// Its major version.
    pub(crate) major: u32,
    /// The folder of its programs; none for the embedded server.
    programs: Option<PathBuf>,
    runtime: Handle,
    scratch: OnceCell<Scratch>,
}

impl Server {
    fn new(major: u32, programs: Option<PathBuf>, runtime: &Handle) -> Arc<Self> {
        Arc::new(Self { major, programs, runtime: runtime.clone(), scratch: OnceCell::new() })
    }

    /// Waits for what a test does on the runtime.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Whether it is the server inside the program.
    pub(crate) fn is_embedded(&self) -> bool {
        self.programs.is_none()
    }

    /// The name for the list of tests: `15`, `embedded`.
    pub(crate) fn name(&self) -> String {
        if self.is_embedded() { "embedded".into() } else { self.major.to_string() }
    }

    /// The folder of its programs.
    ///
    /// # Panics
    /// If it is the embedded server.
    pub(crate) fn programs(&self) -> &Path {
        self.programs.as_deref().expect("an installed server")
    }

    /// Options that start another server of its kind.
    pub(crate) fn options(&self) -> ScratchOptions {
        let choice = match &self.programs {
            Some(folder) => Choice::Binaries(Some(folder.clone())),
            None => Choice::Embedded,
        };
        ScratchOptions { choice, ..ScratchOptions::any(environment()) }
    }

    /// Another server of its kind, for a test that changes more than a database.
    pub(crate) async fn another(&self) -> Scratch {
        Scratch::start(&self.options()).await.expect("the server starts")
    }

    /// The server.
    pub(crate) async fn scratch(&self) -> &Scratch {
        self.scratch.get_or_init(|| self.another()).await
    }

    /// An empty database.
    pub(crate) async fn database(&self) -> ScratchDatabase {
        self.scratch().await.database().await.expect("a database is created")
    }
}

/// The servers of this machine.
pub(crate) struct Servers {
    /// One of each installed major version, oldest first.
    pub(crate) installed: Vec<Arc<Server>>,
    /// The one inside the program, if it is built in.
    pub(crate) embedded: Option<Arc<Server>>,
}

impl Servers {
    /// Finds them.
    ///
    /// `SCHEMADIFF_REQUIRE_PG="14 18"` names major versions that must be installed.
    ///
    /// # Panics
    /// If one of those is not.
    pub(crate) fn find(runtime: &Handle) -> Self {
        let installed = scratch::installed(&environment()).into_iter();
        let installed: Vec<Arc<Server>> =
            installed.map(|(version, folder)| Server::new(version.major(), Some(folder), runtime)).collect();
        let majors: Vec<u32> = installed.iter().map(|server| server.major).collect();
        let required = std::env::var("SCHEMADIFF_REQUIRE_PG").unwrap_or_default();
        for word in required.split_whitespace() {
            let major: u32 = word.parse().expect("SCHEMADIFF_REQUIRE_PG is a list of major versions");
            assert!(
                majors.contains(&major),
                "SCHEMADIFF_REQUIRE_PG requires PostgreSQL {major}; installed: {majors:?}"
            );
        }
        let embedded = cfg!(feature = "embedded").then(|| Server::new(EMBEDDED, None, runtime));
        Self { installed, embedded }
    }

    /// The newest installed server, or the embedded one if none is installed.
    pub(crate) fn newest(&self) -> Option<&Arc<Server>> {
        self.installed.last().or(self.embedded.as_ref())
    }

    /// The installed servers and the embedded one.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Server>> {
        self.installed.iter().chain(&self.embedded)
    }

    /// Stops those that have been started.
    pub(crate) async fn stop(self) {
        for server in self.installed.into_iter().chain(self.embedded) {
            if let Some(scratch) = Arc::into_inner(server).and_then(|server| server.scratch.into_inner()) {
                scratch.stop().await;
            }
        }
    }
}
