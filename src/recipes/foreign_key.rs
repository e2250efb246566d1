//! Foreign keys are added without a scan, and validated afterwards.

use super::check::{NOT_VALID, add_and_validate, validate};
use super::recipe::{Placement, Policies, Recipe, RecipeContext};
use crate::kinds::{KindName, foreign_key};
use crate::model::AttributeName;
use crate::model::hierarchy::holds_rows;
use crate::model::object::{Object, ObjectId};
use crate::model::sql::Sql;
use crate::model::step::{Action, LockMode, Step};
use crate::model::version::PgVersion;

/// `ADD FOREIGN KEY … NOT VALID`, then `VALIDATE CONSTRAINT`. Before 18, the foreign key of a partitioned table cannot be
/// `NOT VALID`; it is added to each partition first.
pub(super) static RECIPE: Recipe = Recipe {
    name: "foreign key validated separately",
    risk: "ADD FOREIGN KEY blocks writes to both tables while it scans the table",
    policies: Policies::Safe,
    placement: Placement::AfterLast,
    steps: |context| Ok(steps(context)),
};

fn steps(context: &RecipeContext) -> Option<Vec<Step>> {
    let adds = context.step.object.kind == KindName::ForeignKey && context.step.action == Action::Create;
    let key = context.after().filter(|_| adds)?;
    if key.flag(AttributeName::NOT_VALID) || key.flag(AttributeName::NOT_ENFORCED) {
        return None;
    }
    if context.is_partitioned() && context.version() < PgVersion::V18 {
        return on_partitions_first(context, key);
    }
    Some(add_and_validate(context))
}

/// Returns steps that add the foreign key to each leaf partition, and then to the partitioned table, which uses those of
/// the partitions without a scan.
fn on_partitions_first(context: &RecipeContext, key: &Object) -> Option<Vec<Step>> {
    let before = context.sides.before;
    let mut steps = Vec::new();
    for partition in context.sides.after.tables_with_rows(&context.table()) {
        let id = key_on(&partition, key);
        // A partition that the same plan attaches may not be attached yet.
        if !before.contains(&partition) || before.contains(&id) {
            return None;
        }
        let mut own = key.clone();
        own.id = id;
        let mut add = Step::create(&key.id, foreign_key::statement(&own));
        add.sql.push(&Sql::trusted("NOT VALID"));
        steps.push(add.lock(LockMode::ShareRowExclusive, &partition).reason(NOT_VALID));
        steps.push(validate(&key.id, own.id.name(), &partition));
    }
    let mut add = context.step.clone();
    add.hazards.clear();
    // The triggers on the referenced table change from those of the partitions to those of the partitioned table.
    let after = context.sides.after;
    let mut tables = after.dependencies_of(&key.id).filter_map(|(id, _)| after.parent(id));
    if let Some(referenced) = tables.find(|table| holds_rows(table) && *table != context.table()) {
        add = add.lock(LockMode::AccessExclusive, &referenced);
    }
    steps.push(add.reason("uses the foreign keys of the partitions; no scan"));
    Some(steps)
}

/// Returns the identity of the same foreign key on a partition.
fn key_on(partition: &ObjectId, key: &Object) -> ObjectId {
    let [schema, table] = [&partition.path()[0], &partition.path()[1]];
    ObjectId::new(KindName::ForeignKey, &[schema, table, &key.id.path()[2]])
}
