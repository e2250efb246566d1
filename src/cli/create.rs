//! `schemadiff create`: a revision to be written by hand.

use std::path::PathBuf;

use jiff::civil::DateTime;

use super::{Globals, Outcome, generate};
use crate::error::Result;
use crate::revision::{Draft, Folder};

/// Writes the two files of a revision that changes data, or whatever else no target can say, to be filled by hand.
///
/// `schemadiff check` runs it up, down and up again like any other.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff create 'fill in missing countries'
  schemadiff create 'purge old sessions' --layout numbered")]
pub struct Args {
    /// What it does, in a few words.
    #[arg(value_name = "WORDS")]
    name: String,
    /// The folder of migrations, instead of the one of the configuration.
    #[arg(long, value_name = "DIR")]
    migrations: Option<PathBuf>,
    /// How revisions are named: timestamp, numbered or dated.
    #[arg(long, value_name = "LAYOUT")]
    layout: Option<String>,
    /// The time that the revision carries, in UTC.
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime>,
}

/// Runs it.
pub fn run(args: &Args, globals: &Globals) -> Result<Outcome> {
    let config = globals.config()?;
    let folder = Folder::open(args.migrations.as_deref().unwrap_or(&config.migrations))?;
    let layout = generate::layout(args.layout.as_deref(), config.layout)?;
    let at = generate::time(args.at, globals)?;
    let last = folder.revisions()?.last().map(|revision| revision.order);
    for path in folder.write(&Draft::blank((layout, last), &args.name, at))? {
        super::print(&format!("{}\n", path.display()));
    }
    Ok(Outcome::Clean)
}
