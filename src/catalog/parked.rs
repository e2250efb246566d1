//! Schemas that hold parked tables.

use crate::db::Session;
use crate::error::Result;
use crate::model::reserved::GRAVEYARD;
use crate::model::sql::Literal;
use crate::sql;

/// Returns the names of the schemas that hold parked tables, each with its comment.
///
/// # Errors
/// Returns an error if the query fails.
pub async fn parked(session: &Session) -> Result<Vec<(String, String)>> {
    let query = sql!(
        "SELECT nspname, pg_catalog.obj_description(oid, 'pg_namespace') FROM pg_catalog.pg_namespace \
         WHERE pg_catalog.starts_with(nspname::text, {}) ORDER BY nspname::text COLLATE \"C\"",
        Literal(GRAVEYARD)
    );
    let text = |cell: Option<&str>| cell.unwrap_or_default().to_owned();
    let rows = session.rows(query.as_str()).await?;
    Ok(rows.iter().map(|row| (text(row.get(0)), text(row.get(1)))).collect())
}
