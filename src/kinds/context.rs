//! What kinds and recipes may ask of a plan in the making.

use std::collections::BTreeSet;

use crate::model::{Catalog, Object, ObjectId, Pair, PgVersion, Value};

/// Both states, and which objects come or go on the way from one to the other.
pub struct Context<'a> {
    /// The two states.
    pub sides: Pair<&'a Catalog>,
    /// Objects that this plan creates, those built anew among them.
    pub created: &'a BTreeSet<ObjectId>,
    /// Objects that this plan drops, those built anew among them.
    pub dropped: &'a BTreeSet<ObjectId>,
}

impl Context<'_> {
    /// The version of the server that runs the plan.
    pub fn version(&self) -> PgVersion {
        self.sides.after.version
    }

    /// Whether the object is created in this plan.
    pub fn is_new(&self, id: &ObjectId) -> bool {
        self.created.contains(id)
    }

    /// Whether what the object is part of is created in this plan.
    pub fn parent_is_new(&self, id: &ObjectId) -> bool {
        self.sides.after.parent(id).is_some_and(|parent| self.is_new(&parent))
    }

    /// The object as the server makes it before anything is attached to it: with nothing but the privileges
    /// that default ones give it. Those of the start are in force, for their changes come last. What is given and
    /// also wanted is left out, so that the plan says it and holds for whoever runs it.
    pub fn newborn(&self, object: &Object) -> Object {
        let mut newborn = Object::new(object.id.clone());
        let before = self.sides.before;
        let mut grants = super::default_privileges::at_birth(&object.id, &before.user, before);
        // With another owner they are the new one's, who has all anyway.
        grants.retain(|(role, _)| role != object.text("owner"));
        for (role, given) in &mut grants {
            let wanted = object.map("grants").iter().find(|(name, _)| name == role).map(|(_, wanted)| wanted);
            if let (Value::List(given), Some(Value::List(wanted))) = (given, wanted) {
                given.retain(|privilege| !wanted.contains(privilege));
            }
        }
        newborn.set("grants", Value::Map(grants));
        newborn
    }

    /// What the object is part of, in the state that the plan leads to.
    pub fn parent(&self, id: &ObjectId) -> Option<&Object> {
        self.sides.after.parent(id).and_then(|parent| self.sides.after.get(&parent))
    }
}
