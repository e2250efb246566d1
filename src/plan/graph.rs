//! One graph over both sides' dependencies: what comes before what. Knows no kind of object.

mod order;

use std::collections::{BTreeMap, BTreeSet};

use super::closure::{self, Work};
use super::nodes::{self, Node};
use crate::kinds::Namespace;
use crate::model::{Action, Catalog, DependencyKind, ObjectId, Pair, Transaction};

/// Steps and what must precede each.
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    /// For each step those that come first.
    pub(super) before: Vec<Vec<usize>>,
    /// The step that says it, where a step is folded into another.
    pub(super) folded: Vec<Option<usize>>,
}

/// The steps of each object.
struct Index {
    /// Steps that bring an object or change what it is.
    made: BTreeMap<ObjectId, Vec<usize>>,
    /// The same and those for what hangs off it.
    whole: BTreeMap<ObjectId, Vec<usize>>,
    /// Objects that come, of which there is nothing yet.
    created: BTreeSet<ObjectId>,
    /// The step that brings an object's name alone, with what the object is made of, near and far.
    declared: BTreeMap<ObjectId, (usize, BTreeSet<ObjectId>)>,
    /// The step by which an object goes.
    gone: BTreeMap<ObjectId, usize>,
    /// The step by which an object that stands in a circle lets go of the others.
    released: BTreeMap<ObjectId, usize>,
}

impl Index {
    fn of(nodes: &[Node], sides: Pair<&Catalog>, work: &Work) -> Self {
        let (mut made, mut whole) = (BTreeMap::new(), BTreeMap::new());
        let mut created = BTreeSet::new();
        let (mut gone, mut declared, mut released) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (i, node) in nodes.iter().enumerate() {
            let id = node.step.object.clone();
            match node.step.action {
                Action::Drop => drop(gone.insert(id, i)),
                Action::Release => drop(released.insert(id, i)),
                Action::Declare | Action::Create | Action::Alter => {
                    if node.step.action == Action::Create {
                        created.insert(id.clone());
                    }
                    if node.step.action == Action::Declare {
                        declared.insert(id.clone(), (i, needs_of(&id, sides.after)));
                    }
                    made.entry(id.clone()).or_insert_with(Vec::new).push(i);
                    whole.entry(id).or_insert_with(Vec::new).push(i);
                }
                Action::Attach => whole.entry(id).or_insert_with(Vec::new).push(i),
                Action::Populate => {}
            }
        }
        // What goes with another is gone when that is.
        let mut implied = BTreeMap::new();
        for id in work.dropped.iter().filter(|id| !gone.contains_key(id)) {
            let mut owner = nodes::owner_of_drop(id, sides, work);
            for _ in 0..work.dropped.len() {
                match owner {
                    Some(other) if !gone.contains_key(&other) => {
                        owner = nodes::owner_of_drop(&other, sides, work);
                    }
                    _ => break,
                }
            }
            if let Some(step) = owner.and_then(|owner| gone.get(&owner)) {
                implied.insert(id.clone(), *step);
            }
        }
        gone.extend(implied);
        Self { made, whole, created, declared, gone, released }
    }

    /// The steps after which `user` can name the object: its declaration, if the object is made of the user.
    fn usable<'a>(&'a self, id: &ObjectId, user: &ObjectId) -> &'a [usize] {
        match self.declared.get(id) {
            Some((step, needs)) if needs.contains(user) => std::slice::from_ref(step),
            _ => self.made(id),
        }
    }

    fn made(&self, id: &ObjectId) -> &[usize] {
        self.made.get(id).map_or(&[], Vec::as_slice)
    }

    fn whole(&self, id: &ObjectId) -> &[usize] {
        self.whole.get(id).map_or(&[], Vec::as_slice)
    }
}

