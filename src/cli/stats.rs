//! `schemadiff stats`: saves the sizes of a database's tables, for plans that are made elsewhere.

use std::path::PathBuf;

use super::options::DatabaseOptions;
use super::project::Project;
use super::{Globals, Outcome};
use crate::db::Session;
use crate::error::Result;
use crate::error::text::count;
use crate::report::output;
use crate::survey::query_sizes;

/// Save the table sizes of a database.
///
/// `generate --stats` plans for these sizes without access to the database.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff stats pull --env prod > stats.json
  schemadiff stats pull --env prod --out stats.json
  schemadiff generate --stats stats.json")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Save the row counts and sizes from the statistics of the server. No table is scanned.
    Pull {
        #[command(flatten)]
        database: DatabaseOptions,
        /// Output file [default: stdout].
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Runs the command.
///
/// # Errors
/// Returns an error if the database cannot be read or the file cannot be written.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let Action::Pull { database, out } = args.action;
    let database = Project::open(globals)?.database(&database)?;
    let session = Session::connect(&database.target).await?;
    let sizes = query_sizes(&session, &std::collections::BTreeSet::new()).await;
    session.close().await;
    let sizes = sizes?;
    match out {
        Some(file) => {
            crate::files::write(&file, &sizes.to_json())?;
            globals.say(&format!("{}: {}", file.display(), count(sizes.len(), "table")));
        }
        None => output::print(&sizes.to_json()),
    }
    Ok(Outcome::Clean)
}
