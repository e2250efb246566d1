//! Phases of steps that affect clients although they do not change the object itself.

use crate::model::kind::Context;
use crate::model::{Phase, Step};

/// Defers a change of an existing object to the contract phase, because an old version of a program may depend on what the
/// object was: its owner, or whether row-level security applies.
pub fn contract_if_existing(step: Step, context: &Context) -> Step {
    if context.sides.before.contains(&step.object) { step.phase(Phase::Contract) } else { step }
}
