//! A change of type that would rewrite the table goes through a shadow column, which then replaces the column.

mod eligible;
mod fill;
mod identity;
mod parts;
mod shadow;
mod swap;

use super::backfill::Backfill;
use super::not_null::set_not_null;
use super::recipe::{Placement, Policies, Recipe, RecipeContext, scan};
use crate::model::AttributeName;
use crate::model::sql::Ident;
use crate::model::step::{Action, Phase, Step};
use crate::sql;

use shadow::Shadow;

/// A trigger keeps the shadow column up to date, a backfill converts existing rows, and the indexes are built on it. One
/// short transaction then drops the old column and renames the shadow column.
pub(super) static RECIPE: Recipe = Recipe {
    name: "type changed through a shadow column",
    risk: "ALTER COLUMN TYPE rewrites the table while reads and writes wait",
    policies: Policies::Safe,
    placement: Placement::AroundSwap,
    steps: |context| Ok(steps(context)),
};

fn steps(context: &RecipeContext) -> Option<Vec<Step>> {
    let shadow = Shadow::of(context)?;
    let name = sql!("{}", Ident(shadow.column.id.name()));
    let mut steps = fill::create(&shadow)?;
    let backfill = Backfill {
        column: &shadow.column,
        shown_as: &context.step.object,
        value: shadow.value.to_string(),
        // The trigger fills every row that is written from now on, so that one pass over the table is enough.
        condition: format!("{name} IS NULL AND ({}) IS NOT NULL", shadow.value),
        batch: None,
    };
    // The backfill is a part of the alteration, not a step that can be left out.
    let fills = backfill.steps(context).into_iter();
    steps.extend(fills.map(|step| Step { action: Action::Alter, ..step }));
    if shadow.before.flag(AttributeName::NOT_NULL) {
        steps.extend(set_not_null(context, &shadow.column));
    }
    steps.extend(shadow.parts.iter().filter_map(|part| fill::build_index(&shadow, part)));
    let analyze = sql!("ANALYZE {} ({})", shadow.column.id.qualified_relation(), name);
    let reason = "gives the planner statistics of the new column before the swap";
    steps.push(scan(&shadow.column.id, analyze, &context.table()).reason(reason));
    steps.extend(swap::swap(&shadow));
    steps.extend(shadow.parts.iter().filter_map(swap::validate_part));
    for step in &mut steps {
        step.object = context.step.object.clone();
        step.phase = Some(Phase::Contract);
    }
    Some(steps)
}
