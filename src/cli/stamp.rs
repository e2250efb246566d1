//! `schemadiff stamp`: records revisions as applied without running them.

use super::options::DatabaseOptions;
use super::project::Project;
use super::record_options::RecordOptions;
use super::run_options::find;
use super::{Globals, Outcome};
use crate::config::Database;
use crate::error::Result;
use crate::migrate::{self, Migrator};
use crate::model::{Catalog, Fingerprint};
use crate::report::output;
use crate::revision::Revision;

/// Record revisions as applied, without running them.
///
/// For a database that already has what the revisions produce, for example because someone changed it by hand. The
/// current schema is stored as the state after the last of them. `schemadiff baseline` does the same, and compares first.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff stamp 20260101_120000_add_customer
  schemadiff stamp 001_customers 002_orders --env prod --confirm prod")]
pub struct Args {
    /// Names of the revisions.
    #[arg(required = true, value_name = "REVISION")]
    revisions: Vec<String>,
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    record: RecordOptions,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if a revision does not exist, is applied already, or would be applied before an earlier one.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let project = Project::open(globals)?;
    let database = project.database(&args.database)?;
    let revisions = project.folder(args.record.migrations.as_ref())?.revisions()?;
    let lines = migrate::compare(&revisions, &[]);
    args.revisions.iter().try_for_each(|name| find(&lines, name).map(drop))?;
    args.record.confirm(&database).await?;
    let migrator = Migrator::open(&database.target, args.record.resolve(globals)).await?;
    let result = stamp(&args.revisions, &project, &database, &migrator, &revisions).await;
    migrator.close().await;
    result?;
    Ok(Outcome::Clean)
}

async fn stamp(
    names: &[String],
    project: &Project<'_>,
    database: &Database,
    migrator: &Migrator,
    revisions: &[Revision],
) -> Result<()> {
    let lines = migrate::status(migrator.session().await?, revisions).await?;
    let chosen = migrate::to_stamp(&lines, names)?;
    let catalog = migrator.catalog().await?;
    if let Some(last) = chosen.last() {
        warn_if_different(last, &catalog, project, database);
    }
    migrator.stamp(&chosen, &catalog).await?;
    for revision in &chosen {
        output::print(&format!("recorded {} as applied\n", revision.name));
    }
    Ok(())
}

/// Warns if the header of the last revision says that it produces another schema.
fn warn_if_different(last: &Revision, catalog: &Catalog, project: &Project<'_>, database: &Database) {
    // The header covers what was managed when the revision was written.
    if project.config.manage.matters(catalog) {
        return;
    }
    let to = last.header.as_ref().and_then(|header| header.to.as_ref());
    if to.is_some_and(|to| to.differs(&Fingerprint::of(catalog))) {
        let (name, option, last) = (&database.name, database.option(), &last.name);
        project.globals.say(&format!(
            "warning: the schema of {name} differs from the one that `{last}` produces; \
             `schemadiff baseline {option} --to {last}` lists the differences"
        ));
    }
}
