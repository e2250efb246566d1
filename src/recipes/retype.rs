//! What a change of a column's type does to what hangs on the column, tried on tables like those that are there: which
//! indexes are built anew, and how an index reads over a column of another name.

use std::collections::BTreeSet;

use super::probe::{closure, with_roles};
use super::{ProbeResults, helper, using};
use crate::db::Row;
use crate::error::{Error, Result};
use crate::kinds::KindName;
use crate::model::sql::Ident;
use crate::model::{Catalog, Hazard, Object, ObjectId, Pair, Step};
use crate::sandbox::{self, Sandbox};
use crate::sql;

/// Storage of every index that is not the server's own.
const INDEXES: &str = "SELECT pg_catalog.pg_relation_filenode(indexrelid) AS file FROM pg_catalog.pg_index \
    WHERE indexrelid >= 16384 ORDER BY file";

/// Tries the changes of types among some steps.
///
/// # Errors
/// When the scratch server fails.
pub(super) async fn ask(
    sandbox: &Sandbox,
    steps: &[&Step],
    sides: Pair<&Catalog>,
    probed: &mut ProbeResults,
) -> Result<()> {
    let indexed = |step: &&&Step| sides.before.dependents_of(&step.object).any(|(user, _)| is_index(user));
    let steps: Vec<&Step> = steps.iter().filter(indexed).copied().collect();
    let keeps = steps.iter().filter(|step| !probed.rewrites(&step.object)).copied().collect();
    rebuilt(sandbox, keeps, sides, probed).await?;
    let moves =
        steps.into_iter().filter(|step| probed.rewrites(&step.object) || probed.reindexes(&step.object));
    named_otherwise(sandbox, moves.collect(), sides, probed).await
}

/// Which changes that leave the table as it is have the server build an index of it anew.
async fn rebuilt(
    sandbox: &Sandbox,
    steps: Vec<&Step>,
    sides: Pair<&Catalog>,
    probed: &mut ProbeResults,
) -> Result<()> {
    let Some(copy) = tables(sandbox, &steps, sides.before).await? else {
        // What could not be tried is taken for the worse.
        for step in steps {
            probed.told_of_reindexing(&step.object);
        }
        return Ok(());
    };
    let session = &copy.database.session;
    for step in steps {
        let told = async {
            session.run("BEGIN").await?;
            let was = session.rows(INDEXES).await?;
            session.run(step.statement().as_str()).await?;
            let is = session.rows(INDEXES).await?;
            // An index that is kept is another object over the same file.
            let same = |(was, is): (&Row, &Row)| was.get(0) == is.get(0);
            Ok::<_, Error>(was.len() == is.len() && was.iter().zip(&is).all(same))
        };
        let told = told.await;
        session.run("ROLLBACK").await?;
        match told {
            Ok(true) => {}
            Ok(false) => probed.told_of_reindexing(&step.object),
            Err(Error::Server(error)) => {
                tracing::debug!(%step.object, error.message, "indexes not tried");
                probed.told_of_reindexing(&step.object);
            }
            Err(other) => return Err(other),
        }
    }
    copy.database.drop_now().await
}

/// How the indexes of the columns read over second columns.
async fn named_otherwise(
    sandbox: &Sandbox,
    mut steps: Vec<&Step>,
    sides: Pair<&Catalog>,
    probed: &mut ProbeResults,
) -> Result<()> {
    let indexes = |step: &&Step| -> Vec<ObjectId> {
        let users = sides.after.dependents_of(&step.object).map(|(user, _)| user);
        users.filter(|user| user.kind == KindName::Index).cloned().collect()
    };
    steps.retain(|step| !indexes(step).is_empty());
    let Some(copy) = tables(sandbox, &steps, &with_roles(sides)).await? else { return Ok(()) };
    let session = &copy.database.session;
    for step in &steps {
        let id = &step.object;
        let Some(second) = second(id, sides) else { continue };
        let rename = |from: &str, to: &str| {
            sql!("ALTER TABLE {} RENAME COLUMN {} TO {}", id.on(), Ident(from), Ident(to))
        };
        session.run(rename(id.name(), &second).as_str()).await?;
        let named = sandbox::read_catalog(&copy.database).await?;
        session.run(rename(&second, id.name()).as_str()).await?;
        for index in indexes(step) {
            if let Some(object) = named.get(&index) {
                probed.told_of_index(id, object);
            }
        }
    }
    copy.database.drop_now().await
}

/// The name of a second column beside a first.
pub(super) fn second(column: &ObjectId, sides: Pair<&Catalog>) -> Option<String> {
    let position = sides.before.get(column)?.position;
    Some(helper(sides, &format!("type_{position}")))
}

/// What it costs to leave the column where it is: indexes that are built anew, and constraints that are looked for in
/// every row. The server does both while everybody waits.
pub(super) fn warn(step: &mut Step, sides: Pair<&Catalog>, probed: &ProbeResults) {
    let id = &step.object;
    if !using::changes_type(step) || probed.rewrites(id) {
        return;
    }
    let mut costs = Vec::new();
    if probed.reindexes(id) {
        costs.push(format!("builds indexes of {id} anew"));
    }
    let checked = checks(id, sides).next().is_some();
    if checked {
        costs.push(format!("looks for the constraints of {id} in every row"));
    }
    let costs = costs.into_iter().map(|cost| Hazard::Scan(format!("{cost} while everybody waits")));
    step.hazards.extend(costs);
}

/// The CHECK constraints that name a column and hold for every row, the same before and after a plan.
pub(super) fn checks<'a>(column: &'a ObjectId, sides: Pair<&'a Catalog>) -> impl Iterator<Item = &'a Object> {
    let users = sides.before.dependents_of(column).map(|(user, _)| user);
    let checks = users.filter(|user| user.kind == KindName::Check);
    let same = checks.filter_map(move |check| {
        let (before, after) = (sides.before.get(check)?, sides.after.get(check)?);
        (before.get("expression") == after.get("expression")).then_some(after)
    });
    same.filter(|check| !check.flag("not_valid") && !check.flag("not_enforced"))
}

/// A copy of a state that holds the tables of these steps, with what is below them and what they rest on; none where
/// that cannot be built by itself.
async fn tables(sandbox: &Sandbox, steps: &[&Step], side: &Catalog) -> Result<Option<sandbox::LoadedState>> {
    if steps.is_empty() {
        return Ok(None);
    }
    let tables = steps.iter().filter_map(|step| side.parent(&step.object));
    let roots: BTreeSet<ObjectId> = tables.flat_map(|table| side.table_and_descendants(&table)).collect();
    match sandbox.load_catalog(&closure(side, roots.into_iter().collect())).await {
        Ok(copy) => Ok(Some(copy)),
        Err(Error::Server(error)) => {
            tracing::debug!(error.message, "tables cannot be built by themselves");
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

fn is_index(id: &ObjectId) -> bool {
    matches!(id.kind, KindName::Index | KindName::PrimaryKey | KindName::Unique | KindName::Exclusion)
}
