//! Which of the renames that a target asks for are to be done.
//!
//! An annotation stays in the target after its rename has run, so the names tell what is left: where only the old one
//! is there it is to be done, where only the new one is, it was. Where both are there, as in a chain or an exchange,
//! the other annotations tell, and the renames that the migrations record in their heads. Of an exchange in a database
//! without migrations the objects themselves tell which of the two each is.

use std::collections::BTreeMap;

use crate::declare::yaml::STANDARD_OBJECTS;
use crate::diff;
use crate::error::{Diagnostic, Error, Place, Result, codes};
use crate::kinds::{Identity, KindName, Namespace};
use crate::model::rename::{RequestedRename, held};
use crate::model::sql::{self, Ident};
use crate::model::{Catalog, ObjectId, Pair, Rename, Renames};

/// One of them with the names at the start: what it had and what it is to have, in what holds it at the start.
struct Open<'a> {
    asked: &'a RequestedRename,
    old: Named,
    new: Named,
    state: Option<Outcome>,
}

/// An object or a value of an enum.
type Named = (ObjectId, Option<String>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Do,
    Done,
}

/// What becomes of the annotations.
#[derive(Default)]
pub(super) struct Answer {
    /// The renames that are to be done.
    pub(super) todo: Vec<Rename>,
    /// Those that nothing is to be done for, and that could later be taken for some that are left to do.
    pub(super) settled: Vec<Rename>,
}

/// Reads the annotations of a target.
///
/// # Errors
/// An annotation that fits nothing.
pub(super) fn answer(states: Pair<&Catalog>, renames: Pair<&Renames>) -> Result<Answer> {
    let (asked, done) = (&renames.after.asked, renames.before.done.as_deref());
    let standard =
        |id: &ObjectId| STANDARD_OBJECTS.iter().any(|(kind, name)| id.kind == *kind && id.name() == *name);
    if asked.is_empty() {
        return Ok(Answer::default());
    }
    if states.before.objects.keys().all(standard) {
        // All is made under its new name.
        let open = asked.iter().filter_map(|asked| at_start(asked, &[], states.after));
        let later = open.filter(|one| has(&one.old, states.after)).map(|one| rename(&one)).collect();
        return Ok(Answer { todo: Vec::new(), settled: later });
    }
    let mut todo: Vec<Rename> = Vec::new();
    let mut wrong = Vec::new();
    for asked in asked.iter().filter(|asked| asked.object.kind.get().rename.is_none()) {
        let kind = asked.object.kind.get().name;
        let told = Diagnostic::new(codes::RENAME, format!("{} cannot be renamed", asked.object));
        wrong.push(
            told.at(asked.place.clone())
                .help(format!("take the annotation out: a {kind} is made anew under another name")),
        );
    }
    let asked = || asked.iter().filter(|asked| asked.object.kind.get().rename.is_some());
    for level in 1..=5 {
        let mut open: Vec<Open> = asked()
            .filter(|asked| depth(asked) == level)
            .filter_map(|asked| at_start(asked, &todo, states.before))
            .collect();
        decide(&mut open, states, done, &mut wrong);
        for one in open.iter().filter(|one| one.state == Some(Outcome::Do)) {
            let rename = rename(one);
            if !follows(&rename, states.before, &open) && !todo.contains(&rename) {
                todo.push(rename);
            }
        }
    }
    if wrong.is_empty() { Ok(Answer { todo, settled: Vec::new() }) } else { Err(Error::Diagnostics(wrong)) }
}

/// The rename that an annotation stands for.
fn rename(one: &Open) -> Rename {
    let value = one.old.1.clone().zip(one.asked.value.clone()).map(|(before, after)| Pair { before, after });
    Rename { object: Pair { before: one.old.0.clone(), after: one.asked.object.clone() }, value }
}

