//! A migration in phases, between which an old and a new version of a program both work.
//!
//! The steps that only add are run on a copy of the start. A step that depends on one that must wait waits, too. What
//! the server then holds is the state between the phases, and the migration between each two states is planned and
//! proved like any other.
//!
//! Renames belong to the first phase. Until the last phase, a renamed table has a view under its old name, and a renamed
//! column has a shadow column under its other name.

mod backfill;
mod classify;
mod compatibility_view;
mod expanded;
mod shadow_column;

use crate::diff;
use crate::error::Result;
use crate::kinds::KindName;
use crate::model::{Change, Migration, Pair, Phase, Rename};
use crate::proof;
use crate::sandbox::{Sandbox, State};

use super::migration::migration;
use super::options::MigrationOptions;
use super::plans::plans;
use super::renames;

/// A migration in phases.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PhasedMigration {
    /// The migration of each phase that has statements.
    pub phases: Vec<PhaseMigration>,
    /// The differences between the start and the target, apart from names.
    pub changes: Vec<Change>,
    /// The renames.
    pub renames: Vec<Rename>,
}

impl PhasedMigration {
    /// Returns a migration in one phase.
    pub fn single(migration: Migration, before: State) -> Self {
        let (changes, renames) = (migration.changes.clone(), migration.renames.clone());
        Self { phases: vec![PhaseMigration { phase: Phase::Expand, migration, before }], changes, renames }
    }
}

/// The migration of one phase.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PhaseMigration {
    /// The phase.
    pub phase: Phase,
    /// The migration.
    pub migration: Migration,
    /// The state from which it starts.
    pub before: State,
}

/// Makes the migration from one state to another in phases, and proves each phase.
///
/// # Errors
/// Returns an error if a phase cannot be planned, or if its proof fails.
pub async fn phased(
    sandbox: &Sandbox,
    states: Pair<&State>,
    options: &MigrationOptions,
) -> Result<PhasedMigration> {
    let renamed = renames::rename(sandbox, states).await?;
    let mut target = states.after.catalog.clone();
    diff::inherit_unset(&mut target, &renamed.catalog);
    let sides = Pair { before: &renamed.catalog, after: &target };
    let (sides, changes) = proof::differences(sandbox, sides).await?;
    let up = plans(sandbox, states, sides.as_ref(), options).await?.up;
    let (catalog, shadow_columns) = expanded::state(sandbox, &up, sides.as_ref(), &renamed.done).await?;

    let mut between = State::new(catalog, "the state between the phases");
    let (later, now): (Vec<_>, Vec<_>) = renamed.done.iter().cloned().partition(|rename| {
        let has_shadow = shadow_columns.iter().any(|shadow| shadow.column == rename.object.after);
        has_shadow && rename.value.is_none()
    });
    let mut goal = between.clone();
    goal.renames = states.after.renames.clone();
    goal.renames.requested.retain(|requested| {
        requested.value.is_some() || !later.iter().any(|rename| rename.object.after == requested.object)
    });
    between.renames.recorded = Some(vec![now]);
    between.renames.shadow_columns = shadow_columns;

    // A program that uses a table under its old name must find the table or the view at every moment.
    let renames_table =
        |rename: &Rename| rename.object.after.kind == KindName::Table && rename.value.is_none();
    let expand_options =
        MigrationOptions { fills: false, at_once: renamed.done.iter().any(renames_table), ..options.clone() };
    let expand = Pair { before: states.before, after: &goal };
    let expand = migration(sandbox, expand, &expand_options).await?;
    let backfill = backfill::migration(sandbox, &up, &between).await?;
    // The sizes of the tables are those at the start.
    let measured = State { live: states.before.live.clone(), ..between.clone() };
    let contract = Pair { before: &measured, after: states.after };
    let contract = migration(sandbox, contract, options).await?;
    let phases = [
        PhaseMigration { phase: Phase::Expand, migration: expand, before: states.before.clone() },
        PhaseMigration { phase: Phase::Backfill, migration: backfill, before: between.clone() },
        PhaseMigration { phase: Phase::Contract, migration: contract, before: between },
    ];
    let phases = phases.into_iter().filter(|phase| !phase.migration.up.is_empty()).collect();
    Ok(PhasedMigration { phases, changes, renames: renamed.done })
}
