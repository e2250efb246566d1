//! The order in which names are changed, so that each is free when it is taken.
//!
//! What is inside comes first: a column is renamed in a table that has its old name still, and a table in a schema
//! that has. So every statement names things as they were, and the way back is the same backwards.

use std::collections::BTreeSet;

use crate::kinds::{Identity, KindName, Namespace, common, enumeration};
use crate::model::sql::Ident;
use crate::model::{Catalog, Object, ObjectId, Pair, Rename, Step, Ways};
use crate::sql;

/// One statement, with both names in what holds them before all.
#[derive(Clone, Debug)]
struct Move {
    object: Pair<ObjectId>,
    value: Option<Pair<String>>,
    /// Whether it is a schema that must be there first.
    creates: bool,
    /// What it is a half of, where it goes by way of another name.
    whole: Option<Box<Move>>,
}

impl Move {
    fn of(object: Pair<ObjectId>) -> Self {
        Self { object, value: None, creates: false, whole: None }
    }

    fn back(&self) -> Self {
        Self {
            object: self.object.clone().swapped(),
            value: self.value.clone().map(Pair::swapped),
            creates: self.creates,
            whole: self.whole.as_ref().map(|whole| Box::new(whole.back())),
        }
    }
}

/// The statements of renames, there and back.
pub fn steps(renames: &[Rename], catalog: &Catalog) -> Ways<Vec<Step>> {
    let moves = order(renames, catalog);
    let up = moves.iter().map(|one| step(one, catalog)).collect();
    let mut rollback = Vec::new();
    for one in moves.iter().rev() {
        if one.creates {
            let name = Ident(one.object.after.name());
            rollback.push(Step::drop(&one.object.after, sql!("DROP SCHEMA {}", name)));
        } else {
            rollback.push(step(&one.back(), catalog));
        }
    }
    Ways { up, rollback }
}

fn step(one: &Move, catalog: &Catalog) -> Step {
    let mut step = statement(one, catalog);
    // Nobody sees the name between: the last half tells of both.
    if let Some(whole) = &one.whole {
        let first = one.object.before == whole.object.before
            && one.value.as_ref().map(|value| &value.before)
                == whole.value.as_ref().map(|value| &value.before);
        step.hazards = if first { Vec::new() } else { statement(whole, catalog).hazards };
    }
    step
}

fn statement(one: &Move, catalog: &Catalog) -> Step {
    let Move { object: Pair { before, after }, value, creates, .. } = one;
    if *creates {
        return Step::create(after, sql!("CREATE SCHEMA {}", Ident(after.name())));
    }
    // What a statement must know of an object beside its name is the same under every name.
    let known = catalog.get(before).or_else(|| catalog.get(after));
    let mut object = known.cloned().unwrap_or_else(|| Object::new(before.clone()));
    object.id = before.clone();
    if let Some(value) = value {
        return enumeration::rename_value(&object, Pair { before: &value.before, after: &value.after });
    }
    if before.schema() != after.schema() {
        return common::move_to(&object, &after.path()[0]);
    }
    match before.kind.get().rename {
        Some(rename) => rename(&object, after.name()),
        None => common::rename(&object, after.name()),
    }
}

/// A name that only one can have.
type Key = (Namespace, Option<KindName>, Vec<String>);

fn keys(one: &Pair<ObjectId>, value: Option<&Pair<String>>) -> Pair<Vec<Key>> {
    match value {
        Some(value) => {
            let key = |id: &ObjectId, label: &String| {
                let path = id.path().iter().map(ToString::to_string).chain([label.clone()]);
                vec![(Namespace::Own, Some(KindName::Enum), path.collect())]
            };
            Pair { before: key(&one.before, &value.before), after: key(&one.before, &value.after) }
        }
        None => Pair { before: keys_of(&one.before), after: keys_of(&one.after) },
    }
}

/// Names that an object takes.
pub(super) fn keys_of(id: &ObjectId) -> Vec<Key> {
    let whole = || -> Vec<String> { id.path().iter().map(ToString::to_string).collect() };
    let key = |namespace: &Namespace| match namespace {
        Namespace::Own => (*namespace, Some(id.kind), whole()),
        Namespace::Relations | Namespace::Types => {
            (*namespace, None, vec![id.path()[0].to_string(), id.name().to_owned()])
        }
        Namespace::Routines | Namespace::Constraints => (*namespace, None, whole()),
    };
    id.kind.get().namespaces.iter().map(key).collect()
}

