//! Objects that are dropped with another one, without a statement of their own.

use std::collections::BTreeSet;

use super::change_set::ChangeSet;
use super::detach::is_detached;
use crate::model::{Catalog, DependencyKind, ObjectId, Pair};

/// Returns the object whose `DROP` drops this one, too, if there is one.
pub(super) fn dropped_with(id: &ObjectId, sides: Pair<&Catalog>, set: &ChangeSet) -> Option<ObjectId> {
    let before = sides.before;
    // A schema is dropped without CASCADE, after its objects.
    let parent = before.parent(id).filter(|parent| set.dropped.contains(parent));
    if let Some(parent) = parent.filter(|parent| !parent.kind.get().parents.is_empty()) {
        // The columns of a view are dropped with the view, and only then.
        let view_stays = parent.kind.get().attributes_only
            && before.parent(&parent).is_some_and(|view| !set.dropped.contains(&view));
        let is_dropped_alone =
            !id.kind.get().dropped_with_parent || view_stays || must_precede_parent(id, &parent, before, set);
        return (!is_dropped_alone).then_some(parent);
    }
    let owners = before.dependencies_of(id).filter(|(owner, kind)| {
        *kind != DependencyKind::Normal && set.dropped.contains(*owner) && !survives(id, owner, sides, set)
    });
    owners.into_iter().map(|(owner, _)| owner.clone()).next()
}

/// Whether a part of a table still exists after the table on which it depends is dropped, because the table was detached
/// or no longer inherits.
fn survives(id: &ObjectId, owner: &ObjectId, sides: Pair<&Catalog>, set: &ChangeSet) -> bool {
    let table_is_dropped =
        |part: &ObjectId| sides.before.parent(part).is_some_and(|table| set.dropped.contains(&table));
    id.relation().is_some()
        && !table_is_dropped(id)
        && table_is_dropped(owner)
        && is_detached(id, owner, sides)
}

/// Whether a part must be dropped before its parent: it depends on an object that is dropped before the parent because that
/// object depends on the parent. Example: a rule on a view writes to a table with a column of the view's row type.
fn must_precede_parent(id: &ObjectId, parent: &ObjectId, before: &Catalog, set: &ChangeSet) -> bool {
    let is_dropped_with_owner = before
        .dependencies_of(parent)
        .any(|(other, kind)| kind != DependencyKind::Normal && set.dropped.contains(other));
    if is_dropped_with_owner {
        return false;
    }
    let is_inside = |other: &ObjectId| other == parent || before.parent(other).as_ref() == Some(parent);
    let is_dropped = |other: &ObjectId| set.dropped.contains(other) && !other.kind.get().parents.is_empty();
    let mut stack: Vec<&ObjectId> = before
        .dependencies_of(id)
        .filter(|(other, kind)| *kind == DependencyKind::Normal && is_dropped(other) && !is_inside(other))
        .map(|(other, _)| other)
        .collect();
    let mut visited = BTreeSet::new();
    while let Some(current) = stack.pop() {
        if !visited.insert(current) {
            continue;
        }
        let parts = before.children(current).map(|part| &part.id).chain([current]);
        let needs = parts.flat_map(|part| before.dependencies_of(part));
        for (needed, _) in needs.filter(|(_, kind)| *kind == DependencyKind::Normal) {
            if is_inside(needed) {
                return true;
            }
            if is_dropped(needed) {
                stack.push(needed);
            }
        }
    }
    false
}