/// Which are decided first: those that hold others, and the types that routines are told by.
fn depth(asked: &RequestedRename) -> usize {
    match asked.object.kind.get().identity {
        _ if asked.value.is_some() => 5,
        Identity::Global => 1,
        Identity::OnGlobal | Identity::InSchema => 2,
        Identity::Routine => 3,
        Identity::OnRelation | Identity::OfRelation | Identity::OfColumn => 4,
    }
}

/// Whether the types of a routine's arguments are the others under their new names.
fn same_arguments(old: &str, new: &str, todo: &[Rename]) -> bool {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split(", ").collect(), new.split(", ").collect());
    let split = |ty: &str| {
        let element = ty.trim_end_matches("[]");
        (sql::parts(element), ty.len() - element.len())
    };
    old.len() == new.len()
        && old.iter().zip(&new).all(|(old, new)| {
            let (element, arrays) = split(old);
            (type_now(element, todo), arrays) == split(new)
        })
}

/// The name of a type after the renames.
fn type_now(name: Vec<String>, todo: &[Rename]) -> Vec<String> {
    let words = |id: &ObjectId| id.path().iter().map(ToString::to_string).collect::<Vec<String>>();
    for Pair { before, after } in todo.iter().filter(|one| one.value.is_none()).map(|one| &one.object).rev() {
        if before.kind.get().namespaces.contains(&Namespace::Types) && words(before) == name {
            return words(after);
        }
        if before.kind == KindName::Schema && name.len() == 2 && name[0] == before.name() {
            return vec![after.name().to_owned(), name[1].clone()];
        }
    }
    name
}

/// The two names as they are, or would be, at the start. None where a name does not change.
fn at_start<'a>(asked: &'a RequestedRename, todo: &[Rename], start: &Catalog) -> Option<Open<'a>> {
    let back: Vec<Rename> =
        todo.iter().map(|rename| Rename { object: rename.object.clone().swapped(), value: None }).collect();
    let own = |id: &ObjectId| back.iter().find(|rename| rename.object.before == *id);
    let name = asked.from.last().map(String::as_str).unwrap_or_default();
    let (old, new) = match &asked.value {
        Some(value) => {
            let ty = match own(&asked.object) {
                Some(rename) => rename.object.after.clone(),
                None => held(&asked.object, &back),
            };
            ((ty.clone(), Some(name.to_owned())), (ty, Some(value.clone())))
        }
        None => {
            let new = held(&asked.object, &back);
            let mut path: Vec<&str> = new.path().iter().map(|part| &**part).collect();
            let place = if new.kind.get().identity == Identity::Routine { 1 } else { path.len() - 1 };
            path[place] = name;
            // Names before the last say where it was, outermost first.
            for (i, outer) in asked.from.iter().rev().skip(1).enumerate().filter(|(i, _)| *i < place) {
                path[place - 1 - i] = outer;
            }
            let (old, new) = with_arguments(ObjectId::new(new.kind, &path), &new, todo, start);
            ((old, None), (new, None))
        }
    };
    (old != new).then_some(Open { asked, old, new, state: None })
}

/// Both names of a routine with the types that its arguments have at the start.
fn with_arguments(old: ObjectId, new: &ObjectId, todo: &[Rename], start: &Catalog) -> (ObjectId, ObjectId) {
    let same = |id: &&ObjectId| {
        id.kind == old.kind
            && id.path()[..2] == old.path()[..2]
            && same_arguments(&id.path()[2], &old.path()[2], todo)
    };
    let routine = old.kind.get().identity == Identity::Routine && !start.contains(&old);
    match start.objects.keys().find(|id| routine && same(id)) {
        Some(found) => {
            let new = ObjectId::new(new.kind, &[&new.path()[0], &new.path()[1], &found.path()[2]]);
            (found.clone(), new)
        }
        None => (old, new.clone()),
    }
}

/// Whether the catalog has it.
fn has((id, value): &Named, catalog: &Catalog) -> bool {
    let object = catalog.get(id);
    match value {
        Some(value) => object.is_some_and(|ty| ty.list("labels").contains(value)),
        None => object.is_some(),
    }
}

