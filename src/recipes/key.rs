//! Primary keys and unique constraints use an index that was built concurrently.

use super::recipe::{Placement, Policies, Recipe, RecipeContext};
use crate::kinds::common::deferrability;
use crate::kinds::{KindName, index};
use crate::model::AttributeName;
use crate::model::object::Object;
use crate::model::sql::{Ident, Sql};
use crate::model::step::{Action, LockMode, Step, Transaction};
use crate::sql;

/// `CREATE UNIQUE INDEX CONCURRENTLY`, then `ADD CONSTRAINT … USING INDEX`.
pub(super) static RECIPE: Recipe = Recipe {
    name: "key over an index built concurrently",
    risk: "ADD CONSTRAINT blocks reads and writes while it builds the index",
    policies: Policies::Safe,
    placement: Placement::AfterLast,
    steps: |context| Ok(steps(context)),
};

fn steps(context: &RecipeContext) -> Option<Vec<Step>> {
    let key = context.after()?;
    let keyword = key.id.kind.get().key_clause?;
    let table = context.table();
    if key.flag(AttributeName::WITHOUT_OVERLAPS) || context.is_partitioned() || table.kind != KindName::Table
    {
        return None;
    }
    if key.id.kind == KindName::PrimaryKey && has_inherited_not_null(context, key) {
        return None;
    }
    let replaces = context.can_be_built_before_drop();
    match context.step.action {
        // The steps for the drop of the old key make the new one.
        Action::Create if replaces => return Some(Vec::new()),
        Action::Drop if replaces => {}
        Action::Create if !context.is_recreated() => {}
        _ => return None,
    }
    let name = key.id.name();
    let index_name = if replaces { context.temporary_name("index") } else { name.to_owned() };
    let mut index_key = key.clone();
    index_key.id = key.id.renamed(&index_name);
    let build = Step::create(&key.id, index::statement(&index_key, index::BuildMode::ConcurrentForKey))
        .lock(LockMode::ShareUpdateExclusive, &table)
        .transaction(Transaction::Outside)
        .reason("built without blocking reads or writes");
    let mut sql = sql!("ALTER TABLE {}", key.id.qualified_relation());
    if replaces {
        sql.push(&sql!("DROP CONSTRAINT {},", Ident(name)));
    }
    sql.push(&sql!("ADD CONSTRAINT {} {}", Ident(name), Sql::trusted(keyword)));
    sql.push(&sql!("USING INDEX {}", Ident(&index_name)));
    sql.push(&deferrability(key));
    let add = Step::create(&key.id, sql).lock(LockMode::AccessExclusive, &table);
    Some(vec![build, add.reason("uses the new index; no scan")])
}

/// Whether a column of the key only inherits its NOT NULL constraint (since 18). `USING INDEX` would add one to the
/// table itself, and dropping the key would not remove it.
fn has_inherited_not_null(context: &RecipeContext, key: &Object) -> bool {
    let after = context.sides.after;
    let mut columns = after.dependencies_of(&key.id).filter_map(|(column, _)| after.get(column));
    columns.any(|column| column.flag(AttributeName::NOT_NULL_INHERITED))
}
