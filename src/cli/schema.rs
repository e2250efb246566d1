//! `schemadiff schema`: prints the JSON Schema of the target file.

use std::path::PathBuf;

use super::{Globals, Outcome};
use crate::error::Result;
use crate::report::{output, schema};

/// Print the JSON Schema of the target file, for editors.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff schema --out .schemadiff/target.schema.json

Editors find it by the first line of the target:
  # yaml-language-server: $schema=.schemadiff/target.schema.json")]
pub struct Args {
    /// Output file [default: stdout].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if the file cannot be written.
#[allow(clippy::unused_async, reason = "commands have one signature")]
pub async fn run(args: Args, _: &Globals) -> Result<Outcome> {
    let text = schema::render();
    match &args.out {
        Some(path) => crate::files::write(path, &text)?,
        None => output::print(&text),
    }
    Ok(Outcome::Clean)
}
