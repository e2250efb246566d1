//! The command line. Each subcommand is one file with its `Args` and its `run`, and one line in the table below.

pub mod adopt;
pub mod existing;
pub mod globals;
pub mod input;
pub mod options;
pub mod plan_options;
pub mod project;
pub mod project_files;
pub mod record_options;
pub mod replayed;
pub mod run_options;
pub mod target;
pub mod undo;

use clap::{CommandFactory as _, Parser, Subcommand};

pub use globals::{Globals, Outcome};

use crate::error::{Error, Result};
use globals::{GlobalOptions, Program};

/// Plan, rehearse and apply PostgreSQL migrations, and detect drift.
///
/// schemadiff compares a target schema (YAML or SQL) with your migrations or a live database and writes the migration
/// and its rollback as plain SQL. Both are run on a scratch copy before they are written.
#[derive(Parser, Debug)]
#[command(name = "schemadiff", version, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 success, 1 differences, drift or findings, 2 error.")]
pub struct Cli {
    #[command(flatten)]
    options: GlobalOptions,
    #[command(subcommand)]
    command: Command,
}

/// Declares the commands, in the order in which `--help` lists them. rustfmt does not follow the `mod` items of a macro:
/// format these files with `rustfmt src/cli/*.rs`.
macro_rules! commands {
    ($($name:ident = $module:ident,)*) => {
        $(pub mod $module;)*

        #[derive(Subcommand, Debug)]
        enum Command {
            $($name($module::Args),)*
        }

        impl Command {
            async fn run(self, globals: &Globals) -> Result<Outcome> {
                match self {
                    $(Self::$name(args) => $module::run(args, globals).await,)*
                }
            }
        }
    };
}

commands! {
    Quickstart = quickstart,
    Init = init,
    Generate = generate,
    Create = create,
    Migrate = migrate,
    Rollback = rollback,
    Baseline = baseline,
    Stamp = stamp,
    Unstamp = unstamp,
    Status = status,
    Drift = drift,
    Check = check,
    Diff = diff,
    Introspect = introspect,
    Verify = verify,
    Stats = stats,
    Explain = explain,
    Schema = schema,
    Completions = completions,
}

/// What commands that run or describe the program itself need.
pub const PROGRAM: Program = Program {
    definition: Cli::command,
    run: |arguments| {
        Box::pin(async move {
            let cli = Cli::try_parse_from(arguments).map_err(|error| Error::Internal(error.to_string()))?;
            let globals = cli.globals();
            cli.run(&globals).await
        })
    },
};

impl Cli {
    /// Returns the options and the environment that all commands share.
    pub fn globals(&self) -> Globals {
        Globals::new(self.options.clone(), PROGRAM)
    }

    /// Runs the command.
    ///
    /// # Errors
    /// Returns an error if the command fails. Differences, drift and findings are an [`Outcome`], not an error.
    pub async fn run(self, globals: &Globals) -> Result<Outcome> {
        self.command.run(globals).await
    }
}
