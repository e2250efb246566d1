//! `schemadiff stats`: how large the tables of a database are, for plans that are made elsewhere.

use std::path::PathBuf;

use super::globals::Where;
use super::{Globals, Outcome};
use crate::db::Session;
use crate::error::Result;
use crate::survey::query_sizes;

/// Saves how large tables are, so that a plan on a laptop knows of production's sizes.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff stats pull --env prod > stats.json
  schemadiff stats pull --env prod --out stats.json
  schemadiff generate --stats stats.json")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    /// Reads rows and bytes of each table from the statistics of a server. No row is read.
    Pull {
        #[command(flatten)]
        at: Where,
        /// Write them to this file.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Runs it.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let What::Pull { at, out } = args.what;
    let database = globals.database(&at)?;
    let session = Session::connect(&database.target).await?;
    let sizes = query_sizes(&session, &std::collections::BTreeSet::new()).await;
    session.close().await;
    let sizes = sizes?;
    match out {
        Some(file) => {
            crate::files::write(&file, &sizes.to_json())?;
            let number = crate::error::text::count(sizes.len(), "table");
            globals.say(&format!("{}: {number}", file.display()));
        }
        None => super::print(&sizes.to_json()),
    }
    Ok(Outcome::Clean)
}
