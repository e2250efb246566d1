//! `schemadiff schema`: what a target in YAML may hold, for editors.

use std::path::PathBuf;

use super::Outcome;
use crate::error::Result;

/// Prints the JSON Schema of targets in YAML, with which an editor completes and checks them.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff schema --out .schemadiff/target.schema.json

An editor finds it by the first line of the target:
  # yaml-language-server: $schema=.schemadiff/target.schema.json")]
pub struct Args {
    /// Write to this file instead of the standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// When the file cannot be written.
pub fn run(args: &Args) -> Result<Outcome> {
    let text = crate::report::schema::render();
    match &args.out {
        Some(path) => crate::files::write(path, &text)?,
        None => super::print(&text),
    }
    Ok(Outcome::Clean)
}
