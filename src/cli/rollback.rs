//! `schemadiff rollback`: rolls applied revisions back.

use super::options::DatabaseOptions;
use super::project::Project;
use super::run_options::{RunOptions, find};
use super::{Globals, Outcome};
use crate::db::Session;
use crate::error::text::count;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::migrate::{self, Migrator, Record, RevisionStatus, StatusLine};
use crate::report::output;
use crate::revision::Revision;

/// Roll back the latest applied revisions.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff rollback
  schemadiff rollback --steps 2 --allow DataLoss
  schemadiff rollback --env prod --confirm prod --to 20260101_120000_add_customer")]
pub struct Args {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    run: RunOptions,
    /// Number of revisions to roll back.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "to")]
    steps: usize,
    /// Roll back all revisions after this one; `empty` rolls back all.
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if a rollback is missing, not allowed, or fails.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let project = Project::open(globals)?;
    let database = project.database(&args.database)?;
    let revisions = project.folder(args.run.migrations.as_ref())?.revisions()?;
    if args.run.dry_run {
        let session = Session::connect(&database.target).await?;
        let records = migrate::record::read(&session).await;
        session.close().await;
        let selected = select(&args, &revisions, &records?)?;
        for file in selected.iter().filter_map(|revision| revision.rollback.as_ref()) {
            output::print(&format!("-- {}\n{}\n", file.name, file.text.trim_end()));
        }
        globals.say(&format!("would roll back {}", count(selected.len(), "revision")));
        return Ok(Outcome::Clean);
    }
    args.run.confirm(&database)?;
    let migrator = Migrator::open(&database.target, args.run.resolve(globals)).await?;
    let result = roll_back(&args, globals, &migrator, &revisions).await;
    migrator.close().await;
    result
}

async fn roll_back(
    args: &Args,
    globals: &Globals,
    migrator: &Migrator,
    revisions: &[Revision],
) -> Result<Outcome> {
    let records = migrator.records().await?;
    let selected = select(args, revisions, &records)?;
    if selected.is_empty() {
        globals.say("nothing to roll back");
        return Ok(Outcome::Clean);
    }
    refuse_data_loss(args, &selected)?;
    for revision in &selected {
        let done = migrator.roll_back(revision).await?;
        let statements = count(done.statements, "statement");
        output::print(&format!("rolled back {} ({statements}, {} ms)\n", revision.name, done.milliseconds));
    }
    Ok(Outcome::Clean)
}

/// Selects the revisions to roll back, the latest first.
fn select(args: &Args, revisions: &[Revision], records: &[Record]) -> Result<Vec<Revision>> {
    let lines = migrate::compare(revisions, records);
    let number = match args.to.as_deref() {
        None => args.steps,
        Some("empty") => records.len(),
        Some(name) => {
            if find(&lines, name)?.record.is_none() {
                let what = format!("cannot roll back to `{name}`: it is not applied");
                return Err(Diagnostic::new(codes::REVISION, what)
                    .help("list the applied revisions with `schemadiff status`")
                    .into());
            }
            records.iter().rev().take_while(|record| record.name != name).count()
        }
    };
    let mut wrong = Vec::new();
    let mut selected = Vec::new();
    for record in records.iter().rev().take(number) {
        let line = lines.iter().find(|line| line.name == record.name);
        match line.and_then(|line| Some((line.status, line.revision.clone()?))) {
            Some((RevisionStatus::Applied, revision)) if revision.rollback.is_some() => {
                selected.push(revision);
            }
            Some((RevisionStatus::Applied, revision)) => wrong.push(
                Diagnostic::new(codes::REVISION, format!("`{}` has no rollback", revision.name))
                    .help(format!("restore or write `{}_rollback.sql`", revision.name)),
            ),
            Some(_) | None => {
                let own: Vec<StatusLine> = line.cloned().into_iter().collect();
                wrong.append(&mut migrate::status_errors(&own));
            }
        }
    }
    if wrong.is_empty() { Ok(selected) } else { Err(Error::Diagnostics(wrong)) }
}

/// Refuses rollbacks that lose data, unless `--allow DataLoss` is given.
fn refuse_data_loss(args: &Args, selected: &[Revision]) -> Result<()> {
    if args.run.allows("DataLoss") {
        return Ok(());
    }
    let mut losses = Vec::new();
    for revision in selected {
        for (code, detail) in revision.rollback_hazards() {
            if code == "DataLoss" {
                let what = format!("the rollback of `{}` loses data: {detail}", revision.name);
                losses.push(Diagnostic::new(codes::HAZARD, what).help("allow it with --allow DataLoss"));
            }
        }
    }
    if losses.is_empty() { Ok(()) } else { Err(Error::Diagnostics(losses)) }
}
