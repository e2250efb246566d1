//! The scratch server: where declared schemas become catalogs and migrations are tried out.
//!
//! There is a ladder of them, and the first rung that works is taken: a server that is given by
//! its URL, a private one started from the programs on this machine, the environment's own, and
//! the one that is embedded in this program. Whatever is made on one is gone afterwards: at a
//! normal end, after an error, after Ctrl-C, and after a `kill -9` at the next run.

mod binaries;
mod borrowed;
mod choice;
mod cluster;
mod database;
mod embedded;
mod live;
mod roles;
mod run_as;
mod template;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use crate::db::{Environment, PgVersion, Session};
use crate::error::{Diagnostic, Error, Place, Result, codes};

pub use choice::{Choice, Protection};
pub use database::ScratchDatabase;
pub use live::sweep_on_signal;
pub use roles::RoleStub;

use borrowed::Borrowed;

use cluster::Cluster;
use embedded::Embedded;

/// What is wanted of a scratch server.
pub struct ScratchOptions {
    /// Which rung.
    pub choice: Choice,
    /// The major version of the server that the migration is for.
    pub major: Option<u32>,
    /// The environment's own server.
    pub environment: Option<OwnServer>,
    /// Extensions that must be there.
    pub extensions: Vec<RequiredExtension>,
    /// `PATH`, `HOME`, `TMPDIR`, `XDG_CACHE_HOME`, `SCHEMADIFF_PG_BINDIRS`.
    pub variables: Environment,
    /// Takes lines for stderr.
    pub talk: Talk,
}

/// An extension that a state needs.
#[derive(Clone, Debug)]
pub struct RequiredExtension {
    /// Its name.
    pub name: String,
    /// Where it is declared, if it is.
    pub place: Option<Place>,
}

impl From<&str> for RequiredExtension {
    /// One that is declared nowhere.
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), place: None }
    }
}

/// Takes a line for people.
pub type Talk = Arc<dyn Fn(&str) + Send + Sync>;

/// The environment's own server, which rung 3 may use.
#[derive(Clone, Debug)]
pub struct OwnServer {
    /// A database on it.
    pub target: crate::db::Target,
    /// Whether the environment is `protected`, and nothing may be tried out on its server.
    pub protection: Protection,
}

impl ScratchOptions {
    /// Any rung and any version.
    pub fn any(variables: Environment) -> Self {
        Self {
            choice: Choice::Auto,
            major: None,
            environment: None,
            extensions: Vec::new(),
            variables,
            talk: Arc::new(|_| {}),
        }
    }
}

/// Which rung was taken.
#[derive(Clone, Debug)]
pub struct Rung {
    /// `url`, `binaries`, `environment` or `embedded`.
    pub name: &'static str,
    /// What it is, and why no better one.
    pub reason: String,
    /// The server's version.
    pub version: PgVersion,
}

/// A scratch server that runs.
pub struct Scratch {
    rung: Rung,
    server: Server,
    variables: Environment,
}

enum Server {
    Cluster { cluster: Arc<Cluster>, admin: Arc<Session> },
    Borrowed(Arc<Borrowed>),
    Embedded(Embedded),
}

/// Refuses a server that would print in other words than the wanted one where a better one is built in, and
/// one that cannot know what the wanted one does.
fn fits(found: PgVersion, wanted: u32) -> Result<()> {
    let built_in = cfg!(feature = "embedded").then(|| embedded::VERSION.major());
    let better = found.major() != wanted && built_in == Some(wanted);
    if better || found.major() < wanted && built_in.is_some_and(|major| major > found.major()) {
        let what = format!("those found are of PostgreSQL {}, the database is of {wanted}", found.major());
        return Err(Diagnostic::new(codes::SCRATCH, what).into());
    }
    Ok(())
}

/// The server programs on this machine: the newest of each major version, oldest first.
pub fn installed(variables: &Environment) -> Vec<(PgVersion, PathBuf)> {
    binaries::each(variables).into_iter().map(|found| (found.version, found.folder)).collect()
}

/// A rung that did not do.
struct Passed {
    name: &'static str,
    why: String,
    /// Of the declaration that it cannot take.
    place: Option<Place>,
}

