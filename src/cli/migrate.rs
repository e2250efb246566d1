//! `schemadiff migrate`: runs the pending revisions.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;
use std::time::Duration;

use super::globals::Where;
use super::{Globals, Outcome};
use crate::config::Database;
use crate::db::Session;
use crate::error::text::{count, suggest};
use crate::error::{Diagnostic, Result, codes};
use crate::migrate::{self, Line, Migrator, RevisionStatus, UnknownOutcome};
use crate::model::Pair;
use crate::report::progress;
use crate::revision::{Folder, Revision};
use crate::scratch::Protection;

/// Runs the pending revisions on a database and records them there.
///
/// One run at a time; what was interrupted is gone on with.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff migrate
  schemadiff migrate --env prod --confirm prod
  schemadiff migrate --url postgres://localhost/shop --dry-run")]
pub struct Args {
    #[command(flatten)]
    at: Where,
    #[command(flatten)]
    running: Running,
    /// Stop after this revision.
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
}

/// Options of what runs revisions.
#[derive(clap::Args, Clone, Debug)]
pub struct Running {
    /// The folder of migrations, instead of the one of the configuration.
    #[arg(long, value_name = "DIR")]
    pub migrations: Option<PathBuf>,
    /// Print what would run, and run nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// The name of a protected environment, to say that it is meant.
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Go on although it hurts in this way: drift (migrate), `DataLoss` (rollback), or all.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub allow: Vec<String>,
    /// How long to wait for another run to end, such as `500ms` or `2min`; a plain number counts seconds.
    #[arg(long, value_name = "TIME", default_value = "1min", value_parser = crate::duration::seconds)]
    pub lock_wait: Duration,
    /// How long a statement waits for a lock if its file does not say, such as `500ms` or `3s`; a plain number counts
    /// milliseconds.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = crate::duration::milliseconds)]
    pub lock_timeout: Duration,
    /// How often a transaction is tried again that could not have its locks.
    #[arg(long, value_name = "TIMES", default_value_t = 5)]
    pub retries: u32,
    /// What of a statement that was interrupted and of which the catalog tells nothing: again or done.
    #[arg(long, value_name = "WHAT", value_enum)]
    pub in_doubt: Option<Doubt>,
}

/// What to do with a statement in doubt.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Run it again.
    Again,
    /// Take it for done.
    Done,
}

impl Running {
    pub(super) fn folder(&self, globals: &Globals) -> Result<Folder> {
        let configured = &globals.config()?.migrations;
        Folder::open(self.migrations.as_ref().unwrap_or(configured))
    }

    pub(super) fn options(&self, globals: &Globals) -> migrate::Options {
        migrate::Options {
            lock_wait: self.lock_wait,
            lock_timeout: self.lock_timeout,
            retries: self.retries,
            in_doubt: self.in_doubt.map(|doubt| match doubt {
                Doubt::Again => UnknownOutcome::Again,
                Doubt::Done => UnknownOutcome::Done,
            }),
            messages: globals.talk(),
        }
    }

    pub(super) fn allows(&self, what: &str) -> bool {
        self.allow.iter().any(|word| word == "all" || word.eq_ignore_ascii_case(what))
    }

    /// Fails unless the user has said that a protected environment is meant.
    pub(super) fn confirm(&self, database: &Database) -> Result<()> {
        if database.protection == Protection::Open || self.dry_run {
            return Ok(());
        }
        let name = &database.name;
        let said = match &self.confirm {
            Some(said) => Some(said.clone()),
            None if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() => {
                progress::aside(|| {
                    eprint!("`{name}` is protected. Type its name to go on: ");
                    let mut line = String::new();
                    std::io::stdin().lock().read_line(&mut line).ok().map(|_| line.trim().to_owned())
                })
            }
            None => None,
        };
        if said.as_ref() == Some(name) {
            return Ok(());
        }
        let what = match said {
            Some(said) => format!("the environment `{name}` is protected, and `{said}` is not its name"),
            None => format!("the environment `{name}` is protected"),
        };
        Err(Diagnostic::new(codes::USAGE, what)
            .help(format!("say that it is meant: --confirm {name}"))
            .into())
    }
}

