//! The objects that depend on a column whose type changes.

use crate::kinds::{KindName, common};
use crate::model::AttributeName;
use crate::model::catalog::DependencyKind;
use crate::model::object::{Object, ObjectId, Pair};
use crate::recipes::columns::is_own_column;
use crate::recipes::conversion::using_expression;
use crate::recipes::recipe::RecipeContext;
use crate::sql;

/// An object that depends on the column, by what the swap does with it.
pub(super) enum Part<'a> {
    /// An index. One under a temporary name is built and renamed.
    Index(&'a Object),
    /// A primary key or unique constraint, with its keyword. It is added over an index that is built before.
    Key(&'a Object, &'static str),
    /// A constraint of the table. It is added again, and validated after the swap.
    Constraint(&'a Object),
    /// A foreign key of a table that refers to the column. It is dropped first; else it would prevent the drop of the
    /// column.
    Reference(&'a Object),
    /// A sequence that the column owns. It is detached and attached.
    Sequence(&'a Object),
}

/// Returns the objects that depend on the column, or `None` if one of them cannot move to another column.
pub(super) fn parts<'a>(context: &RecipeContext<'a>) -> Option<Vec<Part<'a>>> {
    if using_mentions_changed_column(context) {
        return None;
    }
    let before = context.sides.before;
    let id = &context.step.object;
    let own = before.children(id).map(|part| (&part.id, DependencyKind::Auto));
    let mut users: Vec<_> = before.dependents_of(id).chain(own).collect();
    users.sort_unstable();
    let mut parts = Vec::new();
    for (user, kind) in users {
        // A column that is computed from this one is rewritten in any case.
        if user.kind == KindName::Column {
            return None;
        }
        if !context.affected.dropped.contains(user) {
            parts.push(part(context, user, kind)?);
        }
    }
    Some(parts)
}

/// Whether the directive `using` could read another column of the table that the plan changes.
fn using_mentions_changed_column(context: &RecipeContext) -> bool {
    let Some(expression) = using_expression(context) else { return false };
    let (id, table) = (&context.step.object, context.table());
    let changed = context.affected.changed.iter();
    let mut columns =
        changed.filter(|other| *other != id && is_own_column(other, &table, context.sides.before));
    columns.any(|column| could_mention(expression, column.name()))
}

/// Whether an expression could name a column. A false positive does no harm.
fn could_mention(expression: &str, column: &str) -> bool {
    expression.contains(column) || expression.contains(&column.replace('"', "\"\""))
}

/// Returns the part for an object that depends on the column, or `None` if it cannot move.
fn part<'a>(context: &RecipeContext<'a>, user: &ObjectId, kind: DependencyKind) -> Option<Part<'a>> {
    let Pair { before, after } = context.sides;
    let id = &context.step.object;
    let object = after.get(user)?;
    if user.kind == KindName::Sequence && kind == DependencyKind::Auto {
        let same_owner =
            before.get(user)?.get(AttributeName::OWNED_BY) == object.get(AttributeName::OWNED_BY);
        return same_owner.then_some(Part::Sequence(object));
    }
    if !before.contains(user) || context.affected.changed.contains(user) {
        return None;
    }
    if user.kind == KindName::ForeignKey && refers_to(object, id) {
        return reference(object, context);
    }
    let own = before.parent(user).as_ref() == Some(&context.table());
    if !own || has_dependents(context, user) || has_other_changed_column(context, object) {
        return None;
    }
    match user.kind {
        KindName::Index => {
            context.facts.probes.shadow_index(id, user)?;
            Some(Part::Index(object))
        }
        // A key over an index that was built before cannot be both unique and deferrable.
        KindName::PrimaryKey | KindName::Unique
            if object.flag(AttributeName::DEFERRABLE) || object.flag(AttributeName::WITHOUT_OVERLAPS) =>
        {
            None
        }
        KindName::PrimaryKey | KindName::Unique => {
            user.kind.get().key_clause.map(|keywords| Part::Key(object, keywords))
        }
        KindName::ForeignKey => (!object.flag(AttributeName::PERIOD)).then_some(Part::Constraint(object)),
        KindName::Check => Some(Part::Constraint(object)),
        _ => None,
    }
}

/// Whether an object other than a foreign key to the column depends on this one, and so prevents its drop.
fn has_dependents(context: &RecipeContext, user: &ObjectId) -> bool {
    let before = context.sides.before;
    let mut dependents = before.dependents_of(user).map(|(dependent, _)| dependent);
    dependents.any(|dependent| {
        let refers = before.get(dependent).is_some_and(|key| refers_to(key, &context.step.object));
        !context.affected.dropped.contains(dependent) && !refers
    })
}

/// Whether an object depends on another column of the table that the plan changes, and whose drop would drop it.
fn has_other_changed_column(context: &RecipeContext, object: &Object) -> bool {
    let (before, table) = (context.sides.before, context.table());
    let mut columns = before.dependencies_of(&object.id).map(|(column, _)| column);
    columns.any(|column| {
        let is_referenced = object.id.kind == KindName::ForeignKey && refers_to(object, column);
        is_own_column(column, &table, before)
            && !is_referenced
            && *column != context.step.object
            && context.affected.changed.contains(column)
    })
}

/// Whether a foreign key refers to a column.
fn refers_to(key: &Object, column: &ObjectId) -> bool {
    let to_table = key.text(AttributeName::REFERENCES) == sql!("{}", column.qualified_relation()).as_str();
    to_table && key.list(AttributeName::REFERENCED_COLUMNS).iter().any(|name| name == column.name())
}

/// Returns the part for a foreign key that refers to the column. One on a partitioned or inherited table cannot be dropped
/// and added in one step.
fn reference<'a>(key: &'a Object, context: &RecipeContext) -> Option<Part<'a>> {
    let table = common::table_of(&key.id);
    let plain = [context.sides.before, context.sides.after].iter().all(|side| side.is_plain_table(&table));
    (plain && !key.flag(AttributeName::PERIOD)).then_some(Part::Reference(key))
}
