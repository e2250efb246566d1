//! Queries over rows and sequences that must return the same before and after a migration.

use std::collections::{BTreeMap, BTreeSet};

use super::plan_info::PlanInfo;
use crate::db::Session;
use crate::error::Result;
use crate::kinds::{KindName, Namespace};
use crate::model::sql::{Ident, Sql};
use crate::model::{AttributeName, Catalog, ObjectId, Pair, Plan, Rename};
use crate::sql;

/// The state whose names a query uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The start.
    Start,
    /// The target.
    Target,
}

/// Queries that return the same at the start and in the target. Each object has one query for the names of the start
/// and one for the names of the target.
#[derive(Debug, Default)]
pub(super) struct PreservedRows(BTreeMap<String, Pair<Sql>>);

impl PreservedRows {
    /// Returns the queries for these tables of the start and the sequences that they use, without the objects whose
    /// rows these plans lose or fill.
    pub(super) fn of(
        info: &PlanInfo,
        target: &Catalog,
        tables: &BTreeSet<ObjectId>,
        plans: &[&Plan],
    ) -> Self {
        let scope = Scope {
            info,
            sides: Pair { before: info.start, after: target },
            lost: info.not_preserved(plans),
            tables: tables.iter().map(|table| info.names.new_id(table)).collect(),
        };
        let mut queries = BTreeMap::new();
        for table in scope.tables.iter().filter(|table| scope.stays(table) && scope.is_ordinary(table)) {
            queries.insert(table.to_string(), scope.table_queries(table));
        }
        for sequence in info.start.objects.keys().filter(|id| scope.is_preserved_sequence(id)) {
            let before = sequence_query(&info.names.old_id(sequence));
            queries.insert(sequence.to_string(), Pair { before, after: sequence_query(sequence) });
        }
        for Pair { before, after } in info.parked {
            let query = |id: &ObjectId| match id.kind {
                KindName::Sequence => sequence_query(id),
                _ => sql!(
                    "SELECT count(*), sum(hashtextextended((parked.*)::text, 0)::numeric) FROM ONLY {} AS parked",
                    id.qualified()
                ),
            };
            let both = Pair { before: query(&info.names.old_id(before)), after: query(after) };
            queries.insert(before.to_string(), both);
        }
        Self(queries)
    }

    /// Runs the queries, and returns their results by object.
    pub(super) async fn read(&self, session: &Session, side: Side) -> Result<BTreeMap<&str, Vec<String>>> {
        let mut results = BTreeMap::new();
        for (name, queries) in &self.0 {
            let query = match side {
                Side::Start => &queries.before,
                Side::Target => &queries.after,
            };
            let rows = session.rows(query.as_str()).await?;
            let values = rows.first().map_or_else(Vec::new, |row| {
                (0..row.len()).map(|i| row.get(i).unwrap_or("NULL").to_owned()).collect()
            });
            results.insert(name.as_str(), values);
        }
        Ok(results)
    }
}

/// What decides whether the rows of an object are preserved.
struct Scope<'a> {
    info: &'a PlanInfo<'a>,
    sides: Pair<&'a Catalog>,
    lost: BTreeSet<ObjectId>,
    /// The tables with sample rows, under their names in the target.
    tables: BTreeSet<ObjectId>,
}

impl Scope<'_> {
    fn stays(&self, id: &ObjectId) -> bool {
        self.sides.after.contains(id) && !self.lost.contains(id)
    }

    /// Whether the table is partitioned on neither side. The rows of a partitioned table are those of its partitions,
    /// which may be attached or detached.
    fn is_ordinary(&self, table: &ObjectId) -> bool {
        let is_ordinary = |side: &Catalog| side.contains(table) && !side.is_partitioned(table);
        is_ordinary(self.sides.before) && is_ordinary(self.sides.after)
    }

    /// Returns the queries that count and hash the rows of a table.
    fn table_queries(&self, table: &ObjectId) -> Pair<Sql> {
        let mut columns: Vec<&ObjectId> = self
            .sides
            .before
            .children(table)
            .map(|part| &part.id)
            .filter(|id| self.is_preserved_column(id))
            .collect();
        columns.sort_unstable();
        let query = |named: &dyn Fn(&ObjectId) -> ObjectId| {
            let texts: Vec<Sql> =
                columns.iter().map(|column| sql!("{}::text", Ident(named(column).name()))).collect();
            sql!(
                "SELECT count(*), sum(hashtextextended(ROW({})::text, 0)::numeric) FROM ONLY {}",
                Sql::join(&texts, ", "),
                named(table).qualified()
            )
        };
        Pair { before: query(&|id| self.info.names.old_id(id)), after: query(&Clone::clone) }
    }

    /// Whether the values of a column are stored, and have the same text on both sides.
    fn is_preserved_column(&self, id: &ObjectId) -> bool {
        let (Some(before), Some(after)) = (self.sides.before.get(id), self.sides.after.get(id)) else {
            return false;
        };
        id.kind == KindName::Column
            && !self.lost.contains(id)
            && before.text(AttributeName::GENERATED).is_empty()
            && [AttributeName::TYPE, AttributeName::GENERATED]
                .into_iter()
                .all(|name| before.get(name) == after.get(name))
            && !type_changes(id, self.sides, self.info.renames)
    }

    /// Whether a sequence belongs to one of the tables, and no row of the migration draws from it.
    fn is_preserved_sequence(&self, id: &ObjectId) -> bool {
        let Pair { before, after } = self.sides;
        if id.kind != KindName::Sequence || !self.stays(id) {
            return false;
        }
        let related = before.dependents_of(id).chain(before.dependencies_of(id));
        let mut related_tables = related.filter_map(|(other, _)| before.parent(other));
        // A new column with a default draws a value for each existing row.
        let fills_column = |user: &ObjectId, side: &Catalog, other: &Catalog| {
            let column = Some(user).filter(|id| id.kind == KindName::Default).and_then(|id| side.parent(id));
            column.is_some_and(|column| !other.contains(&column))
        };
        let draws = |side: &Catalog, other: &Catalog| {
            side.dependents_of(id).any(|(user, _)| fills_column(user, side, other))
        };
        related_tables.any(|table| self.tables.contains(&table))
            && !draws(before, after)
            && !draws(after, before)
    }
}

fn sequence_query(id: &ObjectId) -> Sql {
    sql!("SELECT last_value, is_called FROM {}", id.qualified())
}

/// Whether a type changes that a column uses, also inside another type, so that the text of its values may change: a
/// domain over a numeric of another scale, a composite type with another attribute. Enum labels keep their text
/// unless one of them is renamed.
fn type_changes(column: &ObjectId, sides: Pair<&Catalog>, renames: &[Rename]) -> bool {
    let mut visited = BTreeSet::new();
    let mut stack: Vec<&ObjectId> = sides.before.dependencies_of(column).map(|(id, _)| id).collect();
    while let Some(id) = stack.pop() {
        if renames.iter().any(|rename| rename.value.is_some() && rename.object.after == *id) {
            return true;
        }
        let is_type = id.kind.get().namespaces.contains(&Namespace::Types);
        if !is_type || id.kind == KindName::Enum || !visited.insert(id) {
            continue;
        }
        let parts: Vec<&ObjectId> = sides.before.children(id).map(|part| &part.id).chain([id]).collect();
        if parts.iter().any(|part| sides.before.get(part) != sides.after.get(part)) {
            return true;
        }
        stack.extend(parts.into_iter().flat_map(|part| sides.before.dependencies_of(part)).map(|(id, _)| id));
    }
    false
}
