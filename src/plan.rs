//! Turns differences into steps in an order that works.

mod closure;
mod fold;
mod graph;
mod nodes;

use std::collections::BTreeSet;

use crate::diff;
use crate::error::Result;
use crate::kinds::Namespace;
use crate::model::{Catalog, Hazard, ObjectId, Pair, Step, holds_rows};

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
        self.steps.iter().any(is_felt)
    }

    /// What holds rows and is locked or read by it.
    pub fn locked(&self, start: &Catalog) -> BTreeSet<ObjectId> {
        let relation = |id: &ObjectId| start.parent(id).filter(|parent| parent.relation().is_none());
        let ids = |step: &Step| [Some(step.object.clone()), relation(&step.object)].into_iter().flatten();
        let of_type = |id: &ObjectId| id.kind.get().namespaces.contains(&Namespace::Types);
        let held = |id: ObjectId| {
            if of_type(&id) && !holds_rows(&id) { start.relations_using(&id) } else { BTreeSet::from([id]) }
        };
        let steps = self.steps.iter().filter(|step| is_felt(step));
        steps.flat_map(ids).flat_map(held).filter(holds_rows).collect()
    }

    /// Objects whose rows or values are lost.
    pub fn lossy(&self) -> impl Iterator<Item = &ObjectId> {
        let loses = |step: &&Step| step.hazards.iter().any(|hazard| matches!(hazard, Hazard::DataLoss(_)));
        self.steps.iter().filter(loses).map(|step| &step.object)
    }
}

/// Whether somebody may wait for a step.
fn is_felt(step: &Step) -> bool {
    step.lock.is_some() || !step.hazards.is_empty()
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
