//! A project: its configuration, its folder of migrations and its scratch server, opened in one place.

use std::path::PathBuf;

use super::globals::Globals;
use super::options::DatabaseOptions;
use crate::config::{Config, Database};
use crate::db::Target;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::{Catalog, Difference};
use crate::revision::Folder;
use crate::sandbox::{Sandbox, Source, State};
use crate::scratch::{Choice, Protection, RequiredExtension, ScratchOptions};

/// The project of the current folder.
#[derive(Debug)]
pub struct Project<'a> {
    /// The global options and the environment.
    pub globals: &'a Globals,
    /// The configuration.
    pub config: Config,
}

/// What a scratch server must offer.
#[derive(Clone, Debug, Default)]
pub struct SandboxNeeds<'a> {
    /// The major version of PostgreSQL; any if none.
    pub major: Option<u32>,
    /// The database whose own server may be used, if the configuration permits it.
    pub database: Option<&'a Database>,
    /// The extensions.
    pub extensions: Vec<RequiredExtension>,
}

impl<'a> Project<'a> {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Returns an error if the configuration is invalid.
    pub fn open(globals: &'a Globals) -> Result<Self> {
        Ok(Self { globals, config: globals.read_config()? })
    }

    /// Opens the folder of migrations: the given one, or else that of the configuration.
    ///
    /// # Errors
    /// Returns an error if the path is a file.
    pub fn folder(&self, given: Option<&PathBuf>) -> Result<Folder> {
        Folder::open(given.unwrap_or(&self.config.migrations))
    }

    /// Runs `work` with a scratch server, and stops the server however `work` ends.
    ///
    /// # Errors
    /// Returns an error if `--scratch` is invalid or `work` fails.
    pub async fn with_sandbox<T>(
        &self,
        needs: SandboxNeeds<'_>,
        work: impl AsyncFnOnce(&Sandbox) -> Result<T>,
    ) -> Result<T> {
        let mut options = ScratchOptions::any(self.globals.environment.clone());
        options.major = needs.major;
        options.environment = needs.database.map(Database::environment_server);
        options.extensions = needs.extensions;
        options.messages = self.globals.messages();
        if let Some(choice) = self.globals.options.scratch.as_ref().or(self.config.scratch.as_ref()) {
            options.choice = Choice::parse(choice, &self.globals.environment)?;
        }
        let sandbox = Sandbox::new(options);
        let result = work(&sandbox).await;
        sandbox.stop().await;
        result
    }

    /// Returns the database that a command works on.
    ///
    /// # Errors
    /// Returns an error if no database is named or the environment is unknown.
    pub fn database(&self, options: &DatabaseOptions) -> Result<Database> {
        match &options.url {
            Some(url) => Ok(self.database_at(Target::parse(url, &self.globals.environment)?)),
            None => self.environment(options.env.as_deref()),
        }
    }

    /// Returns the default environment, if there is one.
    pub fn default_database(&self) -> Option<Database> {
        self.environment(None).ok()
    }

    fn environment(&self, name: Option<&str>) -> Result<Database> {
        self.config.environment(name, &self.globals.variables, &self.globals.environment)
    }

    /// Returns the database of a URL. It is protected if the configuration knows it by protected environments only.
    fn database_at(&self, target: Target) -> Database {
        let environments = self.config.environments().filter_map(|name| self.environment(Some(name)).ok());
        let known: Vec<Database> =
            environments.filter(|database| database.target.is_same_database(&target)).collect();
        let open = known.iter().any(|database| database.protection == Protection::Open);
        match known.into_iter().next().filter(|_| !open) {
            Some(database) => Database { target, ..database },
            None => Database::at(target),
        }
    }

    /// Returns the source that an argument names: an environment of the configuration, a URL, a file or a folder.
    ///
    /// # Errors
    /// Returns an error if the argument names none of them.
    pub fn source(&self, argument: &str) -> Result<Source> {
        if self.config.environments().any(|name| name == argument) {
            return Ok(Source::Live(self.environment(Some(argument))?.target));
        }
        crate::revision::source::parse(argument, &self.globals.environment)
    }

    /// Reports the objects of a state that schemadiff does not support. They are missing from everything that is made
    /// from the state.
    ///
    /// # Errors
    /// Returns an error if there are such objects and `--strict` is given.
    pub fn check_coverage(&self, name: &str, catalog: &Catalog) -> Result<()> {
        // `introspect` writes all of them.
        const MAX_SHOWN: usize = 10;
        for table in &catalog.tracking_tables {
            self.globals.say(&format!("note: {name}: {table} is left unchanged"));
        }
        let unsupported = &catalog.unmodelled;
        if unsupported.is_empty() {
            return Ok(());
        }
        if self.globals.options.strict {
            let diagnostics = unsupported.iter().map(|object| {
                Diagnostic::new(codes::UNMODELLED, format!("{name}: {object} is not supported"))
                    .help("drop it, or run without `--strict` to leave it unchanged")
            });
            return Err(Error::Diagnostics(diagnostics.collect()));
        }
        self.globals.say(&format!("note: {name}: not supported, left unchanged:"));
        unsupported.iter().take(MAX_SHOWN).for_each(|object| self.globals.say(&format!("  {object}")));
        if unsupported.len() > MAX_SHOWN {
            self.globals.say(&format!("  and {} more", unsupported.len() - MAX_SHOWN));
        }
        Ok(())
    }

    /// Returns the target with unmanaged objects replaced by those of the start, and reports the differences that
    /// `report` rules select.
    pub fn apply_manage_rules(&self, target: State, start: &Catalog) -> State {
        let manage = &self.config.manage;
        if !manage.matters(start) {
            return target;
        }
        let (catalog, reported) = manage.apply(&target.catalog, start);
        for change in reported {
            let difference = match change.what {
                Difference::Missing => "not in the target".to_owned(),
                Difference::Added => "only in the target".to_owned(),
                Difference::Altered(names) => format!("differs in {}", names.join(", ")),
            };
            self.globals.say(&format!("not managed: {}: {difference}", change.id));
        }
        // A changed catalog is no longer that of the live database.
        let live = target.live.filter(|_| catalog.objects == target.catalog.objects);
        State { catalog, live, ..target }
    }
}
