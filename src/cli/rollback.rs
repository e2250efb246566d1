//! `schemadiff rollback`: rolls applied revisions back.

use super::options::DatabaseOptions;
use super::project::Project;
use super::run_options::{RunOptions, find};
use super::{Globals, Outcome, undo};
use crate::config::Database;
use crate::db::Session;
use crate::error::text::count;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::migrate::{self, Migrator, Record, RevisionStatus, RunResult, StatusLine};
use crate::model::Pair;
use crate::report::output;
use crate::revision::Revision;

/// Roll back the latest applied revisions.
///
/// A revision that is half applied comes first: its rollback is planned from the current state of the database to the
/// state before the revision, and rehearsed.
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
        return dry_run(&args, &project, &database, &revisions).await;
    }
    args.run.confirm(&database).await?;
    let migrator = Migrator::open(&database.target, args.run.resolve(globals)).await?;
    let result = roll_back(&args, &project, &database, &migrator, &revisions).await;
    migrator.close().await;
    result
}

/// Prints what would run.
async fn dry_run(
    args: &Args,
    project: &Project<'_>,
    database: &Database,
    revisions: &[Revision],
) -> Result<Outcome> {
    let session = Session::connect(&database.target).await?;
    let result = async {
        let half_applied = half_applied(migrate::status(&session, revisions).await?);
        let records = migrate::record::read(&session).await?;
        let selected = select(args, revisions, &records, half_applied.as_ref())?;
        let ends = match &half_applied {
            Some(line) => {
                let start = migrate::start_of(&session, &line.name).await?;
                Some((line, Pair { before: crate::catalog::read(&session).await?, after: start }))
            }
            None => None,
        };
        Ok::<_, Error>((selected, ends.map(|(line, ends)| (line.clone(), ends))))
    }
    .await;
    session.close().await;
    let (selected, ends) = result?;
    let number = selected.len() + usize::from(ends.is_some());
    if let Some((line, ends)) = ends {
        let undo = undo::plan(project, database, &line, ends).await?;
        output::print(&format!("-- {}\n{}\n", undo.file.name, undo.file.text.trim_end()));
    }
    for file in selected.iter().filter_map(|revision| revision.rollback.as_ref()) {
        output::print(&format!("-- {}\n{}\n", file.name, file.text.trim_end()));
    }
    project.globals.say(&format!("would roll back {}", count(number, "revision")));
    Ok(Outcome::Clean)
}

async fn roll_back(
    args: &Args,
    project: &Project<'_>,
    database: &Database,
    migrator: &Migrator,
    revisions: &[Revision],
) -> Result<Outcome> {
    let half_applied = half_applied(migrate::status(migrator.session().await?, revisions).await?);
    let records = migrator.records().await?;
    let selected = select(args, revisions, &records, half_applied.as_ref())?;
    let mut losses = data_losses(&selected);
    let undo = match &half_applied {
        Some(line) => {
            migrator.clean_up(&line.name).await?;
            let ends =
                Pair { before: migrator.catalog().await?, after: migrator.start_of(&line.name).await? };
            let undo = undo::plan(project, database, line, ends).await?;
            losses.splice(0..0, undo.losses.iter().map(|detail| (line.name.clone(), detail.clone())));
            Some(undo)
        }
        None if selected.is_empty() => {
            project.globals.say("nothing to roll back");
            return Ok(Outcome::Clean);
        }
        None => None,
    };
    refuse_data_loss(args, &losses)?;
    let print = |name: &str, done: &RunResult| {
        let statements = count(done.statements, "statement");
        output::print(&format!("rolled back {name} ({statements}, {} ms)\n", done.milliseconds));
    };
    if let Some(undo) = undo {
        print(&undo.revision, &migrator.undo(&undo.revision, &undo.file).await?);
    }
    for revision in &selected {
        print(&revision.name, &migrator.roll_back(revision).await?);
    }
    Ok(Outcome::Clean)
}

/// Returns the revision that is half applied.
fn half_applied(lines: Vec<StatusLine>) -> Option<StatusLine> {
    lines.into_iter().find(StatusLine::is_half_applied)
}

/// Selects the applied revisions to roll back, the latest first. One that is half applied counts as the latest.
fn select(
    args: &Args,
    revisions: &[Revision],
    records: &[Record],
    half_applied: Option<&StatusLine>,
) -> Result<Vec<Revision>> {
    let lines = migrate::compare(revisions, records);
    let number = match args.to.as_deref() {
        None => args.steps.saturating_sub(usize::from(half_applied.is_some())),
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

/// The data that the rollbacks lose, by revision.
fn data_losses(selected: &[Revision]) -> Vec<(String, String)> {
    let losses = selected.iter().flat_map(|revision| {
        let hazards = revision.rollback_hazards().into_iter().filter(|(code, _)| code == "DataLoss");
        hazards.map(|(_, detail)| (revision.name.clone(), detail))
    });
    losses.collect()
}

/// Refuses rollbacks that lose data, unless `--allow DataLoss` is given.
fn refuse_data_loss(args: &Args, losses: &[(String, String)]) -> Result<()> {
    if args.run.allows("DataLoss") || losses.is_empty() {
        return Ok(());
    }
    let refused = losses.iter().map(|(name, detail)| {
        let what = format!("the rollback of `{name}` loses data: {detail}");
        Diagnostic::new(codes::HAZARD, what).help("allow it with --allow DataLoss")
    });
    Err(Error::Diagnostics(refused.collect()))
}
