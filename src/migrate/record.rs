//! What a database knows of its revisions: the schema `schemadiff`.

use std::sync::Arc;

use crate::db::Session;
use crate::declare::snapshot;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::sql::{DollarQuoted, Literal, Sql};
use crate::model::{Catalog, Fingerprint};
use crate::sql;

/// A revision that is applied.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// The hash of what was run.
    pub checksum: String,
    /// When, in UTC.
    pub applied_at: String,
    /// By which role.
    pub applied_by: String,
    /// How long it took.
    pub milliseconds: Option<u64>,
    /// The hash of the catalog that it left.
    pub hash_after: Option<String>,
}

/// A unit of a file that was begun.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) revision: String,
    pub(super) rollback: bool,
    pub(super) unit: usize,
    pub(super) line: usize,
    pub(super) digest: String,
    pub(super) finished: bool,
    /// It ran outside of every transaction, so that whether it happened is not in the journal.
    pub(super) alone: bool,
}

impl Entry {
    /// Whether it says that a revision is half applied, or half taken back.
    pub(super) fn is_half(&self, revision: &str, rollback: bool) -> bool {
        self.revision == revision && self.rollback == rollback && (self.finished || self.alone)
    }
}

const TABLES: &str = "\
CREATE SCHEMA IF NOT EXISTS schemadiff;
COMMENT ON SCHEMA schemadiff IS 'Records of schemadiff: which revisions are applied';
CREATE TABLE IF NOT EXISTS schemadiff.schema_migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    applied_by text NOT NULL DEFAULT session_user,
    duration_ms bigint,
    tool_version text NOT NULL,
    hash_before text,
    hash_after text,
    catalog text
);
COMMENT ON COLUMN schemadiff.schema_migrations.catalog IS 'The catalog that it left, to tell drift';
CREATE TABLE IF NOT EXISTS schemadiff.journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    revision text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('up', 'rollback')),
    unit integer NOT NULL,
    line integer NOT NULL,
    digest text NOT NULL,
    statement text NOT NULL,
    alone boolean NOT NULL DEFAULT false,
    begun_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    begun_by text NOT NULL DEFAULT session_user,
    finished_at timestamptz,
    closed boolean NOT NULL DEFAULT false
);
CREATE TABLE IF NOT EXISTS schemadiff.starts (
    revision text PRIMARY KEY,
    catalog text NOT NULL
);
COMMENT ON TABLE schemadiff.starts IS 'What was there before a revision that is under way';";

/// Creates the schema where it is missing.
///
/// # Errors
/// When the role may not.
pub async fn ensure(session: &Session) -> Result<()> {
    if has(session, "starts").await? {
        return Ok(());
    }
    let made = session.run(&format!("BEGIN;\n{TABLES}\nCOMMIT")).await;
    if made.is_err() {
        let _ = session.run("ROLLBACK").await;
    }
    made.map_err(|error| match error {
        Error::Server(error) if error.code == "42501" => Diagnostic::new(
            codes::PRIVILEGE,
            format!(
                "the role `{}` may not create the schema `schemadiff`: {}",
                session.role(),
                error.message
            ),
        )
        .help(
            sql!(
                "let the owner of the database run: CREATE SCHEMA schemadiff AUTHORIZATION {}",
                crate::model::sql::Ident(session.role())
            )
            .to_string(),
        )
        .into(),
        other => other,
    })
}

/// Whether the tool has ever recorded anything here. Asks the catalog, which everybody may.
pub async fn exists(session: &Session) -> Result<bool> {
    has(session, "journal").await
}

async fn has(session: &Session, table: &str) -> Result<bool> {
    let query = sql!(
        "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = 'schemadiff' AND c.relname = {}",
        Literal(table)
    );
    Ok(!session.rows(query.as_str()).await?.is_empty())
}

