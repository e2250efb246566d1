//! The tables in which a database records its revisions: the schema `schemadiff`.

use crate::db::Session;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::sql::{Ident, Literal};
use crate::sql;

const TABLES: &str = "\
CREATE SCHEMA IF NOT EXISTS schemadiff;
COMMENT ON SCHEMA schemadiff IS 'Revisions that schemadiff has applied';
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
COMMENT ON COLUMN schemadiff.schema_migrations.catalog IS 'The catalog after the revision, to detect drift';
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
    closed boolean NOT NULL DEFAULT false,
    before text,
    outcome text,
    error text
);
CREATE TABLE IF NOT EXISTS schemadiff.starts (
    revision text PRIMARY KEY,
    catalog text NOT NULL
);
COMMENT ON TABLE schemadiff.starts IS 'The catalog before each unfinished revision';";

/// Adds what the tables of version 0.1 do not have.
const UPGRADE: &str = "\
ALTER TABLE schemadiff.journal ADD COLUMN before text, ADD COLUMN outcome text, ADD COLUMN error text;";

/// Creates the schema and its tables if they do not exist.
///
/// # Errors
/// Returns an error if the role may not create them.
pub(super) async fn create(session: &Session) -> Result<()> {
    let statements = match (has(session, "starts").await?, has_column(session, "journal", "outcome").await?) {
        (true, true) => return Ok(()),
        (true, false) => UPGRADE,
        (false, _) => TABLES,
    };
    let created = session.run(&format!("BEGIN;\n{statements}\nCOMMIT")).await;
    if created.is_err() {
        let _ = session.run("ROLLBACK").await;
    }
    created.map_err(|error| match error {
        Error::Server(error) if error.code == "42501" => {
            let (role, reason) = (session.role(), &error.message);
            let message = format!("the role `{role}` may not create the schema `schemadiff`: {reason}");
            let grant = sql!("CREATE SCHEMA schemadiff AUTHORIZATION {}", Ident(role));
            Diagnostic::new(codes::PRIVILEGE, message)
                .help(format!("the owner of the database can run: {grant}"))
                .into()
        }
        other => other,
    })
}

/// Returns true if the database has the tables. Any role may read the system catalogs.
pub(super) async fn exist(session: &Session) -> Result<bool> {
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

async fn has_column(session: &Session, table: &str, column: &str) -> Result<bool> {
    let query = sql!(
        "SELECT 1 FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = 'schemadiff' AND c.relname = {} AND a.attname = {}",
        Literal(table),
        Literal(column)
    );
    Ok(!session.rows(query.as_str()).await?.is_empty())
}

/// Explains the error of a query of the tables.
pub(super) fn unreadable(error: Error, session: &Session) -> Error {
    match error {
        Error::Server(error) if error.code == "42501" => {
            let role = Ident(session.role());
            let grant = sql!(
                "GRANT USAGE ON SCHEMA schemadiff TO {}; GRANT SELECT ON ALL TABLES IN SCHEMA schemadiff TO {}",
                role,
                role,
            );
            let message = format!("the role `{}` may not read the schema `schemadiff`", session.role());
            Diagnostic::new(codes::PRIVILEGE, message).help(format!("run: {grant}")).into()
        }
        other => other,
    }
}
