//! Partitions go while the others are read and written.

use super::{Placement, Recipe};
use crate::kinds::KindName;
use crate::model::sql::Expression;
use crate::model::{Action, LockMode, Step, Transaction};
use crate::sql;

/// `DETACH PARTITION … CONCURRENTLY` before a partition is dropped. The server refuses it where there is a default
/// partition; and of a table that stays it would leave a CHECK constraint behind that nobody asked for.
pub(super) static RECIPE: Recipe = Recipe {
    name: "partition detached before it is dropped",
    refused: "DROP TABLE of a partition waits for everybody who uses any partition, and everybody waits for it",
    always: false,
    turn: Placement::Whole,
    steps: |site| {
        let before = site.sides.before;
        let id = &site.step.object;
        let goes = id.kind == KindName::Table && site.step.action == Action::Drop;
        let Some(place) = before.children(id).find(|part| goes && part.id.kind == KindName::Partition) else {
            return Ok(None);
        };
        let whole = before.dependencies_of(&place.id).find(|(other, _)| other.kind == KindName::Table);
        let Some((whole, _)) = whole.filter(|(whole, _)| site.sides.after.contains(whole)) else {
            return Ok(None);
        };
        let mut places = before.dependents_of(whole).filter_map(|(user, _)| before.get(user));
        if places.any(|other| other.id.kind == KindName::Partition && other.text("bound") == "DEFAULT") {
            return Ok(None);
        }
        let whole = Expression(place.text("of"));
        let sql = sql!("ALTER TABLE {} DETACH PARTITION {} CONCURRENTLY", whole, id.qualified());
        let detach =
            Step::drop(id, sql).lock(LockMode::AccessExclusive, id).transaction(Transaction::Outside);
        let reason = "the partitioned table is locked in SHARE UPDATE EXCLUSIVE mode only";
        Ok(Some(vec![detach.reason(reason), site.step.clone()]))
    },
};
