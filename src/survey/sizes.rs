//! Reads the sizes of tables from a database, or from a file that `schemadiff stats pull` wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::db::Session;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::ObjectId;
use crate::model::sql::Literal;
use crate::recipes::{Size, Sizes};
use crate::sql;

/// Reads a file of sizes.
///
/// # Errors
/// Returns an error if the file cannot be read or has other contents.
pub fn read_sizes(file: &Path) -> Result<Sizes> {
    let text = crate::files::read(file)?;
    Sizes::from_json(&text).map_err(|error| {
        Diagnostic::new(codes::VALUE, format!("{} is not a file of table sizes: {error}", file.display()))
            .help("`schemadiff stats pull --env NAME --out FILE` writes such a file")
            .into()
    })
}

/// Queries the sizes of all tables of a database. Those in `exact` are also checked for a first row.
///
/// # Errors
/// Returns an error if the connection fails.
pub async fn query_sizes(session: &Session, exact: &BTreeSet<ObjectId>) -> Result<Sizes> {
    let rows = session.rows(
        "SELECT n.nspname, c.relname, greatest(c.reltuples, 0), pg_catalog.pg_relation_size(c.oid), \
         pg_catalog.pg_indexes_size(c.oid) FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND c.oid >= 16384",
    );
    let mut tables = BTreeMap::new();
    for row in rows.await? {
        let text = |column: usize| row.get(column).unwrap_or_default();
        let number = |column: usize| text(column).parse::<u64>().unwrap_or_default();
        let bytes = number(3);
        let rows = text(2).parse().unwrap_or_default();
        // A partitioned table has no rows apart from those of its partitions.
        let size = Size { rows, bytes, indexes: number(4), empty: bytes == 0 };
        tables.insert((text(0).to_owned(), text(1).to_owned()), size);
    }
    let mut sizes = Sizes::complete(tables);
    for table in exact {
        // A table without rows can have a size.
        if sizes.get(table).is_some_and(|size| !size.empty) && has_no_rows(session, table).await? {
            sizes.set_empty(table);
        }
    }
    Ok(sizes)
}

/// Whether a table has no row. A table that the role may not read counts as one with rows.
async fn has_no_rows(session: &Session, table: &ObjectId) -> Result<bool> {
    let query = sql!(
        "SELECT EXISTS (SELECT FROM ONLY {}) WHERE pg_catalog.has_table_privilege({}, 'select')",
        table.qualified(),
        Literal(&sql!("{}", table.qualified()).to_string()),
    );
    match session.rows(query.as_str()).await {
        Ok(rows) => Ok(rows.first().and_then(|row| row.get(0)) == Some("f")),
        // Row security, for example.
        Err(Error::Server(_)) => Ok(false),
        Err(other) => Err(other),
    }
}
