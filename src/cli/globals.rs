//! What every command shares: the surroundings, the scratch server, how to talk.

use std::io::IsTerminal as _;
use std::sync::Arc;

use clap::Args;

use crate::db::Environment;
use crate::error::Result;
use crate::report::diagnostic::Colour;
use crate::scratch::{Choice, Wanted};
use crate::source::Source;
use crate::source::bench::Bench;

/// Options of every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub struct Options {
    /// Where to try things out: auto, binaries[:DIR], environment, embedded, or a server's address.
    #[arg(long, global = true, value_name = "SERVER")]
    pub scratch: Option<String>,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub color: When,
    /// Say nothing but results and errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// When to use colours.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// On a terminal.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// What every command shares.
#[derive(Clone, Debug)]
pub struct Globals {
    /// The process's environment variables.
    pub environment: Environment,
    /// The options of every command.
    pub options: Options,
}

impl Globals {
    /// The surroundings of this process.
    pub fn new(options: Options) -> Self {
        // The one place where the process's variables are read.
        #[allow(clippy::disallowed_methods)]
        let environment = Environment::from_vars(std::env::vars());
        Self { environment, options }
    }

    /// The colour of what goes to stderr.
    pub fn colour(&self) -> Colour {
        let on = match self.options.color {
            When::Always => true,
            When::Never => false,
            When::Auto => std::io::stderr().is_terminal() && self.environment.get("NO_COLOR").is_none(),
        };
        if on { Colour::Always } else { Colour::Never }
    }

    /// Says something to people, on stderr.
    pub fn say(&self, line: &str) {
        if !self.options.quiet {
            eprintln!("{line}");
        }
    }

    /// What a word on the command line means.
    ///
    /// # Errors
    /// When it means nothing.
    pub fn source(&self, word: &str) -> Result<Source> {
        Source::parse(word, &self.environment)
    }

    /// What is wanted of a scratch server for a database of this major version.
    ///
    /// # Errors
    /// When `--scratch` means nothing.
    pub fn wanted(&self, major: Option<u32>) -> Result<Wanted> {
        let mut wanted = Wanted::any(self.environment.clone());
        wanted.major = major;
        if let Some(choice) = &self.options.scratch {
            wanted.choice = Choice::parse(choice, &self.environment)?;
        }
        if !self.options.quiet {
            wanted.talk = Arc::new(|line| eprintln!("{line}"));
        }
        Ok(wanted)
    }

    /// A workbench for a database of this major version.
    ///
    /// # Errors
    /// When `--scratch` means nothing.
    pub fn bench(&self, major: Option<u32>) -> Result<Bench> {
        Ok(Bench::new(self.wanted(major)?))
    }
}
