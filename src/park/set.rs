//! Tables that are parked, with the objects that move with them.

use std::collections::BTreeSet;

use crate::kinds::{KindName, Namespace};
use crate::model::{Catalog, DependencyKind, ObjectId, Pair};

/// Tables that are parked, with the objects that move with them.
pub(super) struct ParkedSet<'a> {
    /// The objects that need a statement of their own.
    pub(super) moved: BTreeSet<&'a ObjectId>,
    /// All objects, including parts.
    pub(super) members: BTreeSet<&'a ObjectId>,
}

impl<'a> ParkedSet<'a> {
    /// Returns the tables, their parts, the sequences that their columns own, and the types, routines and sequences that
    /// they depend on if the target does not have them.
    pub(super) fn of(tables: &[&'a ObjectId], sides: Pair<&'a Catalog>) -> Self {
        let Pair { before: start, after: target } = sides;
        let mut set = Self { moved: tables.iter().copied().collect(), members: BTreeSet::new() };
        let mut stack = tables.to_vec();
        while let Some(id) = stack.pop() {
            if !set.members.insert(id) {
                continue;
            }
            stack.extend(start.children(id).map(|part| &part.id));
            let owned = start.dependents_of(id).filter(|(user, kind)| is_owned_sequence(user, *kind));
            stack.extend(owned.map(|(user, _)| user));
            if id.kind == KindName::ForeignKey {
                continue;
            }
            let dropped =
                start.dependencies_of(id).filter(|(needed, _)| !target.contains(needed) && can_move(needed));
            for (needed, _) in dropped.filter(|(needed, _)| !has_owner(needed, start)) {
                set.moved.insert(needed);
                stack.push(needed);
            }
        }
        set
    }

    /// Returns why this set cannot be parked, even together with all others, and what to do about it.
    pub(super) fn obstacle(&self, all: &ParkedSet, sides: Pair<&Catalog>) -> Option<String> {
        let Pair { before: start, after: target } = sides;
        for id in &self.members {
            if id.kind == KindName::Sequence && target.contains(id) {
                return Some(format!(
                    "its {id} is in the target; to park it, remove the sequence there, too"
                ));
            }
            let is_table = matches!(id.kind, KindName::Table | KindName::Partition);
            for (needed, _) in start.dependencies_of(id).filter(|(needed, _)| !all.members.contains(needed)) {
                if is_table && needed.kind == KindName::Table {
                    return Some(format!(
                        "it is a partition or child of {needed}; to park it, detach it in an earlier migration"
                    ));
                }
                let stays = target.contains(needed) || needed.kind == KindName::Schema;
                if !stays && id.kind != KindName::ForeignKey {
                    return Some(format!(
                        "it depends on {needed}, which is dropped; to park it, drop that in a later migration"
                    ));
                }
            }
        }
        let dependent = self.dependents(start, all).into_iter().find(|id| has_data(id))?;
        Some(format!("{dependent} depends on it; to park it, change that in an earlier migration"))
    }

    /// Returns the objects outside all sets that depend on this set, including parts.
    fn dependents(&self, start: &'a Catalog, all: &ParkedSet) -> BTreeSet<&'a ObjectId> {
        let mut found = BTreeSet::new();
        let is_outside = |id: &&ObjectId| !all.members.contains(*id);
        let users = |id: &ObjectId| start.dependents_of(id).map(|(user, _)| user);
        let mut stack: Vec<&ObjectId> =
            self.members.iter().flat_map(|id| users(id)).filter(is_outside).collect();
        while let Some(id) = stack.pop() {
            if found.insert(id) {
                let parts = start.children(id).map(|part| &part.id);
                stack.extend(users(id).chain(parts).filter(is_outside));
            }
        }
        found
    }

    /// Returns the objects that are dropped before the set moves: those that depend on it, and its foreign keys to other
    /// tables.
    pub(super) fn detached_objects(&self, start: &'a Catalog) -> BTreeSet<ObjectId> {
        let mut objects: BTreeSet<ObjectId> = self.dependents(start, self).into_iter().cloned().collect();
        let refers_outside =
            |id: &ObjectId| start.dependencies_of(id).any(|(needed, _)| !self.members.contains(needed));
        let keys = self.members.iter().filter(|id| id.kind == KindName::ForeignKey && refers_outside(id));
        objects.extend(keys.map(|id| (*id).clone()));
        objects
    }
}

/// Whether an object of this kind has data, so that it cannot be dropped and created again.
fn has_data(id: &ObjectId) -> bool {
    matches!(
        id.kind,
        KindName::Table
            | KindName::Column
            | KindName::Sequence
            | KindName::Partition
            | KindName::ForeignTable
    )
}

fn is_owned_sequence(id: &ObjectId, kind: DependencyKind) -> bool {
    id.kind == KindName::Sequence && kind == DependencyKind::Auto
}

/// Whether a column owns the sequence.
fn has_owner(sequence: &ObjectId, catalog: &Catalog) -> bool {
    catalog.dependencies_of(sequence).any(|(_, kind)| is_owned_sequence(sequence, kind))
}

/// Whether an object of this kind can move to another schema by itself: a type, a routine, a sequence.
fn can_move(id: &ObjectId) -> bool {
    let namespaces = id.kind.get().namespaces;
    let is_type = namespaces.contains(&Namespace::Types) && !namespaces.contains(&Namespace::Relations);
    is_type || id.kind == KindName::Sequence || is_routine(id)
}

pub(super) fn is_routine(id: &ObjectId) -> bool {
    id.kind.get().is_routine()
}
