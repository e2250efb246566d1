//! The attributes of an object that `CREATE` does not set: owner, privileges, comment.

use crate::model::kind::{Alteration, ChangeMethod, Context};
use crate::model::{Object, Pair, Step};

/// Resets the attached attributes of a part that consists of nothing else, if its parent remains.
pub fn detach(object: &Object, context: &Context) -> Vec<Step> {
    if context.sides.after.parent(&object.id).is_none_or(|parent| context.is_new(&parent)) {
        return Vec::new();
    }
    let blank = Object::new(object.id.clone());
    attachment_steps(Pair { before: object, after: &blank }, context)
}

/// Sets all attached attributes of an object that replaces one of the same identity.
pub fn attach_all(object: &Object, context: &Context) -> Vec<Step> {
    let blank = Object::new(object.id.clone());
    attachment_steps(Pair { before: &blank, after: object }, context)
}

/// Changes the attached attributes, those with the same alteration together.
fn attachment_steps(object: Pair<&Object>, context: &Context) -> Vec<Step> {
    let mut done: Vec<&Alteration> = Vec::new();
    let mut steps = Vec::new();
    let is_set = |name| object.before.get(name).is_some() || object.after.get(name).is_some();
    for attribute in object.before.id.kind.get().attributes.iter().filter(|a| is_set(a.name)) {
        if let ChangeMethod::Attach(by) = attribute.change_method
            && !done.iter().any(|other| std::ptr::eq(*other, by))
        {
            done.push(by);
            steps.extend((by.steps)(object, context).unwrap_or_default());
        }
    }
    steps
}
