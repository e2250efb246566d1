//! The columns that can have a shadow column.

use crate::kinds::{KindName, column};
use crate::model::AttributeName;
use crate::model::catalog::Catalog;
use crate::model::object::{Object, ObjectId};
use crate::model::version::PgVersion;
use crate::recipes::recipe::RecipeContext;
use crate::sql;

/// Whether the table is a plain one, no object depends on its row type, and no trigger, rule or publication would react
/// to the backfill.
pub(super) fn table_is_eligible(context: &RecipeContext) -> bool {
    let table = context.table();
    table.kind == KindName::Table
        && !context.affected.changed.contains(&table)
        && [context.sides.before, context.sides.after].iter().all(|side| is_quiet_table(&table, side))
}

fn is_quiet_table(table: &ObjectId, side: &Catalog) -> bool {
    let Some(object) = side.get(table) else { return false };
    let special = side.is_partitioned(table)
        || !object.text(AttributeName::OF_TYPE).is_empty()
        || !object.list(AttributeName::INHERITS).is_empty()
        || object.flag(AttributeName::FORCE_ROW_SECURITY);
    // A trigger or a rule sees every row that the backfill updates. One that copies whole rows also sees the additional
    // column, and later another order of the columns.
    let has_listener = side
        .children(table)
        .any(|part| part.id.kind == KindName::Partition || part.id.kind.get().processes_changed_rows);
    !special && !has_listener && !is_used_as_a_whole(table, side) && !is_published(table, side)
}

/// Whether an object depends on the table's row type, or is a child or partition of the table.
fn is_used_as_a_whole(table: &ObjectId, side: &Catalog) -> bool {
    let mut users = side.dependents_of(table).map(|(user, _)| user);
    users.any(|user| side.parent(user).as_ref() != Some(table) && !user.kind.get().uses_named_columns)
}

/// Whether a publication sends the table's rows, and so would send the shadow column to subscribers that lack it.
fn is_published(table: &ObjectId, side: &Catalog) -> bool {
    let name = sql!("{}", table.qualified()).to_string();
    side.objects.values().any(|object| match object.id.kind {
        KindName::Publication => object.flag(AttributeName::ALL_TABLES),
        KindName::PublicationSchema => object.id.name() == &*table.path()[0],
        KindName::PublicationTable => object.id.name() == name,
        _ => false,
    })
}

/// Whether the column is neither inherited nor computed, and its type is one for which NULL means no value.
pub(super) fn column_is_eligible(before: &Object, after: &Object, context: &RecipeContext) -> bool {
    const SPECIAL: [AttributeName; 7] = [
        AttributeName::INHERITED,
        AttributeName::GENERATED,
        AttributeName::NOT_NULL_NAME,
        AttributeName::NOT_NULL_NO_INHERIT,
        AttributeName::NOT_NULL_NOT_VALID,
        AttributeName::NOT_NULL_INHERITED,
        AttributeName::NOT_NULL_COMMENT,
    ];
    let sides = context.sides;
    let is_special = SPECIAL.into_iter().any(|name| before.get(name).is_some() || after.get(name).is_some());
    let identity_differs = [AttributeName::IDENTITY, AttributeName::SEQUENCE]
        .into_iter()
        .any(|name| before.get(name) != after.get(name));
    let has_sequence_option =
        ["as", "logged"].iter().any(|name| column::sequence_option(after, name).is_some());
    // A type that is replaced converts its values by itself.
    let mut types = sides.before.dependencies_of(&before.id).map(|(id, _)| id);
    let type_is_replaced = types.any(|id| context.affected.dropped.contains(id));
    // The name of the NOT NULL constraint would be truncated.
    let long_name = context.version() >= PgVersion::V18 && column::not_null_name(after).len() > 63;
    !is_special
        && !identity_differs
        && !has_sequence_option
        && !type_is_replaced
        && !has_special_nulls(&after.id, sides.after)
        && !has_special_nulls(&after.id, sides.before)
        && !long_name
}

/// Whether the column's type has a meaning of NULL of its own: a domain may refuse it, and a composite value with only
/// NULL fields counts as NULL.
fn has_special_nulls(column: &ObjectId, side: &Catalog) -> bool {
    let mut types = side.dependencies_of(column).map(|(id, _)| id.kind);
    types
        .any(|kind| matches!(kind, KindName::Domain | KindName::Composite | KindName::Table | KindName::View))
}
