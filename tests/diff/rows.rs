//! The rows and sequence values that two states of a database have in common.

use std::collections::BTreeMap;

use schemadiff::db::Session;
use schemadiff::kinds::KindName;
use schemadiff::model::AttributeName;
use schemadiff::model::sql::{Ident, Literal};
use schemadiff::model::{Catalog, ObjectId, Pair, RenameMap};
use schemadiff::sql;

/// Queries that return the same before and after, by object: with the names before, and with those after.
pub(crate) struct Common(BTreeMap<String, Pair<String>>);

impl Common {
    /// The common part of two states: the kept columns of tables, and the values of sequences.
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
                // A generated column changes its values with its expression.
                other.is_some_and(|other| {
                    other.text(AttributeName::GENERATED) == column.text(AttributeName::GENERATED)
                }) && !is_lost
            });
            // By name: the order of columns may differ.
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

    /// Runs the queries with the names that hold after `up` or `rollback`.
    pub(crate) async fn look(
        &self,
        session: &Session,
        direction: &str,
    ) -> schemadiff::Result<BTreeMap<&str, Vec<String>>> {
        let mut found = BTreeMap::new();
        for (name, queries) in &self.0 {
            let query = if direction == "up" { &queries.after } else { &queries.before };
            let rows = session.rows(query).await?;
            let row = rows.first().expect("an aggregate and a sequence have one row");
            let values = (0..row.len()).map(|i| row.get(i).unwrap_or("NULL").to_owned()).collect();
            found.insert(name.as_str(), values);
        }
        Ok(found)
    }
}
