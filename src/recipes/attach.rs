//! A table becomes a partition without a scan under a lock that blocks reads or writes.

use super::check::validate;
use super::recipe::{Placement, Policies, Recipe, RecipeContext};
use crate::kinds::KindName;
use crate::model::AttributeName;
use crate::model::object::ObjectId;
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::step::{Action, LockMode, Step};
use crate::sql;

/// A CHECK constraint with the partition bound is validated first, so that `ATTACH PARTITION` skips its scan. The default
/// partition gets a constraint with the opposite condition.
pub(super) static RECIPE: Recipe = Recipe {
    name: "partition attached over a CHECK constraint",
    risk: "ATTACH PARTITION scans the table and the default partition while reads and writes wait",
    policies: Policies::Safe,
    placement: Placement::AfterLast,
    steps: |context| Ok(steps(context)),
};

fn steps(context: &RecipeContext) -> Option<Vec<Step>> {
    let attaches = context.step.object.kind == KindName::Partition && context.step.action == Action::Create;
    let partition = context.after().filter(|_| attaches && !context.is_recreated())?;
    let condition = Expression(context.facts.probes.bound_conditions.get(&partition.id)?);
    let table = context.table();
    if partition.text(AttributeName::BOUND) == "DEFAULT" || !context.sides.before.contains(&table) {
        return None;
    }
    let mut checks = vec![(table, sql!("CHECK ({})", condition))];
    if let Some(default) = default_partition(context) {
        checks.push((default, sql!("CHECK (NOT ({}))", condition)));
    }
    let name = context.temporary_name("bound");
    let alter = |table: &ObjectId, what: Sql| {
        let sql = sql!("ALTER TABLE {} {}", table.qualified(), what);
        Step::create(&partition.id, sql).lock(LockMode::AccessExclusive, table)
    };
    let mut steps = Vec::new();
    for (table, check) in &checks {
        let add = alter(table, sql!("ADD CONSTRAINT {} {} NOT VALID", Ident(&name), check));
        steps.push(add.reason("matches the partition bound, so that ATTACH PARTITION skips its scan"));
    }
    steps.extend(checks.iter().map(|(table, _)| validate(&partition.id, &name, table)));
    let mut attach = context.step.clone();
    attach.hazards.clear();
    steps.push(attach.reason("the validated constraints prove the bound; no scan"));
    steps.extend(checks.iter().map(|(table, _)| alter(table, sql!("DROP CONSTRAINT {}", Ident(&name)))));
    Some(steps)
}

/// Returns the existing default partition of the partitioned table.
fn default_partition(context: &RecipeContext) -> Option<ObjectId> {
    let before = context.sides.before;
    let needed = context.sides.after.dependencies_of(&context.step.object).map(|(other, _)| other);
    let parents = needed.filter(|other| other.kind == KindName::Table);
    let mut bounds = parents.flat_map(|parent| before.dependents_of(parent)).map(|(user, _)| user);
    let is_default =
        |id: &ObjectId| before.get(id).is_some_and(|bound| bound.text(AttributeName::BOUND) == "DEFAULT");
    let bound = bounds.find(|user| user.kind == KindName::Partition && is_default(user))?;
    before.parent(bound).filter(|table| context.sides.after.contains(table))
}
