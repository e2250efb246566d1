//! Partitions are detached before they are dropped.

use super::recipe::{Placement, Policies, Recipe, RecipeContext};
use crate::kinds::KindName;
use crate::model::AttributeName;
use crate::model::object::ObjectId;
use crate::model::sql::Expression;
use crate::model::step::{Action, LockMode, Step, Transaction};
use crate::sql;

/// `DETACH PARTITION … CONCURRENTLY` before a partition is dropped. Not for a partition that stays as a table, because it
/// would keep a CHECK constraint that is not declared.
pub(super) static RECIPE: Recipe = Recipe {
    name: "partition detached before it is dropped",
    risk: "DROP TABLE of a partition waits for every query on the partitioned table, and later queries wait behind it",
    policies: Policies::Safe,
    placement: Placement::AfterLast,
    steps: |context| Ok(steps(context)),
};

fn steps(context: &RecipeContext) -> Option<Vec<Step>> {
    let before = context.sides.before;
    let id = &context.step.object;
    if id.kind != KindName::Table || context.step.action != Action::Drop {
        return None;
    }
    let bound = before.partition_bound(id)?;
    let (parent, _) = before.dependencies_of(&bound.id).find(|(other, _)| other.kind == KindName::Table)?;
    if !context.sides.after.contains(parent) || has_default_partition(context, parent) {
        return None;
    }
    let parent = Expression(bound.text(AttributeName::OF));
    let sql = sql!("ALTER TABLE {} DETACH PARTITION {} CONCURRENTLY", parent, id.qualified());
    let detach = Step::drop(id, sql).lock(LockMode::AccessExclusive, id).transaction(Transaction::Outside);
    let reason = "locks the partitioned table only in SHARE UPDATE EXCLUSIVE mode";
    Some(vec![detach.reason(reason), context.step.clone()])
}

/// Whether a partitioned table has a default partition. Then the server refuses `CONCURRENTLY`.
fn has_default_partition(context: &RecipeContext, parent: &ObjectId) -> bool {
    let before = context.sides.before;
    let mut bounds = before.dependents_of(parent).filter_map(|(user, _)| before.get(user));
    bounds.any(|bound| bound.id.kind == KindName::Partition && bound.text(AttributeName::BOUND) == "DEFAULT")
}
