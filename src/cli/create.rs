//! `schemadiff create`: creates an empty migration, to be written by hand.

use super::options::{FolderOptions, NamingOptions};
use super::project::Project;
use super::{Globals, Outcome};
use crate::error::Result;
use crate::report::output;
use crate::revision::Draft;

/// Create an empty migration and its rollback.
///
/// A migration written by hand can change data, and whatever else a target schema cannot express. `schemadiff check`
/// rehearses it like any other.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff create 'fill in missing countries'
  schemadiff create 'purge old sessions' --layout numbered")]
pub struct Args {
    /// Description of the migration, which becomes part of its file name.
    #[arg(value_name = "WORDS")]
    name: String,
    #[command(flatten)]
    folder: FolderOptions,
    #[command(flatten)]
    naming: NamingOptions,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if the folder cannot be read or written.
#[allow(clippy::unused_async, reason = "commands have one signature")]
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let project = Project::open(globals)?;
    let folder = project.folder(args.folder.migrations.as_ref())?;
    let layout = args.naming.layout(&project.config)?;
    let at = args.naming.time(globals)?;
    let last = folder.revisions()?.last().map(|revision| revision.order);
    for path in folder.write(&Draft::blank((layout, last), &args.name, at))? {
        output::print(&format!("{}\n", path.display()));
    }
    Ok(Outcome::Clean)
}
