//! `schemadiff baseline`: records revisions as applied if the database already has what they produce.

use super::options::{DatabaseOptions, any_format};
use super::project::Project;
use super::record_options::RecordOptions;
use super::run_options::find;
use super::{Globals, Outcome, replayed};
use crate::error::text::count;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::migrate::{self, Migrator, RevisionStatus, StatusLine};
use crate::model::{Catalog, Fingerprint};
use crate::report::baseline::BaselineReport;
use crate::report::drift::DriftReport;
use crate::report::{Format, output};
use crate::revision::Revision;
use crate::sandbox::read_live;

/// Record revisions as applied in a database that already has their objects.
///
/// Runs the revisions on a scratch server and compares the result with the database. If they agree, the revisions are
/// recorded as applied, and nothing is run. Otherwise the differences are listed, and nothing is recorded; the exit code
/// is 1. Objects that `manage:` excludes are not compared.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff baseline --env prod --confirm prod
  schemadiff baseline --env prod --confirm prod --to 003_orders")]
pub struct Args {
    #[command(flatten)]
    database: DatabaseOptions,
    /// The last revision that the database has [default: the last one of the folder].
    #[arg(long, value_name = "REVISION")]
    to: Option<String>,
    #[command(flatten)]
    record: RecordOptions,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = any_format())]
    format: &'static Format,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if the database or the folder cannot be read, or if the records cannot be written.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let project = Project::open(globals)?;
    let database = project.database(&args.database)?;
    let all = project.folder(args.record.migrations.as_ref())?.revisions()?;
    let revisions = up_to(&all, args.to.as_deref())?;
    args.record.confirm(&database).await?;
    let live = read_live(&database.target).await?.catalog;
    project.check_coverage(&database.name, &live)?;
    let drift = replayed::compare(&project, &database, revisions, &live).await?;
    let last = revisions.last().map_or("", |revision| revision.name.as_str());
    let expected = format!("the state after `{last}`");
    let option = database.option();
    let earlier = revision_with_state(&all, &live);
    let report = BaselineReport {
        comparison: DriftReport {
            database: &database.name,
            option: &option,
            expected: &expected,
            drift: &drift,
        },
        earlier: earlier.map(|revision| revision.name.as_str()).filter(|name| *name != last),
    };
    output::print(&(args.format.render)(&report, globals.colour()));
    if !drift.differences.is_empty() {
        return Ok(Outcome::Findings);
    }
    globals.say(&format!("{} matches {expected}", database.name));
    let migrator = Migrator::open(&database.target, args.record.resolve(globals)).await?;
    let result = record(&migrator, &all, revisions, &live).await;
    migrator.close().await;
    let recorded = result?;
    globals.say(&match recorded {
        0 => "nothing to record: these revisions are applied".to_owned(),
        number => format!("recorded {} as applied", count(number, "revision")),
    });
    Ok(Outcome::Clean)
}

/// Returns the revisions up to the one of this name.
fn up_to<'a>(all: &'a [Revision], to: Option<&str>) -> Result<&'a [Revision]> {
    if all.is_empty() {
        return Err(Diagnostic::new(codes::REVISION, "the folder has no revisions")
            .help(
                "write the first one from the database with `schemadiff init --from URL`, in an empty folder",
            )
            .into());
    }
    let Some(to) = to else { return Ok(all) };
    find(&migrate::compare(all, &[]), to)?;
    let last = all.iter().position(|revision| revision.name == to);
    Ok(last.map_or(all, |last| &all[..=last]))
}

/// Returns the last revision that produces this state, according to its header.
fn revision_with_state<'a>(revisions: &'a [Revision], live: &Catalog) -> Option<&'a Revision> {
    let live = Fingerprint::of(live);
    let to =
        |revision: &&Revision| revision.header.as_ref().and_then(|header| header.to.as_ref()) == Some(&live);
    revisions.iter().rev().find(to)
}

/// Records those revisions that are not applied yet, and returns their number.
async fn record(
    migrator: &Migrator,
    all: &[Revision],
    revisions: &[Revision],
    compared: &Catalog,
) -> Result<usize> {
    let lines = migrate::status(migrator.session().await?, all).await?;
    let is_wrong = |line: &&StatusLine| {
        matches!(
            line.status,
            RevisionStatus::Changed | RevisionStatus::Missing | RevisionStatus::PartlyRolledBack
        )
    };
    let wrong: Vec<StatusLine> = lines.iter().filter(is_wrong).cloned().collect();
    if !wrong.is_empty() {
        return Err(Error::Diagnostics(migrate::status_errors(&wrong)));
    }
    let is_new = |revision: &&Revision| {
        lines.iter().any(|line| line.name == revision.name && line.status != RevisionStatus::Applied)
    };
    let names: Vec<String> = revisions.iter().filter(is_new).map(|revision| revision.name.clone()).collect();
    if names.is_empty() {
        return Ok(0);
    }
    let chosen = migrate::to_stamp(&lines, &names)?;
    let catalog = migrator.catalog().await?;
    if Fingerprint::of(&catalog) != Fingerprint::of(compared) {
        return Err(Diagnostic::new(codes::DRIFT, "the schema was changed while it was compared")
            .help("run `schemadiff baseline` again")
            .into());
    }
    migrator.stamp(&chosen, &catalog).await?;
    for revision in &chosen {
        output::print(&format!("recorded {} as applied\n", revision.name));
    }
    Ok(chosen.len())
}
