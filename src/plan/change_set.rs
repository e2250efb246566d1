//! The objects that a plan drops, creates and alters.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::Context;
use crate::model::{AttributeName, Catalog, Change, Difference, ObjectId, Pair};

/// The objects that a plan drops, creates and alters. An object that is replaced is both dropped and created.
#[derive(Debug, Default)]
pub(super) struct ChangeSet {
    /// Objects that are dropped.
    pub(super) dropped: BTreeSet<ObjectId>,
    /// Objects that are created.
    pub(super) created: BTreeSet<ObjectId>,
    /// Objects that are altered in place, with the attributes that differ.
    pub(super) altered: BTreeMap<ObjectId, Vec<AttributeName>>,
}

impl ChangeSet {
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut set = Self::default();
        for Change { id, what } in changes {
            match what {
                Difference::Missing => {
                    set.dropped.insert(id.clone());
                }
                Difference::Added => {
                    set.created.insert(id.clone());
                }
                Difference::Altered(names) => {
                    set.altered.insert(id.clone(), names.clone());
                }
            }
        }
        set
    }

    pub(super) fn context<'a>(&'a self, sides: Pair<&'a Catalog>) -> Context<'a> {
        Context { sides, created: &self.created, dropped: &self.dropped }
    }

    /// Alters an attribute of an object.
    pub(super) fn alter(&mut self, id: &ObjectId, attribute: AttributeName) {
        let names = self.altered.entry(id.clone()).or_default();
        if !names.contains(&attribute) {
            names.push(attribute);
        }
    }
}
