//! One change as several revisions, between which an old and a new program both work.
//!
//! The steps that only add are run on a copy of the start; what cannot be done yet because it rests on a step that has
//! to wait, waits too. What the server then holds is a state of its own, and each way between two states is planned and
//! proved like any other.

use super::{Migration, Proof, Terms, agree, differences, migration, safely};
use crate::diff::Change;
use crate::error::{Error, Result};
use crate::kinds::{KindName, Namespace};
use crate::model::{Action, Catalog, ObjectId, Pair, Phase, Step, Transaction};
use crate::plan::Plan;
use crate::script::Script;
use crate::source::State;
use crate::source::bench::{self, Bench};

/// A revision of several.
pub struct Part {
    /// What it is for.
    pub phase: Phase,
    /// The migration.
    pub migration: Migration,
    /// The states that it leads from and to.
    pub states: Pair<State>,
}

/// The way from one state to another in phases, those of them that there are, and all that it changes.
///
/// # Errors
/// When it cannot be planned, or when a proof fails.
pub async fn phases(bench: &Bench, states: Pair<&State>, terms: &Terms) -> Result<(Vec<Part>, Vec<Change>)> {
    let mut target = states.after.catalog.clone();
    crate::diff::adopt(&mut target, &states.before.catalog);
    let (sides, changes) = differences(bench, Pair { before: &states.before.catalog, after: &target }).await?;
    let (up, _) = safely(bench, states, sides.as_ref(), terms).await?;
    let between = State { catalog: expanded(bench, &up, sides.as_ref()).await?, ..states.before.clone() };
    let middle = || State { name: "between".into(), ..between.clone() };
    let mut parts = Vec::new();
    let mut add = |phase, migration: Migration, before: State, after: State| {
        if !migration.up.is_empty() {
            parts.push(Part { phase, migration, states: Pair { before, after } });
        }
    };
    // What is beside the state holds for the whole way.
    let goal = State { wishes: states.after.wishes.clone(), live: None, ..middle() };
    let apart = Terms { fills: false, ..terms.clone() };
    let expand = migration(bench, Pair { before: states.before, after: &goal }, &apart).await?;
    add(Phase::Expand, expand, states.before.clone(), middle());
    let fill = backfill(bench, &up, &between).await?;
    add(Phase::Backfill, fill, middle(), middle());
    let contract = migration(bench, Pair { before: &between, after: states.after }, terms).await?;
    add(Phase::Contract, contract, middle(), states.after.clone());
    Ok((parts, changes))
}

/// The state after all that only adds.
async fn expanded(bench: &Bench, up: &Plan, sides: Pair<&Catalog>) -> Result<Catalog> {
    let copy = bench.build(sides.before).await?;
    let session = &copy.database.session;
    let roles = sides.after.roles.iter().map(|(name, facts)| crate::scratch::RoleStub {
        name: name.clone(),
        superuser: facts.superuser,
    });
    copy.database.stub_roles(&roles.collect::<Vec<_>>()).await?;
    let mut waiting: Vec<&ObjectId> = Vec::new();
    for step in up.steps.iter().filter(|step| phase_of(step, sides) != Phase::Backfill) {
        let waits = phase_of(step, sides) == Phase::Contract
            || step.action != Action::Drop && waiting.contains(&&step.object) && sides.before.contains(&step.object);
        if waits {
            waiting.push(&step.object);
            continue;
        }
        let statement = step.statement();
        let run = match step.transaction {
            Transaction::Outside => statement.to_string(),
            _ => format!("BEGIN; SET LOCAL search_path = ''; SET LOCAL check_function_bodies = false; {statement}; COMMIT"),
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
    let mut catalog = bench::read(&copy.database).await?;
    copy.database.drop_now().await?;
    crate::diff::adopt(&mut catalog, sides.before);
    catalog.roles.clone_from(&sides.after.roles);
    Ok(catalog)
}

/// The values of rows that are there. The structure stays, and taking it back leaves them.
async fn backfill(bench: &Bench, up: &Plan, between: &State) -> Result<Migration> {
    let fills = up.steps.iter().filter(|step| step.fills());
    let there = fills.filter(|step| between.catalog.contains(&step.object)).cloned();
    let plan = Plan { steps: there.collect(), waits: Vec::new() };
    let mut made = Migration::nothing();
    if plan.steps.is_empty() {
        return Ok(made);
    }
    made.up = Script::of(&plan);
    let copy = bench.build(&between.catalog).await?;
    bench::run(&made.up, &copy.database).await?;
    let reached = bench::read(&copy.database).await?;
    agree(bench, &between.catalog, &reached, "the backfill changes more than rows").await?;
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
    let of_old = || sides.before.parent(id).or_else(|| sides.after.parent(id)).is_some_and(|it| sides.before.contains(&it));
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
            Some("set default") | Some("options") | Some("statistics") => false,
            Some(_) => step.transaction != Transaction::CommitAfter && !is_routine(id),
            None => false,
        },
        Action::Attach => matches!(step.alteration, Some("owner" | "row security" | "force row security")) && stays,
        Action::Populate if step.fills() => return Phase::Backfill,
        Action::Populate => false,
    };
    if restricts { Phase::Contract } else { Phase::Expand }
}

fn is_routine(id: &ObjectId) -> bool {
    id.kind.get().namespaces.contains(&Namespace::Routines) || matches!(id.kind, KindName::View)
}
