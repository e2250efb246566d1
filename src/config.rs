//! `schemadiff.yaml`: where the target, the migrations and the environments are.

mod layout;
mod read;
mod variables;

use std::path::{Path, PathBuf};
use std::time::Duration;

use indexmap::IndexMap;

pub use layout::Layout;
pub use variables::Variables;

use crate::allow::Allowance;
use crate::db::{Environment, Target};
use crate::error::text::suggest;
use crate::error::{Diagnostic, Place, Result, codes};
use crate::manage::Manage;
use crate::model::rename::AmbiguousRenames;
use crate::park::Drops;
use crate::recipes::Policy;
use crate::scratch::{EnvironmentServer, Protection};

/// The file's name.
pub const FILE: &str = "schemadiff.yaml";

/// What the file says, and what holds where it says nothing.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file, where there is one.
    pub file: Option<PathBuf>,
    /// The declared schema: a file, a folder, or several.
    pub target: Vec<PathBuf>,
    /// The folder of the revisions.
    pub migrations: PathBuf,
    /// How revisions are named.
    pub layout: Layout,
    /// What becomes of what could be a rename and is not said to be one.
    pub renames: Option<AmbiguousRenames>,
    /// Where things are tried out; the value of `--scratch` goes before it.
    pub scratch: Option<String>,
    /// What is managed, and what is left alone.
    pub manage: Manage,
    /// How much care migrations take.
    pub policy: Policy,
    /// How long their statements wait for a lock that others wait behind.
    pub lock_timeout: Duration,
    /// What may hurt, by whose word.
    pub allow: Vec<Allowance>,
    /// What becomes of tables that the target has no more.
    pub drops: Drops,
    /// Saved sizes of tables.
    pub stats: Option<PathBuf>,
    environments: IndexMap<String, Declared>,
    default_environment: Option<String>,
}

/// A value as it is written, expanded when it is needed: whoever works on `dev` need not have the
/// variables of `prod`.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    text: String,
    place: Place,
}

#[derive(Clone, Debug)]
struct Declared {
    url: Written,
    protection: Protection,
}

/// A database that a command works on.
#[derive(Clone, Debug)]
pub struct Database {
    /// The environment's name, or the address without its password.
    pub name: String,
    /// Where it is.
    pub target: Target,
    /// Whether it must be confirmed.
    pub protection: Protection,
}

impl Database {
    /// A database that is named by its address.
    pub fn at(target: Target) -> Self {
        Self { name: target.redacted(), target, protection: Protection::Open }
    }

    /// The server on which things may be tried out, if they may.
    pub fn environment_server(&self) -> EnvironmentServer {
        EnvironmentServer { target: self.target.clone(), protection: self.protection }
    }
}

impl Config {
    /// The file of this folder or of the nearest above it.
    pub fn find(folder: &Path) -> Option<PathBuf> {
        let depth = std::path::absolute(folder).map_or(0, |path| path.components().count());
        let mut here = folder.to_path_buf();
        for _ in 0..=depth {
            let file = here.join(FILE);
            if file.is_file() {
                // What users read is shorter without the `./`.
                return Some(file.strip_prefix(".").map(Path::to_path_buf).unwrap_or(file));
            }
            here.push("..");
        }
        None
    }

    /// What holds where there is no file.
    pub fn defaults() -> Self {
        let target = ["schema.yaml", "schema.sql", "schema"].map(PathBuf::from);
        let target = target.iter().find(|path| path.exists()).unwrap_or(&target[0]).clone();
        Self {
            file: None,
            target: vec![target],
            migrations: "generated".into(),
            layout: Layout::default(),
            renames: None,
            scratch: None,
            manage: Manage::default(),
            policy: Policy::default(),
            lock_timeout: crate::model::LOCK_TIMEOUT,
            allow: Vec::new(),
            drops: Drops::default(),
            stats: None,
            environments: IndexMap::new(),
            default_environment: None,
        }
    }

    /// Reads the file. Relative paths in it start where it is.
    ///
    /// # Errors
    /// All that is wrong in it, with places.
    pub fn read(file: &Path, variables: &Variables) -> Result<Self> {
        read::read(file, variables)
    }

    /// The names of the environments.
    pub fn environments(&self) -> impl Iterator<Item = &str> {
        self.environments.keys().map(String::as_str)
    }

    /// An environment by its name, or the default one.
    ///
    /// # Errors
    /// When there is none of the name, or a variable of its address is not set.
    pub fn environment(
        &self,
        name: Option<&str>,
        variables: &Variables,
        surroundings: &Environment,
    ) -> Result<Database> {
        let name = match name.or(self.default_environment.as_deref()) {
            Some(name) => name,
            // One that stands alone needs no name.
            None => match self.environments.keys().next() {
                Some(only) if self.environments.len() == 1 => only,
                _ => return Err(self.none_named().into()),
            },
        };
        let Some(declared) = self.environments.get(name) else {
            return Err(self.unknown(name).into());
        };
        let url = variables.expand(&declared.url.text).map_err(|why| {
            Diagnostic::new(codes::VALUE, format!("the environment `{name}`: {why}"))
                .at(declared.url.place.clone())
                .help("set it, write it into `.env`, or give a default: ${NAME:-value}")
        })?;
        let target = Target::parse(&self.rooted(&url), surroundings)?;
        Ok(Database { name: name.to_owned(), target, protection: declared.protection })
    }

    /// An embedded server's folder starts where the file is, as every other path in it does.
    fn rooted(&self, url: &str) -> String {
        match (url.trim().strip_prefix("embedded:"), &self.file) {
            (Some(folder), Some(file)) if !folder.is_empty() => {
                format!("embedded:{}", beside(file, folder).display())
            }
            _ => url.to_owned(),
        }
    }

    fn none_named(&self) -> Diagnostic {
        let none = Diagnostic::new(codes::USAGE, "no database is named");
        match (&self.file, self.environments.is_empty()) {
            (None, _) => none
                .help("give its address: --url postgres://user@host/database")
                .help(format!("or declare environments in {FILE}; `schemadiff init` writes one")),
            (Some(file), true) => none
                .help(format!("{} declares no environments", file.display()))
                .help("give an address: --url postgres://user@host/database"),
            (Some(_), false) => none
                .help(format!("choose one: --env {}", self.names(" | ")))
                .help("or write which one is meant when none is named: `default_environment: NAME`"),
        }
    }

    fn unknown(&self, name: &str) -> Diagnostic {
        let mut unknown = Diagnostic::new(codes::USAGE, format!("there is no environment `{name}`"));
        if let Some(near) = suggest(name, self.environments()) {
            unknown = unknown.help(format!("did you mean `{near}`?"));
        }
        match (&self.file, self.environments.is_empty()) {
            (None, _) => {
                unknown.help(format!("there is no {FILE} here or above; `schemadiff init` writes one"))
            }
            (Some(file), true) => unknown.help(format!("{} declares none", file.display())),
            (Some(file), false) => unknown.help(format!("{} declares {}", file.display(), self.names(", "))),
        }
    }

    fn names(&self, separator: &str) -> String {
        self.environments().collect::<Vec<_>>().join(separator)
    }
}

/// A path that is written in a file.
fn beside(file: &Path, path: &str) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.join(path),
        _ => PathBuf::from(path),
    }
}
