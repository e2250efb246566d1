//! Objects that are the same under another name, which nobody need say: constraints, indexes, and the sequences of
//! columns. PostgreSQL makes their names of the table's and the column's and does not change them along.

use std::collections::{BTreeMap, BTreeSet};

use super::order::keys_of;
use crate::kinds::{Attribute, ChangeMethod, KindName, column};
use crate::model::{Catalog, DependencyKind, Object, ObjectId, Pair, Rename};

/// What goes and comes under another name.
pub(super) fn find(sides: Pair<&Catalog>) -> Vec<Rename> {
    let mut groups: BTreeMap<(KindName, ObjectId), Pair<Vec<&Object>>> = BTreeMap::new();
    for (is_new, sides) in [(false, sides), (true, sides.swapped())] {
        let told =
            sides.before.sorted().into_iter().filter(|object| object.id.kind.get().matched_by_definition);
        for object in told {
            // One that stays may have left its name to another.
            let stays =
                sides.after.get(&object.id).is_some_and(|other| same(object, other, Likeness::Definition));
            // A parent's takes those of its children along.
            let Some(place) = sides.before.parent(&object.id).filter(|_| !stays && !object.flag("inherited"))
            else {
                continue;
            };
            let none = || Pair { before: Vec::new(), after: Vec::new() };
            let group = groups.entry((object.id.kind, place)).or_insert_with(none);
            if is_new { group.after.push(object) } else { group.before.push(object) }
        }
    }
    let mut found: Vec<Rename> = groups.into_values().flat_map(pairs).collect();
    found.extend(owned_sequences(sides));
    found.extend(parts_of_columns(sides));
    if found.is_empty() {
        return found;
    }
    // What would take a name that something else keeps must wait for that.
    loop {
        let goes: BTreeSet<ObjectId> = found.iter().map(|rename| rename.object.before.clone()).collect();
        let stays = sides.before.objects.keys().filter(|id| !goes.contains(id));
        let taken: BTreeSet<_> = stays.flat_map(keys_of).collect();
        let all = found.len();
        found.retain(|rename| keys_of(&rename.object.after).iter().all(|key| !taken.contains(key)));
        if found.len() == all {
            return found;
        }
    }
}

/// Sequences of identities and NOT NULL constraints, which are parts of their columns.
fn parts_of_columns(sides: Pair<&Catalog>) -> Vec<Rename> {
    let mut found = Vec::new();
    for (id, before) in sides.before.objects.iter().filter(|(id, _)| id.kind == KindName::Column) {
        let Some(after) = sides.after.get(id) else { continue };
        let sequence = [before, after].map(column::identity_sequence);
        let name = |column: &Object| column.map("sequence").iter().find(|(key, _)| key == "name").cloned();
        let [other_sequence, other_constraint] =
            [name(before) != name(after), before.get("not_null_name") != after.get("not_null_name")];
        let constraint =
            [before, after].map(|column| column::not_null_constraint(column, sides.before.version));
        for (ends, other) in [(sequence, other_sequence), (constraint, other_constraint)] {
            if let ([Some(before), Some(after)], true) = (ends, other && !is_a_childs(id, sides.before)) {
                found.push(Rename::of(before, after));
            }
        }
    }
    found.retain(|rename| rename.object.before.path()[0] == rename.object.after.path()[0]);
    found
}

/// Whether a parent has the column, too.
fn is_a_childs(column: &ObjectId, catalog: &Catalog) -> bool {
    let Some(table) = catalog.parent(column) else { return false };
    catalog.dependencies_of(&table).any(|(parent, _)| {
        parent.path().len() == 2
            && catalog
                .contains(&ObjectId::new(column.kind, &[&*parent.path()[0], parent.name(), column.name()]))
    })
}

/// Sequences that columns own. Which one a column has counts, and not its name: it goes on where it is.
fn owned_sequences(sides: Pair<&Catalog>) -> Vec<Rename> {
    let owned = |catalog: &Catalog| -> BTreeMap<ObjectId, Vec<ObjectId>> {
        let mut owned: BTreeMap<ObjectId, Vec<ObjectId>> = BTreeMap::new();
        for id in catalog.objects.keys().filter(|id| id.kind == KindName::Sequence) {
            let owner = catalog.dependencies_of(id).find(|(_, kind)| *kind == DependencyKind::Auto);
            if let Some((column, _)) = owner {
                owned.entry(column.clone()).or_default().push(id.clone());
            }
        }
        owned
    };
    let (had, has) = (owned(sides.before), owned(sides.after));
    let free = |id: &ObjectId, catalog: &Catalog, others: &BTreeMap<ObjectId, Vec<ObjectId>>| {
        !catalog.contains(id) || others.values().any(|list| list.contains(id))
    };
    let mut found = Vec::new();
    for (column, before) in &had {
        if let ([before], Some([after])) = (before.as_slice(), has.get(column).map(Vec::as_slice))
            && before != after
            && before.path()[0] == after.path()[0]
            && free(before, sides.after, &has)
            && free(after, sides.before, &had)
        {
            found.push(Rename::of(before.clone(), after.clone()));
        }
    }
    found
}

/// Each with one that is the same in all, else in what defines it.
fn pairs(group: Pair<Vec<&Object>>) -> Vec<Rename> {
    let Pair { mut before, mut after } = group;
    let mut found = Vec::new();
    for likeness in [Likeness::Whole, Likeness::Definition] {
        before.retain(|one| {
            let other = |other: &&Object| one.id != other.id && same(one, other, likeness);
            let Some(i) = after.iter().position(other) else { return true };
            found.push(Rename::of(one.id.clone(), after.remove(i).id.clone()));
            false
        });
    }
    found
}

/// In what two objects must be the same.
#[derive(Clone, Copy)]
enum Likeness {
    /// In everything.
    Whole,
    /// In everything but what hangs off them.
    Definition,
}

fn same(one: &Object, other: &Object, likeness: Likeness) -> bool {
    let counts = |attribute: &&Attribute| match (likeness, attribute.change_method) {
        (_, ChangeMethod::ReadOnly) | (Likeness::Definition, ChangeMethod::Attach(_)) => false,
        (Likeness::Whole | Likeness::Definition, _) => true,
    };
    one.id.kind.get().attributes.iter().filter(counts).all(|attribute| {
        let (before, after) = (one.get(attribute.name), other.get(attribute.name));
        before == after || attribute.unmanaged_if_unset && (before.is_none() || after.is_none())
    })
}
