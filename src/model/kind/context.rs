//! The plan in which a statement is made, as kinds and recipes see it.

use std::collections::BTreeSet;

use crate::model::catalog::Catalog;
use crate::model::object::{Object, ObjectId, Pair};
use crate::model::version::PgVersion;

/// Both states, and the objects that the plan creates and drops.
pub struct Context<'a> {
    /// The two states.
    pub sides: Pair<&'a Catalog>,
    /// The objects that the plan creates, including those that it replaces.
    pub created: &'a BTreeSet<ObjectId>,
    /// The objects that the plan drops, including those that it replaces.
    pub dropped: &'a BTreeSet<ObjectId>,
}

impl Context<'_> {
    /// Returns the version of the server that runs the plan.
    pub fn version(&self) -> PgVersion {
        self.sides.after.version
    }

    /// Returns whether the plan creates the object.
    pub fn is_new(&self, id: &ObjectId) -> bool {
        self.created.contains(id)
    }

    /// Returns whether the plan creates the object's parent.
    pub fn parent_is_new(&self, id: &ObjectId) -> bool {
        self.sides.after.parent(id).is_some_and(|parent| self.is_new(&parent))
    }

    /// Returns the object's parent in the state after the plan.
    pub fn parent(&self, id: &ObjectId) -> Option<&Object> {
        self.sides.after.parent(id).and_then(|parent| self.sides.after.get(&parent))
    }
}
