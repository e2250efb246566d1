//! The steps of each object, by what they do.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Action, Catalog, ObjectId, Pair};
use crate::plan::cascade::dropped_with;
use crate::plan::change_set::ChangeSet;
use crate::plan::nodes::Node;

/// The positions of the steps of each object.
#[derive(Default)]
pub(super) struct Index {
    /// The steps that create or alter an object.
    made: BTreeMap<ObjectId, Vec<usize>>,
    /// The same, with the steps that set its attachments.
    complete: BTreeMap<ObjectId, Vec<usize>>,
    /// The objects that are created.
    pub(super) created: BTreeSet<ObjectId>,
    /// The step that creates the shell of an object, with all direct and indirect dependencies of the object.
    pub(super) declared: BTreeMap<ObjectId, (usize, BTreeSet<ObjectId>)>,
    /// The step that drops an object.
    pub(super) dropped: BTreeMap<ObjectId, usize>,
    /// The step that removes the dependencies of an object before it is dropped.
    pub(super) released: BTreeMap<ObjectId, usize>,
}

impl Index {
    pub(super) fn of(nodes: &[Node], sides: Pair<&Catalog>, set: &ChangeSet) -> Self {
        let mut index = Self::default();
        for (i, node) in nodes.iter().enumerate() {
            index.add(i, node, sides.after);
        }
        index.add_implied_drops(sides, set);
        index
    }

    fn add(&mut self, i: usize, node: &Node, target: &Catalog) {
        let id = node.step.object.clone();
        match node.step.action {
            Action::Drop => drop(self.dropped.insert(id, i)),
            Action::Release => drop(self.released.insert(id, i)),
            Action::Declare | Action::Create | Action::Alter => {
                if node.step.action == Action::Create {
                    self.created.insert(id.clone());
                }
                if node.step.action == Action::Declare {
                    self.declared.insert(id.clone(), (i, all_dependencies(&id, target)));
                }
                self.made.entry(id.clone()).or_default().push(i);
                self.complete.entry(id).or_default().push(i);
            }
            Action::Attach => self.complete.entry(id).or_default().push(i),
            Action::Populate => {}
        }
    }

    /// Adds the objects that are dropped by the step of another object.
    fn add_implied_drops(&mut self, sides: Pair<&Catalog>, set: &ChangeSet) {
        let mut implied = BTreeMap::new();
        for id in set.dropped.iter().filter(|id| !self.dropped.contains_key(id)) {
            let mut owner = dropped_with(id, sides, set);
            for _ in 0..set.dropped.len() {
                match owner {
                    Some(other) if !self.dropped.contains_key(&other) => {
                        owner = dropped_with(&other, sides, set);
                    }
                    _ => break,
                }
            }
            if let Some(step) = owner.and_then(|owner| self.dropped.get(&owner)) {
                implied.insert(id.clone(), *step);
            }
        }
        self.dropped.extend(implied);
    }

    /// Returns the steps after which `user` can refer to the object: its shell, if the object depends on the user.
    pub(super) fn usable<'a>(&'a self, id: &ObjectId, user: &ObjectId) -> &'a [usize] {
        match self.declared.get(id) {
            Some((step, dependencies)) if dependencies.contains(user) => std::slice::from_ref(step),
            _ => self.made(id),
        }
    }

    /// Returns the steps that create or alter an object.
    pub(super) fn made(&self, id: &ObjectId) -> &[usize] {
        self.made.get(id).map_or(&[], Vec::as_slice)
    }

    /// Returns the steps that create or alter an object or set its attachments.
    pub(super) fn complete(&self, id: &ObjectId) -> &[usize] {
        self.complete.get(id).map_or(&[], Vec::as_slice)
    }

    /// Returns all objects with such steps.
    pub(super) fn all_complete(&self) -> impl Iterator<Item = (&ObjectId, &[usize])> {
        self.complete.iter().map(|(id, steps)| (id, steps.as_slice()))
    }
}

/// Returns the direct and indirect dependencies of an object.
fn all_dependencies(id: &ObjectId, catalog: &Catalog) -> BTreeSet<ObjectId> {
    let mut found = BTreeSet::new();
    let mut stack = vec![id.clone()];
    while let Some(current) = stack.pop() {
        for (other, _) in catalog.dependencies_of(&current) {
            if found.insert(other.clone()) {
                stack.push(other.clone());
            }
        }
    }
    found
}
