//! What a column has from the parents of its table.

use super::not_null_name::not_null_name;
use crate::kinds::common::{relation_of, table_of};
use crate::model::kind::{Context, KindName};
use crate::model::{Catalog, DependencyKind, Object, ObjectId, Pair, Value};

/// Columns of the parents that this one follows.
pub(super) fn depends(column: &Object, catalog: &Catalog) -> Vec<(ObjectId, DependencyKind)> {
    if !column.flag("inherited") {
        return Vec::new();
    }
    parents_columns(column, catalog).into_iter().map(|id| (id, DependencyKind::Auto)).collect()
}

/// The columns of that name in the parents of its table.
pub(super) fn parents_columns(column: &Object, catalog: &Catalog) -> Vec<ObjectId> {
    catalog
        .dependencies_of(&catalog.parent(&column.id).unwrap_or_else(|| table_of(&column.id)))
        .filter(|(parent, _)| matches!(parent.kind, KindName::Table | KindName::ForeignTable))
        .map(|(parent, _)| ObjectId::new(KindName::Column, &[&parent.path()[0], &parent.path()[1], &column.id.path()[2]]))
        .filter(|id| catalog.contains(id))
        .collect()
}

/// Whether a parent's column makes the same change, which reaches this one by itself.
pub(super) fn follows_parent(column: Pair<&Object>, attribute: &str, context: &Context) -> bool {
    // Not while it is no child: before it is attached, or between being detached and attached again.
    let partition = ObjectId::new(KindName::Partition, &column.after.id.path()[..2]);
    if context.is_new(&partition) {
        return false;
    }
    let before = parents_columns(column.before, context.sides.before);
    parents_columns(column.after, context.sides.after).iter().filter(|id| before.contains(id)).any(|id| {
        let (before, after) = (context.sides.before.get(id), context.sides.after.get(id));
        before.zip(after).is_some_and(|(before, after)| {
            before.get(attribute) != after.get(attribute) && after.get(attribute) == column.after.get(attribute)
        })
    })
}

/// A column that merges with one of a parent is generated as that one is, and may not say so again; nor does
/// it repeat a NOT NULL constraint that it has from there.
pub(super) fn without_what_is_inherited(column: &Object, context: &Context) -> Object {
    let mut column = column.clone();
    let after = context.sides.after;
    let partition = is_new_partition(&column, context);
    let same = |id: &ObjectId| after.get(id).is_some_and(|other| other.get("generated") == column.get("generated"));
    if !partition && parents_columns(&column, after).iter().any(same) {
        column.unset("generated");
    }
    if !partition && column.flag("not_null_inherited") {
        column.unset("not_null");
    }
    // The server would number the name of a table that is built anew: its old partitions have it, too.
    let anew = context.dropped.contains(&relation_of(&column.id, context)) && context.version().since(18);
    if anew && column.flag("not_null") && column.get("not_null_name").is_none() {
        let name = not_null_name(&column);
        if name.len() < 64 {
            column.set("not_null_name", Value::Text(name));
        }
    }
    column
}

/// Whether its table becomes a partition in this plan.
pub(super) fn is_new_partition(column: &Object, context: &Context) -> bool {
    let table = relation_of(&column.id, context);
    let partition = ObjectId::new(KindName::Partition, table.path());
    // Or one that is detached while the parent changes, and attached again.
    (context.is_new(&table) || context.is_new(&partition)) && context.sides.after.contains(&partition)
}
