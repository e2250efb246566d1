//! What every command shares: the surroundings, the scratch server, how to talk.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use clap::Args;

use crate::config::{Config, Database, Variables};
use crate::db::{Environment, Target};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::Catalog;
use crate::model::Difference;
use crate::model::rename::AmbiguousRenames;
use crate::report::{diagnostic::Colour, progress};
use crate::sandbox::Sandbox;
use crate::sandbox::{Source, State};
use crate::scratch::Protection;
use crate::scratch::{Choice, RequiredExtension, ScratchOptions, Talk};

/// Options of every command.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Options of every command")]
pub struct Options {
    /// Where to try things out: `auto`, `binaries`, `binaries:DIR`, `environment`, `embedded`, or a server's address.
    #[arg(long, global = true, value_name = "SERVER")]
    pub scratch: Option<String>,
    /// The configuration, instead of the nearest `schemadiff.yaml` here or above.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub color: When,
    /// Refuse a state with what is not modelled, instead of a note about it.
    #[arg(long, global = true)]
    pub strict: bool,
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

/// The value of `--renames`.
///
/// # Errors
/// When it means nothing.
pub fn unanswered(text: &str) -> std::result::Result<AmbiguousRenames, String> {
    AmbiguousRenames::named(text).ok_or_else(|| format!("it is {}", AmbiguousRenames::NAMES.join(", ")))
}

/// Which database a command works on.
#[derive(Args, Clone, Debug, Default)]
pub struct Where {
    /// An environment of the configuration; the default one when nothing is named.
    #[arg(long, value_name = "NAME", conflicts_with = "url")]
    pub env: Option<String>,
    /// A database by its address.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// What every command shares.
#[derive(Clone, Debug)]
pub struct Globals {
    /// The process's environment variables, and those of `.env`.
    pub environment: Environment,
    /// The options of every command.
    pub options: Options,
    variables: Variables,
    /// The configuration file, where there is one.
    file: Option<PathBuf>,
    config: OnceLock<Config>,
    /// What is wrong with `.env`, told when the configuration is needed.
    wrong: Option<Vec<Diagnostic>>,
}

impl Globals {
    /// The surroundings of this process.
    pub fn new(options: Options) -> Self {
        // The one place where the process's variables are read.
        #[allow(clippy::disallowed_methods)]
        let mut variables = Variables::new(std::env::vars_os());
        let file = options.config.clone().or_else(|| Config::find(Path::new(".")));
        let folder = file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let wrong = match file.is_some().then(|| variables.add_file(&folder.join(".env"))) {
            Some(Err(Error::Diagnostics(wrong))) => Some(wrong),
            Some(Err(other)) => Some(vec![Diagnostic::new(codes::FILE, other.to_string())]),
            Some(Ok(())) | None => None,
        };
        let environment = Environment::from_vars(variables.iter());
        Self { environment, options, variables, file, config: OnceLock::new(), wrong }
    }

    /// The configuration; what holds without one where there is none.
    ///
    /// # Errors
    /// What is wrong in the file.
    pub fn config(&self) -> Result<&Config> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        if let Some(wrong) = &self.wrong {
            return Err(Error::Diagnostics(wrong.clone()));
        }
        let config = match &self.file {
            Some(file) => Config::read(file, &self.variables)?,
            None => Config::defaults(),
        };
        Ok(self.config.get_or_init(|| config))
    }

    /// A variable of the process or of `.env`.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name)
    }

    /// The database that a command works on.
    ///
    /// # Errors
    /// When none is named, or it is not known.
    pub fn database(&self, at: &Where) -> Result<Database> {
        match &at.url {
            Some(url) => Ok(self.known(Target::parse(url, &self.environment)?)),
            None => self.config()?.environment(at.env.as_deref(), &self.variables, &self.environment),
        }
    }

