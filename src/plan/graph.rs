//! A graph of all steps, built from the dependencies of both sides. All that varies by kind is in the kinds.

mod index;
mod order;

use std::collections::BTreeMap;

use self::index::Index;
use super::change_set::ChangeSet;
use super::detach::is_detached;
use super::nodes::Node;
use crate::kinds::{KindName, Namespace};
use crate::model::{Action, Catalog, DependencyKind, ObjectId, Pair, Transaction};

/// Steps, with the steps that must precede each.
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    /// For each step, those that must precede it.
    pub(super) before: Vec<Vec<usize>>,
    /// For each step that is part of another statement, the step of that statement.
    pub(super) folded: Vec<Option<usize>>,
}

impl Graph {
    pub(super) fn new(sides: Pair<&Catalog>, set: &ChangeSet, nodes: Vec<Node>) -> Self {
        let index = Index::of(&nodes, sides, set);
        let mut graph =
            Self { before: vec![Vec::new(); nodes.len()], folded: vec![None; nodes.len()], nodes };
        graph.add_object_order(&index);
        graph.add_creations(sides, &index);
        graph.add_removals(sides, &index);
        graph.add_sibling_order(sides, set, &index);
        graph.add_names(sides, set, &index);
        graph.add_explicit_order(&index);
        for list in &mut graph.before {
            list.sort_unstable();
            list.dedup();
        }
        graph
    }

    fn edge(&mut self, first: usize, then: usize) {
        if first != then {
            self.before[then].push(first);
        }
    }

    /// The steps of one object keep their order, and its drop precedes its creation.
    fn add_object_order(&mut self, index: &Index) {
        let mut last_made: BTreeMap<&ObjectId, usize> = BTreeMap::new();
        let mut last_dropped: BTreeMap<&ObjectId, usize> = BTreeMap::new();
        let mut edges = Vec::new();
        for (i, node) in self.nodes.iter().enumerate() {
            let id = &node.step.object;
            let previous = if matches!(node.step.action, Action::Drop | Action::Release) {
                // If several steps drop an object, it is gone after the last one.
                last_dropped.insert(id, i)
            } else {
                let dropped = || index.dropped.get(id).or(index.released.get(id)).copied();
                last_made.insert(id, i).or_else(dropped)
            };
            edges.extend(previous.map(|first| (first, i)));
        }
        for (first, then) in edges {
            self.edge(first, then);
        }
    }

    /// The dependencies of an object exist before it.
    fn add_creations(&mut self, sides: Pair<&Catalog>, index: &Index) {
        for (id, steps) in index.all_complete() {
            let mut needs: Vec<usize> = Vec::new();
            let parent = sides.after.parent(id);
            let parent: &[usize] = parent.as_ref().map_or(&[], |parent| index.made(parent));
            for (other, kind) in sides.after.dependencies_of(id) {
                match kind {
                    // An index of a partitioned table attaches those of the partitions when it is created.
                    DependencyKind::Part => {
                        for parent in index.made(other) {
                            for part in index.made(id) {
                                self.edge(*part, *parent);
                            }
                        }
                    }
                    DependencyKind::Auto if id.kind.get().owned_by_attribute.is_some() => {}
                    DependencyKind::Auto | DependencyKind::Normal | DependencyKind::Internal => {
                        // In a cycle, an existing object can be referred to before it is altered.
                        let is_existing = !index.created.contains(other)
                            && !index.declared.contains_key(other)
                            && !index.made(other).is_empty()
                            && sides.after.depends_on(other, id);
                        needs.extend(if is_existing { &[] } else { index.usable(other, id) });
                    }
                }
            }
            for step in steps {
                // A shell needs only its parent.
                let is_shell = self.nodes[*step].step.action == Action::Declare;
                let own: &[usize] = if is_shell { &[] } else { &needs };
                for need in parent.iter().chain(own) {
                    self.edge(*need, *step);
                }
            }
        }
    }

    /// The dependents of an object are dropped or released before it is dropped or altered.
    fn add_removals(&mut self, sides: Pair<&Catalog>, index: &Index) {
        for id in sides.before.objects.keys() {
            let parts = sides.before.children(id).map(|child| &child.id);
            let users = sides.before.dependents_of(id).map(|(user, _)| user);
            if let Some(drop) = index.dropped.get(id) {
                for user in users.chain(parts) {
                    self.before_drop(id, user, *drop, sides, index);
                }
                continue;
            }
            // The owner of a sequence can change without an effect on the users of the sequence.
            if id.kind.get().owned_by_attribute.is_some() {
                continue;
            }
            let changes: Vec<usize> = index.made(id).iter().chain(index.released.get(id)).copied().collect();
            if !changes.is_empty() {
                for user in users.chain(parts) {
                    self.before_change(id, user, &changes, sides, index);
                }
            }
        }
    }

