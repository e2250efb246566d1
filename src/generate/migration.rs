//! A migration in one part.

use crate::diff;
use crate::error::Result;
use crate::model::{Catalog, Migration, ObjectId, Pair, Plan, Script, Ways};
use crate::park::{self, Drops, Parking};
use crate::proof::{self, MigrationSql, PlanInfo};
use crate::sandbox::{Sandbox, State};

use super::options::{MigrationOptions, Proving};
use super::plans::plans;
use super::renames::{self, Renamed};

/// Makes the migration from one state to another and proves it on a scratch server.
///
/// ```
/// use schemadiff::Result;
/// use schemadiff::generate::{self, MigrationOptions};
/// use schemadiff::model::{Migration, Pair};
/// use schemadiff::sandbox::{Sandbox, Source};
///
/// async fn migration(sandbox: &Sandbox, from: &Source, to: &Source) -> Result<Migration> {
///     let (before, after) = (sandbox.read(from).await?, sandbox.read(to).await?);
///     let states = Pair { before: &before, after: &after };
///     let migration = generate::migration(sandbox, states, &MigrationOptions::default()).await?;
///     println!("{}", migration.up.render());
///     println!("-- {}", migration.proof);
///     Ok(migration)
/// }
/// ```
///
/// # Errors
/// Returns an error if the migration cannot be planned, or if its proof fails.
pub async fn migration(
    sandbox: &Sandbox,
    states: Pair<&State>,
    options: &MigrationOptions,
) -> Result<Migration> {
    let renamed = renames::rename(sandbox, states).await?;
    let mut target = states.after.catalog.clone();
    diff::inherit_unset(&mut target, &renamed.catalog);
    let sides = Pair { before: &renamed.catalog, after: &target };
    let (sides, changes) = proof::differences(sandbox, sides).await?;
    let (parking, notes) = match options.drops {
        Drops::Park => park::parking(sides.as_ref(), options.at),
        Drops::Delete => (None, Vec::new()),
    };
    let (mut plans, parked) = match parking {
        None => (plans(sandbox, states, sides.as_ref(), options).await?, Vec::new()),
        Some(parking) => parked_plans(sandbox, states, sides.as_ref(), parking, options).await?,
    };
    let Renamed { catalog, steps, names, done, completed, notes: rename_notes } = renamed;
    plans.up.steps.splice(0..0, steps.up);
    plans.rollback.steps.extend(steps.rollback);
    let scripts = plans.as_ref().map(|plan| Script::with_lock_timeout(plan, options.lock_timeout));
    let mut migration = Migration::new(scripts, Pair { before: catalog, after: target });
    migration.changes = changes;
    migration.renames = done;
    migration.completed_renames = completed;
    migration.names = names;
    migration.notes = rename_notes.into_iter().chain(notes).collect();
    migration.hazards = plans.as_ref().map(Plan::hazards);
    if options.proving == Proving::Always && !migration.up.is_empty() {
        prove(&mut migration, sandbox, states, sides.as_ref(), plans.as_ref(), &parked).await?;
    }
    Ok(migration)
}

/// Plans both directions if tables are parked: objects that depend on them are dropped, the tables are moved, and
/// the rest of the migration follows. Returns the moved objects, too.
async fn parked_plans(
    sandbox: &Sandbox,
    states: Pair<&State>,
    sides: Pair<&Catalog>,
    parking: Parking,
    options: &MigrationOptions,
) -> Result<(Ways<Plan>, Vec<Pair<ObjectId>>)> {
    let detaching = Pair { before: sides.before, after: &parking.detached };
    let remaining = Pair { before: &parking.remaining, after: sides.after };
    let detach = plans(sandbox, states, detaching, options).await?;
    let rest = plans(sandbox, states, remaining, options).await?;
    let Ways { mut up, rollback: attach } = detach;
    let Ways { up: rest, mut rollback } = rest;
    up.steps.extend(parking.steps.up.into_iter().chain(rest.steps));
    rollback.steps.extend(parking.steps.rollback.into_iter().chain(attach.steps));
    Ok((Ways { up, rollback }, parking.places))
}

/// Proves the migration, and adds what the proof observed.
async fn prove(
    migration: &mut Migration,
    sandbox: &Sandbox,
    states: Pair<&State>,
    sides: Pair<&Catalog>,
    plans: Ways<&Plan>,
    parked: &[Pair<ObjectId>],
) -> Result<()> {
    let sql =
        Ways { up: MigrationSql::Script(&migration.up), rollback: MigrationSql::Script(&migration.rollback) };
    let info =
        PlanInfo { plans, start: sides.before, names: &migration.names, renames: &migration.renames, parked };
    let has_renames = !migration.names.is_empty() || !migration.renames.is_empty();
    let start = if has_renames { &states.before.catalog } else { sides.before };
    let ends = Pair { before: start, after: sides.after };
    migration.proof = proof::prove(sandbox, sql, ends, states.after, Some(info)).await?;
    migration.up.add_observed_locks(&migration.proof.locks.up);
    migration.rollback.add_observed_locks(&migration.proof.locks.rollback);
    Ok(())
}
