//! Decides which annotated renames are still pending.
//!
//! An annotation stays in the target after its rename has run. If only the old name exists, the rename is pending; if only
//! the new name exists, it is done. If both exist, as in a chain or a swap, the other annotations decide, and the
//! renames that the headers of migrations record. For a swap in a database without migrations, the definitions of the
//! objects decide.

mod decide;
mod errors;
mod request;

use self::decide::decide;
use self::request::{Outcome, Request};
use crate::error::{Diagnostic, Error, Result};
use crate::kinds::Identity;
use crate::model::rename::RequestedRename;
use crate::model::reserved::STANDARD_OBJECTS;
use crate::model::{Catalog, ObjectId, Pair, Rename, Renames};

/// The annotated renames of a target.
#[derive(Debug, Default)]
pub struct RequestedRenames {
    /// The renames that have to run.
    pub pending: Vec<Rename>,
    /// Renames that need no statement because the objects are created under their new names. Without a record, they
    /// would look pending later.
    pub completed: Vec<Rename>,
}

/// Decides which annotated renames of a target are pending.
///
/// # Errors
/// Returns an error for each annotation that matches no object, or that cannot be decided.
pub fn requested(states: Pair<&Catalog>, renames: Pair<&Renames>) -> Result<RequestedRenames> {
    let annotations = &renames.after.requested;
    if annotations.is_empty() {
        return Ok(RequestedRenames::default());
    }
    let is_standard =
        |id: &ObjectId| STANDARD_OBJECTS.iter().any(|(kind, name)| id.kind == *kind && id.name() == *name);
    if states.before.objects.keys().all(is_standard) {
        let requests =
            annotations.iter().filter_map(|annotation| Request::new(annotation, &[], states.after));
        let completed = requests.filter(|request| request.old.exists_in(states.after));
        let completed = completed.map(|request| request.rename()).collect();
        return Ok(RequestedRenames { pending: Vec::new(), completed });
    }
    let (possible, impossible): (Vec<_>, Vec<_>) =
        annotations.iter().partition(|annotation| annotation.object.kind.get().rename.is_some());
    let mut errors: Vec<Diagnostic> = impossible.into_iter().map(errors::not_supported).collect();
    let recorded = renames.before.recorded.as_deref();
    let mut pending: Vec<Rename> = Vec::new();
    for level in Level::ALL {
        let of_level = possible.iter().filter(|annotation| Level::of(annotation) == level);
        let mut requests: Vec<Request> =
            of_level.filter_map(|annotation| Request::new(annotation, &pending, states.before)).collect();
        decide(&mut requests, states, recorded, &mut errors);
        for request in requests.iter().filter(|request| request.outcome == Some(Outcome::Pending)) {
            let rename = request.rename();
            if !follows_parent(&rename, states.before, &requests) && !pending.contains(&rename) {
                pending.push(rename);
            }
        }
    }
    if errors.is_empty() {
        Ok(RequestedRenames { pending, completed: Vec::new() })
    } else {
        Err(Error::Diagnostics(errors))
    }
}

/// The level at which an annotation is decided. Renames of containers are decided before those of their parts, and
/// renames of types before those of routines, which are identified by their argument types.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Global,
    InSchema,
    Routine,
    Part,
    EnumValue,
}

impl Level {
    const ALL: [Self; 5] = [Self::Global, Self::InSchema, Self::Routine, Self::Part, Self::EnumValue];

    fn of(annotation: &RequestedRename) -> Self {
        match annotation.object.kind.get().identity {
            _ if annotation.value.is_some() => Self::EnumValue,
            Identity::Global => Self::Global,
            Identity::OnGlobal | Identity::InSchema => Self::InSchema,
            Identity::Routine => Self::Routine,
            Identity::OnRelation | Identity::OfRelation | Identity::OfColumn => Self::Part,
        }
    }
}

/// Whether the rename follows from that of a parent table's column.
fn follows_parent(rename: &Rename, start: &Catalog, requests: &[Request]) -> bool {
    let Some(table) = start.parent(&rename.object.before).filter(|_| rename.value.is_none()) else {
        return false;
    };
    let parents =
        start.dependencies_of(&table).filter(|(parent, _)| parent.path().len() == table.path().len());
    let is_same_of = |request: &Request, parent: &ObjectId| {
        let (old, new) = (&request.old.object, &request.new.object);
        request.outcome == Some(Outcome::Pending)
            && old.kind == rename.object.before.kind
            && start.parent(old).as_ref() == Some(parent)
            && old.name() == rename.object.before.name()
            && new.name() == rename.object.after.name()
    };
    parents.into_iter().any(|(parent, _)| requests.iter().any(|request| is_same_of(request, parent)))
}
