//! Indexes are built and dropped concurrently.

use super::recipe::{Placement, Policies, Recipe, RecipeContext};
use crate::kinds::{KindName, index};
use crate::model::AttributeName;
use crate::model::hierarchy::holds_rows;
use crate::model::sql::{Ident, Sql};
use crate::model::step::{Action, LockMode, Step, Transaction};
use crate::sql;

/// `CREATE INDEX CONCURRENTLY`. An index on a partitioned table is made of the indexes on its partitions, each of which
/// is a step of its own.
pub(super) static CREATE: Recipe = Recipe {
    name: "index built concurrently",
    risk: "CREATE INDEX blocks writes while it reads the table",
    policies: Policies::Safe,
    placement: Placement::AfterLast,
    steps: |context| Ok(create(context)),
};

/// `DROP INDEX CONCURRENTLY`.
pub(super) static DROP: Recipe = Recipe {
    name: "index dropped concurrently",
    risk: "DROP INDEX waits for every query on the table, and later queries wait behind it",
    policies: Policies::Safe,
    placement: Placement::AfterLast,
    steps: |context| Ok(drop(context)),
};

fn create(context: &RecipeContext) -> Option<Vec<Step>> {
    let index = context.after().filter(|_| applies(context, Action::Create))?;
    // The steps for the drop of the old index make the new one.
    if context.is_recreated() {
        return Some(Vec::new());
    }
    let build = concurrently(context, index::statement(index, index::BuildMode::Concurrent));
    Some(vec![build.reason("built without blocking reads or writes")])
}

fn drop(context: &RecipeContext) -> Option<Vec<Step>> {
    let index = context.before().filter(|_| applies(context, Action::Drop))?;
    if index.get(AttributeName::SHARE_OF).is_some() {
        return None;
    }
    let drop = concurrently(context, sql!("DROP INDEX CONCURRENTLY {}", index::name(index)));
    let Some(replacement) = context.after() else { return Some(vec![drop]) };
    let mut temporary = replacement.clone();
    temporary.id = index.id.renamed(&context.temporary_name("index"));
    let build = concurrently(context, index::statement(&temporary, index::BuildMode::Concurrent));
    let build = Step { action: Action::Create, ..build };
    let rename = sql!("ALTER INDEX {} RENAME TO {}", index::name(&temporary), Ident(index.id.name()));
    Some(vec![
        build.reason("built next to the old index, without blocking reads or writes"),
        drop,
        Step::create(&index.id, rename).lock(LockMode::ShareUpdateExclusive, &index.id),
    ])
}

/// Returns a step that blocks neither reads nor writes, and runs outside of a transaction.
fn concurrently(context: &RecipeContext, sql: Sql) -> Step {
    let step = match context.step.action {
        Action::Drop => Step::drop(&context.step.object, sql),
        _ => Step::create(&context.step.object, sql),
    };
    step.lock(LockMode::ShareUpdateExclusive, context.table()).transaction(Transaction::Outside)
}

/// Whether the step takes this action on an index of a relation with rows of its own. An index whose columns change at
/// the same time cannot be built before the old one is dropped.
fn applies(context: &RecipeContext, action: Action) -> bool {
    context.step.object.kind == KindName::Index
        && context.step.action == action
        && (!context.is_recreated() || context.can_be_built_before_drop())
        && holds_rows(&context.table())
        && !context.is_partitioned()
}
