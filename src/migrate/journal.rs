//! The journal: which units of an unfinished file have been executed.

use super::tables::unreadable;
use crate::db::{Row, Session};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::sql::{DollarQuoted, Literal, Sql};
use crate::sql;

/// An entry of the journal: a unit of a file that was started.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) revision: String,
    pub(super) rollback: bool,
    /// The number of the unit in its file.
    pub(super) unit: usize,
    pub(super) line: usize,
    /// The hash of the unit.
    pub(super) digest: String,
    /// The first statement of the unit.
    pub(super) statement: String,
    pub(super) state: UnitState,
    /// What the statement was about to change, before it ran (see [`Before`](super::before::Before)).
    pub(super) before: Option<String>,
}

/// What is known of a unit that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnitState {
    /// It was executed.
    Finished,
    /// It had no effect: its transaction did not commit, or the server reported an error and nothing is left.
    NotExecuted,
    /// The server reported an error after the statement had committed a part of its work.
    Partial,
    /// It ran outside a transaction, and there was no answer.
    Unknown,
}

impl Entry {
    /// Returns true if the unit was executed or may have been, so that its file is partly executed.
    fn may_be_executed(&self) -> bool {
        self.state != UnitState::NotExecuted
    }

    /// Returns true if the entry shows that a file of this revision is partly executed.
    pub(super) fn is_part_of(&self, revision: &str, rollback: bool) -> bool {
        self.revision == revision && self.rollback == rollback
    }

    /// The error that the statement of an executed unit was edited.
    pub(super) fn edited(&self) -> Diagnostic {
        let message = format!("`{}` is half applied, and the applied part was edited", self.revision);
        let help = format!("restore the statement at line {}; later statements may be edited", self.line);
        Diagnostic::new(codes::REVISION, message).help(help)
    }

    /// The error that another file cannot be run before this one is finished.
    pub(super) fn unfinished(&self) -> Diagnostic {
        let name = &self.revision;
        if self.rollback {
            return Diagnostic::new(codes::REVISION, format!("the rollback of `{name}` is unfinished"))
                .help("finish it first with `schemadiff rollback`");
        }
        Diagnostic::new(codes::REVISION, format!("the migration `{name}` is unfinished"))
            .help(
                "finish it first with `schemadiff migrate`; the executed part of its file must be unchanged",
            )
            .help("or undo what is applied with `schemadiff rollback`")
    }
}

/// Inserts an entry and returns its id.
pub(super) async fn begin(session: &Session, entry: &Entry, statement: &str) -> Result<i64> {
    let insert = sql!(
        "INSERT INTO schemadiff.journal (revision, direction, unit, line, digest, statement) \
         VALUES ({}, {}, {}, {}, {}, {}) RETURNING id",
        Literal(&entry.revision),
        Literal(if entry.rollback { "rollback" } else { "up" }),
        entry.unit,
        entry.line,
        Literal(&entry.digest),
        DollarQuoted(statement),
    );
    let rows = session.rows(insert.as_str()).await?;
    rows.first()
        .and_then(|row| row.get(0))
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| Error::Internal("the insert into the journal returned no id".into()))
}

/// The statement that marks an entry as finished.
pub(super) fn finish(id: i64) -> Sql {
    sql!("UPDATE schemadiff.journal SET finished_at = pg_catalog.clock_timestamp() WHERE id = {}", id)
}

/// The statement that marks the unit of an entry as running outside a transaction.
pub(super) fn mark_outside_transaction(id: i64, before: &str) -> Sql {
    sql!(
        "UPDATE schemadiff.journal SET alone = true, before = {}, outcome = NULL WHERE id = {}",
        Literal(before),
        id,
    )
}

/// The statement that records the error with which the server answered. A unit that is not `partial` had no effect.
pub(super) fn fail(id: i64, state: UnitState, error: &str) -> Sql {
    let outcome = if state == UnitState::Partial { "partial" } else { "failed" };
    sql!(
        "UPDATE schemadiff.journal SET outcome = {}, error = {} WHERE id = {}",
        Literal(outcome),
        DollarQuoted(error),
        id,
    )
}

/// The statement that closes the entries of a revision, whose file is finished or was not executed.
pub(super) fn close(revision: &str) -> Sql {
    sql!("UPDATE schemadiff.journal SET closed = true WHERE revision = {} AND NOT closed", Literal(revision))
}

/// Closes the entries of files of which nothing is executed.
pub(super) async fn close_not_executed(session: &Session) -> Result<()> {
    let entries = open_entries(session).await?;
    let mut revisions: Vec<&str> = entries.iter().map(|entry| entry.revision.as_str()).collect();
    revisions.dedup();
    for revision in revisions {
        if !entries.iter().any(|entry| entry.revision == revision && entry.may_be_executed()) {
            session.run(close(revision).as_str()).await?;
        }
    }
    Ok(())
}

/// Returns the units of unfinished files that were executed or may have been.
pub(super) async fn executed(session: &Session) -> Result<Vec<Entry>> {
    let mut entries = open_entries(session).await?;
    entries.retain(Entry::may_be_executed);
    Ok(entries)
}

/// Returns the last entry of each unit whose file is not closed, in order.
async fn open_entries(session: &Session) -> Result<Vec<Entry>> {
    // Tables of version 0.1 do not have all columns, and those who only read do not upgrade them.
    let rows = session
        .rows(
            "SELECT DISTINCT ON (revision, direction, unit) revision, direction, unit, line, digest, statement, \
             finished_at IS NOT NULL, alone, pg_catalog.to_jsonb(j) ->> 'outcome', pg_catalog.to_jsonb(j) ->> 'before' \
             FROM schemadiff.journal j WHERE NOT closed ORDER BY revision, direction, unit, id DESC",
        )
        .await
        .map_err(|error| unreadable(error, session))?;
    Ok(rows.iter().map(entry).collect())
}

fn entry(row: &Row) -> Entry {
    let text = |column| row.get(column).unwrap_or_default();
    Entry {
        revision: text(0).to_owned(),
        rollback: text(1) == "rollback",
        unit: text(2).parse().unwrap_or(0),
        line: text(3).parse().unwrap_or(1),
        digest: text(4).to_owned(),
        statement: text(5).to_owned(),
        state: match (text(6), text(7), text(8)) {
            ("t", ..) => UnitState::Finished,
            (_, _, "failed") => UnitState::NotExecuted,
            (_, _, "partial") => UnitState::Partial,
            (_, "t", _) => UnitState::Unknown,
            _ => UnitState::NotExecuted,
        },
        before: row.get(9).map(str::to_owned),
    }
}
