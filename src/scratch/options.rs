//! The options of a scratch server.

use std::sync::Arc;

use super::choice::Choice;
use crate::db::{Environment, Target};
use crate::error::Place;

/// The requirements for a scratch server.
pub struct ScratchOptions {
    /// The user's choice of rung.
    pub choice: Choice,
    /// The major version of the database that the migration is for.
    pub major: Option<u32>,
    /// The server of the environment that the migration is for.
    pub environment: Option<EnvironmentServer>,
    /// The extensions that must be available.
    pub extensions: Vec<RequiredExtension>,
    /// The environment variables: `PATH`, `HOME`, `TMPDIR`, `XDG_CACHE_HOME`, `SCHEMADIFF_PG_BINDIRS`.
    pub variables: Environment,
    /// Receives messages for the user.
    pub messages: MessageSink,
}

/// Receives messages for the user, a line at a time.
pub type MessageSink = Arc<dyn Fn(&str) + Send + Sync>;

/// An extension that a schema needs.
#[derive(Clone, Debug)]
pub struct RequiredExtension {
    /// Its name.
    pub name: String,
    /// Its declaration, if it is declared in a file.
    pub place: Option<Place>,
}

impl From<&str> for RequiredExtension {
    /// An extension without a declaration.
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), place: None }
    }
}

/// The server of an environment.
#[derive(Clone, Debug)]
pub struct EnvironmentServer {
    /// A database on it.
    pub target: Target,
    /// Whether scratch databases may be created on it.
    pub protection: Protection,
}

/// Whether an environment is protected (`protected: true` in the configuration).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Scratch databases may be created on its server, and migrations run without confirmation.
    Open,
    /// No scratch databases are created on its server, and migrations must be confirmed.
    Protected,
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
            messages: Arc::new(|_| {}),
        }
    }
}