fn decide(
    open: &mut [Open],
    states: Pair<&Catalog>,
    done: Option<&[Vec<Rename>]>,
    wrong: &mut Vec<Diagnostic>,
) {
    let start = states.before;
    let recorded: Vec<bool> =
        open.iter().map(|one| done.is_some_and(|done| is_recorded(one, done))).collect();
    for (i, one) in open.iter_mut().enumerate() {
        one.state = match (has(&one.old, start), has(&one.new, start)) {
            (true, false) => Some(Outcome::Do),
            (false, true) => Some(Outcome::Done),
            (false, false) | (true, true) if recorded[i] => Some(Outcome::Done),
            (false, false) => {
                wrong.push(nothing_of_that_name(one, start));
                Some(Outcome::Done)
            }
            (true, true) => None,
        };
    }
    // In a chain each annotation tells of the next.
    loop {
        let known: BTreeMap<(bool, Named), Outcome> = open
            .iter()
            .filter_map(|one| one.state.map(|state| (one, state)))
            .flat_map(|(one, state)| [((false, one.old.clone()), state), ((true, one.new.clone()), state)])
            .collect();
        let mut moved = false;
        for one in open.iter_mut().filter(|one| one.state.is_none()) {
            let old_is_new = known.get(&(true, one.old.clone())) == Some(&Outcome::Done);
            let new_is_old = known.get(&(false, one.new.clone())) == Some(&Outcome::Do);
            one.state = match (old_is_new, new_is_old) {
                (true, _) => Some(Outcome::Done),
                (false, true) => Some(Outcome::Do),
                (false, false) => None,
            };
            moved |= one.state.is_some();
        }
        if !moved {
            break;
        }
    }
    let left: Vec<usize> = (0..open.len()).filter(|i| open[*i].state.is_none()).collect();
    let in_circle = |i: &usize| left.iter().any(|j| open[*j].old == open[*i].new);
    let (circles, stuck): (Vec<usize>, Vec<usize>) = left.iter().partition(|i| in_circle(i));
    for i in stuck {
        wrong.push(both_are_there(&open[i]));
        open[i].state = Some(Outcome::Done);
    }
    if circles.is_empty() {
        return;
    }
    // What migrations made is on record, and this is not.
    let state = by_structure(&circles, open, states).or(done.map(|_| Outcome::Do));
    for i in circles {
        if state.is_none() {
            wrong.push(exchanged_or_not(&open[i]));
        }
        open[i].state = Some(state.unwrap_or(Outcome::Done));
    }
}

/// Whether the objects of an exchange look as if they still had their old names.
fn by_structure(circle: &[usize], open: &[Open], states: Pair<&Catalog>) -> Option<Outcome> {
    let distance = |at: &Named, one: &Open| match &at.1 {
        // Values of an enum are told by their places.
        Some(value) => {
            let place = |id: &ObjectId, catalog: &Catalog, value: &str| {
                let ty = catalog.get(id)?;
                ty.list("labels").iter().position(|label| label == value)
            };
            let wanted = one.asked.value.as_deref().unwrap_or_default();
            usize::from(place(&at.0, states.before, value) != place(&one.asked.object, states.after, wanted))
        }
        None => difference(&at.0, &one.asked.object, states),
    };
    let sum = |at: for<'a> fn(&'a Open<'_>) -> &'a Named| {
        circle.iter().map(|i| distance(at(&open[*i]), &open[*i])).sum::<usize>()
    };
    match sum(|one| &one.old).cmp(&sum(|one| &one.new)) {
        std::cmp::Ordering::Less => Some(Outcome::Do),
        std::cmp::Ordering::Greater => Some(Outcome::Done),
        std::cmp::Ordering::Equal => None,
    }
}

