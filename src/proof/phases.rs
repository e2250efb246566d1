//! One change as several revisions, between which an old and a new program both work.
//!
//! The steps that only add are run on a copy of the start; what cannot be done yet because it rests on a step that has
//! to wait, waits too. What the server then holds is a state of its own, and each way between two states is planned and
//! proved like any other.

mod shadow_column;

use super::{Migration, MigrationOptions, Proof, agree, differences, migration, safely};
use crate::diff::Change;
use crate::error::{Error, Result};
use crate::kinds::common::OWNER_GRANTEE;
use crate::kinds::{KindName, Namespace};
use crate::model::sql::{Ident, RoleName, Sql};
use crate::model::{
    Action, Catalog, Object, ObjectId, Pair, PgVersion, Phase, Rename, ShadowColumn, Step, Transaction, Value,
};
use crate::plan::Plan;
use crate::recipes;
use crate::sandbox::State;
use crate::sandbox::{self, Sandbox};
use crate::script::Script;
use crate::sql;

/// A revision of several.
pub struct Part {
    /// What it is for.
    pub phase: Phase,
    /// The migration.
    pub migration: Migration,
    /// The state that it starts from.
    pub before: State,
}

/// The way from one state to another in phases, those of them that there are; all that it changes, and renames. What
/// has another name gets it in the first phase; under the old name of a table a view stands until the last, and a column
/// has both its names until then.
///
/// # Errors
/// When it cannot be planned, or when a proof fails.
pub async fn phases(
    sandbox: &Sandbox,
    states: Pair<&State>,
    terms: &MigrationOptions,
) -> Result<(Vec<Part>, Vec<Change>, Vec<Rename>)> {
    let renamed = crate::rename::renamed(sandbox, states).await?;
    let mut target = states.after.catalog.clone();
    crate::diff::adopt(&mut target, &renamed.middle);
    let (sides, changes) = differences(sandbox, Pair { before: &renamed.middle, after: &target }).await?;
    let (up, _) = safely(sandbox, states, sides.as_ref(), terms).await?;
    let (catalog, shadow_columns) = expanded(sandbox, &up, sides.as_ref(), &renamed.done).await?;
    let mut between = State::of(catalog, "between the phases");
    let (later, done): (Vec<_>, Vec<_>) = renamed.done.iter().cloned().partition(|rename| {
        shadow_columns.iter().any(|shadow| shadow.column == rename.object.after && rename.value.is_none())
    });
    between.renames.done = Some(vec![done]);
    let mut parts = Vec::new();
    let mut add = |phase, migration: Migration, before: &State| {
        if !migration.up.is_empty() {
            parts.push(Part { phase, migration, before: before.clone() });
        }
    };
    let mut goal =
        State { renames: states.after.renames.clone(), ..State::of(between.catalog.clone(), "between") };
    goal.renames.asked.retain(|asked| {
        asked.value.is_some() || !later.iter().any(|rename| rename.object.after == asked.object)
    });
    between.renames.shadow_columns = shadow_columns;
    // Who uses a table by its old name finds it or the view, and never neither.
    let table = |rename: &Rename| rename.object.after.kind == KindName::Table && rename.value.is_none();
    let apart = MigrationOptions { fills: false, at_once: renamed.done.iter().any(table), ..terms.clone() };
    let expand = migration(sandbox, Pair { before: states.before, after: &goal }, &apart).await?;
    add(Phase::Expand, expand, states.before);
    add(Phase::Backfill, backfill(sandbox, &up, &between).await?, &between);
    // Its tables are as large as they were.
    let there = State { live: states.before.live.clone(), ..between.clone() };
    let contract = migration(sandbox, Pair { before: &there, after: states.after }, terms).await?;
    add(Phase::Contract, contract, &between);
    Ok((parts, changes, renamed.done))
}

/// The state after all that only adds, and the columns that have both their names in it.
async fn expanded(
    sandbox: &Sandbox,
    up: &Plan,
    sides: Pair<&Catalog>,
    renames: &[Rename],
) -> Result<(Catalog, Vec<ShadowColumn>)> {
    let copy = sandbox.load_catalog(sides.before).await?;
    let session = &copy.database.session;
    let roles = sides
        .after
        .roles
        .iter()
        .map(|(name, facts)| crate::scratch::RoleStub { name: name.clone(), superuser: facts.superuser });
    copy.database.stub_roles(&roles.collect::<Vec<_>>()).await?;
    let mut waiting: Vec<&ObjectId> = Vec::new();
    for step in up.steps.iter().filter(|step| phase_of(step, sides) != Phase::Backfill) {
        let waits = phase_of(step, sides) == Phase::Contract
            || step.action != Action::Drop
                && waiting.contains(&&step.object)
                && sides.before.contains(&step.object);
        if waits {
            waiting.push(&step.object);
            continue;
        }
        let statement = step.statement();
        let run = match step.transaction {
            Transaction::Outside => statement.to_string(),
            _ => format!(
                "BEGIN; SET LOCAL search_path = ''; SET LOCAL check_function_bodies = false; {statement}; COMMIT"
            ),
        };
        match session.run(&run).await {
            Ok(()) => {}
            Err(Error::Server(error)) => {
                tracing::debug!(%step.object, error.message, "waits for what has to wait");
                session.run("ROLLBACK").await?;
                waiting.push(&step.object);
            }
            Err(other) => return Err(other),
        }
    }
    for statements in renames.iter().filter_map(|rename| old_name(rename, renames, sides.before)) {
        match session.run(&format!("BEGIN; {statements}; COMMIT")).await {
            Ok(()) => {}
            // The name is another's by now.
            Err(Error::Server(error)) => {
                tracing::debug!(error.message, "no view under an old name");
                session.run("ROLLBACK").await?;
            }
            Err(other) => return Err(other),
        }
    }
    let mut shadow_columns = Vec::new();
    for shadow in renames.iter().filter_map(|rename| shadow_column::of(rename, sides.before)) {
        let Some(statements) = shadow_column::statements(&shadow, sides.before) else { continue };
        match session.run(&format!("BEGIN; {statements}; COMMIT")).await {
            Ok(()) => shadow_columns.push(shadow),
            Err(Error::Server(error)) => {
                tracing::debug!(error.message, "no second column under a new name");
                session.run("ROLLBACK").await?;
            }
            Err(other) => return Err(other),
        }
    }
    let mut catalog = sandbox::read_catalog(&copy.database).await?;
    copy.database.drop_now().await?;
    crate::diff::adopt(&mut catalog, sides.before);
    catalog.roles.clone_from(&sides.after.roles);
    Ok((catalog, shadow_columns))
}

