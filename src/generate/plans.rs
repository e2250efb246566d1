//! The plans of both directions, with recipes applied.

use std::collections::BTreeSet;

use crate::db::Session;
use crate::error::Result;
use crate::kinds::Namespace;
use crate::model::{Catalog, Directives, ObjectId, Pair, Plan, Step, Ways, holds_rows};
use crate::plan::plan;
use crate::recipes::{self, DataViolations, PlanFacts, ProbeResults, Sizes};
use crate::sandbox::{Sandbox, State};

use super::options::MigrationOptions;

/// Plans both directions between two catalogs. `states` are the states that the whole migration starts from and leads
/// to, `sides` those between which this part of it leads.
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
    let directives = &states.after.directives;
    let (start_sizes, violations) = survey(states, sides, &direct.up, options).await?;
    // By the time of a rollback, empty tables may have rows.
    let target_sizes = start_sizes.clone().in_part();
    let probed = Ways {
        up: ProbeResults::ask(sandbox, &direct.up, sides, &start_sizes, directives).await?,
        // The directives of the target are for the way up.
        rollback: ProbeResults::ask(
            sandbox,
            &direct.rollback,
            sides.swapped(),
            &target_sizes,
            &Directives::default(),
        )
        .await?,
    };
    let up = PlanFacts {
        policy: options.policy,
        at_once: options.at_once,
        sizes: &start_sizes,
        probed: &probed.up,
        directives,
        trips: violations.as_ref(),
        back: false,
    };
    let rollback =
        PlanFacts { sizes: &target_sizes, probed: &probed.rollback, trips: None, back: true, ..up };
    let mut plans = Ways {
        up: recipes::apply(direct.up, sides, up)?,
        rollback: recipes::apply(direct.rollback, sides.swapped(), rollback)?,
    };
    plans.up.steps.retain(|step| options.fills || !step.fills());
    Ok(plans)
}

/// Returns the sizes of the tables that the plan locks, and the rows that would make it fail. Sizes are taken from the
/// options, or else from the start if it is a database.
async fn survey(
    states: Pair<&State>,
    sides: Pair<&Catalog>,
    up: &Plan,
    options: &MigrationOptions,
) -> Result<(Sizes, Option<DataViolations>)> {
    if let Some(saved) = &options.sizes {
        return Ok((saved.clone(), None));
    }
    let Some(target) = states.before.live.as_ref().filter(|_| up.blocking_steps().next().is_some()) else {
        return Ok((Sizes::default(), None));
    };
    let directives = &states.after.directives;
    let filled: Vec<&ObjectId> = directives.backfills.keys().chain(directives.usings.keys()).collect();
    let session = Session::connect(target).await?;
    let sizes = Sizes::ask(&session, &locked_relations(up, sides.before)).await?;
    let violations = recipes::ask(&session, up, sides, &filled).await?;
    session.close().await;
    Ok((sizes, Some(violations)))
}

/// Returns the relations with rows that a plan locks, scans or rewrites. For a type, these are the tables that use it.
fn locked_relations(plan: &Plan, start: &Catalog) -> BTreeSet<ObjectId> {
    let relation = |id: &ObjectId| start.parent(id).filter(|parent| parent.relation().is_none());
    let objects = |step: &Step| [Some(step.object.clone()), relation(&step.object)].into_iter().flatten();
    let is_type = |id: &ObjectId| id.kind.get().namespaces.contains(&Namespace::Types);
    let tables = |id: ObjectId| {
        if is_type(&id) && !holds_rows(&id) { start.relations_using(&id) } else { BTreeSet::from([id]) }
    };
    plan.blocking_steps().flat_map(objects).flat_map(tables).filter(holds_rows).collect()
}
