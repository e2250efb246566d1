//! CHECK constraints hold for new rows at once, and are looked for in old ones while work goes on.

use super::{Placement, Recipe, RecipeContext, scan};
use crate::kinds::{KindName, check, foreign_key};
use crate::model::sql::{Ident, Sql};
use crate::model::{Action, Object, ObjectId, Step};
use crate::sql;

/// `ADD CONSTRAINT … NOT VALID`, then `VALIDATE CONSTRAINT`.
pub(super) static RECIPE: Recipe = Recipe {
    name: "constraint validated apart",
    refused: "ADD CONSTRAINT keeps everybody waiting while it reads the whole table",
    always: false,
    turn: Placement::Whole,
    steps: |site| {
        let wanted = site.step.object.kind == KindName::Check && site.step.action == Action::Create;
        let Some(check) = site.after().filter(|_| wanted) else { return Ok(None) };
        if check.flag("not_valid") || check.flag("not_enforced") || site.table().kind != KindName::Table {
            return Ok(None);
        }
        Ok(Some(in_two(site, site.step.clone())))
    },
};

/// A step that adds a constraint, in two: without a look at old rows, and with it.
pub(super) fn in_two(site: &RecipeContext, mut add: Step) -> Vec<Step> {
    add.sql.push(&Sql::trusted("NOT VALID"));
    add.hazards.clear();
    add.reason = Some("holds for new rows from here on; old ones are read in the next step".into());
    let validate = validate(&add.object, add.object.name(), &site.table());
    vec![add, validate]
}

/// `VALIDATE CONSTRAINT`.
pub(super) fn validate(object: &ObjectId, name: &str, table: &ObjectId) -> Step {
    let sql = sql!("ALTER TABLE {} VALIDATE CONSTRAINT {}", table.qualified(), Ident(name));
    scan(object, sql, table).reason("reads the table while reading and writing go on")
}

/// `ADD CONSTRAINT …` of a check or a foreign key, without a look at the rows that are there.
pub(super) fn constraint(object: &Object) -> Sql {
    let definition = match object.id.kind {
        KindName::ForeignKey => foreign_key::definition(object),
        _ => check::definition(object),
    };
    let sql = sql!("ADD CONSTRAINT {} {}", Ident(object.id.name()), definition);
    let said = object.flag("not_valid") || object.flag("not_enforced");
    if said { sql } else { sql.then(&Sql::trusted("NOT VALID")) }
}
