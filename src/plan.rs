//! Turns differences into steps in an order that works.

mod closure;
mod fold;
mod graph;
mod nodes;

use crate::diff;
use crate::error::Result;
use crate::model::{Catalog, Hazard, ObjectId, Pair, Step};

/// Steps in order.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Everything that may hurt, in order.
    pub fn hazards(&self) -> impl Iterator<Item = &Hazard> {
        self.steps.iter().flat_map(|step| &step.hazards)
    }

    /// Objects whose rows or values are lost.
    pub fn lossy(&self) -> impl Iterator<Item = &ObjectId> {
        let loses = |step: &&Step| step.hazards.iter().any(|hazard| matches!(hazard, Hazard::DataLoss(_)));
        self.steps.iter().filter(loses).map(|step| &step.object)
    }
}

/// Plans the way from one state to the other. The way back is the plan of the swapped pair.
///
/// # Errors
/// When a change cannot be made without losing what nobody said may be lost, or the order has a cycle.
pub fn plan(sides: Pair<&Catalog>) -> Result<Plan> {
    let changes = diff::diff(sides);
    let work = closure::close(sides, &changes)?;
    let nodes = nodes::build(sides, &work);
    let graph = graph::Graph::new(sides, &work, nodes);
    Ok(Plan { steps: fold::fold(graph).order()? })
}
