//! Several statements in one message, and which of them failed.
//!
//! A round trip and a commit per statement are most of the time that a dump takes to load.

use std::ops::Range;

use crate::db::{Message, Session};
use crate::error::{Error, Result, ServerError};

/// Statements of one message. The server runs them in one implicit transaction (manual, 55.2.2.1).
#[derive(Debug, Default)]
pub(super) struct Batch {
    sql: String,
    /// Of each statement sent: whose it is, and where in `sql`.
    steps: Vec<(usize, Range<usize>)>,
}

/// A statement of a batch that the server refused, and with it all of them.
#[derive(Debug)]
pub(super) struct Refused {
    /// The number that it was added under.
    pub(super) item: usize,
    /// The error, its position counted in that statement alone.
    pub(super) error: ServerError,
}

impl Batch {
    /// Adds a statement for `item`.
    pub(super) fn add(&mut self, item: usize, statement: &str) {
        let start = self.sql.len();
        self.sql.push_str(statement);
        self.steps.push((item, start..self.sql.len()));
        self.sql.push_str(";\n");
    }

    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Runs it. What is not about a statement, such as a lost connection, is an error.
    pub(super) async fn run(&self, session: &Session) -> Result<Result<(), Refused>> {
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
            Err(Error::Server(error)) => Ok(Err(self.refused(done, *error))),
            Err(other) => Err(other),
        }
    }

    /// A statement of broken syntax stops the whole message before any of it has run, so the
    /// server's position counts for more than how many ran.
    fn refused(&self, done: usize, mut error: ServerError) -> Refused {
        let by_position = error.position.and_then(|at| self.steps.iter().rfind(|(_, span)| span.start <= at));
        let (item, span) =
            by_position.or_else(|| self.steps.get(done)).or(self.steps.last()).cloned().unwrap_or_default();
        error.position = error.position.map(|at| at.saturating_sub(span.start).min(span.len()));
        error.sql = self.sql[span].to_string();
        Refused { item, error }
    }
}

/// Whether an error may be the batch's fault: the statement wants to be alone (`25001`, `2D000`),
/// or uses an enum value that the same transaction added (`55P04`).
pub(crate) fn must_run_alone(error: &ServerError) -> bool {
    matches!(error.code.as_str(), "25001" | "2D000" | "55P04")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_in_its_own_statement() {
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
        let refused = batch.refused(1, error(Some(17)));
        assert_eq!((refused.item, refused.error.position), (8, Some(7)));
        assert_eq!(refused.error.sql, "SELECT x");
        assert_eq!(batch.refused(0, error(Some(17))).item, 8);
        assert_eq!(batch.refused(0, error(None)).item, 7);
    }
}
