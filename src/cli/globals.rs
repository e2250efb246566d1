//! What all commands share: global options, environment variables, messages.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use clap::Args;

use crate::config::{Config, Variables};
use crate::db::Environment;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::migrate::Interrupt;
use crate::report::{diagnostic::Colour, progress};
use crate::scratch::MessageSink;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Success; exit code 0.
    Clean,
    /// Differences, drift or findings; exit code 1.
    Findings,
}

/// Options of every command.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub struct GlobalOptions {
    /// Scratch server for rehearsals: `auto`, `binaries`, `binaries:DIR`, `environment`, `embedded`, or a URL.
    #[arg(long, global = true, value_name = "SERVER")]
    pub scratch: Option<String>,
    /// Configuration file [default: `schemadiff.yaml` in this folder or the nearest parent].
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// When to use colors.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Fail if a database contains unsupported objects, instead of printing a note.
    #[arg(long, global = true)]
    pub strict: bool,
    /// Print results and errors only.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// When to use colours.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Runs a command line; the first argument is the name of the program.
pub type RunProgram = fn(Vec<OsString>) -> Pin<Box<dyn Future<Output = Result<Outcome>>>>;

/// The program itself, for commands that describe it (`completions`) or run it (`quickstart`).
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Returns the definition of the command line.
    pub definition: fn() -> clap::Command,
    /// Runs a command line.
    pub run: RunProgram,
}

/// The global options and the environment of a run.
#[derive(Clone, Debug)]
pub struct Globals {
    /// The variables of the process and of `.env` that configure connections.
    pub environment: Environment,
    /// The global options.
    pub options: GlobalOptions,
    /// All variables of the process and of `.env`.
    pub variables: Variables,
    /// The program itself.
    pub program: Program,
    /// Ends the current run on a database.
    pub interrupt: Interrupt,
    /// The configuration file.
    config_file: Option<PathBuf>,
    /// The problems in `.env`, reported when the configuration is read.
    env_file_errors: Option<Vec<Diagnostic>>,
}

impl Globals {
    /// Reads the environment of the process and the `.env` file beside the configuration.
    pub fn new(options: GlobalOptions, program: Program) -> Self {
        // Nothing else reads the process environment.
        #[allow(clippy::disallowed_methods)]
        let mut variables = Variables::new(std::env::vars_os());
        let config_file = options.config.clone().or_else(|| Config::find(Path::new(".")));
        let env_file_errors = match config_file.as_deref().map(|file| read_env_file(file, &mut variables)) {
            Some(Err(Error::Diagnostics(errors))) => Some(errors),
            Some(Err(other)) => Some(vec![Diagnostic::new(codes::FILE, other.to_string())]),
            Some(Ok(())) | None => None,
        };
        let environment = Environment::from_vars(variables.iter());
        let interrupt = Interrupt::default();
        Self { environment, options, variables, program, interrupt, config_file, env_file_errors }
    }

    /// Reads the configuration file, or returns the defaults if there is none.
    ///
    /// # Errors
    /// Returns an error if the configuration or `.env` is invalid.
    pub fn read_config(&self) -> Result<Config> {
        if let Some(errors) = &self.env_file_errors {
            return Err(Error::Diagnostics(errors.clone()));
        }
        match &self.config_file {
            Some(file) => Config::read(file, &self.variables),
            None => Ok(Config::defaults()),
        }
    }

    /// Returns a variable of the process or of `.env`.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name)
    }

    /// Whether output is coloured.
    pub fn colour(&self) -> Colour {
        let on = match self.options.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                std::io::stderr().is_terminal() && self.environment.get("NO_COLOR").is_none()
            }
        };
        if on { Colour::Always } else { Colour::Never }
    }

    /// Shows progress on a terminal, and the trace if `SCHEMADIFF_LOG` is set.
    pub fn show_progress(&self) {
        let shown = !self.options.quiet && std::io::stderr().is_terminal();
        progress::start(shown, self.environment.get("SCHEMADIFF_LOG"));
    }

    /// Prints a message on stderr, unless `--quiet` is given.
    pub fn say(&self, line: &str) {
        (self.messages())(line);
    }

    /// Returns a function that prints a message on stderr, unless `--quiet` is given.
    pub fn messages(&self) -> MessageSink {
        let quiet = self.options.quiet;
        Arc::new(move |line| {
            if !quiet {
                progress::message(line);
            }
        })
    }
}

fn read_env_file(config_file: &Path, variables: &mut Variables) -> Result<()> {
    let folder = config_file.parent().unwrap_or(Path::new(""));
    variables.add_file(&folder.join(".env"))
}
