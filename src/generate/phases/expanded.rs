//! The state between the phases: the start after all steps that only add.

use super::classify::phase_of;
use super::{compatibility_view, shadow_column};
use crate::db::Session;
use crate::diff;
use crate::error::{Error, Result};
use crate::model::{Action, Catalog, ObjectId, Pair, Phase, Plan, Rename, ShadowColumn, Step, Transaction};
use crate::sandbox::{self, Sandbox};
use crate::scratch::RoleStub;

/// Returns the state between the phases, and the columns that have both names in it. `sides` use the new names.
pub(super) async fn state(
    sandbox: &Sandbox,
    up: &Plan,
    sides: Pair<&Catalog>,
    renames: &[Rename],
) -> Result<(Catalog, Vec<ShadowColumn>)> {
    let copy = sandbox.load_catalog(sides.before).await?;
    let session = &copy.database.session;
    let roles = sides.after.roles.iter();
    let roles = roles.map(|(name, facts)| RoleStub { name: name.clone(), superuser: facts.superuser });
    copy.database.stub_roles(&roles.collect::<Vec<_>>()).await?;
    run_additions(session, up, sides).await?;
    for rename in renames {
        if let Some(statements) = compatibility_view::statements(rename, renames, sides.before) {
            // This fails if the target uses the name for another object.
            try_run(session, &format!("BEGIN; {statements}; COMMIT"), "a compatibility view").await?;
        }
    }
    let mut shadow_columns = Vec::new();
    for shadow in renames.iter().filter_map(|rename| shadow_column::of(rename, sides.before)) {
        let Some(statements) = shadow_column::statements(&shadow, sides.before) else { continue };
        if try_run(session, &format!("BEGIN; {statements}; COMMIT"), "a shadow column").await? {
            shadow_columns.push(shadow);
        }
    }
    let mut catalog = sandbox::read_catalog(&copy.database).await?;
    copy.database.drop_now().await?;
    diff::inherit_unset(&mut catalog, sides.before);
    catalog.roles.clone_from(&sides.after.roles);
    Ok((catalog, shadow_columns))
}

/// Runs the steps that only add. A step waits for the last phase if it fails now, or if an earlier step of the same
/// existing object waits.
async fn run_additions(session: &Session, up: &Plan, sides: Pair<&Catalog>) -> Result<()> {
    let mut waiting: Vec<&ObjectId> = Vec::new();
    for step in &up.steps {
        let phase = phase_of(step, sides);
        if phase == Phase::Backfill {
            continue;
        }
        let must_follow = step.action != Action::Drop
            && waiting.contains(&&step.object)
            && sides.before.contains(&step.object);
        if phase == Phase::Contract
            || must_follow
            || !try_run(session, &transaction(step), "a step that has to wait").await?
        {
            waiting.push(&step.object);
        }
    }
    Ok(())
}

/// Returns a step in a transaction of its own, if it can run in one.
fn transaction(step: &Step) -> String {
    let statement = step.statement();
    match step.transaction {
        Transaction::Outside => statement.to_string(),
        _ => format!(
            "BEGIN; SET LOCAL search_path = ''; SET LOCAL check_function_bodies = false; {statement}; COMMIT"
        ),
    }
}

/// Runs statements. Returns whether they succeeded.
async fn try_run(session: &Session, statements: &str, what: &str) -> Result<bool> {
    match session.run(statements).await {
        Ok(()) => Ok(true),
        Err(Error::Server(error)) => {
            tracing::debug!(what, error.message, "not possible in the first phase");
            session.run("ROLLBACK").await.map(|()| false)
        }
        Err(other) => Err(other),
    }
}
