//! What a database's tables hold, as far as two states of it have it in common.

use std::collections::BTreeMap;

use schemadiff::db::Session;
use schemadiff::kinds::KindName;
use schemadiff::model::AttributeName;
use schemadiff::model::sql::{Ident, Literal};
use schemadiff::model::{Catalog, ObjectId, Pair, RenameMap};
use schemadiff::sql;

/// Queries that give the same before and after, by what they are about: in the names before, and in those after.
pub(crate) struct Common(BTreeMap<String, Pair<String>>);

impl Common {
    /// What is in both states: the rows of tables by the columns that stay, the values of sequences.
    pub(crate) fn of(states: Pair<&Catalog>, names: &RenameMap, lost: &[String]) -> Self {
        let mut queries = BTreeMap::new();
        let shared = |kind: KindName| {
            let ids = states.before.objects.keys().filter(move |id| id.kind == kind);
            ids.filter(|id| states.after.contains(&names.new_id(id))).collect::<Vec<&ObjectId>>()
        };
        for table in shared(KindName::Table) {
            let columns = states.before.children(table).filter(|column| column.id.kind == KindName::Column);
            let columns = columns.filter(|column| {
                let path = column.id.path();
                let other = states.after.get(&names.new_id(&column.id));
                let is_lost =
                    lost.contains(&path.join(".")) || lost.contains(&format!("{}.{}.*", path[0], path[1]));
                // What is computed is another thing when it is computed otherwise.
                other.is_some_and(|other| {
                    other.text(AttributeName::GENERATED) == column.text(AttributeName::GENERATED)
                }) && !is_lost
            });
            // By name: the order of columns is no part of what a row holds.
            let mut columns: Vec<ObjectId> = columns.map(|column| column.id.clone()).collect();
            columns.sort();
            let query = |named: &dyn Fn(&ObjectId) -> ObjectId| {
                let column = |column: &ObjectId| sql!("{}::text", Ident(named(column).name())).to_string();
                let columns = columns.iter().map(column).collect::<Vec<_>>().join(", ");
                let name = sql!("{}", named(table).qualified());
                format!(
                    "SELECT count(*), md5(string_agg(r, chr(10) ORDER BY r COLLATE \"C\")) \
                     FROM (SELECT ROW({columns})::text AS r FROM ONLY {name}) AS rows"
                )
            };
            let both = Pair { before: query(&Clone::clone), after: query(&|id| names.new_id(id)) };
            queries.insert(table.to_string(), both);
        }
        for sequence in shared(KindName::Sequence) {
            if lost.contains(&sequence.path().join(".")) {
                continue;
            }
            let query = |id: &ObjectId| {
                sql!("SELECT last_value, is_called, {} FROM {}", Literal("sequence"), id.qualified())
                    .to_string()
            };
            let both = Pair { before: query(sequence), after: query(&names.new_id(sequence)) };
            queries.insert(sequence.to_string(), both);
        }
        Self(queries)
    }

    /// What they give after `up` or `rollback`.
    pub(crate) async fn look(
        &self,
        session: &Session,
        way: &str,
    ) -> schemadiff::Result<BTreeMap<&str, Vec<String>>> {
        let mut found = BTreeMap::new();
        for (name, queries) in &self.0 {
            let query = if way == "up" { &queries.after } else { &queries.before };
            let rows = session.rows(query).await?;
            let row = rows.first().expect("an aggregate and a sequence have one row");
            let values = (0..row.len()).map(|i| row.get(i).unwrap_or("NULL").to_owned()).collect();
            found.insert(name.as_str(), values);
        }
        Ok(found)
    }
}
