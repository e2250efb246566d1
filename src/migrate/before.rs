//! What exists before a statement that runs outside a transaction: whatever is new afterwards is its own.

use serde::{Deserialize, Serialize};

use super::outside::OutsideStatement;
use crate::db::{Row, Session};
use crate::error::{Error, Result};
use crate::model::sql::{Literal, Sql};
use crate::sql;

/// What exists before a statement, by OID. It is stored in the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    /// The table of an index to be created, the index to be dropped, or the partition to be detached.
    pub(super) relation: Option<u32>,
    /// What has the name of the index to be created.
    pub(super) namesake: Option<u32>,
    /// The indexes of the table of an index to be created; the invalid indexes of the database before a REINDEX.
    pub(super) indexes: Vec<u32>,
    /// Whether the partition belongs to the partitioned table.
    pub(super) attached: bool,
    /// Whether an earlier DETACH of the partition is unfinished.
    pub(super) detach_pending: bool,
}

impl Before {
    /// Reads what exists.
    ///
    /// # Errors
    /// Returns an error if the connection is lost.
    pub(super) async fn read(session: &Session, statement: &OutsideStatement) -> Result<Self> {
        let Some(select) = query(statement) else { return Ok(Self::default()) };
        match session.rows(select.as_str()).await {
            Ok(rows) => Ok(rows.first().map(Self::from_row).unwrap_or_default()),
            // The server does not accept a name; it will not accept it in the statement either.
            Err(Error::Server(error)) => {
                tracing::debug!(%error, "cannot read what exists before the statement");
                Ok(Self::default())
            }
            Err(other) => Err(other),
        }
    }

    fn from_row(row: &Row) -> Self {
        let number = |column| row.get(column).and_then(|oid| oid.parse().ok());
        let indexes = row.get(2).unwrap_or_default();
        Self {
            relation: number(0),
            namesake: number(1),
            indexes: indexes.split(' ').filter_map(|oid| oid.parse().ok()).collect(),
            attached: row.get(3) == Some("t"),
            detach_pending: row.get(4) == Some("t"),
        }
    }

    /// Reads what the journal stores. Version 0.1 stored nothing.
    pub(super) fn parse(text: Option<&str>) -> Option<Self> {
        serde_json::from_str(text?).ok()
    }

    /// Prints it for the journal.
    ///
    /// # Errors
    /// Returns an error if it cannot be printed, which is a bug.
    pub(super) fn print(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::Internal(error.to_string()))
    }
}

/// The query of the columns of [`Before`], in order.
fn query(statement: &OutsideStatement) -> Option<Sql> {
    Some(match statement {
        OutsideStatement::CreateIndex(index) => {
            let namesake = match &index.name {
                Some(name) => sql!(
                    "(SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace = t.relnamespace \
                     AND c.relname = (pg_catalog.parse_ident({}))[1])",
                    Literal(name)
                ),
                None => sql!("NULL"),
            };
            sql!(
                "SELECT t.oid, {}, (SELECT pg_catalog.string_agg(indexrelid::text, ' ') \
                 FROM pg_catalog.pg_index WHERE indrelid = t.oid), false, false \
                 FROM pg_catalog.pg_class t WHERE t.oid = pg_catalog.to_regclass({})",
                namesake,
                Literal(&index.table),
            )
        }
        OutsideStatement::DropIndex { name } => {
            sql!("SELECT pg_catalog.to_regclass({})::oid", Literal(name))
        }
        OutsideStatement::Detach { table, partition } => sql!(
            "SELECT c.oid, NULL, NULL, i.inhrelid IS NOT NULL, i.inhdetachpending FROM pg_catalog.pg_class c \
             LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = pg_catalog.to_regclass({}) \
             WHERE c.oid = pg_catalog.to_regclass({})",
            Literal(table),
            Literal(partition),
        ),
        OutsideStatement::Reindex => sql!(
            "SELECT NULL, NULL, pg_catalog.string_agg(indexrelid::text, ' ') FROM pg_catalog.pg_index \
             WHERE NOT indisvalid"
        ),
        OutsideStatement::Block { .. } | OutsideStatement::Repeatable | OutsideStatement::Other => {
            return None;
        }
    })
}