/// In how much an object of the start differs from one of the target: its own attributes, and its parts by name.
fn difference(before: &ObjectId, after: &ObjectId, states: Pair<&Catalog>) -> usize {
    let (Some(one), Some(other)) = (states.before.get(before), states.after.get(after)) else { return 1 };
    let own = diff::differing(Pair { before: one, after: other }).len();
    let parts = |catalog: &Catalog, id: &ObjectId| -> BTreeMap<(KindName, String), String> {
        let columns = catalog.children(id).filter(|part| part.id.kind.get().ordered);
        columns
            .map(|part| ((part.id.kind, part.id.name().to_owned()), part.text("type").to_owned()))
            .collect()
    };
    let (one, other) = (parts(states.before, before), parts(states.after, after));
    let only = |one: &BTreeMap<_, _>, other: &BTreeMap<_, _>| {
        one.iter().filter(|(key, value)| other.get(*key) != Some(*value)).count()
    };
    own + only(&one, &other) + only(&other, &one)
}

/// Whether a migration did it, whatever what holds it is called since.
fn is_recorded(one: &Open, done: &[Vec<Rename>]) -> bool {
    done.iter().enumerate().any(|(i, revision)| {
        revision.iter().any(|rename| {
            let now = done[i + 1..].iter().fold(rename.object.after.clone(), |id, later| held(&id, later));
            let same_value = match (&rename.value, &one.old.1, &one.new.1) {
                (Some(value), Some(old), Some(new)) => value.before == *old && value.after == *new,
                (None, None, None) => rename.object.before.name() == one.old.0.name(),
                _ => false,
            };
            now == one.new.0 && same_value
        })
    })
}

/// Whether the rename comes by itself with that of a parent's column.
fn follows(rename: &Rename, start: &Catalog, open: &[Open]) -> bool {
    let Some(table) = start.parent(&rename.object.before).filter(|_| rename.value.is_none()) else {
        return false;
    };
    let parents =
        start.dependencies_of(&table).filter(|(parent, _)| parent.path().len() == table.path().len());
    parents.into_iter().any(|(parent, _)| {
        open.iter().any(|other| {
            other.state == Some(Outcome::Do)
                && other.old.0.kind == rename.object.before.kind
                && start.parent(&other.old.0).as_ref() == Some(parent)
                && other.old.0.name() == rename.object.before.name()
                && other.new.0.name() == rename.object.after.name()
        })
    })
}

/// The words for one end of an annotation.
fn words((id, value): &Named) -> String {
    match value {
        Some(value) => format!("the value '{value}' of {id}"),
        None => id.to_string(),
    }
}

fn wrong(one: &Open, message: String) -> Diagnostic {
    let place: Place = one.asked.place.clone();
    Diagnostic::new(codes::RENAME, message).at(place)
}

fn nothing_of_that_name(one: &Open, start: &Catalog) -> Diagnostic {
    let told = wrong(one, format!("there is no {} that could be renamed", words(&one.old)));
    let same = |id: &&ObjectId| id.kind != one.old.0.kind && id.path() == one.old.0.path();
    let other = start.objects.keys().find(same).filter(|_| one.old.1.is_none());
    let told = match other {
        Some(other) => {
            told.help(format!("there is a {}, which cannot become a {}", other, one.new.0.kind.get().name))
        }
        None => told,
    };
    let name = crate::sql!("{}", Ident(one.asked.from.last().map(String::as_str).unwrap_or_default()));
    told.help(format!("nor is {} there yet; correct `{name}`, or take the annotation out", words(&one.new)))
}

fn both_are_there(one: &Open) -> Diagnostic {
    wrong(one, format!("{} cannot become {}: both are there", words(&one.old), words(&one.new)))
        .help("take the annotation out where the rename has run, or free the new name in a migration of its own first")
}

fn exchanged_or_not(one: &Open) -> Diagnostic {
    wrong(
        one,
        format!(
            "{} and {} are to change names, and nothing tells whether they have",
            words(&one.old),
            words(&one.new)
        ),
    )
    .help("take the annotations out where they have; `schemadiff generate` keeps a record of it")
}
