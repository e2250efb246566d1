//! Columns become NOT NULL over a constraint that was validated without blocking reads or writes.

use super::backfill::directive_backfill;
use super::check::{NOT_VALID, validate};
use super::policy::Policy;
use super::recipe::{Placement, Policies, Recipe, RecipeContext};
use crate::kinds::column;
use crate::model::catalog::Catalog;
use crate::model::object::Object;
use crate::model::sql::Ident;
use crate::model::step::{Action, Phase, Step};
use crate::model::version::PgVersion;
use crate::sql;

/// Before 18, a CHECK constraint is added, validated, and dropped again. Since 18, the NOT NULL constraint itself can be
/// validated.
pub(super) static RECIPE: Recipe = Recipe {
    name: "NOT NULL validated separately",
    risk: "SET NOT NULL blocks reads and writes while it scans the table",
    policies: Policies::All,
    placement: Placement::AfterFirst,
    steps: |context| Ok(steps(context)),
};

fn steps(context: &RecipeContext) -> Option<Vec<Step>> {
    let step = context.step;
    let sets_not_null =
        step.action == Action::Alter && step.belongs_to(&column::NOT_NULL) && !step.hazards.is_empty();
    let column = context.after().filter(|_| sets_not_null)?;
    let mut steps = directive_backfill(context, column);
    if steps.is_empty() && context.options.policy == Policy::Direct {
        return None;
    }
    steps.extend(set_not_null(context, column));
    Some(steps)
}

/// Returns steps that make a column NOT NULL if no row is NULL in it.
pub(super) fn set_not_null(context: &RecipeContext, column: &Object) -> Vec<Step> {
    let id = &column.id;
    let table = context.table();
    let alter = |what| context.alter_table(id, &what);
    let name = column::not_null_name(column);
    let steps =
        if context.version() >= PgVersion::V18 && name.len() < 64 && !is_constraint_name(context, &name) {
            let add = sql!("ADD CONSTRAINT {} NOT NULL {} NOT VALID", Ident(&name), Ident(id.name()));
            vec![alter(add).reason(NOT_VALID), validate(id, &name, &table)]
        } else {
            let check = context.temporary_name(&format!("not_null_{}", column.position));
            let (check_name, column_name) = (Ident(&check), Ident(id.name()));
            vec![
                alter(sql!("ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID", check_name, column_name))
                    .reason(NOT_VALID),
                validate(id, &check, &table),
                alter(sql!("ALTER COLUMN {} SET NOT NULL", column_name))
                    .reason("the validated constraint proves it; no scan"),
                alter(sql!("DROP CONSTRAINT {}", check_name)),
            ]
        };
    steps.into_iter().map(|step| step.phase(Phase::Contract)).collect()
}

/// Whether another constraint of the table has this name.
fn is_constraint_name(context: &RecipeContext, name: &str) -> bool {
    let table = context.table();
    let is_constraint = |part: &Object| part.id.kind.get().is_constraint() && part.id.name() == name;
    let has_constraint = |side: &Catalog| side.children(&table).any(is_constraint);
    has_constraint(context.sides.before) || has_constraint(context.sides.after)
}
