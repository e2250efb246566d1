//! The command line: a file per subcommand, each an `Args` and a `run`.

pub mod diff;

use clap::{Parser, Subcommand};

use crate::error::Result;

/// Writes, proves, runs and audits PostgreSQL migrations.
#[derive(Parser, Debug)]
#[command(name = "schemadiff", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Diff(diff::Args),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to report.
    Clean,
    /// Differences, drift or findings.
    Findings,
}

impl Cli {
    /// Runs the command.
    pub async fn run(self) -> Result<Outcome> {
        match self.command {
            Command::Diff(args) => diff::run(args).await,
        }
    }
}
