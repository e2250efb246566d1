//! Decides in which phase a step runs.

use crate::model::{Action, Catalog, ObjectId, Pair, Phase, Step, Transaction};

/// Returns the phase of a step: [`Phase::Contract`] if it removes or forbids something that the old version of a program
/// may use.
pub(super) fn phase_of(step: &Step, sides: Pair<&Catalog>) -> Phase {
    if let Some(phase) = step.phase {
        return phase;
    }
    let id = &step.object;
    let is_constraint = id.kind.get().is_constraint();
    let stays = sides.before.contains(id) && sides.after.contains(id);
    let restricts = match step.action {
        // Dropping a constraint allows more. An object that is dropped and created again is missing meanwhile.
        Action::Drop | Action::Release => stays || !is_constraint,
        Action::Declare | Action::Create => stays || restricts_existing(id, sides, is_constraint),
        // Some alterations set the phase of their steps.
        Action::Alter => step.alteration.is_some() && step.transaction != Transaction::CommitAfter,
        Action::Populate if step.fills() => return Phase::Backfill,
        Action::Attach | Action::Populate => false,
    };
    if restricts { Phase::Contract } else { Phase::Expand }
}

/// Whether a new object restricts statements on an existing table.
fn restricts_existing(id: &ObjectId, sides: Pair<&Catalog>, is_constraint: bool) -> bool {
    let restricts = sides.after.get(id).is_some_and(|object| (id.kind.get().restricts_statements)(object));
    let parent = sides.before.parent(id).or_else(|| sides.after.parent(id));
    (is_constraint || restricts) && parent.is_some_and(|parent| sides.before.contains(&parent))
}