/// The applied revisions in the order in which they were; none where nothing was ever recorded.
///
/// # Errors
/// When the role may not read them.
pub async fn read(session: &Session) -> Result<Vec<Record>> {
    if !exists(session).await? {
        return Ok(Vec::new());
    }
    let rows = session
        .rows(
            "SELECT name, checksum, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), \
             applied_by, duration_ms, hash_after FROM schemadiff.schema_migrations ORDER BY applied_at, name",
        )
        .await
        .map_err(|error| unreadable(error, session))?;
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

fn unreadable(error: Error, session: &Session) -> Error {
    match error {
        Error::Server(error) if error.code == "42501" => Diagnostic::new(
            codes::PRIVILEGE,
            format!("the role `{}` may not read the schema `schemadiff`", session.role()),
        )
        .help(
            sql!(
                "GRANT USAGE ON SCHEMA schemadiff TO {}; GRANT SELECT ON ALL TABLES IN SCHEMA schemadiff TO {}",
                crate::model::sql::Ident(session.role()),
                crate::model::sql::Ident(session.role()),
            )
            .to_string(),
        )
        .into(),
        other => other,
    }
}

/// The catalog that a revision left, where it was kept.
pub async fn catalog(session: &Session, name: &str) -> Result<Option<Catalog>> {
    let select = sql!("SELECT catalog FROM schemadiff.schema_migrations WHERE name = {}", Literal(name));
    snapshot_of(session, &select, name).await
}

/// The catalog that was there before a revision that is under way.
pub(super) async fn start(session: &Session, name: &str) -> Result<Option<Catalog>> {
    let select = sql!("SELECT catalog FROM schemadiff.starts WHERE revision = {}", Literal(name));
    snapshot_of(session, &select, name).await
}

async fn snapshot_of(session: &Session, select: &Sql, name: &str) -> Result<Option<Catalog>> {
    let rows = session.rows(select.as_str()).await.map_err(|error| unreadable(error, session))?;
    let Some(text) = rows.first().and_then(|row| row.get(0)) else { return Ok(None) };
    let text: Arc<str> = text.into();
    // A record of another version of the tool is no reason to stop.
    Ok(snapshot::read(&format!("the record of {name}"), &text).ok())
}

/// The statement that keeps the catalog that is there before a revision is run.
pub(super) fn keep_start(name: &str, catalog: &Catalog) -> Sql {
    sql!(
        "INSERT INTO schemadiff.starts (revision, catalog) VALUES ({}, {}) \
         ON CONFLICT (revision) DO UPDATE SET catalog = excluded.catalog",
        Literal(name),
        DollarQuoted(&snapshot::write(catalog)),
    )
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

/// The statement that forgets a revision.
pub(super) fn delete(name: &str) -> Sql {
    sql!("DELETE FROM schemadiff.schema_migrations WHERE name = {}", Literal(name))
}

/// The statement that keeps what a revision left.
pub(super) fn keep(name: &str, catalog: &Catalog, milliseconds: Option<u64>) -> Sql {
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

/// Begins a unit and gives the number of its entry.
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
        .ok_or_else(|| Error::Internal("the journal gave no number".into()))
}

/// The statement that says that a unit is done.
pub(super) fn finish(id: i64) -> Sql {
    sql!("UPDATE schemadiff.journal SET finished_at = pg_catalog.clock_timestamp() WHERE id = {}", id)
}

/// The statement that says that a unit runs where the journal cannot go with it.
pub(super) fn alone(id: i64) -> Sql {
    sql!("UPDATE schemadiff.journal SET alone = true WHERE id = {}", id)
}

/// The statement that says that nothing of a revision is under way.
pub(super) fn close(revision: &str) -> Sql {
    sql!("UPDATE schemadiff.journal SET closed = true WHERE revision = {} AND NOT closed", Literal(revision))
}

/// What was begun and is not closed, in order.
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
                alone: text(6) == "t",
            }
        })
        .collect())
}
