//! Each column of `pg_catalog` of every server that is here is in the registry, and no other.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeSet;

use schemadiff::coverage::{self, Columns};
use schemadiff::db::{Environment, Session};
use schemadiff::scratch::{self, Choice, Scratch, ScratchOptions};

/// The tables of the system; what a superuser may have added has higher OIDs.
const QUERY: &str = "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
    WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND c.oid < 16384 \
    AND a.attnum > 0 AND NOT a.attisdropped";

#[tokio::test(flavor = "multi_thread")]
async fn every_column_of_the_catalogs_has_a_treatment() {
    let variables = Environment::from_vars(std::env::vars_os());
    let mut found = Vec::new();
    for (version, folder) in scratch::installed(&variables) {
        let wanted = ScratchOptions {
            choice: Choice::Binaries(Some(folder)),
            ..ScratchOptions::any(variables.clone())
        };
        let server = match Scratch::start(&wanted).await {
            Ok(server) => server,
            Err(error) => {
                eprintln!("{version} skipped: {error}");
                continue;
            }
        };
        let database = server.database().await.unwrap();
        found.extend(differences(&database.session).await);
        database.drop_now().await.unwrap();
        server.stop().await;
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// What only the server or only the registry has.
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
            found.push(format!("{major} has {table}.{column}, of which the registry knows nothing"));
        }
    }
    for relation in coverage::relations().filter(|one| one.majors.has(major)) {
        if !tables.contains(relation.name) {
            found.push(format!("{major} has no {}", relation.name));
        } else if let Columns::Each(listed) = relation.columns {
            let listed = listed.iter().filter(|one| one.majors.has(major));
            let gone = listed.filter(|one| !columns.contains(&(relation.name, one.name)));
            found.extend(gone.map(|one| format!("{major} has no {}.{}", relation.name, one.name)));
        }
    }
    found
}
