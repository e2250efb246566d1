//! Tables with their partitions and inheritance children, and the tables that use a type.

use std::collections::BTreeSet;

use super::catalog::Catalog;
use super::kind_name::KindName;
use super::object::{Object, ObjectId};
use crate::model::AttributeName;

impl Catalog {
    /// Returns the partitions and inheritance children of a table, one level down.
    pub fn child_tables(&self, table: &ObjectId) -> Vec<ObjectId> {
        let users = self.dependents_of(table).map(|(user, _)| user);
        users
            .filter_map(|user| match user.kind {
                KindName::Table => Some(user.clone()),
                KindName::Partition => self.parent(user).filter(|table| table.kind == KindName::Table),
                _ => None,
            })
            .collect()
    }

    /// Returns a table with its partitions and inheritance children at every level, sorted.
    pub fn table_and_descendants(&self, table: &ObjectId) -> BTreeSet<ObjectId> {
        let mut found = BTreeSet::new();
        let mut stack = vec![table.clone()];
        while let Some(table) = stack.pop() {
            if !found.contains(&table) {
                stack.extend(self.child_tables(&table));
                found.insert(table);
            }
        }
        found
    }

    /// Returns the tables that store the rows of a table, sorted: itself, its inheritance children, its leaf partitions.
    pub fn tables_with_rows(&self, table: &ObjectId) -> Vec<ObjectId> {
        let tables = self.table_and_descendants(table).into_iter();
        tables.filter(|table| !self.is_partitioned(table)).collect()
    }

    /// Whether this is a partitioned table.
    pub fn is_partitioned(&self, table: &ObjectId) -> bool {
        self.get(table).is_some_and(|table| !table.text(AttributeName::PARTITION_BY).is_empty())
    }

    /// Returns the partition bound of a table, if it is a partition.
    pub fn partition_bound(&self, table: &ObjectId) -> Option<&Object> {
        self.children(table).find(|part| part.id.kind == KindName::Partition)
    }

    /// Whether a table is neither partitioned nor a partition, and has no inheritance parents or children.
    pub fn is_plain_table(&self, table: &ObjectId) -> bool {
        let no_parents = self.get(table).is_some_and(|table| table.list(AttributeName::INHERITS).is_empty());
        no_parents
            && !self.is_partitioned(table)
            && self.partition_bound(table).is_none()
            && self.child_tables(table).is_empty()
    }

    /// Returns the tables and materialized views that depend on an object, directly or not: those with a column of a type,
    /// for example.
    pub fn relations_using(&self, id: &ObjectId) -> BTreeSet<ObjectId> {
        let mut found = BTreeSet::new();
        let mut stack = vec![id.clone()];
        while let Some(id) = stack.pop() {
            let users = self.dependents_of(&id).map(|(user, _)| user.clone());
            for user in users.flat_map(|user| [self.parent(&user), Some(user)]).flatten() {
                if user.kind != KindName::Schema && found.insert(user.clone()) {
                    stack.push(user);
                }
            }
        }
        found.retain(holds_rows);
        found
    }
}

/// Whether relations of this kind store rows.
pub fn holds_rows(id: &ObjectId) -> bool {
    id.kind.get().stores_rows
}