/// A view under the old name of a table, with the old names of its columns, by which an old program reads and writes.
/// Before 15 a view sees rows that the table's policies hide, so that a table with policies gets none.
fn old_name(rename: &Rename, renames: &[Rename], renamed: &Catalog) -> Option<Sql> {
    let (old, new) = (&rename.object.before, &rename.object.after);
    let table =
        renamed.get(new).filter(|table| table.id.kind == KindName::Table && rename.value.is_none())?;
    let invoker = renamed.version >= PgVersion::V15;
    if table.flag("row_security") && !invoker {
        return None;
    }
    let was = |column: &Object| {
        let other = renames.iter().find(|other| other.object.after == column.id);
        other.map_or(column.id.name(), |other| other.object.before.name()).to_owned()
    };
    let columns =
        renamed.children(new).filter(|part| part.id.kind == KindName::Column && !part.flag("system"));
    let columns: Vec<Sql> =
        columns.map(|column| sql!("{} AS {}", Ident(column.id.name()), Ident(&was(column)))).collect();
    let options = Sql::trusted(if invoker { " WITH (security_invoker)" } else { "" });
    let list = Sql::join(&columns, ", ");
    let view = old.qualified();
    let mut statements =
        vec![sql!("CREATE VIEW {}{} AS SELECT {} FROM {}", view, options, list, new.qualified())];
    for (role, privileges) in table.map("grants").iter().filter(|(role, _)| role != OWNER_GRANTEE) {
        let Value::List(list) = privileges else { continue };
        let known = ["SELECT", "INSERT", "UPDATE", "DELETE"].into_iter();
        let given = known.filter(|name| list.iter().any(|one| one.trim_end_matches('*') == *name));
        statements
            .extend(given.map(|name| sql!("GRANT {} ON {} TO {}", Sql::trusted(name), view, RoleName(role))));
    }
    Some(Sql::join(&statements, "; "))
}

/// The values of rows that are there. The structure stays, and taking it back leaves them.
async fn backfill(sandbox: &Sandbox, up: &Plan, between: &State) -> Result<Migration> {
    let fills = up.steps.iter().filter(|step| step.fills());
    let there = fills.filter(|step| between.catalog.contains(&step.object)).cloned();
    // The others may be computed from them.
    let shadow_columns = between
        .renames
        .shadow_columns
        .iter()
        .flat_map(|shadow| recipes::shadow_backfill(shadow, &between.catalog));
    let plan = Plan { steps: shadow_columns.chain(there).collect(), waits: Vec::new() };
    let mut made = Migration::nothing(&between.catalog);
    if plan.steps.is_empty() {
        return Ok(made);
    }
    made.up = Script::of(&plan);
    let copy = sandbox.load_catalog(&between.catalog).await?;
    sandbox::run_script(&made.up, &copy.database).await?;
    let reached = sandbox::read_catalog(&copy.database).await?;
    agree(sandbox, &between.catalog, &reached, "the backfill changes more than rows").await?;
    copy.database.drop_now().await?;
    made.proof = Proof { ran: true, ..Proof::default() };
    Ok(made)
}

/// When a step may come.
fn phase_of(step: &Step, sides: Pair<&Catalog>) -> Phase {
    if let Some(phase) = step.phase {
        return phase;
    }
    let id = &step.object;
    let is_constraint = id.kind.get().namespaces.contains(&Namespace::Constraints);
    let stays = sides.before.contains(id) && sides.after.contains(id);
    let of_old = || {
        sides
            .before
            .parent(id)
            .or_else(|| sides.after.parent(id))
            .is_some_and(|it| sides.before.contains(&it))
    };
    let restricts = match step.action {
        // What forbids less harms nobody; what is built anew is missed meanwhile.
        Action::Drop | Action::Release => stays || !is_constraint,
        Action::Declare | Action::Create => {
            let unique = sides.after.get(id).is_some_and(|object| object.flag("unique"));
            let narrows = is_constraint || unique || id.kind == KindName::Policy || id.kind == KindName::Rule;
            narrows && of_old() || stays
        }
        Action::Alter => match step.alteration {
            Some("not null") => sides.after.get(id).is_some_and(|column| column.flag("not_null")),
            Some("set default" | "options" | "statistics") | None => false,
            Some(_) => step.transaction != Transaction::CommitAfter && !is_routine(id),
        },
        Action::Attach => {
            matches!(step.alteration, Some("owner" | "row security" | "force row security")) && stays
        }
        Action::Populate if step.fills() => return Phase::Backfill,
        Action::Populate => false,
    };
    if restricts { Phase::Contract } else { Phase::Expand }
}

fn is_routine(id: &ObjectId) -> bool {
    id.kind.get().namespaces.contains(&Namespace::Routines) || matches!(id.kind, KindName::View)
}
