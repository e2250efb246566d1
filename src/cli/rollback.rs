//! `schemadiff rollback`: takes applied revisions back.

use super::globals::Where;
use super::migrate::{Running, find};
use super::{Globals, Outcome};
use crate::db::Session;
use crate::error::text::count;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::migrate::{self, Line, Migrator, Record, RevisionStatus};
use crate::revision::Revision;

/// Takes the last revisions back by running their rollbacks.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff rollback
  schemadiff rollback --steps 2 --allow DataLoss
  schemadiff rollback --env prod --confirm prod --to 20260101_120000_add_customer")]
pub struct Args {
    #[command(flatten)]
    at: Where,
    #[command(flatten)]
    running: Running,
    /// How many revisions.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "to")]
    steps: usize,
    /// All that come after this revision, which stays; `empty` takes all back.
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
}

/// Runs it.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let database = globals.database(&args.at)?;
    let revisions = args.running.folder(globals)?.revisions()?;
    if args.running.dry_run {
        let session = Session::connect(&database.target).await?;
        let records = migrate::record::read(&session).await;
        session.close().await;
        let chosen = choose(&args, &revisions, &records?)?;
        for file in chosen.iter().filter_map(|revision| revision.rollback.as_ref()) {
            super::print(&format!("-- {}\n{}\n", file.name, file.text.trim_end()));
        }
        globals.say(&format!("{} would be taken back", count(chosen.len(), "revision")));
        return Ok(Outcome::Clean);
    }
    args.running.confirm(&database)?;
    let migrator = Migrator::open(&database.target, args.running.options(globals)).await?;
    let result = take_back(&args, globals, &migrator, &revisions).await;
    migrator.close().await;
    result
}

async fn take_back(
    args: &Args,
    globals: &Globals,
    migrator: &Migrator,
    revisions: &[Revision],
) -> Result<Outcome> {
    let records = migrator.records().await?;
    let chosen = choose(args, revisions, &records)?;
    if chosen.is_empty() {
        globals.say("nothing to do: no revision is applied that would be taken back");
        return Ok(Outcome::Clean);
    }
    refuse(args, &chosen)?;
    for revision in &chosen {
        let done = migrator.roll_back(revision).await?;
        let statements = count(done.statements, "statement");
        super::print(&format!("rolled back {} ({statements}, {} ms)\n", revision.name, done.milliseconds));
    }
    Ok(Outcome::Clean)
}

/// The revisions to take back, the last first.
fn choose(args: &Args, revisions: &[Revision], records: &[Record]) -> Result<Vec<Revision>> {
    let lines = migrate::compare(revisions, records);
    let number = match args.to.as_deref() {
        None => args.steps,
        Some("empty") => records.len(),
        Some(name) => {
            if find(&lines, name)?.record.is_none() {
                let what = format!("`{name}` is not applied, and cannot be what is gone back to");
                return Err(Diagnostic::new(codes::REVISION, what)
                    .help("`schemadiff status` tells what is")
                    .into());
            }
            records.iter().rev().take_while(|record| record.name != name).count()
        }
    };
    let mut wrong = Vec::new();
    let mut chosen = Vec::new();
    for record in records.iter().rev().take(number) {
        let line = lines.iter().find(|line| line.name == record.name);
        match line.and_then(|line| Some((line.standing, line.revision.clone()?))) {
            Some((RevisionStatus::Applied, revision)) if revision.rollback.is_some() => chosen.push(revision),
            Some((RevisionStatus::Applied, revision)) => wrong.push(
                Diagnostic::new(codes::REVISION, format!("`{}` has no rollback", revision.name))
                    .help("restore its file, or write one"),
            ),
            Some(_) | None => {
                let own: Vec<Line> = line.cloned().into_iter().collect();
                wrong.append(&mut migrate::doubts(&own));
            }
        }
    }
    if wrong.is_empty() { Ok(chosen) } else { Err(Error::Diagnostics(wrong)) }
}

/// Refuses rollbacks that lose data unless it is allowed.
fn refuse(args: &Args, chosen: &[Revision]) -> Result<()> {
    if args.running.allows("DataLoss") {
        return Ok(());
    }
    let mut losses = Vec::new();
    for revision in chosen {
        for (code, detail) in revision.rollback_hazards() {
            if code == "DataLoss" {
                let what = format!("the rollback of `{}` loses data: {detail}", revision.name);
                losses.push(Diagnostic::new(codes::HAZARD, what).help("allow it with --allow DataLoss"));
            }
        }
    }
    if losses.is_empty() { Ok(()) } else { Err(Error::Diagnostics(losses)) }
}