impl Graph {
    pub(super) fn new(sides: Pair<&Catalog>, work: &Work, nodes: Vec<Node>) -> Self {
        let index = Index::of(&nodes, sides, work);
        let mut graph =
            Self { before: vec![Vec::new(); nodes.len()], folded: vec![None; nodes.len()], nodes };
        graph.chains(&index);
        graph.creations(sides, &index);
        graph.removals(sides, &index);
        graph.siblings(sides, work, &index);
        graph.names(sides, work, &index);
        graph.directives(&index);
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

    /// The steps of one object come in their order, and its going before its coming.
    fn chains(&mut self, index: &Index) {
        let mut last: BTreeMap<&ObjectId, usize> = BTreeMap::new();
        let mut drops: BTreeMap<&ObjectId, usize> = BTreeMap::new();
        let mut edges = Vec::new();
        for (i, node) in self.nodes.iter().enumerate() {
            if matches!(node.step.action, Action::Drop | Action::Release) {
                // Where several take an object away, the last one is that by which it is gone.
                if let Some(first) = drops.insert(&node.step.object, i) {
                    edges.push((first, i));
                }
                continue;
            }
            let previous = last.insert(&node.step.object, i);
            let before =
                || index.gone.get(&node.step.object).or(index.released.get(&node.step.object)).copied();
            if let Some(first) = previous.or_else(before) {
                edges.push((first, i));
            }
        }
        for (first, then) in edges {
            self.edge(first, then);
        }
    }

    /// What an object needs in the end is there before it.
    fn creations(&mut self, sides: Pair<&Catalog>, index: &Index) {
        for (id, steps) in &index.whole {
            let mut needs: Vec<usize> = Vec::new();
            let parent: Vec<usize> =
                sides.after.parent(id).map(|parent| index.made(&parent).to_vec()).unwrap_or_default();
            for (other, kind) in sides.after.dependencies_of(id) {
                match kind {
                    // A whole takes its parts when it comes.
                    DependencyKind::Part => {
                        for whole in index.made(other) {
                            for part in index.made(id) {
                                self.edge(*part, *whole);
                            }
                        }
                    }
                    DependencyKind::Auto if id.kind.get().owned_by_attribute.is_some() => {}
                    DependencyKind::Auto | DependencyKind::Normal | DependencyKind::Internal => {
                        // In a circle what is there already can be named as it is.
                        let named = !index.created.contains(other)
                            && !index.declared.contains_key(other)
                            && !index.made(other).is_empty()
                            && sides.after.depends_on(other, id);
                        needs.extend(if named { &[] } else { index.usable(other, id) });
                    }
                }
            }
            for step in steps {
                // A name needs no more than the place where it is.
                let own =
                    if self.nodes[*step].step.action == Action::Declare { &[] } else { needs.as_slice() };
                for need in parent.iter().chain(own) {
                    self.edge(*need, *step);
                }
            }
        }
    }

    /// What depends on an object has gone or let go before it goes or changes.
    fn removals(&mut self, sides: Pair<&Catalog>, index: &Index) {
        for id in sides.before.objects.keys() {
            let gone = index.gone.get(id).copied();
            // What lets go of its owner is not in the way of what uses it.
            let released = index.released.get(id).filter(|_| id.kind.get().owned_by_attribute.is_none());
            let changed: Vec<usize> = if gone.is_none() {
                index.made(id).iter().chain(released).copied().collect()
            } else {
                Vec::new()
            };
            // What can be given to another changes without a word to those who use it.
            if gone.is_none() && (changed.is_empty() || id.kind.get().owned_by_attribute.is_some()) {
                continue;
            }
            let parts: Vec<&ObjectId> = sides.before.children(id).map(|child| &child.id).collect();
            let users = sides.before.dependents_of(id).map(|(user, _)| user);
            for user in users.chain(parts) {
                match (index.gone.get(user), gone) {
                    (Some(last), Some(gone)) => {
                        let circle = index.released.get(user).filter(|_| sides.before.depends_on(id, user));
                        self.edge(*circle.unwrap_or(last), gone);
                    }
                    (Some(last), None) => {
                        // In a circle the one that changes lets go of the one that goes.
                        let circle = sides.before.depends_on(id, user);
                        let first = index.released.get(user).filter(|_| circle).or((!circle).then_some(last));
                        // What is committed by itself only adds, and need not wait for anybody.
                        for step in &changed {
                            if self.nodes[*step].step.transaction != Transaction::CommitAfter
                                && let Some(first) = first
                            {
                                self.edge(*first, *step);
                            }
                        }
                    }
                    (None, Some(_)) if closure::is_detached(user, id, sides) => {}
                    (None, Some(gone)) => {
                        let release = index.released.get(user);
                        for step in release.map_or(index.whole(user), std::slice::from_ref) {
                            self.edge(*step, gone);
                        }
                    }
                    (None, None) => {}
                }
            }
        }
    }

    /// New columns come in the order in which they will stand.
    fn siblings(&mut self, sides: Pair<&Catalog>, work: &Work, index: &Index) {
        let mut last: BTreeMap<(ObjectId, crate::kinds::KindName), (&ObjectId, usize)> = BTreeMap::new();
        let mut ordered: Vec<(&ObjectId, i32)> = work
            .created
            .iter()
            .filter(|id| id.kind.get().ordered)
            .map(|id| (id, sides.after.get(id).map_or(0, |object| object.position)))
            .collect();
        ordered.sort_by_key(|(id, position)| (*position, (*id).clone()));
        for (id, _) in ordered {
            let (Some(parent), Some(first)) = (sides.after.parent(id), index.made(id).first().copied())
            else {
                continue;
            };
            if let Some((before, previous)) = last.insert((parent, id.kind), (id, first)) {
                // A generated column may stand before the one of which it is made.
                if !sides.after.depends_on(before, id) {
                    self.edge(previous, first);
                }
            }
        }
    }

    /// A name is free before another object takes it.
    fn names(&mut self, sides: Pair<&Catalog>, work: &Work, index: &Index) {
        let mut freed: BTreeMap<(Namespace, Vec<Box<str>>), Vec<Freed>> = BTreeMap::new();
        let hidden =
            |side: &Catalog, id: &ObjectId| side.get(id).and_then(|object| (id.kind.get().reserves)(object));
        for id in work.dropped.iter().filter(|id| sides.before.contains(id)) {
            if let Some(step) = index.gone.get(id) {
                for name in std::iter::once(id).chain(&hidden(sides.before, id)).flat_map(names) {
                    freed.entry(name).or_default().push((id, *step));
                }
            }
        }
        // What stays may let go of a name, or take one.
        let turns = work.altered.keys().filter_map(|id| {
            let (was, is) = (hidden(sides.before, id), hidden(sides.after, id));
            (was != is).then_some((id, was, is))
        });
        let turns: Vec<_> = turns.collect();
        for (id, was, _) in &turns {
            if let Some(step) = index.made(id).last() {
                for name in was.iter().flat_map(names) {
                    freed.entry(name).or_default().push((id, *step));
                }
            }
        }
        let comes = work.created.iter().map(|id| (id, Some(id.clone()), hidden(sides.after, id)));
        let taken = comes.chain(turns.iter().map(|(id, _, is)| (*id, None, is.clone())));
        for (id, own, hidden) in taken {
            let Some(first) = index.made(id).first().copied() else { continue };
            for name in own.iter().chain(&hidden).flat_map(names) {
                for (other, gone) in freed.get(&name).into_iter().flatten() {
                    if *other != id {
                        self.edge(*gone, first);
                    }
                }
            }
        }
    }

    /// What the steps themselves ask for.
    fn directives(&mut self, index: &Index) {
        let mut edges = Vec::new();
        for (i, node) in self.nodes.iter().enumerate() {
            for id in &node.step.requires {
                edges.extend(index.whole(id).iter().map(|first| (*first, i)));
            }
            for id in &node.step.precedes {
                edges.extend(index.made(id).iter().map(|then| (i, *then)));
                edges.extend(index.gone.get(id).map(|then| (i, *then)));
            }
        }
        for (first, then) in edges {
            self.edge(first, then);
        }
    }
}

/// Everything that an object depends on, near and far.
fn needs_of(id: &ObjectId, catalog: &Catalog) -> BTreeSet<ObjectId> {
    let mut found = BTreeSet::new();
    let mut stack = vec![id.clone()];
    while let Some(here) = stack.pop() {
        for (other, _) in catalog.dependencies_of(&here) {
            if found.insert(other.clone()) {
                stack.push(other.clone());
            }
        }
    }
    found
}

/// An object that frees a name, and the step by which it does.
type Freed<'a> = (&'a ObjectId, usize);

/// The names that an object takes, in the spaces in which they exclude others.
fn names(id: &ObjectId) -> Vec<(Namespace, Vec<Box<str>>)> {
    let path = |i: usize| id.path().get(i).cloned().unwrap_or_default();
    let spaces = id.kind.get().namespaces.iter();
    spaces
        .filter_map(|space| {
            let name = match space {
                Namespace::Own => return None,
                Namespace::Relations | Namespace::Types => vec![path(0), id.name().into()],
                Namespace::Routines | Namespace::Constraints => id.path().to_vec(),
            };
            Some((*space, name))
        })
        .collect()
}
