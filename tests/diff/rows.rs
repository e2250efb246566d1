//! What a database's tables hold, as far as two states of it have it in common.

use std::collections::BTreeMap;

use schemadiff::db::Session;
use schemadiff::kinds::KindName;
use schemadiff::model::sql::{Ident, Literal};
use schemadiff::model::{Catalog, ObjectId, Pair};
use schemadiff::sql;

/// Queries that give the same before and after, by what they are about.
pub(crate) struct Common(BTreeMap<String, String>);

impl Common {
    /// What is in both states: the rows of tables by the columns that stay, the values of sequences.
    pub(crate) fn of(states: Pair<&Catalog>, lost: &[String]) -> Self {
        let mut queries = BTreeMap::new();
        let shared = |kind: KindName| {
            let ids = states.before.objects.keys().filter(move |id| id.kind == kind);
            ids.filter(|id| states.after.contains(id)).collect::<Vec<&ObjectId>>()
        };
        for table in shared(KindName::Table) {
            let columns = states.before.children(table).filter(|column| column.id.kind == KindName::Column);
            let columns = columns.filter(|column| {
                let path = column.id.path();
                let other = states.after.get(&column.id);
                let is_lost =
                    lost.contains(&path.join(".")) || lost.contains(&format!("{}.{}.*", path[0], path[1]));
                // What is computed is another thing when it is computed otherwise.
                other.is_some_and(|other| other.text("generated") == column.text("generated")) && !is_lost
            });
            // By name: the order of columns is no part of what a row holds.
            let mut names: Vec<String> =
                columns.map(|column| sql!("{}::text", Ident(column.id.name())).to_string()).collect();
            names.sort();
            let row =
                if names.is_empty() { "ROW()".to_owned() } else { format!("ROW({})", names.join(", ")) };
            let name = sql!("{}", table.qualified());
            let query = format!(
                "SELECT count(*), md5(string_agg(r, chr(10) ORDER BY r COLLATE \"C\")) \
                 FROM (SELECT {row}::text AS r FROM ONLY {name}) AS rows"
            );
            queries.insert(name.to_string(), query);
        }
        for sequence in shared(KindName::Sequence) {
            let name = sql!("{}", sequence.qualified());
            if lost.contains(&sequence.path().join(".")) {
                continue;
            }
            let query = sql!("SELECT last_value, is_called, {} FROM {}", Literal("sequence"), name);
            queries.insert(name.to_string(), query.to_string());
        }
        Self(queries)
    }

    /// What they give now.
    pub(crate) async fn look(&self, session: &Session) -> schemadiff::Result<BTreeMap<&str, Vec<String>>> {
        let mut found = BTreeMap::new();
        for (name, query) in &self.0 {
            let rows = session.rows(query).await?;
            let row = rows.first().expect("an aggregate and a sequence have one row");
            let values = (0..row.len()).map(|i| row.get(i).unwrap_or("NULL").to_owned()).collect();
            found.insert(name.as_str(), values);
        }
        Ok(found)
    }
}
