//! Orders renames so that each name is free when it is taken.
//!
//! Parts are renamed before their containers: a column while its table has its old name, a table while its schema has its
//! old name. All statements use the old names of containers, and the rollback is the same sequence reversed.

use std::collections::BTreeSet;

use super::operation::{Operation, with_name};
use super::taken_names::{TakenName, name_of_value, names_of};
use crate::kinds::{Identity, KindName};
use crate::model::{AttributeName, Catalog, ObjectId, Pair, Rename, Step, Ways};

/// Returns the steps of renames, in order.
pub fn steps(renames: &[Rename], catalog: &Catalog) -> Ways<Vec<Step>> {
    let operations = operations(renames, catalog);
    Ways {
        up: operations.iter().map(|operation| operation.step(catalog)).collect(),
        rollback: operations.iter().rev().map(|operation| operation.reversed_step(catalog)).collect(),
    }
}

fn operations(renames: &[Rename], catalog: &Catalog) -> Vec<Operation> {
    let mut taken = taken_names(renames, catalog);
    let mut ordered: Vec<Operation> = Vec::new();
    let mut levels: [Vec<Operation>; 4] = Default::default();
    for rename in renames {
        let level = &mut levels[level(rename)];
        let Rename { object: Pair { before, after }, value } = rename;
        if value.is_some() {
            let object = Pair { before: before.clone(), after: before.clone() };
            level.push(Operation { value: value.clone(), ..Operation::of(object) });
            continue;
        }
        let mut current = before.clone();
        if let Some(moved) = moved(before, after, renames) {
            ordered.extend(new_schema(&moved, catalog, &ordered));
            level.push(Operation::of(Pair { before: before.clone(), after: moved.clone() }));
            current = moved;
        }
        let renamed = with_name(&current, after.name());
        if renamed != current {
            level.push(Operation::of(Pair { before: current, after: renamed }));
        }
    }
    for level in levels {
        order_level(level, &mut taken, &mut ordered);
    }
    ordered
}

/// Returns the level of a rename, parts first. Routines come before types, because they are identified by the types of
/// their arguments.
fn level(rename: &Rename) -> usize {
    match rename.object.before.kind.get().identity {
        _ if rename.value.is_some() => 0,
        Identity::OnRelation | Identity::OfRelation | Identity::OfColumn => 0,
        Identity::Routine => 1,
        Identity::InSchema | Identity::OnGlobal => 2,
        Identity::Global => 3,
    }
}

/// Returns the names that are taken before the renames.
fn taken_names(renames: &[Rename], catalog: &Catalog) -> BTreeSet<TakenName> {
    let mut taken: BTreeSet<TakenName> = catalog.objects.keys().flat_map(names_of).collect();
    for (id, ty) in catalog.objects.iter().filter(|(id, _)| id.kind == KindName::Enum) {
        taken.extend(ty.list(AttributeName::LABELS).iter().map(|label| name_of_value(id, label)));
    }
    // The sequence of an identity column is not an object of the catalog.
    let objects = renames.iter().filter(|rename| rename.value.is_none());
    taken.extend(objects.flat_map(|rename| names_of(&rename.object.before)));
    taken
}

/// Returns the object in the schema to which it moves, if it moves. The schema has its name before all renames.
fn moved(before: &ObjectId, after: &ObjectId, renames: &[Rename]) -> Option<ObjectId> {
    if !matches!(before.kind.get().identity, Identity::InSchema | Identity::Routine) {
        return None;
    }
    let target = ObjectId::new(KindName::Schema, &[&*after.path()[0]]);
    let rename = renames.iter().find(|rename| rename.value.is_none() && rename.object.after == target);
    let schema = rename.map_or(&target, |rename| &rename.object.before).name();
    if *schema == *before.path()[0] {
        return None;
    }
    let mut path: Vec<&str> = before.path().iter().map(|part| &**part).collect();
    path[0] = schema;
    Some(ObjectId::new(before.kind, &path))
}

/// Returns the operation that creates the schema of a moved object, if it does not exist and is not created yet.
fn new_schema(moved: &ObjectId, catalog: &Catalog, ordered: &[Operation]) -> Option<Operation> {
    let schema = ObjectId::new(KindName::Schema, &[&*moved.path()[0]]);
    let exists =
        catalog.contains(&schema) || ordered.iter().any(|operation| operation.object.after == schema);
    let object = Pair { before: schema.clone(), after: schema };
    (!exists).then(|| Operation { creates_schema: true, ..Operation::of(object) })
}

/// Appends the operations of a level. In a cycle, one object gets a temporary name.
fn order_level(mut pending: Vec<Operation>, taken: &mut BTreeSet<TakenName>, ordered: &mut Vec<Operation>) {
    let key = |operation: &Operation| {
        (operation.object.before.clone(), operation.value.as_ref().map(|value| value.before.clone()))
    };
    pending.sort_by_cached_key(key);
    while !pending.is_empty() {
        let is_possible = |operation: &Operation| {
            let names = operation.names();
            // The second operation on an object waits for the first.
            names.before.iter().all(|name| taken.contains(name))
                && names.after.iter().all(|name| !taken.contains(name) || names.before.contains(name))
        };
        let is_in_cycle = |operation: &Operation| {
            let wanted = operation.names().after;
            pending.iter().any(|other| other.names().before.iter().any(|name| wanted.contains(name)))
        };
        let next = if let Some(i) = pending.iter().position(is_possible) {
            pending.remove(i)
        } else if let Some(i) = pending.iter().position(is_in_cycle) {
            let is_free = |names: &[TakenName]| names.iter().all(|name| !taken.contains(name));
            let (first, second) = pending[i].through_temporary_name(is_free);
            pending[i] = second;
            first
        } else {
            // The name is taken by an object that stays. The server reports the conflict.
            pending.remove(0)
        };
        let names = next.names();
        for name in &names.before {
            taken.remove(name);
        }
        taken.extend(names.after);
        ordered.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Object, PgVersion};

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
    fn a_chain_starts_at_its_free_end() {
        let [up, rollback] = statements(&["a", "b"], &[("a", "b"), ("b", "c")]);
        assert_eq!(up, ["b RENAME TO c", "a RENAME TO b"]);
        assert_eq!(rollback, ["b RENAME TO a", "c RENAME TO b"]);
    }

    #[test]
    fn a_swap_uses_a_temporary_name() {
        let [up, rollback] = statements(&["a", "b"], &[("a", "b"), ("b", "a")]);
        assert_eq!(up, ["a RENAME TO a__renaming", "b RENAME TO a", "a__renaming RENAME TO b"]);
        assert_eq!(rollback, ["b RENAME TO a__renaming", "a RENAME TO b", "a__renaming RENAME TO a"]);
        let long = "ä".repeat(31);
        let [up, _] = statements(&[&long, "b", "b__renaming"], &[(&long, "b"), ("b", &long)]);
        assert_eq!(up[0], "b RENAME TO b__renaming1");
    }
}
