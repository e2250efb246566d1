//! Columns that are inherited from parent tables.

use super::not_null_name::not_null_name;
use crate::kinds::common::{relation_of, table_of};
use crate::model::kind::{AttributeName, Context, KindName};
use crate::model::{Catalog, DependencyKind, Object, ObjectId, Pair, Value};

/// Returns the columns of parent tables from which the column is inherited.
pub(super) fn inherited_from(column: &Object, catalog: &Catalog) -> Vec<(ObjectId, DependencyKind)> {
    if !column.flag(AttributeName::INHERITED) {
        return Vec::new();
    }
    parent_columns(column, catalog).into_iter().map(|id| (id, DependencyKind::Auto)).collect()
}

/// Returns the columns of the same name in the parent tables.
pub(super) fn parent_columns(column: &Object, catalog: &Catalog) -> Vec<ObjectId> {
    catalog
        .dependencies_of(&catalog.parent(&column.id).unwrap_or_else(|| table_of(&column.id)))
        .filter(|(parent, _)| matches!(parent.kind, KindName::Table | KindName::ForeignTable))
        .map(|(parent, _)| {
            ObjectId::new(KindName::Column, &[&parent.path()[0], &parent.path()[1], &column.id.path()[2]])
        })
        .filter(|id| catalog.contains(id))
        .collect()
}

/// Returns whether the column of a parent table changes in the same way. The server applies that change to this column, too.
pub(super) fn follows_parent(column: Pair<&Object>, attribute: AttributeName, context: &Context) -> bool {
    // Not before the partition is attached, or while it is detached.
    let partition = ObjectId::new(KindName::Partition, &column.after.id.path()[..2]);
    if context.is_new(&partition) {
        return false;
    }
    let before = parent_columns(column.before, context.sides.before);
    parent_columns(column.after, context.sides.after).iter().filter(|id| before.contains(id)).any(|id| {
        let (before, after) = (context.sides.before.get(id), context.sides.after.get(id));
        before.zip(after).is_some_and(|(before, after)| {
            before.get(attribute) != after.get(attribute)
                && after.get(attribute) == column.after.get(attribute)
        })
    })
}

/// Returns a column without what it inherits from the parent's column with which it merges: the generation expression and
/// the NOT NULL constraint.
pub(super) fn without_inherited(column: &Object, context: &Context) -> Object {
    let mut column = column.clone();
    let after = context.sides.after;
    let partition = is_new_partition(&column, context);
    let same = |id: &ObjectId| {
        after
            .get(id)
            .is_some_and(|other| other.get(AttributeName::GENERATED) == column.get(AttributeName::GENERATED))
    };
    if !partition && parent_columns(&column, after).iter().any(same) {
        column.unset(AttributeName::GENERATED);
    }
    if !partition && column.flag(AttributeName::NOT_NULL_INHERITED) {
        column.unset(AttributeName::NOT_NULL);
    }
    // When a table is replaced, its old partitions still have a constraint of the default name, so that the server would
    // choose another one.
    let is_replaced =
        context.dropped.contains(&relation_of(&column.id, context)) && context.version().since(18);
    if is_replaced
        && column.flag(AttributeName::NOT_NULL)
        && column.get(AttributeName::NOT_NULL_NAME).is_none()
    {
        let name = not_null_name(&column);
        if name.len() < 64 {
            column.set(AttributeName::NOT_NULL_NAME, Value::Text(name));
        }
    }
    column
}

/// Returns whether the plan attaches the table as a partition.
pub(super) fn is_new_partition(column: &Object, context: &Context) -> bool {
    let table = relation_of(&column.id, context);
    let partition = ObjectId::new(KindName::Partition, table.path());
    (context.is_new(&table) || context.is_new(&partition)) && context.sides.after.contains(&partition)
}
