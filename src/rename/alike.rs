//! Objects that are the same under another name, which nobody need say: constraints, indexes, and the sequences of
//! columns. PostgreSQL makes their names of the table's and the column's and does not change them along.

use std::collections::{BTreeMap, BTreeSet};

use super::order::keys_of;
use crate::kinds::{Attribute, How, KindName};
use crate::model::{Catalog, DependencyKind, Object, ObjectId, Pair, Rename};

/// What goes and comes under another name.
pub(super) fn find(sides: Pair<&Catalog>) -> Vec<Rename> {
    let mut groups: BTreeMap<(KindName, ObjectId), Pair<Vec<&Object>>> = BTreeMap::new();
    for (is_new, sides) in [(false, sides), (true, sides.swapped())] {
        let gone = sides.before.sorted().into_iter().filter(|object| !sides.after.contains(&object.id));
        for object in gone {
            let Some(place) = place(object, sides.before) else { continue };
            let none = || Pair { before: Vec::new(), after: Vec::new() };
            let group = groups.entry((object.id.kind, place)).or_insert_with(none);
            if is_new { group.after.push(object) } else { group.before.push(object) }
        }
    }
    let mut found: Vec<Rename> = groups.into_values().flat_map(pairs).collect();
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

/// Where others must be that are the same: on one relation, or with one column. None where a name says more.
fn place(object: &Object, catalog: &Catalog) -> Option<ObjectId> {
    if object.id.kind == KindName::Sequence {
        let owners = catalog.dependencies_of(&object.id);
        return owners
            .into_iter()
            .find(|(_, kind)| *kind == DependencyKind::Auto)
            .map(|(column, _)| column.clone());
    }
    // A parent's takes those of its children along.
    let own = object.id.kind.get().told_by_definition && !object.flag("inherited");
    own.then(|| catalog.parent(&object.id)).flatten()
}

/// Each with one that is the same in all, else in what defines it. A sequence is the column's whatever it is.
fn pairs(group: Pair<Vec<&Object>>) -> Vec<Rename> {
    let Pair { mut before, mut after } = group;
    let mut found = Vec::new();
    for likeness in [Likeness::Whole, Likeness::Definition, Likeness::Place] {
        before.retain(|one| {
            let Some(i) = after.iter().position(|other| same(one, other, likeness)) else { return true };
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
    /// In where they are.
    Place,
}

fn same(one: &Object, other: &Object, likeness: Likeness) -> bool {
    let counts = |attribute: &&Attribute| match (likeness, attribute.how) {
        (_, How::Note) | (Likeness::Definition, How::Attach(_)) | (Likeness::Place, _) => false,
        (Likeness::Whole | Likeness::Definition, _) => true,
    };
    if matches!(likeness, Likeness::Place) && one.id.kind != KindName::Sequence {
        return false;
    }
    one.id.kind.get().attributes.iter().filter(counts).all(|attribute| {
        let (before, after) = (one.get(attribute.name), other.get(attribute.name));
        before == after || attribute.inherits && (before.is_none() || after.is_none())
    })
}
