//! `schemadiff completions`: prints shell completions.

use super::{Globals, Outcome};
use crate::error::Result;
use crate::report::output;

/// Print shell completions.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff completions bash > ~/.local/share/bash-completion/completions/schemadiff
  schemadiff completions zsh > ~/.zfunc/_schemadiff")]
pub struct Args {
    /// Shell.
    shell: clap_complete::Shell,
}

/// Runs the command.
#[allow(clippy::unused_async, reason = "commands have one signature")]
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut (globals.program.definition)(), "schemadiff", &mut text);
    output::print(&String::from_utf8_lossy(&text));
    Ok(Outcome::Clean)
}
