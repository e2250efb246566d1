//! `schemadiff status`: lists revisions as applied or pending.

use super::options::{DatabaseOptions, FolderOptions, document_format};
use super::project::Project;
use super::{Globals, Outcome};
use crate::db::Session;
use crate::error::Result;
use crate::migrate;
use crate::report::status::StatusReport;
use crate::report::{Format, output};

/// List applied and pending revisions.
///
/// Exits with 1 unless all revisions are applied and unchanged.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff status
  schemadiff status --env prod --format json")]
pub struct Args {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    folder: FolderOptions,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = document_format())]
    format: &'static Format,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if the folder or the database cannot be read.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let project = Project::open(globals)?;
    let database = project.database(&args.database)?;
    let revisions = project.folder(args.folder.migrations.as_ref())?.revisions()?;
    let session = Session::connect(&database.target).await?;
    let lines = migrate::status(&session, &revisions).await;
    let parked = crate::catalog::parked(&session).await;
    session.close().await;
    let report = StatusReport { database: &database.name, revisions: &lines?, parked: &parked? };
    output::print(&(args.format.render)(&report, globals.colour()));
    Ok(if report.up_to_date() { Outcome::Clean } else { Outcome::Findings })
}
