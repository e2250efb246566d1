//! The sandbox: a scratch server on which declared states become catalogs and plans are tried.

mod directives;
mod order;
mod source;

pub use source::{MigrationHistory, Source, State, installed_extensions, read_live, required_extensions};

use std::path::Path;
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::catalog;
use crate::declare::finder::ObjectFinder;
use crate::declare::{renames, sql, yaml};
use crate::error::{Error, Result};
use crate::files;
use crate::kinds::{KindName, schema};
use crate::model::{AttributeName, Catalog, Directives, Object, ObjectId, Pair, Renames, Script};
use crate::plan::plan;
use crate::scratch::{RoleStub, Scratch, ScratchDatabase, ScratchOptions};

/// A scratch server, which starts when it is first needed.
pub struct Sandbox {
    options: ScratchOptions,
    server: OnceCell<Scratch>,
    /// The catalog of a new database.
    empty: OnceCell<Catalog>,
}

/// A state that was loaded into a scratch database.
#[non_exhaustive]
pub struct LoadedState {
    /// The database.
    pub database: ScratchDatabase,
    /// The catalog of the database.
    pub catalog: Catalog,
    /// The directives of the source.
    pub directives: Directives,
    /// The renames that the source requests or records.
    pub renames: Renames,
}

impl LoadedState {
    fn new(database: ScratchDatabase, catalog: Catalog) -> Self {
        Self { database, catalog, directives: Directives::default(), renames: Renames::default() }
    }
}

impl Sandbox {
    /// Creates a sandbox. Its server starts when it is first needed.
    pub fn new(options: ScratchOptions) -> Self {
        Self { options, server: OnceCell::new(), empty: OnceCell::new() }
    }

    /// Returns the server, and starts it if necessary.
    ///
    /// # Errors
    /// Returns an error if no scratch server can be started.
    pub async fn server(&self) -> Result<&Scratch> {
        self.server.get_or_try_init(|| Scratch::start(&self.options)).await
    }

    /// Returns the catalog of a new database.
    ///
    /// # Errors
    /// Returns an error if the server cannot be started or read.
    pub async fn empty_catalog(&self) -> Result<&Catalog> {
        self.empty
            .get_or_try_init(|| async {
                let database = self.server().await?.database().await?;
                let catalog = read_catalog(&database).await?;
                database.drop_now().await?;
                Ok(catalog)
            })
            .await
    }

    /// Stops the server.
    pub async fn stop(self) {
        if let Some(server) = self.server.into_inner() {
            server.stop().await;
        }
    }

    /// Reads the state of a source, with expressions as the sandbox's server prints them.
    ///
    /// # Errors
    /// Returns an error if the source cannot be read, or if the server rejects a declaration.
    pub async fn read(&self, source: &Source) -> Result<State> {
        match source.read_directly().await {
            Some(state) => self.normalize(state?).await,
            None => self.read_declared(source).await,
        }
    }

    /// Returns a state with expressions as the sandbox's server prints them. Two major versions may print them
    /// differently.
    ///
    /// # Errors
    /// Returns an error if the state is of another major version and cannot be created on the sandbox's server.
    pub async fn normalize(&self, state: State) -> Result<State> {
        if state.catalog.version.major() == self.server().await?.version().major() {
            return Ok(state);
        }
        let copy = self.load_catalog(&state.catalog).await?;
        let mut catalog = copy.catalog;
        // The copy lacks owners and what is not modelled.
        crate::diff::inherit_unset(&mut catalog, &state.catalog);
        let public = ObjectId::new(KindName::Schema, &["public"]);
        let untouched = |schema: &Object| schema::is_untouched_public(schema, state.catalog.version);
        if state.catalog.get(&public).is_some_and(untouched)
            && let Some(new) = self.empty_catalog().await?.get(&public)
        {
            catalog.objects.insert(public, new.clone());
        }
        catalog.roles = state.catalog.roles;
        catalog.unmodelled = state.catalog.unmodelled;
        catalog.tracking_tables = state.catalog.tracking_tables;
        copy.database.drop_now().await?;
        Ok(State { catalog, ..state })
    }

    async fn read_declared(&self, source: &Source) -> Result<State> {
        let copy = self.load(source).await?;
        copy.database.drop_now().await?;
        Ok(State {
            renames: copy.renames,
            directives: copy.directives,
            ..State::new(copy.catalog, source.name())
        })
    }

    /// Loads the state of a source into a scratch database.
    ///
    /// # Errors
    /// Returns an error if the source cannot be read, or if the server rejects a declaration.
    pub async fn load(&self, source: &Source) -> Result<LoadedState> {
        match source {
            Source::Sql(path) => self.load_sql(&sql::read_files(path)?).await,
            Source::Yaml(path) => self.load_yaml(path).await,
            Source::Migrations(history) => {
                let copy = self.replay(&history.files).await?;
                let done = Some(history.renames.clone());
                Ok(LoadedState { renames: Renames { recorded: done, ..Renames::default() }, ..copy })
            }
            Source::Empty => self.load_sql(&[]).await,
            Source::Live(_) | Source::Snapshot(_) => {
                let state = source
                    .read_directly()
                    .await
                    .ok_or_else(|| Error::Internal("databases and snapshots are read directly".into()))??;
                self.load_catalog(&state.catalog).await
            }
        }
    }