/// The statements, what is inside first, a name that is taken after its going, and of a circle one by a detour.
fn order(renames: &[Rename], catalog: &Catalog) -> Vec<Move> {
    let schema = |name: &str| -> String {
        let renamed = renames.iter().find(|rename| {
            rename.value.is_none() && rename.object.after == ObjectId::new(KindName::Schema, &[name])
        });
        renamed.map_or(name, |rename| rename.object.before.name()).to_owned()
    };
    let mut taken: BTreeSet<Key> = catalog.objects.keys().flat_map(keys_of).collect();
    for (id, ty) in catalog.objects.iter().filter(|(id, _)| id.kind == KindName::Enum) {
        for label in ty.list("labels") {
            let value = Pair { before: label.clone(), after: label.clone() };
            taken.extend(keys(&Pair { before: id.clone(), after: id.clone() }, Some(&value)).before);
        }
    }
    // The sequence of an identity is no object of the catalog.
    taken.extend(
        renames
            .iter()
            .filter(|rename| rename.value.is_none())
            .flat_map(|rename| keys_of(&rename.object.before)),
    );
    let mut levels: [Vec<Move>; 4] = Default::default();
    let mut first = Vec::new();
    for rename in renames {
        let Rename { object: Pair { before, after }, value } = rename;
        if value.is_some() {
            levels[0].push(Move {
                value: value.clone(),
                ..Move::of(Pair { before: before.clone(), after: before.clone() })
            });
            continue;
        }
        // A routine's own types are told as they are before any of them is renamed.
        let level = match before.kind.get().identity {
            Identity::OnRelation | Identity::OfRelation | Identity::OfColumn => 0,
            Identity::Routine => 1,
            Identity::InSchema | Identity::OnGlobal => 2,
            Identity::Global => 3,
        };
        let inside = |place: &ObjectId| same_but_name(before, place.name());
        let mut here = before.clone();
        if matches!(before.kind.get().identity, Identity::InSchema | Identity::Routine) {
            let wanted = schema(&after.path()[0]);
            if *wanted != *before.path()[0] {
                let home = ObjectId::new(KindName::Schema, &[&wanted]);
                let new =
                    !catalog.contains(&home) && !first.iter().any(|one: &Move| one.object.after == home);
                if new {
                    let object = Pair { before: home.clone(), after: home };
                    first.push(Move { creates: true, ..Move::of(object) });
                }
                let mut path: Vec<&str> = before.path().iter().map(|part| &**part).collect();
                path[0] = &wanted;
                let there = ObjectId::new(before.kind, &path);
                levels[level].push(Move::of(Pair { before: before.clone(), after: there.clone() }));
                here = there;
            }
        }
        let there = if here == *before { inside(after) } else { same_but_name(&here, after.name()) };
        if there != here {
            let object = Pair { before: here, after: there };
            levels[level].push(Move::of(object));
        }
    }
    let mut moves = first;
    for level in levels {
        settle(level, &mut taken, &mut moves);
    }
    moves
}

/// The object under another name, in what holds it.
fn same_but_name(id: &ObjectId, name: &str) -> ObjectId {
    let mut path: Vec<&str> = id.path().iter().map(|part| &**part).collect();
    let place = if id.kind.get().identity == Identity::Routine { 1 } else { path.len() - 1 };
    path[place] = name;
    ObjectId::new(id.kind, &path)
}

