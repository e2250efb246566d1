//! An ordered list of steps.

use super::{Hazard, ObjectId, Step};

/// Steps in an order in which they can be run.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// For each step, the positions of the steps that must come before it.
    pub waits: Vec<Vec<usize>>,
}

impl Plan {
    /// Returns the hazards of the steps, in order, each with its object. Steps on empty tables have none.
    pub fn hazards(&self) -> Vec<(ObjectId, Hazard)> {
        let reported = self.steps.iter().filter(|step| !step.on_empty_table);
        reported
            .flat_map(|step| step.hazards.iter().map(|hazard| (step.object.clone(), hazard.clone())))
            .collect()
    }

    /// Returns the objects whose rows or values are lost.
    pub fn lossy(&self) -> impl Iterator<Item = &ObjectId> {
        let loses_data =
            |step: &&Step| step.hazards.iter().any(|hazard| matches!(hazard, Hazard::DataLoss(_)));
        self.steps.iter().filter(loses_data).map(|step| &step.object)
    }
}