    /// Loads declarations in SQL into a scratch database.
    ///
    /// # Errors
    /// Returns all errors in the files.
    pub async fn load_sql(&self, files: &[sql::SourceFile]) -> Result<LoadedState> {
        let database = self.database(role_stubs(sql::roles_of(files))).await?;
        tracing::info!("loading declarations");
        let loaded = sql::load(files, &database.session).await?;
        let catalog = read_catalog(&database).await?;
        let renames = renames::of_sql(&loaded, &catalog)?;
        let finder = ObjectFinder::new(&catalog);
        let directives = loaded
            .directives()
            .map(|(statement, found)| (finder.find(statement, found.part.as_ref()), &found.directive));
        let directives = directives::read(directives, &database.session).await?;
        Ok(LoadedState { directives, renames, ..LoadedState::new(database, catalog) })
    }

    /// Runs migrations in order in a scratch database.
    ///
    /// # Errors
    /// Returns an error if a migration fails.
    pub async fn replay(&self, files: &[sql::SourceFile]) -> Result<LoadedState> {
        let database = self.database(role_stubs(sql::roles_of(files))).await?;
        tracing::info!("replaying {} migrations", files.len());
        sql::replay_files(files, &database.session).await?;
        let catalog = read_catalog(&database).await?;
        Ok(LoadedState::new(database, catalog))
    }

    async fn load_yaml(&self, path: &Path) -> Result<LoadedState> {
        let text: Arc<str> = files::read(path)?.into();
        let mut declared = yaml::read(&path.display().to_string(), &text)?;
        declared.complete_from(self.empty_catalog().await?);
        let copy = self.load_declared(&declared).await?;
        let renames = renames::of_yaml(&declared, &copy.catalog)?;
        let directives = declared.directives.iter().map(|(id, directive)| (Some(id.clone()), directive));
        let directives = directives::read(directives, &copy.database.session).await?;
        Ok(LoadedState { directives, renames, ..copy })
    }

    /// Creates the objects of a target file. Their dependencies are not known, so the order is found by retrying.
    async fn load_declared(&self, declared: &yaml::DeclaredSchema) -> Result<LoadedState> {
        let empty = self.empty_catalog().await?;
        let mut objects = declared.catalog.objects.clone();
        // Standard objects need not be declared.
        for (id, object) in &empty.objects {
            if !objects.contains_key(id) && !declared.absent.contains(id) {
                objects.insert(id.clone(), object.clone());
            }
        }
        let mut target = Catalog::new(empty.version, objects);
        // The declared objects come first, so the indexes in their dependencies are still valid.
        target.set_dependencies(declared.catalog.dependencies.clone());
        let plan = plan(Pair { before: empty, after: &target })?;
        let database = self.database(role_stubs(catalog::roles_of(&target))).await?;
        tracing::info!("loading declarations");
        order::run(&plan, declared, &database.session).await?;
        let catalog = read_catalog(&database).await?;
        Ok(LoadedState::new(database, catalog))
    }

    /// Creates the objects of a catalog in a scratch database, by a plan.
    ///
    /// # Errors
    /// Returns an error if the objects cannot be created.
    pub async fn load_catalog(&self, catalog: &Catalog) -> Result<LoadedState> {
        let empty = self.empty_catalog().await?;
        let roles = catalog
            .roles
            .iter()
            .map(|(name, facts)| RoleStub { name: name.clone(), superuser: facts.superuser });
        let database = self.database(roles.collect()).await?;
        let plan = plan(Pair { before: empty, after: catalog })?;
        run_script(&Script::of(&plan), &database).await?;
        let catalog = read_catalog(&database).await?;
        Ok(LoadedState::new(database, catalog))
    }

    async fn database(&self, roles: Vec<RoleStub>) -> Result<ScratchDatabase> {
        let database = self.server().await?.database().await?;
        database.stub_roles(&roles).await?;
        Ok(database)
    }
}

fn role_stubs(names: Vec<String>) -> Vec<RoleStub> {
    names.into_iter().map(RoleStub::new).collect()
}

/// Runs a script in a scratch database, statement by statement as `psql -f` does.
///
/// # Errors
/// Returns the error of the first statement that fails.
pub async fn run_script(script: &Script, database: &ScratchDatabase) -> Result<()> {
    for batch in script.batches() {
        if let Err(error) = database.session.run(batch).await {
            // Leave no failed transaction in the session.
            let _ = database.session.run("ROLLBACK").await;
            return Err(error);
        }
    }
    Ok(())
}

/// Reads the catalog of a scratch database. Objects that its superuser owns have no owner in the catalog: they are
/// owned by the role that runs the migration.
///
/// # Errors
/// Returns an error if the catalog cannot be read.
pub async fn read_catalog(database: &ScratchDatabase) -> Result<Catalog> {
    let session = &database.session;
    session.restore_settings().await?;
    let mut catalog = catalog::read(session).await?;
    let role = session.role().to_owned();
    for object in catalog.objects.values_mut() {
        if object.text(AttributeName::OWNER) == role {
            object.unset(AttributeName::OWNER);
        }
    }
    catalog.rename(|object| {
        let named_for = object.id.kind.get().identity_for_owner?;
        object.text(AttributeName::OWNER).is_empty().then(|| named_for(object, ""))
    });
    catalog.roles.remove(&role);
    catalog.user.clear();
    Ok(catalog)
}