    /// The steps of a dependent precede the drop of an object.
    fn before_drop(
        &mut self,
        id: &ObjectId,
        user: &ObjectId,
        drop: usize,
        sides: Pair<&Catalog>,
        index: &Index,
    ) {
        let release = index.released.get(user);
        match index.dropped.get(user) {
            Some(user_drop) => {
                // In a cycle, the user releases the object first.
                let release = release.filter(|_| sides.before.depends_on(id, user));
                self.edge(*release.unwrap_or(user_drop), drop);
            }
            None if is_detached(user, id, sides) => {}
            None => {
                for step in release.map_or(index.complete(user), std::slice::from_ref) {
                    self.edge(*step, drop);
                }
            }
        }
    }

    /// The drop of a dependent precedes the changes of an object.
    fn before_change(
        &mut self,
        id: &ObjectId,
        user: &ObjectId,
        changes: &[usize],
        sides: Pair<&Catalog>,
        index: &Index,
    ) {
        let Some(user_drop) = index.dropped.get(user) else { return };
        // In a cycle, the user releases the object first.
        let is_cycle = sides.before.depends_on(id, user);
        let first = if is_cycle { index.released.get(user) } else { Some(user_drop) };
        for step in changes {
            // A step with a commit of its own only adds, and need not wait.
            if self.nodes[*step].step.transaction != Transaction::CommitAfter
                && let Some(first) = first
            {
                self.edge(*first, *step);
            }
        }
    }

    /// New columns are created in the order of their positions.
    fn add_sibling_order(&mut self, sides: Pair<&Catalog>, set: &ChangeSet, index: &Index) {
        let mut last: BTreeMap<(ObjectId, KindName), (&ObjectId, usize)> = BTreeMap::new();
        let mut siblings: Vec<(&ObjectId, i32)> = set
            .created
            .iter()
            .filter(|id| id.kind.get().ordered)
            .map(|id| (id, sides.after.get(id).map_or(0, |object| object.position)))
            .collect();
        siblings.sort_by_key(|(id, position)| (*position, (*id).clone()));
        for (id, _) in siblings {
            let (Some(parent), Some(first)) = (sides.after.parent(id), index.made(id).first().copied())
            else {
                continue;
            };
            if let Some((before, previous)) = last.insert((parent, id.kind), (id, first)) {
                // A generated column may precede the column on which it depends.
                if !sides.after.depends_on(before, id) {
                    self.edge(previous, first);
                }
            }
        }
    }

    /// A name is free before another object takes it.
    fn add_names(&mut self, sides: Pair<&Catalog>, set: &ChangeSet, index: &Index) {
        let mut freed: BTreeMap<Name, Vec<(&ObjectId, usize)>> = BTreeMap::new();
        let reserved =
            |side: &Catalog, id: &ObjectId| side.get(id).and_then(|object| (id.kind.get().reserves)(object));
        for id in set.dropped.iter().filter(|id| sides.before.contains(id)) {
            if let Some(step) = index.dropped.get(id) {
                for name in std::iter::once(id).chain(&reserved(sides.before, id)).flat_map(names) {
                    freed.entry(name).or_default().push((id, *step));
                }
            }
        }
        // An altered object may change the name that it reserves.
        let altered: Vec<_> = set
            .altered
            .keys()
            .map(|id| (id, reserved(sides.before, id), reserved(sides.after, id)))
            .filter(|(_, before, after)| before != after)
            .collect();
        for (id, before, _) in &altered {
            if let Some(step) = index.made(id).last() {
                for name in before.iter().flat_map(names) {
                    freed.entry(name).or_default().push((id, *step));
                }
            }
        }
        let created = set.created.iter().map(|id| (id, Some(id), reserved(sides.after, id)));
        let takers = created.chain(altered.iter().map(|(id, _, after)| (*id, None, after.clone())));
        for (id, own, reserved) in takers {
            let Some(first) = index.made(id).first().copied() else { continue };
            for name in own.into_iter().chain(&reserved).flat_map(names) {
                let others = freed.get(&name).into_iter().flatten().filter(|(other, _)| *other != id);
                for (_, step) in others {
                    self.edge(*step, first);
                }
            }
        }
    }

    /// The order that the steps themselves require.
    fn add_explicit_order(&mut self, index: &Index) {
        let mut edges = Vec::new();
        for (i, node) in self.nodes.iter().enumerate() {
            for id in &node.step.requires {
                edges.extend(index.complete(id).iter().map(|first| (*first, i)));
            }
            for id in &node.step.precedes {
                edges.extend(index.made(id).iter().map(|then| (i, *then)));
                edges.extend(index.dropped.get(id).map(|then| (i, *then)));
            }
        }
        for (first, then) in edges {
            self.edge(first, then);
        }
    }
}

/// A name in a namespace.
type Name = (Namespace, Vec<Box<str>>);

/// Returns the names of an object in the namespaces that it shares with other kinds.
fn names(id: &ObjectId) -> Vec<Name> {
    let path = |i: usize| id.path().get(i).cloned().unwrap_or_default();
    let namespaces = id.kind.get().namespaces.iter();
    namespaces
        .filter_map(|namespace| {
            let name = match namespace {
                Namespace::Own => return None,
                Namespace::Relations | Namespace::Types => vec![path(0), id.name().into()],
                Namespace::Routines | Namespace::Constraints => id.path().to_vec(),
            };
            Some((*namespace, name))
        })
        .collect()
}
