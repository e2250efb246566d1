//! An annotation with both names as they are at the start.

use crate::kinds::{Identity, KindName, Namespace};
use crate::model::rename::{RequestedRename, with_renamed_parents};
use crate::model::{Catalog, ObjectId, Pair, Rename, sql};
use crate::rename::subject::Subject;

/// Whether a requested rename has to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It has to run.
    Pending,
    /// It has run already.
    Done,
}

/// An annotation with both names as they are, or would be, at the start: the names of containers that other renames
/// change are those at the start.
pub(super) struct Request<'a> {
    pub(super) annotation: &'a RequestedRename,
    pub(super) old: Subject,
    pub(super) new: Subject,
    /// The outcome, once it is decided.
    pub(super) outcome: Option<Outcome>,
}

impl<'a> Request<'a> {
    /// Returns `None` if both names are equal. `pending` are the renames of containers and of argument types.
    pub(super) fn new(annotation: &'a RequestedRename, pending: &[Rename], start: &Catalog) -> Option<Self> {
        let reversed: Vec<Rename> = pending
            .iter()
            .map(|rename| Rename { object: rename.object.clone().swapped(), value: None })
            .collect();
        let (old, new) = match &annotation.value {
            Some(value) => value_names(annotation, value, &reversed),
            None => object_names(annotation, &reversed, pending, start),
        };
        (old != new).then_some(Self { annotation, old, new, outcome: None })
    }

    /// Returns the rename that the annotation requests.
    pub(super) fn rename(&self) -> Rename {
        let value = self.old.value.clone().zip(self.annotation.value.clone());
        Rename {
            object: Pair { before: self.old.object.clone(), after: self.annotation.object.clone() },
            value: value.map(|(before, after)| Pair { before, after }),
        }
    }
}

fn value_names(annotation: &RequestedRename, value: &str, reversed: &[Rename]) -> (Subject, Subject) {
    let own = reversed.iter().find(|rename| rename.object.before == annotation.object);
    let object = match own {
        Some(rename) => rename.object.after.clone(),
        None => with_renamed_parents(&annotation.object, reversed),
    };
    let subject = |value: &str| Subject { object: object.clone(), value: Some(value.to_owned()) };
    (subject(last_name(annotation)), subject(value))
}

fn object_names(
    annotation: &RequestedRename,
    reversed: &[Rename],
    pending: &[Rename],
    start: &Catalog,
) -> (Subject, Subject) {
    let new = with_renamed_parents(&annotation.object, reversed);
    let mut path: Vec<&str> = new.path().iter().map(|part| &**part).collect();
    let name_index = if new.kind.get().identity == Identity::Routine { 1 } else { path.len() - 1 };
    path[name_index] = last_name(annotation);
    // Names before the last are those of the containers, outermost first.
    let containers = annotation.from.iter().rev().skip(1).take(name_index).enumerate();
    for (i, container) in containers {
        path[name_index - 1 - i] = container;
    }
    let (old, new) = with_arguments_at_start(ObjectId::new(new.kind, &path), new, pending, start);
    let subject = |object| Subject { object, value: None };
    (subject(old), subject(new))
}

fn last_name(annotation: &RequestedRename) -> &str {
    annotation.from.last().map(String::as_str).unwrap_or_default()
}

/// Returns both names of a routine with the argument types that it has at the start.
fn with_arguments_at_start(
    old: ObjectId,
    new: ObjectId,
    pending: &[Rename],
    start: &Catalog,
) -> (ObjectId, ObjectId) {
    if old.kind.get().identity != Identity::Routine || start.contains(&old) {
        return (old, new);
    }
    let is_same = |id: &&ObjectId| {
        id.kind == old.kind
            && id.path()[..2] == old.path()[..2]
            && have_same_arguments(&id.path()[2], &old.path()[2], pending)
    };
    match start.objects.keys().find(is_same) {
        Some(found) => {
            let new = ObjectId::new(new.kind, &[&new.path()[0], &new.path()[1], &found.path()[2]]);
            (found.clone(), new)
        }
        None => (old, new),
    }
}

/// Whether the renames turn one list of argument types into another.
fn have_same_arguments(old: &str, new: &str, pending: &[Rename]) -> bool {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split(", ").collect(), new.split(", ").collect());
    // The name of the element type, and the length of the brackets of an array.
    let split = |ty: &str| {
        let element = ty.trim_end_matches("[]");
        (sql::split_qualified_name(element), ty.len() - element.len())
    };
    let is_same = |old: &str, new: &str| {
        let (element, brackets) = split(old);
        (renamed_type(element, pending), brackets) == split(new)
    };
    old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| is_same(old, new))
}

/// Returns the name of a type after the renames.
fn renamed_type(name: Vec<String>, pending: &[Rename]) -> Vec<String> {
    let path = |id: &ObjectId| id.path().iter().map(ToString::to_string).collect::<Vec<String>>();
    let objects = pending.iter().filter(|rename| rename.value.is_none()).map(|rename| &rename.object);
    for Pair { before, after } in objects.rev() {
        if before.kind.get().namespaces.contains(&Namespace::Types) && path(before) == name {
            return path(after);
        }
        if before.kind == KindName::Schema && name.len() == 2 && name[0] == before.name() {
            return vec![after.name().to_owned(), name[1].clone()];
        }
    }
    name
}
