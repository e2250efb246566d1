//! Partitions that are detached, and children that no longer inherit.

use crate::kinds::KindName;
use crate::model::{AttributeName, Catalog, ObjectId, Pair};

/// Whether an object depends on a table, or a part of it, only as its partition or child, and survives because it is
/// detached first.
pub(super) fn is_detached(user: &ObjectId, from: &ObjectId, sides: Pair<&Catalog>) -> bool {
    if user.kind == KindName::Partition {
        return false;
    }
    let Pair { before, after } = sides;
    let table_of =
        |id: &ObjectId| if id.kind == KindName::Table { Some(id.clone()) } else { before.parent(id) };
    let (Some(table), Some(from)) = (table_of(user), table_of(from)) else { return false };
    let inherits = |side: &Catalog| {
        let has_parents =
            side.get(&table).is_some_and(|table| !table.list(AttributeName::INHERITS).is_empty());
        has_parents && side.dependencies_of(&table).any(|(parent, _)| *parent == from)
    };
    let is_part = table != *user;
    if is_part && inherits(before) && after.contains(&table) && !inherits(after) {
        return true;
    }
    let bound = before.partition_bound(&table);
    bound.is_some_and(|bound| before.dependencies_of(&bound.id).any(|(parent, _)| *parent == from))
}
