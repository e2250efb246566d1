//! `schemadiff migrate`: applies pending revisions.

use std::cell::Cell;

use super::options::DatabaseOptions;
use super::project::Project;
use super::run_options::{RunOptions, find};
use super::{Globals, Outcome, existing};
use crate::config::Database;
use crate::db::Session;
use crate::drift::count_differences;
use crate::error::text::count;
use crate::error::{Diagnostic, Result, codes};
use crate::migrate::{self, Migrator, RunResult, StatusLine};
use crate::model::{Catalog, Pair};
use crate::report::output;
use crate::revision::Revision;
use crate::scratch::Protection;

/// Apply pending revisions to a database.
///
/// Applied revisions are recorded in the schema `schemadiff` of the database. A lock ensures that only one run is active
/// at a time. An interrupted or failed revision is resumed at the statement where it stopped; `schemadiff rollback`
/// undoes what is applied of it instead. Ctrl-C cancels the current statement on the server.
///
/// Stops if the database has objects but no records: see `schemadiff baseline` and `schemadiff init --from`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff migrate
  schemadiff migrate --env prod --confirm prod
  schemadiff migrate --url postgres://localhost/shop --dry-run")]
pub struct Args {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    run: RunOptions,
    /// Stop after this revision.
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if a statement fails, or if the revisions or the database are not in a state to be migrated.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let project = Project::open(globals)?;
    let database = project.database(&args.database)?;
    let revisions = project.folder(args.run.migrations.as_ref())?.revisions()?;
    if args.run.dry_run {
        refuse_unknown_database(&args, &project, &database, &revisions).await?;
        let session = Session::connect(&database.target).await?;
        let lines = migrate::status(&session, &revisions).await;
        session.close().await;
        dry_run(&pending(&lines?, &revisions, args.to.as_deref())?, globals);
        return Ok(Outcome::Clean);
    }
    args.run.confirm(&database).await?;
    refuse_unknown_database(&args, &project, &database, &revisions).await?;
    let migrator = Migrator::open(&database.target, args.run.resolve(globals)).await?;
    let result = apply(&args, &project, &database, &migrator, &revisions).await;
    migrator.close().await;
    result
}

async fn apply(
    args: &Args,
    project: &Project<'_>,
    database: &Database,
    migrator: &Migrator,
    revisions: &[Revision],
) -> Result<Outcome> {
    let globals = project.globals;
    let lines = migrate::status(migrator.session().await?, revisions).await?;
    let pending = pending(&lines, revisions, args.to.as_deref())?;
    // Objects that exist may be those that a revision creates.
    let objects_exist = Cell::new(migrator.records().await?.is_empty() && args.run.allows("existing"));
    let check = |sides: Pair<&Catalog>| {
        existing::refuse_existing_state(database, &pending, sides)?;
        if check_drift(args, globals, database, sides)? == Drifted::Yes {
            objects_exist.set(true);
        }
        Ok(())
    };
    let report = |revision: &Revision, result: &RunResult| {
        let (name, milliseconds) = (&revision.name, result.milliseconds);
        output::print(&format!(
            "applied {name} ({}, {milliseconds} ms)\n",
            count(result.statements, "statement")
        ));
    };
    match migrator.apply_all(&pending, check, report).await {
        Ok(()) => {
            if pending.is_empty() {
                globals.say(&format!("nothing to do: {} is up to date", database.name));
            }
            Ok(Outcome::Clean)
        }
        Err(error) if objects_exist.get() => {
            Err(existing::explain_failure(project, database, migrator, revisions, error).await)
        }
        Err(error) => Err(error),
    }
}

/// Stops if the database has objects of unknown origin, unless `--allow existing` is given.
async fn refuse_unknown_database(
    args: &Args,
    project: &Project<'_>,
    database: &Database,
    revisions: &[Revision],
) -> Result<()> {
    if revisions.is_empty() || args.run.allows("existing") {
        return Ok(());
    }
    existing::refuse_unknown_database(project, database).await
}

/// Whether a database has drifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drifted {
    Yes,
    No,
}

/// Warns if the database has drifted, or fails if it is protected.
fn check_drift(
    args: &Args,
    globals: &Globals,
    database: &Database,
    sides: Pair<&Catalog>,
) -> Result<Drifted> {
    // Servers of two major versions print expressions differently.
    if sides.before.version.major() != sides.after.version.major() {
        return Ok(Drifted::No);
    }
    let differences = count_differences(sides);
    if differences == 0 {
        return Ok(Drifted::No);
    }
    let name = &database.name;
    let what = format!("{name} has drifted: {}", count(differences, "difference"));
    if database.protection == Protection::Protected && !args.run.allows("drift") {
        return Err(Diagnostic::new(codes::DRIFT, what)
            .help(format!("list the differences with `schemadiff drift --env {name}`"))
            .help("or proceed with --allow drift")
            .into());
    }
    globals.say(&format!("warning: {what} (see `schemadiff drift`)"));
    Ok(Drifted::Yes)
}

/// Returns the pending revisions up to `--to`, in order.
fn pending(lines: &[StatusLine], revisions: &[Revision], to: Option<&str>) -> Result<Vec<Revision>> {
    let mut pending = migrate::pending(lines, revisions)?;
    if let Some(to) = to {
        find(lines, to)?;
        let last = pending.iter().position(|revision| revision.name == to);
        pending.truncate(last.map_or(0, |last| last + 1));
    }
    Ok(pending)
}

fn dry_run(pending: &[Revision], globals: &Globals) {
    for revision in pending {
        output::print(&format!("-- {}\n{}\n", revision.up.name, revision.up.text.trim_end()));
    }
    globals.say(&format!("would apply {}", count(pending.len(), "revision")));
}
