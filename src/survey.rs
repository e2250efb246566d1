//! Asks servers for the facts that recipes need: sizes of tables, rows that violate changes, what a server does with types
//! and defaults.

mod bounds;
mod columns;
mod indexes;
mod probe;
mod sizes;
mod subset;
mod using;
mod violations;

use std::collections::BTreeSet;

use crate::db::{Session, Target};
use crate::error::Result;
use crate::kinds::Namespace;
use crate::model::Plan;
use crate::model::{Catalog, Directives, ObjectId, Pair, Step, Ways, holds_rows};
use crate::recipes::{DataViolations, Facts, Sizes};
use crate::sandbox::{Sandbox, State};

pub use sizes::{query_sizes, read_sizes};

/// Returns the facts for the plans of both directions. `states` are the states that the migration starts from and leads
/// to, `sides` those between which the plans lead. Saved sizes are used in place of those of the start, which then need
/// not be a live database.
///
/// # Errors
/// Returns an error if a connection fails, or if a directive has an expression that the server refuses.
pub async fn survey(
    sandbox: &Sandbox,
    states: Pair<&State>,
    sides: Pair<&Catalog>,
    plans: Ways<&Plan>,
    saved_sizes: Option<&Sizes>,
) -> Result<Ways<Facts>> {
    let directives = &states.after.directives;
    let (sizes, violations) = match (saved_sizes, &states.before.live) {
        (Some(sizes), _) => (sizes.clone(), DataViolations::new()),
        (None, Some(target)) if plans.up.steps.iter().any(blocks_or_risks) => {
            survey_live(target, plans.up, sides, directives).await?
        }
        (None, _) => (Sizes::default(), DataViolations::new()),
    };
    // By the time of a rollback, an empty table may have rows, and so may a new one.
    let later_sizes = sizes.clone().into_incomplete();
    let back = sides.swapped();
    let none = Directives::default();
    let rollback_probes = probe::probe(sandbox, plans.rollback, back, &later_sizes, &none).await?;
    let up_probes = probe::probe(sandbox, plans.up, sides, &sizes, directives).await?;
    Ok(Ways {
        up: Facts { sizes, probes: up_probes, violations, directives: directives.clone() },
        rollback: Facts {
            sizes: later_sizes,
            probes: rollback_probes,
            violations: DataViolations::new(),
            directives: none,
        },
    })
}

/// Returns what a live database says about a plan.
async fn survey_live(
    target: &Target,
    plan: &Plan,
    sides: Pair<&Catalog>,
    directives: &Directives,
) -> Result<(Sizes, DataViolations)> {
    let session = Session::connect(target).await?;
    let sizes = query_sizes(&session, &affected_relations(plan, sides.before)).await?;
    let violations = violations::query_violations(&session, plan, sides, directives).await?;
    session.close().await;
    Ok((sizes, violations))
}

/// Whether a step locks an existing relation or has a hazard.
fn blocks_or_risks(step: &Step) -> bool {
    step.lock.is_some() || !step.hazards.is_empty()
}

/// Returns the relations with rows that a plan locks, scans or rewrites. For a type, these are the tables that use it.
fn affected_relations(plan: &Plan, start: &Catalog) -> BTreeSet<ObjectId> {
    let relation = |id: &ObjectId| start.parent(id).filter(|parent| parent.relation().is_none());
    let objects = |step: &Step| [Some(step.object.clone()), relation(&step.object)].into_iter().flatten();
    let is_type = |id: &ObjectId| id.kind.get().namespaces.contains(&Namespace::Types) && !holds_rows(id);
    let tables = |id: ObjectId| if is_type(&id) { start.relations_using(&id) } else { BTreeSet::from([id]) };
    let steps = plan.steps.iter().filter(|step| blocks_or_risks(step));
    steps.flat_map(objects).flat_map(tables).filter(holds_rows).collect()
}
