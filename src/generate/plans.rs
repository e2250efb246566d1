//! The plans of both directions, with recipes applied.

use super::options::MigrationOptions;
use crate::error::Result;
use crate::model::{Catalog, Direction, Pair, Plan, Ways};
use crate::plan::plan;
use crate::recipes::{self, RecipeOptions};
use crate::sandbox::{Sandbox, State};
use crate::survey::survey;

/// Plans both directions between two catalogs. `states` are the start and the target of the whole migration,
/// `sides` those of this part of it.
///
/// # Errors
/// Returns an error if a direction cannot be planned, or if a server that is queried returns one.
pub(super) async fn plans(
    sandbox: &Sandbox,
    states: Pair<&State>,
    sides: Pair<&Catalog>,
    options: &MigrationOptions,
) -> Result<Ways<Plan>> {
    let direct = Ways { up: plan(sides)?, rollback: plan(sides.swapped())? };
    let facts = survey(sandbox, states, sides, direct.as_ref(), options.sizes.as_ref()).await?;
    let recipe_options =
        |direction| RecipeOptions { policy: options.policy, direction, single_transaction: options.at_once };
    let (up, rollback) = (recipe_options(Direction::Up), recipe_options(Direction::Rollback));
    let mut plans = Ways {
        up: recipes::apply(direct.up, sides, &facts.up, up)?,
        rollback: recipes::apply(direct.rollback, sides.swapped(), &facts.rollback, rollback)?,
    };
    plans.up.steps.retain(|step| options.fills || !step.fills());
    Ok(plans)
}
