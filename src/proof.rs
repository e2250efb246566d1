//! Makes a migration, and proves it by running it: on a copy of the start, up to the target and back again.

mod agreement;
pub mod dump;
mod observe;
pub mod phases;
mod rehearsal;
pub mod rows;
pub mod statements;

pub use agreement::{differences, first_difference};
pub use rehearsal::{Known, Proof, Way, prove};

use jiff::civil::DateTime;

use crate::diff::{self, Change};
use crate::error::Result;
use crate::model::{Catalog, Direction, Hazard, Names, ObjectId, Pair, Rename, Ways};
use crate::park::{self, Drops};
use crate::plan::{Plan, plan};
use crate::recipes::{self, Policy, RecipeOptions, Sizes};
use crate::rename;
use crate::sandbox::Sandbox;
use crate::sandbox::State;
use crate::script::Script;
use crate::survey::survey;

use agreement::agree;

/// A migration with the proof that it works both ways.
#[derive(Clone, Debug)]
pub struct Migration {
    /// The way from the start to the target.
    pub up: Script,
    /// The way back.
    pub rollback: Script,
    /// What differs between the two, beside their names.
    pub changes: Vec<Change>,
    /// What has another name in the target.
    pub renames: Vec<Rename>,
    /// What it is recorded to have renamed although it made it so: nothing else could tell later.
    pub settled: Vec<Rename>,
    /// The names before and after, those that follow from others too.
    pub names: Names,
    /// The start under the names of the target, and the target with what it leaves to the start.
    pub sides: Pair<Catalog>,
    /// What is worth a word.
    pub notes: Vec<String>,
    /// What of it may hurt: on the way up, and on the way back.
    pub hazards: Pair<Vec<(ObjectId, Hazard)>>,
    /// What proved it.
    pub proof: Proof,
}

impl Migration {
    /// The migration between two states that are the same.
    pub fn nothing(state: &Catalog) -> Self {
        Self {
            up: Script::default(),
            rollback: Script::default(),
            changes: Vec::new(),
            renames: Vec::new(),
            settled: Vec::new(),
            names: Names::default(),
            sides: Pair { before: state.clone(), after: state.clone() },
            notes: Vec::new(),
            hazards: Pair { before: Vec::new(), after: Vec::new() },
            proof: Proof::default(),
        }
    }
}

/// Whether a migration is proved before it is given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proving {
    /// It is.
    Always,
    /// The user took the risk.
    Skipped,
}

/// How a migration is made.
#[derive(Clone, Debug)]
pub struct MigrationOptions {
    /// Whether it is proved.
    pub proving: Proving,
    /// How much care it takes.
    pub policy: Policy,
    /// How long a statement waits for a lock that others wait behind.
    pub lock_timeout: std::time::Duration,
    /// Whether it gives values to rows that are there, which else is a revision of its own.
    pub fills: bool,
    /// Whether what is quick is done in one transaction, however many tables it waits for: a name stands for another
    /// from its beginning to its end.
    pub at_once: bool,
    /// What becomes of tables that the target has no more.
    pub drops: Drops,
    /// The time that it carries, where it is known.
    pub at: Option<DateTime>,
    /// How large the tables are that it is for, where that was saved; else the start is asked, if it is a database.
    pub sizes: Option<Sizes>,
}

impl Default for MigrationOptions {
    fn default() -> Self {
        Self {
            proving: Proving::Always,
            policy: Policy::default(),
            lock_timeout: crate::script::LOCK_TIMEOUT,
            fills: true,
            at_once: false,
            drops: Drops::default(),
            at: None,
            sizes: None,
        }
    }
}

impl From<Proving> for MigrationOptions {
    fn from(proving: Proving) -> Self {
        Self { proving, ..Self::default() }
    }
}

/// Plans the way from one state to another and proves it.
///
/// # Errors
/// When it cannot be planned, or when the proof fails.
pub async fn migration(
    sandbox: &Sandbox,
    states: Pair<&State>,
    terms: &MigrationOptions,
) -> Result<Migration> {
    let renamed = rename::renamed(sandbox, states).await?;
    let mut target = states.after.catalog.clone();
    diff::adopt(&mut target, &renamed.middle);
    let (sides, changes) = differences(sandbox, Pair { before: &renamed.middle, after: &target }).await?;
    let (parking, kept) = match terms.drops {
        Drops::Park => park::parking(sides.as_ref(), terms.at),
        Drops::Delete => (None, Vec::new()),
    };
    let (mut up, mut back, parked) = match parking {
        None => {
            let (up, back) = safely(sandbox, states, sides.as_ref(), terms).await?;
            (up, back, Vec::new())
        }
        Some(parking) => {
            let there = Pair { before: &sides.before, after: &parking.bare };
            let (mut up, remade) = safely(sandbox, states, there, terms).await?;
            let on = Pair { before: &parking.rest, after: &sides.after };
            let (rest, mut back) = safely(sandbox, states, on, terms).await?;
            up.steps.extend(parking.steps.after.into_iter().chain(rest.steps));
            back.steps.extend(parking.steps.before.into_iter().chain(remade.steps));
            (up, back, parking.places)
        }
    };
    up.steps.splice(0..0, renamed.steps.after);
    back.steps.extend(renamed.steps.before);
    let hazards = Pair { before: back.hazards(), after: up.hazards() };
    let script = |plan| Script::waiting(plan, terms.lock_timeout);
    let scripts = Pair { before: script(&back), after: script(&up) };
    let mut migration = Migration {
        up: scripts.after,
        rollback: scripts.before,
        changes,
        renames: renamed.done,
        settled: renamed.settled,
        names: renamed.names,
        sides: Pair { before: renamed.middle, after: target },
        notes: renamed.notes.into_iter().chain(kept).collect(),
        hazards,
        proof: Proof::default(),
    };
    if terms.proving == Proving::Always && !migration.up.is_empty() {
        let ways = Pair { before: Way::Script(&migration.rollback), after: Way::Script(&migration.up) };
        migration.proof = {
            let plans = Pair { before: &back, after: &up };
            let known = Known {
                plans,
                middle: &sides.before,
                names: &migration.names,
                renames: &migration.renames,
                parked: &parked,
            };
            let whole = !migration.names.is_empty() || !migration.renames.is_empty();
            let start = if whole { &states.before.catalog } else { &sides.before };
            prove(sandbox, ways, Pair { before: start, after: &sides.after }, states.after, Some(known))
                .await?
        };
        migration.up.seen(&migration.proof.locks.after);
        migration.rollback.seen(&migration.proof.locks.before);
    }
    Ok(migration)
}

/// The way up and the way back, each with the care that is asked for.
async fn safely(
    sandbox: &Sandbox,
    states: Pair<&State>,
    sides: Pair<&Catalog>,
    terms: &MigrationOptions,
) -> Result<(Plan, Plan)> {
    let (up, back) = (plan(sides)?, plan(sides.swapped())?);
    let plans = Ways { up: &up, rollback: &back };
    let facts = survey(sandbox, states, sides, plans, terms.sizes.as_ref()).await?;
    let options =
        |direction| RecipeOptions { policy: terms.policy, direction, single_transaction: terms.at_once };
    let mut up = recipes::apply(up, sides, &facts.up, options(Direction::Up))?;
    up.steps.retain(|step| terms.fills || !step.fills());
    let back = recipes::apply(back, sides.swapped(), &facts.rollback, options(Direction::Rollback))?;
    Ok((up, back))
}
