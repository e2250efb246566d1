//! The steps of each object, before they have an order.

use std::collections::BTreeSet;

use super::closure::{Work, is_detached};
use crate::kinds::{Alteration, ChangeMethod, Context, KindName, default_privileges};
use crate::model::{Action, Catalog, DependencyKind, Object, ObjectId, Pair, Step, Transaction};

/// A step with its place among those of its object.
#[derive(Debug)]
pub(super) struct Node {
    /// The step.
    pub(super) step: Step,
    /// Its place among the steps of the object.
    pub(super) seq: usize,
    /// The object's place among its siblings.
    pub(super) position: i32,
}

/// All steps.
pub(super) fn build(sides: Pair<&Catalog>, work: &Work) -> Vec<Node> {
    let context = work.context(sides);
    let mut nodes = Vec::new();
    for id in &work.dropped {
        let Some(object) = sides.before.get(id) else { continue };
        if owner_of_drop(id, sides, work).is_none() {
            let kind = id.kind.get();
            let steps = (kind.before_drop)(object, &context).into_iter().chain((kind.drop)(object, &context));
            for (seq, step) in steps.enumerate() {
                nodes.push(Node { step, seq, position: object.position });
            }
        }
    }
    for id in &work.created {
        let Some(object) = sides.after.get(id) else { continue };
        let mut steps = (id.kind.get().create)(object, &context);
        let blank = default_privileges::new_object(object, &context);
        let names: Vec<&str> = object.attributes().chain(blank.attributes()).map(|(name, _)| name).collect();
        steps.extend(alterations(Pair { before: &blank, after: object }, &names, &context, true));
        add(&mut nodes, object, steps, &context);
    }
    for (id, names) in &work.altered {
        let (Some(before), Some(after)) = (sides.before.get(id), sides.after.get(id)) else { continue };
        let steps = alterations(Pair { before, after }, names, &context, false);
        add(&mut nodes, after, steps, &context);
    }
    nodes
}

fn add(nodes: &mut Vec<Node>, object: &Object, steps: Vec<Step>, context: &Context) {
    let new = context.is_new(&object.id) && object.id.parents().count() == 0;
    let on_new = new || context.parent_is_new(&object.id) || context.is_new(&object.id);
    let on_new_relation = object.id.relation().is_none() && on_new || context.parent_is_new(&object.id);
    for (seq, mut step) in steps.into_iter().enumerate() {
        if on_new_relation {
            // Nobody can wait for, and nothing can be lost from, what this plan creates.
            step.lock = None;
            step.hazards.clear();
        }
        nodes.push(Node { step, seq, position: object.position });
    }
}

/// The steps of the alterations that these attributes ask for, each alteration once, in the kind's order.
fn alterations(object: Pair<&Object>, names: &[&str], context: &Context, new: bool) -> Vec<Step> {
    let mut done: Vec<&'static Alteration> = Vec::new();
    let mut steps = Vec::new();
    for attribute in object.after.id.kind.get().attributes {
        if !names.contains(&attribute.name) {
            continue;
        }
        let by = match attribute.change_method {
            ChangeMethod::Attach(by) => by,
            ChangeMethod::Alter(by) if !new => by,
            ChangeMethod::Alter(_) | ChangeMethod::Replace | ChangeMethod::ReadOnly => continue,
        };
        if !done.iter().any(|other| std::ptr::eq(*other, by)) {
            done.push(by);
            let of_it = (by.steps)(object, context).unwrap_or_default();
            steps.extend(of_it.into_iter().map(|step| Step { alteration: Some(by), ..step }));
        }
    }
    steps
}

/// The object whose drop takes this one with it, if one does.
pub(super) fn owner_of_drop(id: &ObjectId, sides: Pair<&Catalog>, work: &Work) -> Option<ObjectId> {
    let before = sides.before;
    let kind = id.kind.get();
    let parent = before.parent(id).filter(|parent| work.dropped.contains(parent));
    // A schema takes nothing with it without CASCADE.
    let parent = parent.filter(|parent| !parent.kind.get().parents.is_empty());
    if let Some(parent) = parent {
        // A view's column is no more than what is told of it, and goes with the view alone.
        let told = parent.kind == KindName::ViewColumn;
        let stays = told && before.parent(&parent).is_some_and(|view| !work.dropped.contains(&view));
        let alone = !kind.dropped_with_parent || stays || stands_between(id, &parent, before, work);
        return (!alone).then_some(parent);
    }
    before
        .dependencies_of(id)
        .filter(|(owner, how)| *how != DependencyKind::Normal && work.dropped.contains(*owner))
        .filter(|(owner, _)| !stays_behind(id, owner, sides, work))
        .map(|(owner, _)| owner.clone())
        .next()
}

/// Whether a part of a partition is still there when the whole table has gone with its own: the partition was detached
/// before, or inherits no longer.
fn stays_behind(id: &ObjectId, owner: &ObjectId, sides: Pair<&Catalog>, work: &Work) -> bool {
    let dropped =
        |part: &ObjectId| sides.before.parent(part).is_some_and(|whole| work.dropped.contains(&whole));
    id.relation().is_some() && !dropped(id) && dropped(owner) && is_detached(id, owner, sides)
}

/// Whether the part needs something that goes before the whole because it needs the whole: a rule on a view
/// writes to a table that has a column of the view's row type.
fn stands_between(id: &ObjectId, whole: &ObjectId, before: &Catalog, work: &Work) -> bool {
    // What itself goes with another is not taken apart.
    if before
        .dependencies_of(whole)
        .any(|(other, how)| how != DependencyKind::Normal && work.dropped.contains(other))
    {
        return false;
    }
    let inside = |other: &ObjectId| other == whole || before.parent(other).as_ref() == Some(whole);
    let goes = |other: &ObjectId| work.dropped.contains(other) && !other.kind.get().parents.is_empty();
    // A share goes with its whole and never by itself.
    let mut stack: Vec<&ObjectId> = before
        .dependencies_of(id)
        .filter(|(other, how)| *how == DependencyKind::Normal && goes(other) && !inside(other))
        .map(|(other, _)| other)
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(here) = stack.pop() {
        if !seen.insert(here) {
            continue;
        }
        let parts = before.children(here).map(|part| &part.id).chain([here]);
        let needs = parts.flat_map(|part| before.dependencies_of(part));
        for (needed, _) in needs.filter(|(_, how)| *how == DependencyKind::Normal) {
            if inside(needed) {
                return true;
            }
            if goes(needed) {
                stack.push(needed);
            }
        }
    }
    false
}

/// Which of a pair of steps comes first when nothing else says: what must be committed before the rest, drops,
/// then what there is, then what fills it.
pub(super) fn stage(step: &Step) -> u8 {
    match step.action {
        _ if step.transaction == Transaction::CommitAfter => 0,
        Action::Drop | Action::Release => 1,
        Action::Declare | Action::Create | Action::Alter | Action::Attach => 2,
        Action::Populate => 3,
    }
}
