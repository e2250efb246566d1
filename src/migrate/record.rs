//! The records of applied revisions.

use std::sync::Arc;

use super::tables::{self, unreadable};
use crate::db::Session;
use crate::declare::snapshot;
use crate::error::Result;
use crate::model::sql::{DollarQuoted, Literal, Sql};
use crate::model::{Catalog, Fingerprint};
use crate::sql;

/// The record of an applied revision.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The name of the revision.
    pub name: String,
    /// The checksum of the migration.
    pub checksum: String,
    /// The time in UTC.
    pub applied_at: String,
    /// The role that applied it.
    pub applied_by: String,
    /// The duration.
    pub milliseconds: Option<u64>,
    /// The hash of the catalog after the revision.
    pub hash_after: Option<String>,
}

/// Returns true if a run has ever recorded anything in the database.
///
/// # Errors
/// Returns an error if the connection is lost.
pub async fn exists(session: &Session) -> Result<bool> {
    tables::exist(session).await
}

/// Returns the applied revisions in the order in which they were applied.
///
/// # Errors
/// Returns an error if the role may not read the records.
pub async fn read(session: &Session) -> Result<Vec<Record>> {
    if !exists(session).await? {
        return Ok(Vec::new());
    }
    // A clock may be set back.
    let order = if tables::have_serial(session).await? { "serial" } else { "applied_at, name" };
    let select = sql!(
        "SELECT name, checksum, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), \
         applied_by, duration_ms, hash_after FROM schemadiff.schema_migrations ORDER BY {}",
        Sql::trusted(order)
    );
    let rows = session.rows(select.as_str()).await.map_err(|error| unreadable(error, session))?;
    Ok(rows
        .iter()
        .map(|row| {
            let text = |column| row.get(column).unwrap_or_default().to_owned();
            Record {
                name: text(0),
                checksum: text(1),
                applied_at: text(2),
                applied_by: text(3),
                milliseconds: row.get(4).and_then(|number| number.parse().ok()),
                hash_after: row.get(5).map(str::to_owned),
            }
        })
        .collect())
}

/// Returns the catalog after a revision, if it was recorded by a version of schemadiff with the same snapshot format.
///
/// # Errors
/// Returns an error if the role may not read the records.
pub async fn catalog(session: &Session, name: &str) -> Result<Option<Catalog>> {
    let select = sql!("SELECT catalog FROM schemadiff.schema_migrations WHERE name = {}", Literal(name));
    read_snapshot(session, &select, name).await
}

/// Returns the catalog before an unfinished revision.
///
/// # Errors
/// Returns an error if the role may not read the records.
pub async fn catalog_before(session: &Session, name: &str) -> Result<Option<Catalog>> {
    let select = sql!("SELECT catalog FROM schemadiff.starts WHERE revision = {}", Literal(name));
    read_snapshot(session, &select, name).await
}

async fn read_snapshot(session: &Session, select: &Sql, name: &str) -> Result<Option<Catalog>> {
    let rows = session.rows(select.as_str()).await.map_err(|error| unreadable(error, session))?;
    let Some(text) = rows.first().and_then(|row| row.get(0)) else { return Ok(None) };
    let text: Arc<str> = text.into();
    match snapshot::read(&format!("the recorded catalog of {name}"), &text) {
        Ok(catalog) => Ok(Some(catalog)),
        // Another version of schemadiff wrote it. The run goes on without it.
        Err(error) => {
            tracing::warn!(%error, "cannot read the recorded catalog of {name}");
            Ok(None)
        }
    }
}

/// The statement that stores the catalog before a revision.
pub(super) fn store_catalog_before(name: &str, catalog: &Catalog) -> Sql {
    sql!(
        "INSERT INTO schemadiff.starts (revision, catalog) VALUES ({}, {}) \
         ON CONFLICT (revision) DO UPDATE SET catalog = excluded.catalog",
        Literal(name),
        DollarQuoted(&snapshot::write(catalog)),
    )
}

/// The statement that deletes the catalog before a revision.
pub(super) fn delete_catalog_before(name: &str) -> Sql {
    sql!("DELETE FROM schemadiff.starts WHERE revision = {}", Literal(name))
}

/// The statement that records a revision.
pub(super) fn insert(name: &str, checksum: &str, hash_before: &str) -> Sql {
    sql!(
        "INSERT INTO schemadiff.schema_migrations (name, checksum, tool_version, hash_before) VALUES ({}, {}, {}, {})",
        Literal(name),
        Literal(checksum),
        Literal(env!("CARGO_PKG_VERSION")),
        Literal(hash_before),
    )
}

/// The statement that deletes the record of a revision.
pub(super) fn delete(name: &str) -> Sql {
    sql!("DELETE FROM schemadiff.schema_migrations WHERE name = {}", Literal(name))
}

/// The statement that stores the catalog after a revision.
pub(super) fn store_catalog_after(name: &str, catalog: &Catalog, milliseconds: Option<u64>) -> Sql {
    let time = milliseconds.map_or_else(|| Sql::trusted("duration_ms"), |time| sql!("{}", time));
    sql!(
        "UPDATE schemadiff.schema_migrations SET duration_ms = {}, hash_after = {}, catalog = {} WHERE name = {}; \
         DELETE FROM schemadiff.starts WHERE revision = {}",
        time,
        Literal(&Fingerprint::of(catalog).hash),
        DollarQuoted(&snapshot::write(catalog)),
        Literal(name),
        Literal(name),
    )
}
