//! Recipes: statements that block reads or writes for long become sequences that do not.
//!
//! A recipe looks at one step of an ordered plan and returns the steps that replace it. The sequences follow the notes on
//! `ALTER TABLE` and `CREATE INDEX` in the manual and its section 13.3, and are tested on every version since 14.
//! Objects that the plan creates, and tables that are known to be empty, take the direct statement.

mod attach;
mod backfill;
mod check;
mod column;
mod columns;
mod conversion;
mod cost;
mod detach;
mod facts;
mod foreign_key;
mod index;
mod key;
mod names;
mod not_null;
mod policy;
mod probes;
mod recipe;
mod schedule;
mod sizes;
mod type_change;
mod widen;

use crate::error::Result;
use crate::model::{Catalog, Hazard, Pair, Plan, Step};

pub(crate) use backfill::shadow_backfill;
pub(crate) use columns::{changes_type, default_of, shadow_column_name};
pub use facts::{DataViolations, Facts, RecipeOptions};
pub(crate) use names::{column_word, temporary_name};
pub use policy::Policy;
pub use probes::ProbeResults;
pub(crate) use probes::needs_rewrite_probe;
pub use recipe::{AffectedObjects, Placement, Policies, Recipe, RecipeContext};
pub use sizes::{Size, Sizes};

use crate::model::direction::Direction;
use schedule::{Piece, RecipeSteps};

/// The recipes. The first one that applies to a step replaces it.
pub static RECIPES: &[&Recipe] = &[
    &index::CREATE,
    &index::DROP,
    &key::RECIPE,
    &check::RECIPE,
    &foreign_key::RECIPE,
    &not_null::RECIPE,
    &column::RECIPE,
    &type_change::RECIPE,
    &widen::RECIPE,
    &attach::RECIPE,
    &detach::RECIPE,
];

/// Returns the plan with recipes applied to its steps.
///
/// # Errors
/// Returns an error if a change needs a directive that is missing.
pub fn apply(plan: Plan, sides: Pair<&Catalog>, facts: &Facts, options: RecipeOptions) -> Result<Plan> {
    let Plan { steps, waits } = plan;
    let affected = AffectedObjects::of(&steps);
    let mut pieces = Vec::with_capacity(steps.len());
    for step in &steps {
        let context = RecipeContext { step, sides, affected: &affected, facts, options };
        pieces.push(apply_to_step(&context)?);
    }
    let steps = schedule::arrange(pieces, &waits, sides, options.single_transaction);
    Ok(Plan { steps, waits: Vec::new() })
}

/// Returns both forms of a planned step: the recipe's steps, if one applies, and the direct ones.
fn apply_to_step(context: &RecipeContext) -> Result<Piece> {
    let on_empty_table = context.is_on_empty_table();
    let mut recipe_steps = if on_empty_table { None } else { recipe_steps(context)? };
    let mut direct = direct_step(context, on_empty_table);
    let size = context.facts.sizes.total(&context.table(), context.sides.before);
    let steps = recipe_steps.iter_mut().flat_map(|recipe| &mut recipe.steps);
    steps.chain([&mut direct]).for_each(|step| cost::estimate(step, size));
    if !on_empty_table {
        let first = recipe_steps.iter_mut().find_map(|recipe| recipe.steps.first_mut());
        report_violations(context, first, &mut direct);
    }
    let direct = conversion::direct_steps(context, direct);
    Ok(Piece { planned: context.step.clone(), direct, recipe: recipe_steps, in_use: !on_empty_table })
}

/// Returns the steps of the first recipe that applies.
fn recipe_steps(context: &RecipeContext) -> Result<Option<RecipeSteps>> {
    if context.step.lock.is_none() {
        return Ok(None);
    }
    let direct = context.options.policy == Policy::Direct;
    for recipe in RECIPES.iter().filter(|recipe| !direct || recipe.policies == Policies::All) {
        if let Some(mut steps) = (recipe.steps)(context)? {
            if let Some(first) = steps.first_mut() {
                first.avoided = Some(recipe.risk);
            }
            return Ok(Some(RecipeSteps { steps, placement: recipe.placement }));
        }
    }
    Ok(None)
}

/// Returns the planned step with the hazards that remain after the facts are known.
fn direct_step(context: &RecipeContext, on_empty_table: bool) -> Step {
    let mut step = context.step.clone();
    context.facts.probes.adjust_hazards(&mut step, context.sides);
    // By the time of a rollback, an empty table may have rows.
    step.on_empty_table = on_empty_table && context.options.direction == Direction::Up;
    if step.on_empty_table {
        step.hazards.retain(|hazard| matches!(hazard, Hazard::DataLoss(_)));
    }
    step
}

/// Adds what a check of the existing rows found to the first step of a recipe and to the direct step.
fn report_violations(context: &RecipeContext, recipe_step: Option<&mut Step>, direct: &mut Step) {
    let Some(violation) = context.facts.violations.get(&context.step.object) else { return };
    // Values that are rounded do not make the step fail, and its data loss is reported already.
    let loses_data = direct.hazards.iter().any(|hazard| matches!(hazard, Hazard::DataLoss(_)));
    for step in recipe_step.into_iter().chain([direct]) {
        match violation {
            Some(_) if loses_data => {}
            Some(violation) => step.hazards.push(Hazard::Violation(violation.clone())),
            None if step.belongs_to(&crate::kinds::column::TYPE) => {
                step.hazards.retain(|hazard| !matches!(hazard, Hazard::DataLoss(_)));
            }
            None => {}
        }
    }
}
