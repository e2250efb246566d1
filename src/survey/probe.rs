//! Tries the changes of a plan on a scratch server.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::kinds::narrowing;
use crate::model::Plan;
use crate::model::{Action, AttributeName, Catalog, Directives, ObjectId, Pair, Step};
use crate::recipes::{ProbeResults, Sizes, changes_type, needs_rewrite_probe};
use crate::sandbox::Sandbox;

use super::{bounds, columns, indexes, using};

/// Tries what a plan does to columns of existing tables that may have rows.
///
/// # Errors
/// Returns an error if the scratch server fails, or if it refuses an expression of a directive.
pub(super) async fn probe(
    sandbox: &Sandbox,
    plan: &Plan,
    sides: Pair<&Catalog>,
    sizes: &Sizes,
    directives: &Directives,
) -> Result<ProbeResults> {
    let mut results = ProbeResults::default();
    using::probe_expressions(sandbox, plan, sides, directives, &mut results).await?;
    let on_empty_table = |step: &Step| {
        sides.before.parent(&step.object).is_some_and(|table| sizes.has_no_rows(&table, sides.before))
    };
    let has_directive =
        |step: &Step| step.action == Action::Alter && directives.usings.contains_key(&step.object);
    let all = plan.steps.iter().filter(|step| needs_rewrite_probe(step, sides));
    // The server looks for a cast even if the table has no rows.
    let steps: Vec<&Step> = all.filter(|step| !on_empty_table(step) || may_lack_cast(step, sides)).collect();
    bounds::probe_bounds(sandbox, plan, sides, &mut results).await?;
    let without_directive = steps.iter().filter(|step| !has_directive(step));
    let columns: BTreeMap<&ObjectId, bool> =
        without_directive.map(|step| (&step.object, step.action == Action::Create)).collect();
    if !columns.is_empty() {
        columns::probe_columns(sandbox, columns, sides, &mut results).await?;
    }
    let type_changes = steps.into_iter().filter(|step| changes_type(step) && !on_empty_table(step));
    indexes::probe_indexes(sandbox, &type_changes.collect::<Vec<_>>(), sides, &mut results).await?;
    Ok(results)
}

/// Whether a step changes a column's type to one to which there may be no assignment cast.
fn may_lack_cast(step: &Step, sides: Pair<&Catalog>) -> bool {
    let type_in = |catalog: &Catalog| {
        catalog.get(&step.object).map(|column| column.text(AttributeName::TYPE).to_owned())
    };
    let types = type_in(sides.before).zip(type_in(sides.after));
    changes_type(step) && types.is_some_and(|(before, after)| !narrowing::assigns(&before, &after))
}
