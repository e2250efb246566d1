//! Sends several statements in one message and finds the one that failed.
//!
//! A round trip and a commit per statement would take most of the time of loading a dump.

use std::ops::Range;

use crate::db::{Message, Session};
use crate::error::{Error, Result, ServerError};

/// The statements of one message. The server runs them in one implicit transaction (manual, 55.2.2.1).
#[derive(Debug, Default)]
pub(super) struct Batch {
    sql: String,
    /// For each part of the message the number of its statement and its range in `sql`.
    parts: Vec<(usize, Range<usize>)>,
}

/// The statement that made a batch fail.
#[derive(Debug)]
pub(super) struct BatchError {
    /// The number of the statement.
    pub(super) statement: usize,
    /// The error, with a position relative to the statement.
    pub(super) error: ServerError,
}

impl Batch {
    /// Adds SQL on behalf of the statement with a number.
    pub(super) fn add(&mut self, statement: usize, sql: &str) {
        let start = self.sql.len();
        self.sql.push_str(sql);
        self.parts.push((statement, start..self.sql.len()));
        self.sql.push_str(";\n");
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Runs the batch. The inner result tells whether the server accepted the statements.
    ///
    /// # Errors
    /// Returns an error if the server could not run the batch, for example because the connection was lost.
    pub(super) async fn run(&self, session: &Session) -> Result<Result<(), BatchError>> {
        let mut done = 0;
        let outcome = async {
            let mut stream = session.stream(&self.sql).await?;
            while let Some(message) = stream.message().await? {
                done += usize::from(matches!(message, Message::Done(_)));
            }
            Ok(())
        }
        .await;
        match outcome {
            Ok(()) => Ok(Ok(())),
            Err(Error::Server(error)) => Ok(Err(self.locate(done, *error))),
            Err(other) => Err(other),
        }
    }

    /// Finds the statement of an error. A syntax error fails the message before any statement has run, so the position
    /// in the error takes precedence over the number of statements that have run.
    fn locate(&self, done: usize, mut error: ServerError) -> BatchError {
        let by_position = error.position.and_then(|at| self.parts.iter().rfind(|(_, span)| span.start <= at));
        let (statement, span) =
            by_position.or_else(|| self.parts.get(done)).or(self.parts.last()).cloned().unwrap_or_default();
        error.position = error.position.map(|at| at.saturating_sub(span.start).min(span.len()));
        error.sql = self.sql[span].to_string();
        BatchError { statement, error }
    }
}

/// Whether a statement may have failed only because it ran in a batch: it cannot run in a transaction block (`25001`,
/// `2D000`), or it uses an enum value that the same transaction added (`55P04`).
pub(crate) fn must_run_alone(error: &ServerError) -> bool {
    matches!(error.code.as_str(), "25001" | "2D000" | "55P04")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_located_in_its_statement() {
        let mut batch = Batch::default();
        batch.add(7, "SELECT 1");
        batch.add(8, "SELECT x");
        let error = |position| ServerError {
            code: "42703".into(),
            message: "column \"x\" does not exist".into(),
            detail: None,
            hint: None,
            sql: String::new(),
            position,
            table: None,
        };
        let found = batch.locate(1, error(Some(17)));
        assert_eq!((found.statement, found.error.position), (8, Some(7)));
        assert_eq!(found.error.sql, "SELECT x");
        assert_eq!(batch.locate(0, error(Some(17))).statement, 8);
        assert_eq!(batch.locate(0, error(None)).statement, 7);
    }
}
