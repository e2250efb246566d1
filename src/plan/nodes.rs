//! The steps of each object, not yet in order.

use super::cascade::dropped_with;
use super::change_set::ChangeSet;
use crate::kinds::{Alteration, ChangeMethod, Context, default_privileges};
use crate::model::{AttributeName, Catalog, Object, Pair, Step};

/// A step of an object.
#[derive(Debug)]
pub(super) struct Node {
    /// The step.
    pub(super) step: Step,
    /// The position of the step among those of the object.
    pub(super) seq: usize,
    /// The position of the object among its siblings.
    pub(super) position: i32,
}

/// Returns the steps of all objects.
pub(super) fn build(sides: Pair<&Catalog>, set: &ChangeSet) -> Vec<Node> {
    let context = set.context(sides);
    let mut nodes = Vec::new();
    for id in set.dropped.iter().filter(|id| dropped_with(id, sides, set).is_none()) {
        let Some(object) = sides.before.get(id) else { continue };
        let kind = id.kind.get();
        let steps = (kind.before_drop)(object, &context).into_iter().chain((kind.drop)(object, &context));
        let node = |(seq, step)| Node { step, seq, position: object.position };
        nodes.extend(steps.enumerate().map(node));
    }
    for id in &set.created {
        let Some(object) = sides.after.get(id) else { continue };
        let mut steps = (id.kind.get().create)(object, &context);
        let blank = default_privileges::new_object(object, &context);
        let names: Vec<AttributeName> =
            object.attributes().chain(blank.attributes()).map(|(name, _)| name).collect();
        steps.extend(alterations(Pair { before: &blank, after: object }, &names, &context, true));
        add(&mut nodes, object, steps, &context);
    }
    for (id, names) in &set.altered {
        let (Some(before), Some(after)) = (sides.before.get(id), sides.after.get(id)) else { continue };
        let steps = alterations(Pair { before, after }, names, &context, false);
        add(&mut nodes, after, steps, &context);
    }
    nodes
}

fn add(nodes: &mut Vec<Node>, object: &Object, steps: Vec<Step>, context: &Context) {
    // No session can wait for a new object, and it has no data to lose. A new part of an existing relation locks that.
    let is_new_relation = object.id.relation().is_none() && context.is_new(&object.id);
    let is_new = is_new_relation || context.parent_is_new(&object.id);
    for (seq, mut step) in steps.into_iter().enumerate() {
        if is_new {
            step.lock = None;
            step.hazards.clear();
        }
        nodes.push(Node { step, seq, position: object.position });
    }
}

/// Returns the steps of the alterations of these attributes, each alteration once, in the order of the kind. A new object
/// needs only what its `CREATE` statement cannot set.
fn alterations(object: Pair<&Object>, names: &[AttributeName], context: &Context, is_new: bool) -> Vec<Step> {
    let mut done: Vec<&'static Alteration> = Vec::new();
    let mut steps = Vec::new();
    let attributes = object.after.id.kind.get().attributes.iter();
    for attribute in attributes.filter(|attribute| names.contains(&attribute.name)) {
        let alteration = match attribute.change_method {
            ChangeMethod::Attach(alteration) => alteration,
            ChangeMethod::Alter(alteration) if !is_new => alteration,
            ChangeMethod::Alter(_) | ChangeMethod::Replace | ChangeMethod::ReadOnly => continue,
        };
        if !done.iter().any(|other| std::ptr::eq(*other, alteration)) {
            done.push(alteration);
            let new = (alteration.steps)(object, context).unwrap_or_default();
            steps.extend(new.into_iter().map(|step| Step { alteration: Some(alteration), ..step }));
        }
    }
    steps
}