fn settle(mut pending: Vec<Move>, taken: &mut BTreeSet<Key>, moves: &mut Vec<Move>) {
    pending.sort_by(|a, b| {
        (&a.object.before, &a.value.as_ref().map(|v| &v.before))
            .cmp(&(&b.object.before, &b.value.as_ref().map(|v| &v.before)))
    });
    while !pending.is_empty() {
        let of = |one: &Move| keys(&one.object, one.value.as_ref());
        let free = |one: &Move| {
            let keys = of(one);
            // The second half of a move to another schema waits for the first.
            keys.before.iter().all(|key| taken.contains(key))
                && keys.after.iter().all(|key| !taken.contains(key) || keys.before.contains(key))
        };
        let next = pending.iter().position(free);
        let circle = |one: &Move| {
            let wanted = of(one).after;
            pending.iter().any(|other| of(other).before.iter().any(|key| wanted.contains(key)))
        };
        let one = match next {
            Some(i) => pending.remove(i),
            // One of the circle steps aside; where there is none, the server says why it cannot be.
            None => match pending.iter().position(circle) {
                Some(i) => {
                    let whole = pending[i].clone();
                    let (there, rest) = detour(&whole, taken);
                    pending[i] = rest;
                    there
                }
                None => pending.remove(0),
            },
        };
        let keys = of(&one);
        for key in &keys.before {
            taken.remove(key);
        }
        taken.extend(keys.after);
        moves.push(one);
    }
}

/// The same by way of a name that nobody has.
fn detour(one: &Move, taken: &BTreeSet<Key>) -> (Move, Move) {
    let name = one.value.as_ref().map_or(one.object.before.name(), |value| &value.before);
    let free = |aside: &str| match &one.value {
        Some(value) => {
            let other = Pair { before: value.before.clone(), after: aside.to_owned() };
            keys(&one.object, Some(&other)).after.iter().all(|key| !taken.contains(key))
        }
        None => keys_of(&same_but_name(&one.object.before, aside)).iter().all(|key| !taken.contains(key)),
    };
    let mut n = 0;
    while !free(&aside(name, n)) {
        n += 1;
    }
    let aside = aside(name, n);
    let half = Move { whole: Some(Box::new(one.clone())), ..one.clone() };
    let (mut there, mut rest) = (half.clone(), half);
    match (&mut there.value, &mut rest.value) {
        (Some(there), Some(rest)) => {
            there.after.clone_from(&aside);
            rest.before = aside;
        }
        _ => {
            let place = same_but_name(&one.object.before, &aside);
            there.object.after = place.clone();
            rest.object.before = place;
        }
    }
    (there, rest)
}

/// A name for the time between, within the 63 bytes that a name may have.
fn aside(name: &str, n: usize) -> String {
    let mark = if n == 0 { "__renaming".to_owned() } else { format!("__renaming{n}") };
    let end = name.floor_char_boundary(63 - mark.len());
    format!("{}{mark}", &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PgVersion;

    fn table(name: &str) -> ObjectId {
        ObjectId::new(KindName::Table, &["s", name])
    }

    fn statements(names: &[&str], renames: &[(&str, &str)]) -> [Vec<String>; 2] {
        let objects = names.iter().map(|name| (table(name), Object::new(table(name)))).collect();
        let catalog = Catalog::new(PgVersion::V14, objects);
        let renames: Vec<Rename> =
            renames.iter().map(|(old, new)| Rename::of(table(old), table(new))).collect();
        let Ways { up, rollback } = steps(&renames, &catalog);
        [up, rollback].map(|steps| {
            let text = |step: &Step| step.statement().to_string().replace("ALTER TABLE s.", "");
            steps.iter().map(text).collect()
        })
    }

    #[test]
    fn chains_run_from_their_free_end() {
        let [up, back] = statements(&["a", "b"], &[("a", "b"), ("b", "c")]);
        assert_eq!(up, ["b RENAME TO c", "a RENAME TO b"]);
        assert_eq!(back, ["b RENAME TO a", "c RENAME TO b"]);
    }

    #[test]
    fn swaps_take_a_detour() {
        let [up, back] = statements(&["a", "b"], &[("a", "b"), ("b", "a")]);
        assert_eq!(up, ["a RENAME TO a__renaming", "b RENAME TO a", "a__renaming RENAME TO b"]);
        assert_eq!(back, ["b RENAME TO a__renaming", "a RENAME TO b", "a__renaming RENAME TO a"]);
        let long = "ä".repeat(31);
        let [up, _] = statements(&[&long, "b", "b__renaming"], &[(&long, "b"), ("b", &long)]);
        assert_eq!(up[0], "b RENAME TO b__renaming1");
        assert_eq!(aside(&long, 0).len(), 62);
    }
}