impl Passed {
    fn new(name: &'static str, error: &Error) -> Self {
        let place = match error {
            Error::Diagnostics(list) => list.first().and_then(|one| one.place.clone()),
            Error::Server(_) | Error::Io { .. } | Error::Internal(_) => None,
        };
        let why = error.to_string().lines().next().unwrap_or_default().to_owned();
        Self { name, why, place }
    }
}

impl Scratch {
    /// Starts a server on the first rung that works, or on the one that was chosen.
    pub async fn start(wanted: &ScratchOptions) -> Result<Self> {
        tracing::info!("starting a scratch server");
        let mut passed = Vec::new();
        let rungs: &[&'static str] = match &wanted.choice {
            Choice::Auto => &["binaries", "environment", "embedded"],
            Choice::Url(_) => &["url"],
            Choice::Binaries(_) => &["binaries"],
            Choice::Environment => &["environment"],
            Choice::Embedded => &["embedded"],
        };
        for name in rungs {
            let started = match *name {
                "url" => Self::url(wanted).await,
                "binaries" => Self::binaries(wanted).await,
                "environment" => Self::environment(wanted).await,
                _ => Self::embedded(wanted),
            };
            match started {
                Ok(mut scratch) => {
                    scratch.tell(wanted, &passed);
                    return Ok(scratch);
                }
                // A chosen rung has no other to fall back to.
                Err(error) if rungs.len() == 1 => return Err(error),
                Err(error) => passed.push(Passed::new(name, &error)),
            }
        }
        let mut none = Diagnostic::new(codes::SCRATCH, "there is no scratch server to try the schema on");
        for Passed { name, why, place } in passed {
            none = none.help(format!("{name}: {why}"));
            none.place = none.place.or(place);
        }
        Err(none.help("install PostgreSQL's server programs, or give a server: --scratch URL").into())
    }

    fn tell(&mut self, wanted: &ScratchOptions, passed: &[Passed]) {
        for Passed { name, why, .. } in passed {
            let _ = write!(self.rung.reason, "; not {name}: {why}");
        }
        let Rung { name, reason, version } = &self.rung;
        (wanted.talk)(&format!("scratch server: {name}, PostgreSQL {version} ({reason})"));
    }

    async fn url(wanted: &ScratchOptions) -> Result<Self> {
        let Choice::Url(target) = &wanted.choice else {
            return Err(Error::Internal("the rung `url` has no URL".to_owned()));
        };
        let borrowed = Borrowed::connect(target, wanted).await?;
        let reason = format!("as chosen, {target}");
        Ok(Self::on(Server::Borrowed(borrowed), "url", reason, wanted))
    }

    async fn environment(wanted: &ScratchOptions) -> Result<Self> {
        let none = |why: &str| Error::from(Diagnostic::new(codes::SCRATCH, why));
        let Some(own) = &wanted.environment else { return Err(none("no environment is chosen")) };
        if own.target.folder().is_some() {
            return Err(none("an embedded database takes one connection"));
        }
        if own.protection == Protection::Protected {
            return Err(none("the environment is protected"));
        }
        let borrowed = Borrowed::connect(&own.target, wanted).await?;
        let reason = format!("the environment's own server, {}", own.target);
        Ok(Self::on(Server::Borrowed(borrowed), "environment", reason, wanted))
    }

    async fn binaries(wanted: &ScratchOptions) -> Result<Self> {
        let (major, variables) = (wanted.major, wanted.variables.clone());
        let folder = match &wanted.choice {
            Choice::Binaries(folder) => folder.clone(),
            Choice::Auto | Choice::Url(_) | Choice::Environment | Choice::Embedded => None,
        };
        let started = tokio::task::spawn_blocking(move || {
            let found = match &folder {
                Some(folder) => binaries::Binaries::in_folder(folder).ok_or_else(|| {
                    let what = format!("{} holds no server of PostgreSQL 14 or later", folder.display());
                    Diagnostic::new(codes::SCRATCH, what).help("name the folder of `initdb` and `postgres`")
                }),
                None => binaries::find(major, &variables).ok_or_else(|| {
                    Diagnostic::new(
                        codes::SCRATCH,
                        "no server programs of PostgreSQL 14 or later are on this machine",
                    )
                    .help("install them, or name their folder in SCHEMADIFF_PG_BINDIRS")
                }),
            }?;
            if let (None, Some(major)) = (&folder, major) {
                fits(found.version, major)?;
            }
            cluster::sweep(&found, &variables);
            let cluster = Cluster::start(&found, &variables)?;
            Ok::<_, Error>((cluster, found))
        });
        let (cluster, found) = started.await.map_err(|error| Error::Internal(error.to_string()))??;
        let admin = Session::connect(&cluster.target("template1")?).await?;
        check_extensions(&admin, wanted, "binaries").await?;
        let mut reason = format!("a private server of {}", found.folder.display());
        if let Some(major) = wanted.major.filter(|major| *major != found.version.major()) {
            let _ = write!(reason, ", as there is none of the wanted version {major}");
        }
        Ok(Self::on(Server::Cluster { cluster, admin: Arc::new(admin) }, "binaries", reason, wanted))
    }

