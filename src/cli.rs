//! The command line: a file per subcommand, each an `Args` and a `run`.

pub mod check;
pub mod completions;
pub mod create;
pub mod diff;
pub mod drift;
pub mod explain;
pub mod generate;
pub mod globals;
pub mod init;
pub mod introspect;
pub mod migrate;
pub mod plan_options;
pub mod quickstart;
pub mod rollback;
pub mod schema;
pub mod stats;
pub mod status;
pub mod verify;

use clap::{Parser, Subcommand};

pub use globals::Globals;
pub use plan_options::PlanOptions;

use crate::error::{Diagnostic, Result, codes};

/// Writes, proves, runs and audits PostgreSQL migrations.
///
/// Every state, declared or live, is read back from a real server; every migration is run up and back on a
/// scratch copy before it is written.
#[derive(Parser, Debug)]
#[command(name = "schemadiff", version, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 clean, 1 differences, drift or findings, 2 failure.")]
pub struct Cli {
    #[command(flatten)]
    options: globals::Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Quickstart(quickstart::Args),
    Init(init::Args),
    Generate(generate::Args),
    Create(create::Args),
    Migrate(migrate::Args),
    Rollback(rollback::Args),
    Status(status::Args),
    Drift(drift::Args),
    Check(check::Args),
    Diff(diff::Args),
    Introspect(introspect::Args),
    Verify(verify::Args),
    Stats(stats::Args),
    Explain(explain::Args),
    Schema(schema::Args),
    Completions(completions::Args),
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
    /// What the command shares with others.
    pub fn globals(&self) -> Globals {
        Globals::new(self.options.clone())
    }

    /// Runs the command.
    ///
    /// # Errors
    /// What kept it from ending as it should.
    pub async fn run(self, globals: &Globals) -> Result<Outcome> {
        match self.command {
            Command::Quickstart(args) => quickstart::run(args, globals).await,
            Command::Init(args) => init::run(&args, globals),
            Command::Generate(args) => generate::run(args, globals).await,
            Command::Create(args) => create::run(&args, globals),
            Command::Migrate(args) => migrate::run(args, globals).await,
            Command::Rollback(args) => rollback::run(args, globals).await,
            Command::Status(args) => status::run(args, globals).await,
            Command::Drift(args) => drift::run(args, globals).await,
            Command::Check(args) => check::run(args, globals).await,
            Command::Diff(args) => diff::run(args, globals).await,
            Command::Introspect(args) => introspect::run(args, globals).await,
            Command::Verify(args) => verify::run(args, globals).await,
            Command::Stats(args) => stats::run(args, globals).await,
            Command::Explain(args) => explain::run(args, globals).await,
            Command::Schema(args) => schema::run(&args),
            Command::Completions(args) => completions::run(&args),
        }
    }
}

/// Prints a result. A reader that has gone is no error of ours.
pub fn print(text: &str) {
    use std::io::Write as _;
    crate::report::progress::aside(|| {
        let mut out = std::io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        // Who reads no further has what they wanted.
        if let Err(error) = written
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            let _ = UNPRINTED.set(error.to_string());
        }
    });
}

/// Why something could not be printed.
static UNPRINTED: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// Fails where something that was asked for could not be printed.
///
/// # Errors
/// Why not.
pub fn printed() -> Result<()> {
    match UNPRINTED.get() {
        None => Ok(()),
        Some(why) => {
            let what = format!("what was asked for cannot be written: {why}");
            Err(Diagnostic::new(codes::FILE, what).into())
        }
    }
}
