//! The journal: which units of an unfinished file have been executed.

use super::tables::unreadable;
use crate::db::Session;
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
    pub(super) finished: bool,
    /// True if the unit ran outside a transaction, so that it may have been executed although it is not finished here.
    pub(super) outside_transaction: bool,
}

impl Entry {
    /// Returns true if the unit was executed or may have been, so that its file is partly executed.
    pub(super) fn may_be_executed(&self) -> bool {
        self.finished || self.outside_transaction
    }

    /// Returns true if the entry shows that a file of this revision is partly executed.
    pub(super) fn is_part_of(&self, revision: &str, rollback: bool) -> bool {
        self.revision == revision && self.rollback == rollback && self.may_be_executed()
    }

    /// The error that another file cannot be run before this one is finished.
    pub(super) fn unfinished(&self) -> Diagnostic {
        let name = &self.revision;
        let (what, command) = if self.rollback {
            ("rollback of", "schemadiff rollback")
        } else {
            ("migration", "schemadiff migrate")
        };
        Diagnostic::new(codes::REVISION, format!("the {what} `{name}` is unfinished")).help(format!(
            "finish it first with `{command}`; the executed part of its file must be unchanged"
        ))
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
pub(super) fn mark_outside_transaction(id: i64) -> Sql {
    sql!("UPDATE schemadiff.journal SET alone = true WHERE id = {}", id)
}

/// The statement that closes the entries of a revision, whose file is finished or was not executed.
pub(super) fn close(revision: &str) -> Sql {
    sql!("UPDATE schemadiff.journal SET closed = true WHERE revision = {} AND NOT closed", Literal(revision))
}

/// Returns the entries that are not closed, in order.
pub(super) async fn open_entries(session: &Session) -> Result<Vec<Entry>> {
    let rows = session
        .rows(
            "SELECT revision, direction, unit, line, digest, finished_at IS NOT NULL, alone \
             FROM schemadiff.journal WHERE NOT closed ORDER BY id",
        )
        .await
        .map_err(|error| unreadable(error, session))?;
    Ok(rows
        .iter()
        .map(|row| {
            let text = |column| row.get(column).unwrap_or_default();
            Entry {
                revision: text(0).to_owned(),
                rollback: text(1) == "rollback",
                unit: text(2).parse().unwrap_or(0),
                line: text(3).parse().unwrap_or(1),
                digest: text(4).to_owned(),
                finished: text(5) == "t",
                outside_transaction: text(6) == "t",
            }
        })
        .collect())
}
