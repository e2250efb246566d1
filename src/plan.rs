//! Turns differences into steps in an order that works.

mod closure;
mod fold;
mod graph;
mod nodes;

use std::collections::BTreeSet;

use crate::diff;
use crate::error::Result;
use crate::model::{Catalog, Hazard, ObjectId, Pair, Step};

/// Steps in order.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// For each step the places of those that must come before it.
    pub waits: Vec<Vec<usize>>,
}

impl Plan {
    /// Everything that may hurt, in order, with what it is about.
    pub fn hazards(&self) -> Vec<(ObjectId, Hazard)> {
        let of =
            |step: &Step| step.hazards.iter().map(|hazard| (step.object.clone(), hazard.clone())).collect();
        // What holds no row loses none.
        let told = self.steps.iter().filter(|step| !step.quiet);
        told.flat_map(|step| -> Vec<_> { of(step) }).collect()
    }

    /// Whether it locks anything that is there already.
    pub fn locks(&self) -> bool {
        self.steps.iter().any(|step| step.lock.is_some())
    }

    /// What holds rows and is locked by it.
    pub fn locked(&self, start: &Catalog) -> BTreeSet<ObjectId> {
        let steps = self.steps.iter().filter(|step| step.lock.is_some());
        let relation = |id: &ObjectId| start.parent(id).filter(|parent| parent.relation().is_none());
        let ids = steps.flat_map(|step| [Some(step.object.clone()), relation(&step.object)]);
        ids.flatten().filter(crate::recipes::holds_rows).collect()
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
    fold::fold(graph).order()
}
