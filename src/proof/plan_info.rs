//! Facts about a planned migration that its proof uses.

use std::collections::BTreeSet;

use crate::kinds::KindName;
use crate::model::{Action, Catalog, ObjectId, Pair, Plan, Rename, RenameMap, Ways};

/// Facts about a planned migration. They are not available for a migration that the user wrote.
#[derive(Clone, Copy, Debug)]
pub struct PlanInfo<'a> {
    /// The plans of both directions.
    pub plans: Ways<&'a Plan>,
    /// The start under the names of the target.
    pub start: &'a Catalog,
    /// All names before and after.
    pub names: &'a RenameMap,
    /// The renames that were requested or detected, including those of enum values.
    pub renames: &'a [Rename],
    /// Parked objects: their names, and their names while they are parked.
    pub parked: &'a [Pair<ObjectId>],
}

impl PlanInfo<'_> {
    /// Returns the objects whose rows or values some of the plans lose or fill: tables with their partitions, columns
    /// with those of children, sequences.
    pub(super) fn not_preserved(&self, plans: &[&Plan]) -> BTreeSet<ObjectId> {
        let start = self.start;
        let mut stack: Vec<ObjectId> = plans.iter().flat_map(|plan| plan.lossy()).cloned().collect();
        let filled = plans.iter().flat_map(|plan| &plan.steps).filter(|step| step.action == Action::Populate);
        stack.extend(filled.map(|step| step.object.clone()));
        let mut found = BTreeSet::new();
        while let Some(id) = stack.pop() {
            if !found.insert(id.clone()) {
                continue;
            }
            let dependents = || start.dependents_of(&id).map(|(user, _)| user);
            let bounds = dependents().filter(|user| user.kind == KindName::Partition);
            stack.extend(bounds.filter_map(|bound| start.parent(bound)));
            if id.kind == KindName::Column {
                stack.extend(dependents().filter(|user| user.kind == KindName::Column).cloned());
            }
        }
        found
    }
}
