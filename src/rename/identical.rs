//! Finds objects with the same definition under another name: constraints, indexes, and the sequences of columns.
//!
//! PostgreSQL derives their names from those of the table and the column, and does not rename them with these. They need
//! no annotation.

use std::collections::{BTreeMap, BTreeSet};

use super::taken_names::names_of;
use crate::kinds::{Attribute, ChangeMethod, KindName, column};
use crate::model::{AttributeName, Catalog, DependencyKind, Object, ObjectId, Pair, Rename};

/// Returns the renames of objects with the same definition.
pub fn find(sides: Pair<&Catalog>) -> Vec<Rename> {
    let mut found: Vec<Rename> = groups(sides).into_values().flat_map(match_group).collect();
    found.extend(owned_sequences(sides));
    found.extend(parts_of_columns(sides));
    // A rename to a name that another object keeps has to wait.
    while !found.is_empty() {
        let renamed: BTreeSet<&ObjectId> = found.iter().map(|rename| &rename.object.before).collect();
        let kept = sides.before.objects.keys().filter(|id| !renamed.contains(id));
        let taken: BTreeSet<_> = kept.flat_map(names_of).collect();
        let count = found.len();
        found.retain(|rename| names_of(&rename.object.after).iter().all(|name| !taken.contains(name)));
        if found.len() == count {
            break;
        }
    }
    found
}

/// Returns the objects to match, dropped and added, by kind and parent.
fn groups(sides: Pair<&Catalog>) -> BTreeMap<(KindName, ObjectId), Pair<Vec<&Object>>> {
    let mut groups: BTreeMap<(KindName, ObjectId), Pair<Vec<&Object>>> = BTreeMap::new();
    for (is_added, sides) in [(false, sides), (true, sides.swapped())] {
        let objects = sides.before.sorted().into_iter();
        for object in objects.filter(|object| object.id.kind.get().matched_by_definition) {
            // Another object may have taken the name, so that the same name is not enough.
            let is_unchanged = sides
                .after
                .get(&object.id)
                .is_some_and(|other| are_identical(object, other, Comparison::Definition));
            // An inherited object is renamed with that of the parent.
            if is_unchanged || object.flag(AttributeName::INHERITED) {
                continue;
            }
            let Some(parent) = sides.before.parent(&object.id) else { continue };
            let empty = || Pair { before: Vec::new(), after: Vec::new() };
            let group = groups.entry((object.id.kind, parent)).or_insert_with(empty);
            if is_added { group.after.push(object) } else { group.before.push(object) }
        }
    }
    groups
}

/// Matches each dropped object with an added one: first those that are equal in everything, then those with the same
/// definition.
fn match_group(group: Pair<Vec<&Object>>) -> Vec<Rename> {
    let Pair { mut before, mut after } = group;
    let mut found = Vec::new();
    for comparison in [Comparison::Everything, Comparison::Definition] {
        before.retain(|one| {
            let is_match = |other: &&Object| one.id != other.id && are_identical(one, other, comparison);
            let Some(i) = after.iter().position(is_match) else { return true };
            found.push(Rename::of(one.id.clone(), after.remove(i).id.clone()));
            false
        });
    }
    found
}

/// The attributes in which two objects must be equal.
#[derive(Clone, Copy)]
enum Comparison {
    /// All attributes.
    Everything,
    /// All attributes except owner, privileges, comment and other attachments.
    Definition,
}

fn are_identical(one: &Object, other: &Object, comparison: Comparison) -> bool {
    let counts = |attribute: &&Attribute| match (comparison, attribute.change_method) {
        (_, ChangeMethod::ReadOnly) | (Comparison::Definition, ChangeMethod::Attach(_)) => false,
        (Comparison::Everything | Comparison::Definition, _) => true,
    };
    one.id.kind.get().attributes.iter().filter(counts).all(|attribute| {
        let (before, after) = (one.get(attribute.name), other.get(attribute.name));
        before == after || attribute.unmanaged_if_unset && (before.is_none() || after.is_none())
    })
}

/// Returns the renames of identity sequences and NOT NULL constraints, which are parts of their columns.
fn parts_of_columns(sides: Pair<&Catalog>) -> Vec<Rename> {
    let mut found = Vec::new();
    for (id, before) in sides.before.objects.iter().filter(|(id, _)| id.kind == KindName::Column) {
        let Some(after) = sides.after.get(id) else { continue };
        let sequence_name = |column: &Object| {
            column.map(AttributeName::SEQUENCE).iter().find(|(key, _)| key == "name").cloned()
        };
        if sequence_name(before) != sequence_name(after)
            && let [Some(before), Some(after)] = [before, after].map(column::identity_sequence)
            && !is_inherited(id, sides.before)
        {
            found.push(Rename::of(before, after));
        }
        let constraint = |column: &Object| column::not_null_constraint(column, sides.before.version);
        if before.get(AttributeName::NOT_NULL_NAME) != after.get(AttributeName::NOT_NULL_NAME)
            && let [Some(before), Some(after)] = [before, after].map(constraint)
            && !is_inherited(id, sides.before)
        {
            found.push(Rename::of(before, after));
        }
    }
    found.retain(|rename| rename.object.before.path()[0] == rename.object.after.path()[0]);
    found
}

/// Whether a parent table has the column, too.
fn is_inherited(column: &ObjectId, catalog: &Catalog) -> bool {
    let Some(table) = catalog.parent(column) else { return false };
    let parents = catalog.dependencies_of(&table).filter(|(parent, _)| parent.path().len() == 2);
    parents.into_iter().any(|(parent, _)| {
        catalog.contains(&ObjectId::new(column.kind, &[&*parent.path()[0], parent.name(), column.name()]))
    })
}

/// Returns the renames of sequences that a column owns. A column keeps its sequence, whatever the name.
fn owned_sequences(sides: Pair<&Catalog>) -> Vec<Rename> {
    let (old, new) = (sequences_by_column(sides.before), sequences_by_column(sides.after));
    // The name is new, or belonged to another owned sequence.
    let is_free = |id: &ObjectId, catalog: &Catalog, owned: &BTreeMap<ObjectId, Vec<ObjectId>>| {
        !catalog.contains(id) || owned.values().any(|list| list.contains(id))
    };
    let mut found = Vec::new();
    for (column, before) in &old {
        if let ([before], Some([after])) = (before.as_slice(), new.get(column).map(Vec::as_slice))
            && before != after
            && before.path()[0] == after.path()[0]
            && is_free(before, sides.after, &new)
            && is_free(after, sides.before, &old)
        {
            found.push(Rename::of(before.clone(), after.clone()));
        }
    }
    found
}

fn sequences_by_column(catalog: &Catalog) -> BTreeMap<ObjectId, Vec<ObjectId>> {
    let mut owned: BTreeMap<ObjectId, Vec<ObjectId>> = BTreeMap::new();
    for id in catalog.objects.keys().filter(|id| id.kind == KindName::Sequence) {
        let owner = catalog.dependencies_of(id).find(|(_, kind)| *kind == DependencyKind::Auto);
        if let Some((column, _)) = owner {
            owned.entry(column.clone()).or_default().push(id.clone());
        }
    }
    owned
}
