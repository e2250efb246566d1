//! Tries changes of type on copies of tables with indexes: which indexes are rebuilt, and what an index looks like on a
//! shadow column.

use std::collections::BTreeSet;

use crate::db::{Row, Session};
use crate::error::{Error, Result};
use crate::kinds::KindName;
use crate::model::sql::Ident;
use crate::model::{Catalog, ObjectId, Pair, Step};
use crate::recipes::{ProbeResults, shadow_column_name};
use crate::sandbox::{self, LoadedState, Sandbox};
use crate::sql;

use super::subset::{with_dependencies, with_roles_of_both};

/// The files of all indexes that users created.
const INDEX_FILES: &str = "SELECT pg_catalog.pg_relation_filenode(indexrelid) AS file FROM pg_catalog.pg_index \
    WHERE indexrelid >= 16384 ORDER BY file";

/// Tries the changes of type of columns that have indexes.
///
/// # Errors
/// Returns an error if the scratch server fails.
pub(super) async fn probe_indexes(
    sandbox: &Sandbox,
    steps: &[&Step],
    sides: Pair<&Catalog>,
    results: &mut ProbeResults,
) -> Result<()> {
    let is_indexed = |step: &&Step| sides.before.dependents_of(&step.object).any(|(user, _)| is_index(user));
    let steps: Vec<&Step> = steps.iter().copied().filter(is_indexed).collect();
    let in_place = steps.iter().copied().filter(|step| !results.rewrites(&step.object)).collect();
    probe_rebuilds(sandbox, in_place, sides, results).await?;
    let shadowed = steps.into_iter().filter(|step| results.rewrites_or_reindexes(&step.object)).collect();
    probe_shadow_indexes(sandbox, shadowed, sides, results).await
}

/// Records which changes rebuild an index although they do not rewrite the table. A change that cannot be tried counts as
/// one.
async fn probe_rebuilds(
    sandbox: &Sandbox,
    steps: Vec<&Step>,
    sides: Pair<&Catalog>,
    results: &mut ProbeResults,
) -> Result<()> {
    let Some(copy) = copy_of_tables(sandbox, &steps, sides.before).await? else {
        results.index_rebuild.extend(steps.iter().map(|step| step.object.clone()));
        return Ok(());
    };
    for step in steps {
        if rebuilds_index(&copy.database.session, step).await? {
            results.index_rebuild.insert(step.object.clone());
        }
    }
    copy.database.drop_now().await
}

async fn rebuilds_index(session: &Session, step: &Step) -> Result<bool> {
    let outcome = async {
        session.run("BEGIN").await?;
        let before = session.rows(INDEX_FILES).await?;
        session.run(step.statement().as_str()).await?;
        let after = session.rows(INDEX_FILES).await?;
        // An index that is kept is another object with the same file.
        let differs = |(before, after): (&Row, &Row)| before.get(0) != after.get(0);
        Ok::<_, Error>(before.len() != after.len() || before.iter().zip(&after).any(differs))
    }
    .await;
    session.run("ROLLBACK").await?;
    match outcome {
        Err(Error::Server(error)) => {
            tracing::debug!(%step.object, error.message, "the change of the type could not be tried");
            Ok(true)
        }
        outcome => outcome,
    }
}

/// Records what the indexes of the columns look like on shadow columns.
async fn probe_shadow_indexes(
    sandbox: &Sandbox,
    mut steps: Vec<&Step>,
    sides: Pair<&Catalog>,
    results: &mut ProbeResults,
) -> Result<()> {
    let indexes = |step: &&Step| -> Vec<ObjectId> {
        let users = sides.after.dependents_of(&step.object).map(|(user, _)| user);
        users.filter(|user| user.kind == KindName::Index).cloned().collect()
    };
    steps.retain(|step| !indexes(step).is_empty());
    let Some(copy) = copy_of_tables(sandbox, &steps, &with_roles_of_both(sides)).await? else {
        return Ok(());
    };
    let session = &copy.database.session;
    for step in &steps {
        let id = &step.object;
        let Some(shadow) = shadow_column_name(id, sides) else { continue };
        let rename = |from: &str, to: &str| {
            sql!("ALTER TABLE {} RENAME COLUMN {} TO {}", id.qualified_relation(), Ident(from), Ident(to))
        };
        session.run(rename(id.name(), &shadow).as_str()).await?;
        let renamed = sandbox::read_catalog(&copy.database).await?;
        session.run(rename(&shadow, id.name()).as_str()).await?;
        for index in indexes(step) {
            if let Some(object) = renamed.get(&index) {
                results.shadow_indexes.insert((id.clone(), index), object.clone());
            }
        }
    }
    copy.database.drop_now().await
}

/// Returns a copy of the tables of these steps, with their children and everything that they depend on. `None` if it
/// cannot be created.
async fn copy_of_tables(sandbox: &Sandbox, steps: &[&Step], side: &Catalog) -> Result<Option<LoadedState>> {
    if steps.is_empty() {
        return Ok(None);
    }
    let tables = steps.iter().filter_map(|step| side.parent(&step.object));
    let tables: BTreeSet<ObjectId> = tables.flat_map(|table| side.table_and_descendants(&table)).collect();
    match sandbox.load_catalog(&with_dependencies(side, tables.into_iter().collect())).await {
        Ok(copy) => Ok(Some(copy)),
        Err(Error::Server(error)) => {
            tracing::debug!(error.message, "tables cannot be created by themselves");
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

fn is_index(id: &ObjectId) -> bool {
    id.kind.get().has_index()
}
