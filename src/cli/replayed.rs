//! The comparison of a database with the state that revisions of the folder produce.

use super::project::{Project, SandboxNeeds};
use crate::config::Database;
use crate::diff;
use crate::drift::{self, Drift};
use crate::error::Result;
use crate::model::{Catalog, Pair};
use crate::revision::Revision;
use crate::sandbox::{MigrationHistory, Sandbox, Source, State, installed_extensions};

/// Compares a database with the state that revisions produce, on a scratch server of the database's version.
///
/// # Errors
/// Returns an error if a revision fails, or if there is no scratch server.
pub async fn compare(
    project: &Project<'_>,
    database: &Database,
    revisions: &[Revision],
    live: &Catalog,
) -> Result<Drift> {
    let history = history("the folder", revisions);
    let mut extensions = installed_extensions(live);
    extensions.extend(Source::Migrations(history.clone()).extensions()?);
    let major = Some(live.version.major());
    let needs = SandboxNeeds { major, database: Some(database), extensions };
    project
        .with_sandbox(needs, async |sandbox| {
            let live = sandbox.normalize(State::new(live.clone(), &*database.name)).await?;
            compare_with(project, sandbox, history, &live.catalog).await
        })
        .await
}

/// Compares a state with the one that migrations produce. What is not managed is left out.
///
/// # Errors
/// Returns an error if a migration fails.
pub async fn compare_with(
    project: &Project<'_>,
    sandbox: &Sandbox,
    history: MigrationHistory,
    live: &Catalog,
) -> Result<Drift> {
    let mut replayed = sandbox.read(&Source::Migrations(history)).await?;
    diff::inherit_unset(&mut replayed.catalog, live);
    let expected = project.apply_manage_rules(replayed, live).catalog;
    Ok(drift::drift(sandbox, Pair { before: &expected, after: live }).await)
}

/// Returns revisions as migrations to be replayed.
pub fn history(name: &str, revisions: &[Revision]) -> MigrationHistory {
    MigrationHistory {
        name: name.to_owned(),
        files: revisions.iter().map(|revision| revision.up.clone()).collect(),
        renames: revisions.iter().map(Revision::renames).collect(),
    }
}