    /// A database that is named by its address. One of protected environments alone is protected by whatever name.
    fn known(&self, target: Target) -> Database {
        let known: Vec<Database> = self.config().map_or_else(
            |_| Vec::new(),
            |config| {
                let all = config.environments();
                let all = all.filter_map(|name| {
                    config.environment(Some(name), &self.variables, &self.environment).ok()
                });
                all.filter(|database| database.target.is_same_database(&target)).collect()
            },
        );
        let open = known.iter().any(|database| database.protection == Protection::Open);
        match known.into_iter().next().filter(|_| !open) {
            Some(database) => Database { target, ..database },
            None => Database::at(target),
        }
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

    /// Tells on a terminal what is being done, while it takes long.
    pub fn show_progress(&self) {
        let shown = !self.options.quiet && std::io::stderr().is_terminal();
        progress::start(shown, self.environment.get("SCHEMADIFF_LOG"));
    }

    /// Says something to people, on stderr.
    pub fn say(&self, line: &str) {
        (self.talk())(line);
    }

    /// The same, for those who are given no more.
    pub fn talk(&self) -> Talk {
        let quiet = self.options.quiet;
        Arc::new(move |line| {
            if !quiet {
                progress::complain(line);
            }
        })
    }

    /// Tells what of a state is not modelled, which is missing from everything that is made of it.
    ///
    /// # Errors
    /// When there is something and `--strict` was given.
    pub fn check_coverage(&self, name: &str, catalog: &Catalog) -> Result<()> {
        // Enough to see what it is about; `introspect` writes all of it down.
        const SHOWN: usize = 10;
        let left = &catalog.unmodelled;
        if left.is_empty() {
            return Ok(());
        }
        if self.options.strict {
            let wrong = left.iter().map(|what| {
                Diagnostic::new(codes::UNMODELLED, format!("{name}: {what}: not covered by schemadiff"))
                    .help("take it out, or leave `--strict` out to go on without it")
            });
            return Err(Error::Diagnostics(wrong.collect()));
        }
        self.say(&format!("note: {name}: not covered, and left as it is:"));
        left.iter().take(SHOWN).for_each(|what| self.say(&format!("  {what}")));
        if left.len() > SHOWN {
            self.say(&format!("  and {} more", left.len() - SHOWN));
        }
        Ok(())
    }

    /// What a word on the command line means: an environment of the configuration before a file.
    ///
    /// # Errors
    /// When it means nothing.
    pub fn source(&self, word: &str) -> Result<Source> {
        if self.config()?.environments().any(|name| name == word) {
            let at = Where { env: Some(word.to_owned()), url: None };
            return Ok(Source::Live(self.database(&at)?.target));
        }
        crate::revision::source::parse(word, &self.environment)
    }

    /// The target with what the configuration does not manage as it is at the start; says what of it is reported.
    ///
    /// # Errors
    /// What is wrong in the configuration.
    pub fn managed(&self, target: State, start: &Catalog) -> Result<State> {
        let manage = &self.config()?.manage;
        if !manage.matters(start) {
            return Ok(target);
        }
        let (catalog, reported) = manage.apply(&target.catalog, start);
        for change in reported {
            let what = match change.what {
                Difference::Missing => "the target has it not".to_owned(),
                Difference::Added => "only the target has it".to_owned(),
                Difference::Altered(names) => format!("the target has another {}", names.join(", ")),
            };
            self.say(&format!("not managed: {}: {what}", change.id));
        }
        // It is no longer what a database of its own holds.
        let live = target.live.filter(|_| catalog.objects == target.catalog.objects);
        Ok(State { catalog, live, ..target })
    }

    /// What is wanted of a scratch server for a database of this major version.
    ///
    /// # Errors
    /// When `--scratch` means nothing.
    pub fn wanted(&self, major: Option<u32>) -> Result<ScratchOptions> {
        let mut wanted = ScratchOptions::any(self.environment.clone());
        wanted.major = major;
        if let Some(choice) = self.options.scratch.as_ref().or(self.config()?.scratch.as_ref()) {
            wanted.choice = Choice::parse(choice, &self.environment)?;
        }
        wanted.talk = self.talk();
        Ok(wanted)
    }

    /// A workbench for a database of this major version, with what these states need. Things may be tried out
    /// on the database's own server where it says so.
    ///
    /// # Errors
    /// When `--scratch` means nothing.
    pub fn sandbox(
        &self,
        major: Option<u32>,
        database: Option<&Database>,
        extensions: Vec<RequiredExtension>,
    ) -> Result<Sandbox> {
        let mut wanted = self.wanted(major)?;
        wanted.environment = database.map(Database::own_server);
        wanted.extensions = extensions;
        Ok(Sandbox::new(wanted))
    }
}
