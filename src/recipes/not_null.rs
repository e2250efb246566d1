//! NOT NULL over a constraint that was validated while reading and writing went on.

use super::check::validate;
use super::{Placement, Policy, Recipe, RecipeContext, backfill};
use crate::kinds::{KindName, column};
use crate::model::sql::Ident;
use crate::model::{Action, LockMode, Object, ObjectId, PgVersion, Phase, Step};
use crate::sql;

/// Before 18 a CHECK constraint that is validated and dropped again; since then the NOT NULL constraint itself.
pub(super) static RECIPE: Recipe = Recipe {
    name: "NOT NULL validated apart",
    refused: "SET NOT NULL keeps everybody waiting while it reads the whole table",
    always: true,
    turn: Placement::ReadyAtFirst,
    steps: |site| {
        let step = site.step;
        let wanted = step.object.kind == KindName::Column
            && step.action == Action::Alter
            && step.alteration == Some("not null")
            && !step.hazards.is_empty();
        let Some(column) = site.after().filter(|_| wanted) else { return Ok(None) };
        let mut steps = backfill::wished(site, column);
        if steps.is_empty() && site.known.policy == Policy::Direct {
            return Ok(None);
        }
        steps.extend(alone(site, column));
        Ok(Some(steps))
    },
};

/// The steps that make a column of a table in use NOT NULL, when no row has NULL in it.
pub(super) fn alone(site: &RecipeContext, column: &Object) -> Vec<Step> {
    steps(site, column).into_iter().map(|step| step.phase(Phase::Contract)).collect()
}

fn steps(site: &RecipeContext, column: &Object) -> Vec<Step> {
    let id = &column.id;
    let table = site.table();
    let alter = |what: &crate::model::sql::Sql| {
        let sql = sql!("ALTER TABLE {} {}", id.on(), what);
        Step::alter(id, sql).lock(LockMode::AccessExclusive, &table)
    };
    let new_rows = "holds for new rows from here on; old ones are read in the next step";
    let own = column::not_null_name(column);
    if site.version() >= PgVersion::V18 && own.len() < 64 && !is_taken(site, &own) {
        let add = sql!("ADD CONSTRAINT {} NOT NULL {} NOT VALID", Ident(&own), Ident(id.name()));
        return vec![alter(&add).reason(new_rows), validate(id, &own, &table)];
    }
    let helper = site.helper(&format!("not_null_{}", column.position));
    let check = sql!("ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID", Ident(&helper), Ident(id.name()));
    let set = sql!("ALTER COLUMN {} SET NOT NULL", Ident(id.name()));
    vec![
        alter(&check).reason(new_rows),
        validate(id, &helper, &table),
        alter(&set).reason("the validated constraint proves it, and no row is read"),
        alter(&sql!("DROP CONSTRAINT {}", Ident(&helper))),
    ]
}

/// Whether another constraint of the table has the name.
fn is_taken(site: &RecipeContext, name: &str) -> bool {
    let table = site.table();
    let children = |side: &'_ crate::model::Catalog| {
        side.children(&table).any(|part: &Object| is_constraint(&part.id) && part.id.name() == name)
    };
    children(site.sides.before) || children(site.sides.after)
}

fn is_constraint(id: &ObjectId) -> bool {
    id.kind.get().namespaces.contains(&crate::kinds::Namespace::Constraints)
}