    fn embedded(wanted: &ScratchOptions) -> Result<Self> {
        let embedded = Embedded::new(wanted)?;
        Ok(Self::on(
            Server::Embedded(embedded),
            "embedded",
            "the server inside this program".to_owned(),
            wanted,
        ))
    }

    fn on(server: Server, name: &'static str, reason: String, wanted: &ScratchOptions) -> Self {
        let version = match &server {
            Server::Cluster { admin, .. } => admin.version(),
            Server::Borrowed(borrowed) => borrowed.version(),
            Server::Embedded(_) => embedded::VERSION,
        };
        Self { rung: Rung { name, reason, version }, server, variables: wanted.variables.clone() }
    }

    /// Which rung this is.
    pub fn rung(&self) -> &Rung {
        &self.rung
    }

    /// The server's version.
    pub fn version(&self) -> PgVersion {
        self.rung.version
    }

    /// A new empty database: from `template0`, in UTF-8, ordered as C.
    pub async fn database(&self) -> Result<ScratchDatabase> {
        match &self.server {
            Server::Cluster { cluster, admin } => ScratchDatabase::in_cluster(cluster, admin).await,
            Server::Borrowed(borrowed) => ScratchDatabase::borrowed(borrowed).await,
            Server::Embedded(embedded) => ScratchDatabase::embedded(embedded).await,
        }
    }

    /// The newest `pg_dump` at hand that can read this server.
    pub fn pg_dump(&self) -> Option<PathBuf> {
        binaries::pg_dump(self.version(), &self.variables)
    }

    /// Drops what was made and stops the server, where it is ours.
    pub async fn stop(self) {
        match self.server {
            Server::Cluster { cluster, admin } => {
                if let Some(admin) = Arc::into_inner(admin) {
                    admin.close().await;
                }
                let _ = tokio::task::spawn_blocking(move || cluster.stop()).await;
            }
            Server::Borrowed(borrowed) => borrowed.clean().await,
            Server::Embedded(_) => {}
        }
    }
}

/// Whether the wanted extensions can be created there.
async fn check_extensions(admin: &Session, wanted: &ScratchOptions, rung: &str) -> Result<()> {
    if wanted.extensions.is_empty() {
        return Ok(());
    }
    let rows = admin.rows("SELECT name FROM pg_catalog.pg_available_extensions").await?;
    let there = |needed: &&RequiredExtension| rows.iter().any(|row| row.get(0) == Some(needed.name.as_str()));
    match wanted.extensions.iter().find(|needed| !there(needed)) {
        None => Ok(()),
        Some(first) => Err(no_extension(first, rung, wanted)),
    }
}

/// An extension that a rung lacks, and where it can be had.
fn no_extension(needed: &RequiredExtension, rung: &str, wanted: &ScratchOptions) -> Error {
    let name = &needed.name;
    let mut diagnostic = Diagnostic::new(
        codes::EXTENSION,
        format!("the extension `{name}` is not available on the scratch server ({rung})"),
    );
    diagnostic.place.clone_from(&needed.place);
    if rung != "embedded" && embedded::has_extension(name) {
        diagnostic = diagnostic.help("the embedded server has it: --scratch embedded");
    }
    if rung != "environment"
        && wanted.environment.as_ref().is_some_and(|own| own.protection == Protection::Open)
    {
        diagnostic = diagnostic.help("the environment's own server may have it: --scratch environment");
    }
    diagnostic
        .help("install its package for the scratch server, or give a server that has it: --scratch URL")
        .into()
}
