//! The environments of a project: its databases by name.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::variables::Variables;
use crate::db::{Environment, Target};
use crate::error::text::suggest;
use crate::error::{Diagnostic, Place, Result, codes};
use crate::scratch::{EnvironmentServer, Protection};

/// The declared environments.
#[derive(Clone, Debug, Default)]
pub(super) struct Environments {
    /// The configuration file, if it exists.
    pub(super) file: Option<PathBuf>,
    pub(super) by_name: IndexMap<String, DeclaredEnvironment>,
    pub(super) default: Option<String>,
}

/// An environment as it is written in the configuration.
#[derive(Clone, Debug)]
pub(super) struct DeclaredEnvironment {
    /// The address. Its variables are expanded when the environment is used, so that working on `dev` does not need the
    /// variables of `prod`.
    pub(super) url: String,
    pub(super) place: Place,
    pub(super) protection: Protection,
}

/// A database that a command works on.
#[derive(Clone, Debug)]
pub struct Database {
    /// The name of the environment, or the address without its password.
    pub name: String,
    /// The address.
    pub target: Target,
    /// Whether changes must be confirmed.
    pub protection: Protection,
}

impl Database {
    /// A database without an environment.
    pub fn at(target: Target) -> Self {
        Self { name: target.redacted(), target, protection: Protection::Open }
    }

    /// The option that names the database on the command line.
    pub fn option(&self) -> String {
        let is_url = self.name == self.target.redacted();
        if is_url { format!("--url {}", self.name) } else { format!("--env {}", self.name) }
    }

    /// The server of the database.
    pub fn environment_server(&self) -> EnvironmentServer {
        EnvironmentServer { target: self.target.clone(), protection: self.protection }
    }
}

impl Environments {
    /// The names of the environments.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The database of an environment, by its name or the default.
    pub(super) fn database(
        &self,
        name: Option<&str>,
        variables: &Variables,
        process: &Environment,
    ) -> Result<Database> {
        let name = match name.or(self.default.as_deref()) {
            Some(name) => name,
            None => match self.by_name.keys().next() {
                Some(only) if self.by_name.len() == 1 => only,
                _ => return Err(self.none_given().into()),
            },
        };
        let Some(declared) = self.by_name.get(name) else {
            return Err(self.unknown(name).into());
        };
        let url = variables.expand(&declared.url).map_err(|reason| {
            Diagnostic::new(codes::VALUE, format!("environment `{name}`: {reason}"))
                .at(declared.place.clone())
                .help("set it, write it into `.env`, or give a default: ${NAME:-value}")
        })?;
        let target = Target::parse(&self.resolve(&url), process)?;
        Ok(Database { name: name.to_owned(), target, protection: declared.protection })
    }

    /// Makes the folder of an embedded server relative to the configuration file.
    fn resolve(&self, url: &str) -> String {
        match (url.trim().strip_prefix("embedded:"), &self.file) {
            (Some(folder), Some(file)) if !folder.is_empty() => {
                format!("embedded:{}", relative_to(file, folder).display())
            }
            _ => url.to_owned(),
        }
    }

    fn none_given(&self) -> Diagnostic {
        let none = Diagnostic::new(codes::USAGE, "no database is given");
        let url = "give its address: --url postgres://user@host/database";
        match (&self.file, self.by_name.is_empty()) {
            (None, _) => none
                .help(url)
                .help("or declare environments in schemadiff.yaml, which `schemadiff init` creates"),
            (Some(file), true) => {
                none.help(url).help(format!("or declare environments in {}", file.display()))
            }
            (Some(_), false) => none
                .help(format!("choose an environment: --env {}", self.list(" | ")))
                .help("or set a default in the configuration: `default_environment: NAME`"),
        }
    }

    fn unknown(&self, name: &str) -> Diagnostic {
        let mut unknown = Diagnostic::new(codes::USAGE, format!("unknown environment `{name}`"));
        if let Some(similar) = suggest(name, self.names()) {
            unknown = unknown.help(format!("did you mean `{similar}`?"));
        }
        match (&self.file, self.by_name.is_empty()) {
            (None, _) => unknown.help(
                "there is no schemadiff.yaml in this folder or a parent folder; `schemadiff init` creates one",
            ),
            (Some(file), true) => unknown.help(format!("{} declares no environments", file.display())),
            (Some(file), false) => {
                unknown.help(format!("{} declares {}", file.display(), self.list(", ")))
            }
        }
    }

    fn list(&self, separator: &str) -> String {
        self.names().collect::<Vec<_>>().join(separator)
    }
}

/// Resolves a path that is written in a file.
pub(super) fn relative_to(file: &Path, path: &str) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.join(path),
        _ => PathBuf::from(path),
    }
}