/// Runs it.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let database = globals.database(&args.at)?;
    let folder = args.running.folder(globals)?;
    let revisions = folder.revisions()?;
    if args.running.dry_run {
        let session = Session::connect(&database.target).await?;
        let lines = migrate::look(&session, &revisions).await;
        session.close().await;
        dry_run(&pending(&lines?, &revisions, args.to.as_deref())?, globals);
        return Ok(Outcome::Clean);
    }
    args.running.confirm(&database)?;
    let migrator = Migrator::open(&database.target, args.running.options(globals)).await?;
    let result = apply(&args, globals, &database, &migrator, &revisions).await;
    migrator.close().await;
    result
}

async fn apply(
    args: &Args,
    globals: &Globals,
    database: &Database,
    migrator: &Migrator,
    revisions: &[Revision],
) -> Result<Outcome> {
    let records = migrator.records().await?;
    let mut expected = match records.last() {
        Some(last) => migrator.expected(last).await?,
        None => None,
    };
    let lines = migrate::look(migrator.session().await?, revisions).await?;
    let pending = pending(&lines, revisions, args.to.as_deref())?;
    let Some(first) = pending.first() else {
        globals.say(&format!("nothing to do: {} is up to date", database.name));
        return Ok(Outcome::Clean);
    };
    let mut before = migrator.before(first).await?;
    if let Some(expected) = &expected {
        drifted(args, globals, database, Pair { before: expected, after: &before })?;
    }
    for revision in &pending {
        let done = migrator.apply(revision, expected.as_ref(), &before).await?;
        let statements = count(done.statements, "statement");
        super::print(&format!("applied {} ({statements}, {} ms)\n", revision.name, done.milliseconds));
        expected = expected.map(|expected| migrate::carry(&expected, &before, &done.catalog));
        before = done.catalog;
    }
    Ok(Outcome::Clean)
}

/// Says that somebody else changed the database, which ends the run where it is protected.
fn drifted(
    args: &Args,
    globals: &Globals,
    database: &Database,
    sides: Pair<&crate::model::Catalog>,
) -> Result<()> {
    let number = if sides.before.version.major() == sides.after.version.major() {
        crate::drift::any(sides)
    } else {
        0
    };
    if number == 0 {
        return Ok(());
    }
    let differences = count(number, "difference");
    let what = format!("{} is not as the last migration left it: {differences}", database.name);
    if database.protection == Protection::Protected && !args.running.allows("drift") {
        return Err(Diagnostic::new(codes::DRIFT, what)
            .help(format!("see them: schemadiff drift --env {}", database.name))
            .help("or go on all the same: --allow drift")
            .into());
    }
    globals.say(&format!("warning: {what}; `schemadiff drift` tells them"));
    Ok(())
}

/// What is to be run, in order.
fn pending(lines: &[Line], revisions: &[Revision], to: Option<&str>) -> Result<Vec<Revision>> {
    migrate::obstacles(lines, revisions)?;
    let mut pending: Vec<Revision> = lines
        .iter()
        .filter(|line| matches!(line.standing, RevisionStatus::Pending | RevisionStatus::Interrupted))
        .filter_map(|line| line.revision.clone())
        .collect();
    if let Some(to) = to {
        find(lines, to)?;
        let last = pending.iter().position(|revision| revision.name == to);
        pending.truncate(last.map_or(0, |last| last + 1));
    }
    Ok(pending)
}

/// The line of a name that the user gave.
pub(super) fn find<'a>(lines: &'a [Line], name: &str) -> Result<&'a Line> {
    lines.iter().find(|line| line.name == name).ok_or_else(|| {
        let unknown = Diagnostic::new(codes::REVISION, format!("there is no revision `{name}`"));
        match suggest(name, lines.iter().map(|line| line.name.as_str())) {
            Some(near) => unknown.help(format!("did you mean `{near}`?")),
            None => unknown.help("`schemadiff status` lists them"),
        }
        .into()
    })
}

fn dry_run(pending: &[Revision], globals: &Globals) {
    for revision in pending {
        super::print(&format!("-- {}\n{}\n", revision.up.name, revision.up.text.trim_end()));
    }
    globals.say(&format!("{} would run", count(pending.len(), "revision")));
}
