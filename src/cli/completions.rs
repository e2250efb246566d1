//! `schemadiff completions`: for the shell.

use clap::CommandFactory as _;

use super::{Cli, Outcome};
use crate::error::Result;

/// Prints what a shell needs to complete schemadiff's commands.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff completions bash > ~/.local/share/bash-completion/completions/schemadiff
  schemadiff completions zsh > ~/.zfunc/_schemadiff")]
pub struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Runs it.
pub fn run(args: &Args) -> Result<Outcome> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "schemadiff", &mut text);
    super::print(&String::from_utf8_lossy(&text));
    Ok(Outcome::Clean)
}
