//! Questions about columns that recipes and their probes have in common.

use super::names::temporary_name;
use crate::kinds::{KindName, column};
use crate::model::AttributeName;
use crate::model::catalog::Catalog;
use crate::model::object::{Object, ObjectId, Pair};
use crate::model::step::{Action, Step};

/// Whether a step gives a column of an existing table another type.
pub(crate) fn changes_type(step: &Step) -> bool {
    step.lock.is_some() && step.action == Action::Alter && step.belongs_to(&column::TYPE)
}

/// Returns the default of a column.
pub(crate) fn default_of<'a>(column: &ObjectId, catalog: &'a Catalog) -> Option<&'a Object> {
    catalog.children(column).find(|part| part.id.kind == KindName::Default)
}

/// Whether a new column is NULL in every existing row.
pub(super) fn is_null_only(column: &ObjectId, catalog: &Catalog) -> bool {
    let Some(object) = catalog.get(column) else { return true };
    let computed = [AttributeName::IDENTITY, AttributeName::GENERATED]
        .into_iter()
        .any(|name| !object.text(name).is_empty());
    let domain = catalog.dependencies_of(column).any(|(other, _)| other.kind == KindName::Domain);
    !computed && !domain && default_of(column, catalog).is_none()
}

/// Returns the CHECK constraints on a column that are valid for every row and the same before and after a plan.
pub(super) fn checks_on<'a>(
    column: &'a ObjectId,
    sides: Pair<&'a Catalog>,
) -> impl Iterator<Item = &'a Object> {
    let users = sides.before.dependents_of(column).map(|(user, _)| user);
    let checks = users.filter(|user| user.kind == KindName::Check);
    let unchanged = checks.filter_map(move |check| {
        let (before, after) = (sides.before.get(check)?, sides.after.get(check)?);
        (before.get(AttributeName::EXPRESSION) == after.get(AttributeName::EXPRESSION)).then_some(after)
    });
    unchanged
        .filter(|check| !check.flag(AttributeName::NOT_VALID) && !check.flag(AttributeName::NOT_ENFORCED))
}

/// Returns the name of the shadow column that a change of a column's type uses.
pub(crate) fn shadow_column_name(column: &ObjectId, sides: Pair<&Catalog>) -> Option<String> {
    let position = sides.before.get(column)?.position;
    Some(temporary_name(sides, &format!("type_{position}")))
}

/// Whether an object is a column of a table.
pub(super) fn is_own_column(id: &ObjectId, table: &ObjectId, catalog: &Catalog) -> bool {
    id.kind == KindName::Column && catalog.parent(id).as_ref() == Some(table)
}
