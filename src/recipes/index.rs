//! Indexes are built and dropped while reading and writing go on.

use super::{Placement, Recipe, RecipeContext};
use crate::kinds::{KindName, index};
use crate::model::sql::{Ident, Sql};
use crate::model::{Action, LockMode, Step, Transaction, holds_rows};
use crate::sql;

/// `CREATE INDEX CONCURRENTLY`. Of a partitioned table each partition's index is a step of its own, and the whole
/// takes them when they are there.
pub(super) static CREATE: Recipe = Recipe {
    name: "index built concurrently",
    refused: "CREATE INDEX keeps writers waiting while it reads the table",
    always: false,
    turn: Placement::Whole,
    steps: |site| {
        let Some(index) = site.after().filter(|_| is_alone(site, Action::Create)) else { return Ok(None) };
        // It came when the old one went.
        if site.is_rebuilt() {
            return Ok(Some(Vec::new()));
        }
        let sql = index::statement(index, index::How::Concurrently);
        Ok(Some(vec![outside(site, sql).reason("built while reading and writing go on")]))
    },
};

/// `DROP INDEX CONCURRENTLY`.
pub(super) static DROP: Recipe = Recipe {
    name: "index dropped concurrently",
    refused: "DROP INDEX waits for everybody who uses the table, and everybody waits for it",
    always: false,
    turn: Placement::Whole,
    steps: |site| {
        let Some(index) = site.before().filter(|_| is_alone(site, Action::Drop)) else { return Ok(None) };
        if index.get("share_of").is_some() {
            return Ok(None);
        }
        let drop = outside(site, sql!("DROP INDEX CONCURRENTLY {}", index::name(index)));
        let Some(new) = site.after() else { return Ok(Some(vec![drop])) };
        let mut beside = new.clone();
        beside.id = index.id.renamed(&site.helper("index"));
        let build = outside(site, index::statement(&beside, index::How::Concurrently));
        let build = Step { action: Action::Create, ..build };
        let rename = sql!("ALTER INDEX {} RENAME TO {}", index::name(&beside), Ident(index.id.name()));
        Ok(Some(vec![
            build.reason("built beside the old one, while reading and writing go on"),
            drop,
            Step::create(&index.id, rename).lock(LockMode::ShareUpdateExclusive, &index.id),
        ]))
    },
};

/// A step that nobody need wait for.
fn outside(site: &RecipeContext, sql: Sql) -> Step {
    let step = match site.step.action {
        Action::Drop => Step::drop(&site.step.object, sql),
        _ => Step::create(&site.step.object, sql),
    };
    step.lock(LockMode::ShareUpdateExclusive, site.table()).transaction(Transaction::Outside)
}

/// Whether the step is about an index of a table that has rows of its own.
fn is_alone(site: &RecipeContext, action: Action) -> bool {
    let of_index = site.step.object.kind == KindName::Index && site.step.action == action;
    // What it rests on changes, and in between nothing would take its place.
    let bound = site.is_rebuilt() && !site.is_replaced();
    of_index && !bound && holds_rows(&site.table()) && !site.is_partitioned()
}
