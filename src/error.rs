//! Errors, their codes and places, and helpers for the wording of messages.

pub mod codes;
mod diagnostic;
pub mod text;

use std::fmt;
use std::path::PathBuf;

pub use codes::Code;
pub use diagnostic::{Diagnostic, Place};

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error. The command line prints it and exits with 2.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Problems that the user can fix.
    #[error("{}", .0.first().map_or("", |d| d.message.as_str()))]
    Diagnostics(Vec<Diagnostic>),
    /// A statement failed on a server.
    #[error("{0}")]
    Server(Box<ServerError>),
    /// An operation on a file or folder failed.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A bug in schemadiff.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Diagnostics(vec![diagnostic])
    }
}

/// An error that a server returned, with the statement that caused it.
#[derive(Clone, Debug)]
pub struct ServerError {
    /// The SQLSTATE (manual, appendix A), such as `42P01`.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// The detail message.
    pub detail: Option<String>,
    /// The hint.
    pub hint: Option<String>,
    /// The statement.
    pub sql: String,
    /// The byte offset in `sql` at which the error occurred.
    pub position: Option<usize>,
    /// The schema and name of the table concerned, if the server reports them.
    pub table: Option<[String; 2]>,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.code)?;
        if let Some(detail) = &self.detail {
            write!(f, "\ndetail: {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        if !self.sql.is_empty() {
            let sql: String = self.sql.chars().take(600).collect();
            write!(f, "\nstatement: {sql}")?;
        }
        Ok(())
    }
}
