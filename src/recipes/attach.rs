//! A table becomes a partition without being read while others wait.

use super::check::validate;
use super::{Placement, Recipe, RecipeContext};
use crate::kinds::KindName;
use crate::model::sql::{Expression, Ident, QualifiedName, Sql};
use crate::model::{Action, LockMode, ObjectId, Step};
use crate::sql;

/// A CHECK that says what the bound says, validated first, so that `ATTACH PARTITION` need not look; and on a default
/// partition one that says the contrary.
pub(super) static RECIPE: Recipe = Recipe {
    name: "partition attached over a check",
    refused: "ATTACH PARTITION reads the table, and the default partition, while everybody waits",
    always: false,
    turn: Placement::Whole,
    steps: |site| {
        let comes = site.step.object.kind == KindName::Partition && site.step.action == Action::Create;
        let Some(place) = site.after().filter(|_| comes && !site.is_rebuilt()) else { return Ok(None) };
        let Some(bound) = site.known.probed.bound(&place.id) else { return Ok(None) };
        let table = site.table();
        if place.text("bound") == "DEFAULT" || !site.sides.before.contains(&table) {
            return Ok(None);
        }
        let mut checked = vec![(table, sql!("CHECK ({})", Expression(bound)))];
        if let Some(default) = default_of(site) {
            checked.push((default, sql!("CHECK (NOT ({}))", Expression(bound))));
        }
        let name = site.helper("bound");
        let named = |table: &ObjectId, what: Sql| {
            let on = QualifiedName { schema: &table.path()[0], name: table.name() };
            let sql = sql!("ALTER TABLE {} {}", on, what);
            Step::create(&place.id, sql).lock(LockMode::AccessExclusive, table)
        };
        let mut steps = Vec::new();
        for (table, check) in &checked {
            let add = named(table, sql!("ADD CONSTRAINT {} {} NOT VALID", Ident(&name), check));
            steps.push(
                add.reason("says what the bound says, so that nothing need be read when it is attached"),
            );
        }
        steps.extend(checked.iter().map(|(table, _)| validate(&place.id, &name, table)));
        let mut attach = site.step.clone();
        attach.hazards.clear();
        steps.push(attach.reason("the validated constraints prove it, and no row is read"));
        let drops = checked.iter().map(|(table, _)| named(table, sql!("DROP CONSTRAINT {}", Ident(&name))));
        steps.extend(drops);
        Ok(Some(steps))
    },
};

/// The default partition beside it, which is there already.
fn default_of(site: &RecipeContext) -> Option<ObjectId> {
    let before = site.sides.before;
    let parent_keys = site.sides.after.dependencies_of(&site.step.object).map(|(other, _)| other);
    let mut places = parent_keys
        .filter(|other| other.kind == KindName::Table)
        .flat_map(|whole| before.dependents_of(whole));
    let place = places.find(|(user, _)| {
        user.kind == KindName::Partition
            && before.get(user).is_some_and(|place| place.text("bound") == "DEFAULT")
    });
    place.and_then(|(place, _)| before.parent(place)).filter(|table| site.sides.after.contains(table))
}
