//! The backfill phase: gives existing rows their values. Its rollback keeps them.

use crate::error::Result;
use crate::model::{Migration, Plan, Script};
use crate::proof;
use crate::recipes;
use crate::sandbox::{self, Sandbox, State};

/// Makes the migration that fills existing rows, and checks that it changes nothing but rows.
pub(super) async fn migration(sandbox: &Sandbox, up: &Plan, between: &State) -> Result<Migration> {
    let fills = up.steps.iter().filter(|step| step.fills());
    let fills = fills.filter(|step| between.catalog.contains(&step.object)).cloned();
    // Other columns may be computed from the shadow columns.
    let copies = between
        .renames
        .shadow_columns
        .iter()
        .flat_map(|shadow| recipes::shadow_backfill(shadow, &between.catalog));
    let plan = Plan { steps: copies.chain(fills).collect(), waits: Vec::new() };
    let mut migration = Migration::empty(&between.catalog);
    if plan.steps.is_empty() {
        return Ok(migration);
    }
    migration.up = Script::of(&plan);
    let copy = sandbox.load_catalog(&between.catalog).await?;
    sandbox::run_script(&migration.up, &copy.database).await?;
    let reached = sandbox::read_catalog(&copy.database).await?;
    proof::agree(sandbox, &between.catalog, &reached, "the backfill changes the schema").await?;
    copy.database.drop_now().await?;
    migration.proof.ran = true;
    Ok(migration)
}
