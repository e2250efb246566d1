//! `schemadiff unstamp`: deletes the records of applied revisions without rolling them back.

use super::options::DatabaseOptions;
use super::project::Project;
use super::record_options::RecordOptions;
use super::run_options::find;
use super::{Globals, Outcome};
use crate::error::Result;
use crate::migrate::{self, Migrator};
use crate::report::output;
use crate::revision::Revision;

/// Delete the records of applied revisions, without rolling them back.
///
/// The schema is left unchanged, and the revisions are pending again. The opposite of `schemadiff stamp`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff unstamp 20260101_120000_add_customer
  schemadiff unstamp 001_customers 002_orders --env prod --confirm prod")]
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
/// Returns an error if a revision does not exist or is not applied, or if a later one is applied.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let project = Project::open(globals)?;
    let database = project.database(&args.database)?;
    let revisions = project.folder(args.record.migrations.as_ref())?.revisions()?;
    args.record.confirm(&database).await?;
    let migrator = Migrator::open(&database.target, args.record.resolve(globals)).await?;
    let result = unstamp(&args.revisions, &migrator, &revisions).await;
    migrator.close().await;
    result?;
    Ok(Outcome::Clean)
}

async fn unstamp(names: &[String], migrator: &Migrator, revisions: &[Revision]) -> Result<()> {
    let lines = migrate::status(migrator.session().await?, revisions).await?;
    names.iter().try_for_each(|name| find(&lines, name).map(drop))?;
    migrate::check_unstamp(&lines, names)?;
    migrator.unstamp(names).await?;
    for name in names {
        output::print(&format!("deleted the record of {name}; its changes stay in the database\n"));
    }
    Ok(())
}
