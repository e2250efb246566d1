//! The bounds of new partitions, as conditions on their rows.

use crate::error::Result;
use crate::kinds::KindName;
use crate::model::Plan;
use crate::model::sql::Literal;
use crate::model::{Action, Catalog, ObjectId, Pair};
use crate::recipes::ProbeResults;
use crate::sandbox::Sandbox;
use crate::sql;

use super::subset::with_roles_of_both;

/// Asks the server for the condition of each partition that a plan attaches and that may be an existing table.
pub(super) async fn probe_bounds(
    sandbox: &Sandbox,
    plan: &Plan,
    sides: Pair<&Catalog>,
    results: &mut ProbeResults,
) -> Result<()> {
    let attached = plan.steps.iter().filter(|step| {
        let attaches = step.object.kind == KindName::Partition && step.action == Action::Create;
        attaches && step.lock.is_some() && !sides.before.contains(&step.object)
    });
    let attached: Vec<&ObjectId> = attached.map(|step| &step.object).collect();
    if attached.is_empty() {
        return Ok(());
    }
    let copy = sandbox.load_catalog(&with_roles_of_both(sides)).await?;
    let session = &copy.database.session;
    session.run("SET search_path = ''").await?;
    for partition in attached {
        let table = sql!("{}", partition.qualified_relation()).to_string();
        let query = sql!(
            "SELECT pg_catalog.pg_get_partition_constraintdef({}::pg_catalog.regclass)",
            Literal(&table)
        );
        let rows = session.rows(query.as_str()).await?;
        if let Some(condition) = rows.first().and_then(|row| row.get(0)) {
            results.bound_conditions.insert(partition.clone(), condition.to_owned());
        }
    }
    copy.database.drop_now().await
}
