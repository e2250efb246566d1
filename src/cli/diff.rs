//! `schemadiff diff`: what leads from one state to another, and back.

use std::path::PathBuf;

use super::Outcome;
use crate::db::{Environment, Session, Target};
use crate::error::{Error, Result};
use crate::model::Pair;
use crate::{plan, script, source};

/// Shows the SQL that leads from one state to another.
#[derive(clap::Args, Debug)]
pub struct Args {
    from: String,
    to: String,
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs it.
pub async fn run(args: Args) -> Result<Outcome> {
    #[allow(clippy::disallowed_methods)]
    let environment = Environment::from_vars(std::env::vars());
    let read = async |text: &str| {
        let session = Session::connect(&Target::parse(text, &environment)?).await?;
        source::live::read(&session).await
    };
    let (before, after) = tokio::join!(read(&args.from), read(&args.to));
    let (before, after) = (before?, after?);
    let sides = Pair { before: &before, after: &after };
    let up = script::Script::of(&plan::plan(sides)?);
    let rollback = script::Script::of(&plan::plan(sides.swapped())?);
    if let Some(dir) = &args.out {
        for (name, script) in [("up.sql", &up), ("rollback.sql", &rollback)] {
            let path = dir.join(name);
            std::fs::write(&path, script.render()).map_err(|source| Error::Io { path, source })?;
        }
    } else {
        #[allow(clippy::print_stdout)]
        {
            print!("{}", up.render());
        }
    }
    Ok(if up.is_empty() { Outcome::Clean } else { Outcome::Findings })
}
