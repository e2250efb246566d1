//! Foreign keys hold for new rows at once, and are looked for in old ones while work goes on.

use super::check::{in_two, validate};
use super::{Placement, Recipe, RecipeContext};
use crate::kinds::{KindName, foreign_key};
use crate::model::{Action, LockMode, Object, ObjectId, PgVersion, Step, holds_rows};

/// `ADD CONSTRAINT … NOT VALID`, then `VALIDATE CONSTRAINT`; before 18 of each partition first, for a partitioned
/// table takes no foreign key that is not valid.
pub(super) static RECIPE: Recipe = Recipe {
    name: "foreign key validated apart",
    refused: "ADD CONSTRAINT keeps writers of both tables waiting while it reads them",
    always: false,
    turn: Placement::Whole,
    steps: |site| {
        let wanted = site.step.object.kind == KindName::ForeignKey && site.step.action == Action::Create;
        let Some(key) = site.after().filter(|_| wanted) else { return Ok(None) };
        if key.flag("not_valid") || key.flag("not_enforced") {
            return Ok(None);
        }
        if !site.is_partitioned() || site.version() >= PgVersion::V18 {
            return Ok(Some(in_two(site, site.step.clone())));
        }
        Ok(on_partitions(site, key))
    },
};

/// Of each partition with rows of its own, and then of the whole, which takes them without a look.
fn on_partitions(site: &RecipeContext, key: &Object) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    for leaf in site.sides.after.tables_with_rows(&site.table()) {
        // One that comes in the same plan may not be there yet.
        if !site.sides.before.contains(&leaf) {
            return None;
        }
        let mut own = key.clone();
        let id = ObjectId::new(KindName::ForeignKey, &[&leaf.path()[0], &leaf.path()[1], &key.id.path()[2]]);
        if site.sides.before.contains(&id) {
            return None;
        }
        own.id = id;
        let add =
            Step::create(&key.id, foreign_key::statement(&own)).lock(LockMode::ShareRowExclusive, &leaf);
        let validate = validate(&key.id, own.id.name(), &leaf);
        steps.extend([with_not_valid(add), validate]);
    }
    let mut whole = site.step.clone();
    whole.hazards.clear();
    // The triggers of the partitions' keys on the other table become those of the whole's.
    let after = site.sides.after;
    let others = after.dependencies_of(&key.id).filter_map(|(id, _)| after.parent(id));
    if let Some(other) = others.into_iter().find(|table| holds_rows(table) && *table != site.table()) {
        whole = whole.lock(LockMode::AccessExclusive, &other);
    }
    steps.push(whole.reason("takes those of the partitions, and reads no row"));
    Some(steps)
}

fn with_not_valid(mut step: Step) -> Step {
    step.sql.push(&crate::model::sql::Sql::trusted("NOT VALID"));
    step.reason("holds for new rows from here on; old ones are read in the next step")
}
