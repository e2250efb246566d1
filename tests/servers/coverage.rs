//! The coverage registry lists each column of `pg_catalog` on every server, and no other.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemadiff::coverage::{self, Columns};
use schemadiff::db::Session;

use crate::support::{Needs, Server, Suite, tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    tests!(suite, Needs::EachServer; every_catalog_column_is_listed);
}

/// The system's own tables. Tables that a superuser adds have higher OIDs.
const QUERY: &str = "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
    WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND c.oid < 16384 \
    AND a.attnum > 0 AND NOT a.attisdropped";

async fn every_catalog_column_is_listed(server: Arc<Server>) {
    let database = server.database().await;
    let found = differences(&database.session).await;
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    database.drop_now().await.unwrap();
}

/// The columns that only the server or only the registry has.
async fn differences(session: &Session) -> Vec<String> {
    let major = session.version().major();
    let rows = session.rows(QUERY).await.unwrap();
    let columns: BTreeSet<(&str, &str)> =
        rows.iter().map(|row| (row.get(0).unwrap(), row.get(1).unwrap())).collect();
    let tables: BTreeSet<&str> = columns.iter().map(|(table, _)| *table).collect();
    let mut found = Vec::new();
    for (table, column) in &columns {
        let relation = coverage::relations().find(|one| one.name == *table && one.majors.has(major));
        if relation.and_then(|relation| relation.treatment(column, major)).is_none() {
            found.push(format!("{table}.{column} of PostgreSQL {major} is not in the registry"));
        }
    }
    for relation in coverage::relations().filter(|one| one.majors.has(major)) {
        if !tables.contains(relation.name) {
            found.push(format!("PostgreSQL {major} has no table {}", relation.name));
        } else if let Columns::Each(listed) = relation.columns {
            let listed = listed.iter().filter(|one| one.majors.has(major));
            let missing = listed.filter(|one| !columns.contains(&(relation.name, one.name)));
            found.extend(
                missing.map(|one| format!("PostgreSQL {major} has no column {}.{}", relation.name, one.name)),
            );
        }
    }
    found
}
