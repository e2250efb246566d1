//! Primary keys and unique constraints take an index that was built while reading and writing went on.

use super::{Placement, Recipe, RecipeContext};
use crate::kinds::common::deferrability;
use crate::kinds::{KindName, index};
use crate::model::sql::{Ident, Sql};
use crate::model::{Action, LockMode, Object, Step, Transaction};
use crate::sql;

/// `CREATE UNIQUE INDEX CONCURRENTLY`, then `ADD CONSTRAINT … USING INDEX`.
pub(super) static RECIPE: Recipe = Recipe {
    name: "key over an index built concurrently",
    refused: "ADD CONSTRAINT keeps everybody waiting while it builds the index",
    always: false,
    turn: Placement::Whole,
    steps: |site| Ok(steps(site)),
};

fn steps(site: &RecipeContext) -> Option<Vec<Step>> {
    let key = site.after()?;
    let words = match key.id.kind {
        KindName::PrimaryKey => "PRIMARY KEY",
        KindName::Unique => "UNIQUE",
        _ => return None,
    };
    if key.flag("without_overlaps") || site.is_partitioned() || site.table().kind != KindName::Table {
        return None;
    }
    if words == "PRIMARY KEY" && inherits_not_null(site, key) {
        return None;
    }
    let replaced = site.is_replaced();
    match site.step.action {
        // It came when the old one went.
        Action::Create if replaced => return Some(Vec::new()),
        Action::Drop if replaced => {}
        Action::Create if !site.is_rebuilt() => {}
        _ => return None,
    }
    let table = site.table();
    let own = key.id.name().to_owned();
    let index = if replaced { site.helper("index") } else { own.clone() };
    let mut under = key.clone();
    under.id = key.id.renamed(&index);
    let sql = index::statement(&under, index::How::UnderConstraint);
    let build = Step::create(&key.id, sql).lock(LockMode::ShareUpdateExclusive, &table);
    let build = build.transaction(Transaction::Outside).reason("built while reading and writing go on");
    let mut sql = sql!("ALTER TABLE {}", key.id.on());
    if replaced {
        sql.push(&sql!("DROP CONSTRAINT {},", Ident(&own)));
    }
    sql.push(&sql!("ADD CONSTRAINT {} {}", Ident(&own), Sql::trusted(words)));
    sql.push(&sql!("USING INDEX {}", Ident(&index)));
    sql.push(&deferrability(key));
    let add = Step::create(&key.id, sql).lock(LockMode::AccessExclusive, &table);
    Some(vec![build, add.reason("takes the index, and reads no row")])
}

/// Whether a column of the key has its NOT NULL constraint (18) from a parent alone: `USING INDEX` would make it the
/// table's own too, which nothing takes back.
fn inherits_not_null(site: &RecipeContext, key: &Object) -> bool {
    let columns = site.sides.after.dependencies_of(&key.id).map(|(column, _)| column);
    columns.filter_map(|column| site.sides.after.get(column)).any(|column| column.flag("not_null_inherited"))
}
