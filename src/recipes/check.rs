//! CHECK constraints are added without a scan, and validated afterwards.

use super::recipe::{Placement, Policies, Recipe, RecipeContext, scan};
use crate::kinds::{KindName, check, foreign_key};
use crate::model::AttributeName;
use crate::model::object::{Object, ObjectId};
use crate::model::sql::{Ident, Sql};
use crate::model::step::{Action, Step};
use crate::sql;

/// Why a constraint is added with `NOT VALID`.
pub(super) const NOT_VALID: &str = "enforced for new rows now; existing rows are validated in the next step";

/// `ADD CONSTRAINT … NOT VALID`, then `VALIDATE CONSTRAINT`.
pub(super) static RECIPE: Recipe = Recipe {
    name: "CHECK constraint validated separately",
    risk: "ADD CONSTRAINT blocks reads and writes while it scans the table",
    policies: Policies::Safe,
    placement: Placement::AfterLast,
    steps: |context| Ok(steps(context)),
};

fn steps(context: &RecipeContext) -> Option<Vec<Step>> {
    let adds = context.step.object.kind == KindName::Check && context.step.action == Action::Create;
    let check = context.after().filter(|_| adds)?;
    if check.flag(AttributeName::NOT_VALID)
        || check.flag(AttributeName::NOT_ENFORCED)
        || context.table().kind != KindName::Table
    {
        return None;
    }
    Some(add_and_validate(context))
}

/// Returns two steps for a step that adds a constraint: one that adds it without a scan, and one that validates it.
pub(super) fn add_and_validate(context: &RecipeContext) -> Vec<Step> {
    let mut add = context.step.clone();
    add.sql.push(&Sql::trusted("NOT VALID"));
    add.hazards.clear();
    let validate = validate(&add.object, add.object.name(), &context.table());
    vec![add.reason(NOT_VALID), validate]
}

/// Returns a step that validates a constraint.
pub(super) fn validate(object: &ObjectId, name: &str, table: &ObjectId) -> Step {
    let sql = sql!("ALTER TABLE {} VALIDATE CONSTRAINT {}", table.qualified(), Ident(name));
    scan(object, sql, table).reason("scans the table without blocking reads or writes")
}

/// Returns `ADD CONSTRAINT …` for a CHECK constraint or a foreign key, without a scan of the table.
pub(super) fn add_not_valid(constraint: &Object) -> Sql {
    let definition = match constraint.id.kind {
        KindName::ForeignKey => foreign_key::definition(constraint),
        _ => check::definition(constraint),
    };
    let sql = sql!("ADD CONSTRAINT {} {}", Ident(constraint.id.name()), definition);
    let says_so = constraint.flag(AttributeName::NOT_VALID) || constraint.flag(AttributeName::NOT_ENFORCED);
    if says_so { sql } else { sql.then(&Sql::trusted("NOT VALID")) }
}
