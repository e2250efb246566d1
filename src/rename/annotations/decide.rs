//! Decides for each requested rename whether it is pending or done.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::errors;
use super::request::{Outcome, Request};
use crate::diff;
use crate::error::Diagnostic;
use crate::kinds::KindName;
use crate::model::rename::with_renamed_parents;
use crate::model::{AttributeName, Catalog, ObjectId, Pair, Rename};
use crate::rename::subject::Subject;

/// Decides requests of one level. `recorded` are the renames that migrations record, if there are migrations.
pub(super) fn decide(
    requests: &mut [Request],
    states: Pair<&Catalog>,
    recorded: Option<&[Vec<Rename>]>,
    errors: &mut Vec<Diagnostic>,
) {
    decide_by_existence(requests, states.before, recorded, errors);
    decide_chains(requests);
    let undecided: Vec<usize> = (0..requests.len()).filter(|i| requests[*i].outcome.is_none()).collect();
    let takes_old_name = |i: &usize| undecided.iter().any(|other| requests[*other].old == requests[*i].new);
    let (cycles, conflicts): (Vec<usize>, Vec<usize>) = undecided.iter().partition(|i| takes_old_name(i));
    for i in conflicts {
        errors.push(errors::both_exist(&requests[i]));
        requests[i].outcome = Some(Outcome::Done);
    }
    if cycles.is_empty() {
        return;
    }
    // With migrations, a swap that has run would be recorded.
    let outcome = by_definition(&cycles, requests, states).or(recorded.map(|_| Outcome::Pending));
    for i in cycles {
        if outcome.is_none() {
            errors.push(errors::ambiguous_swap(&requests[i]));
        }
        requests[i].outcome = Some(outcome.unwrap_or(Outcome::Done));
    }
}

/// Decides the requests of which only one name exists, and those that are recorded.
fn decide_by_existence(
    requests: &mut [Request],
    start: &Catalog,
    recorded: Option<&[Vec<Rename>]>,
    errors: &mut Vec<Diagnostic>,
) {
    for request in requests {
        let is_recorded = || recorded.is_some_and(|revisions| is_recorded(request, revisions));
        request.outcome = match (request.old.exists_in(start), request.new.exists_in(start)) {
            (true, false) => Some(Outcome::Pending),
            (false, true) => Some(Outcome::Done),
            (false, false) | (true, true) if is_recorded() => Some(Outcome::Done),
            (true, true) => None,
            (false, false) => {
                errors.push(errors::neither_exists(request, start));
                Some(Outcome::Done)
            }
        };
    }
}

/// Decides the requests of chains from the neighbours that are decided: if a rename to the old name is done, this one is
/// done, too; if a rename from the new name is pending, this one is pending.
fn decide_chains(requests: &mut [Request]) {
    loop {
        let with_outcome = |outcome: Outcome| requests.iter().filter(move |r| r.outcome == Some(outcome));
        let done: Vec<Subject> = with_outcome(Outcome::Done).map(|request| request.new.clone()).collect();
        let pending: Vec<Subject> =
            with_outcome(Outcome::Pending).map(|request| request.old.clone()).collect();
        let mut progress = false;
        for request in requests.iter_mut().filter(|request| request.outcome.is_none()) {
            if done.contains(&request.old) {
                request.outcome = Some(Outcome::Done);
            } else if pending.contains(&request.new) {
                request.outcome = Some(Outcome::Pending);
            }
            progress |= request.outcome.is_some();
        }
        if !progress {
            return;
        }
    }
}

/// Decides a swap by the definitions: it is pending if the objects with the old names resemble the target more than those
/// with the new names. Returns `None` if both resemble it equally.
fn by_definition(cycle: &[usize], requests: &[Request], states: Pair<&Catalog>) -> Option<Outcome> {
    let distance = |subject: &Subject, request: &Request| match &subject.value {
        // Enum values are compared by position.
        Some(value) => {
            let position = |id: &ObjectId, catalog: &Catalog, value: &str| {
                catalog.get(id)?.list(AttributeName::LABELS).iter().position(|label| label == value)
            };
            let target = request.annotation.value.as_deref().unwrap_or_default();
            let found = position(&subject.object, states.before, value);
            usize::from(found != position(&request.annotation.object, states.after, target))
        }
        None => distance(&subject.object, &request.annotation.object, states),
    };
    let sum = |name: for<'a> fn(&'a Request<'_>) -> &'a Subject| {
        cycle.iter().map(|i| distance(name(&requests[*i]), &requests[*i])).sum::<usize>()
    };
    match sum(|request| &request.old).cmp(&sum(|request| &request.new)) {
        Ordering::Less => Some(Outcome::Pending),
        Ordering::Greater => Some(Outcome::Done),
        Ordering::Equal => None,
    }
}

/// Returns the number of differences between an object of the start and one of the target: of attributes, and of
/// columns by name and type.
fn distance(before: &ObjectId, after: &ObjectId, states: Pair<&Catalog>) -> usize {
    let (Some(one), Some(other)) = (states.before.get(before), states.after.get(after)) else { return 1 };
    let attributes = diff::differing(Pair { before: one, after: other }).len();
    let columns = |catalog: &Catalog, id: &ObjectId| -> BTreeMap<(KindName, String), String> {
        let columns = catalog.children(id).filter(|part| part.id.kind.get().ordered);
        columns
            .map(|part| {
                ((part.id.kind, part.id.name().to_owned()), part.text(AttributeName::TYPE).to_owned())
            })
            .collect()
    };
    let (one, other) = (columns(states.before, before), columns(states.after, after));
    let only_in = |one: &BTreeMap<_, _>, other: &BTreeMap<_, _>| {
        one.iter().filter(|(key, value)| other.get(*key) != Some(*value)).count()
    };
    attributes + only_in(&one, &other) + only_in(&other, &one)
}

/// Whether a migration records the rename. Later migrations may have renamed its container.
fn is_recorded(request: &Request, revisions: &[Vec<Rename>]) -> bool {
    let (old, new) = (&request.old, &request.new);
    revisions.iter().enumerate().any(|(i, revision)| {
        revision.iter().any(|rename| {
            let object = revisions[i + 1..]
                .iter()
                .fold(rename.object.after.clone(), |id, later| with_renamed_parents(&id, later));
            let has_same_names = match (&rename.value, &old.value, &new.value) {
                (Some(value), Some(old), Some(new)) => value.before == *old && value.after == *new,
                (None, None, None) => rename.object.before.name() == old.object.name(),
                _ => false,
            };
            object == new.object && has_same_names
        })
    })
}
