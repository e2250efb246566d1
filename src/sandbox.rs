//! The workbench: a scratch server on which declared states become catalogs and plans are tried.

mod order;
mod source;

pub use source::{MigrationHistory, Source, State, installed_extensions, read_live, required_extensions};
mod directives;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::catalog;
use crate::declare::finder::ObjectFinder;
use crate::declare::{self, renames, sql};
use crate::error::{Error, Result};
use crate::files;
use crate::kinds::{KindName, schema};
use crate::model::Directives;
use crate::model::Script;
use crate::model::{Catalog, Object, ObjectId, Pair, Renames};
use crate::plan::plan;
use crate::scratch::{RoleStub, Scratch, ScratchDatabase, ScratchOptions};

/// A scratch server, started when it is first needed.
pub struct Sandbox {
    wanted: ScratchOptions,
    scratch: OnceCell<Scratch>,
    /// What a new database holds.
    fresh: OnceCell<Catalog>,
}

/// A state on the bench: a database that holds it, and what was read of it there.
pub struct LoadedState {
    /// The database.
    pub database: ScratchDatabase,
    /// What it holds.
    pub catalog: Catalog,
    /// What is said about the way to it.
    pub directives: Directives,
    /// What its source says of renames.
    pub renames: Renames,
}

impl LoadedState {
    fn of(database: ScratchDatabase, catalog: Catalog) -> Self {
        Self { database, catalog, directives: Directives::default(), renames: Renames::default() }
    }
}

impl Sandbox {
    /// A bench that starts a server of this description when one is needed.
    pub fn new(wanted: ScratchOptions) -> Self {
        Self { wanted, scratch: OnceCell::new(), fresh: OnceCell::new() }
    }

    /// The server.
    pub async fn server(&self) -> Result<&Scratch> {
        self.scratch.get_or_try_init(|| Scratch::start(&self.wanted)).await
    }

    /// What a database holds in which nothing was created.
    pub async fn empty_catalog(&self) -> Result<&Catalog> {
        self.fresh
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
        if let Some(scratch) = self.scratch.into_inner() {
            scratch.stop().await;
        }
    }

    /// The state of a source, in the words of the bench's server.
    pub async fn read(&self, source: &Source) -> Result<State> {
        match source.read_directly().await {
            Some(state) => self.normalize(state?).await,
            None => self.read_declared(source).await,
        }
    }

    /// A state in the words of the bench's server, where it is not of the same major version.
    pub async fn normalize(&self, state: State) -> Result<State> {
        if state.catalog.version.major() == self.server().await?.version().major() {
            return Ok(state);
        }
        let copy = self.load_catalog(&state.catalog).await?;
        let mut catalog = copy.catalog;
        // Roles and what they own are as they were, and what is not modelled was not copied.
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
        copy.database.drop_now().await?;
        Ok(State { catalog, ..state })
    }

    async fn read_declared(&self, source: &Source) -> Result<State> {
        let copy = self.load(source).await?;
        copy.database.drop_now().await?;
        Ok(State {
            renames: copy.renames,
            directives: copy.directives,
            ..State::of(copy.catalog, source.name())
        })
    }

    /// A database that holds what a source declares.
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
                let state =
                    source.read_directly().await.ok_or_else(|| Error::Internal("no state".into()))??;
                self.load_catalog(&state.catalog).await
            }
        }
    }

    /// Declarations in SQL.
    pub async fn load_sql(&self, files: &[sql::SourceFile]) -> Result<LoadedState> {
        let database = self.database(stubs(sql::roles_of(files))).await?;
        tracing::info!("reading what is declared");
        let loaded = sql::load(files, &database.session).await?;
        let catalog = read_catalog(&database).await?;
        let renames = renames::of_sql(&loaded, &catalog)?;
        let finder = ObjectFinder::new(&catalog);
        let directives = loaded
            .directives()
            .map(|(statement, found)| (finder.find(statement, found.part.as_ref()), &found.directive));
        let directives = directives::read(directives, &database.session).await?;
        Ok(LoadedState { directives, renames, ..LoadedState::of(database, catalog) })
    }

    /// Migrations, one after the other.
    pub async fn replay(&self, files: &[sql::SourceFile]) -> Result<LoadedState> {
        let database = self.database(stubs(sql::roles_of(files))).await?;
        tracing::info!("replaying {} migrations", files.len());
        sql::replay_files(files, &database.session).await?;
        let catalog = read_catalog(&database).await?;
        Ok(LoadedState::of(database, catalog))
    }

    async fn load_yaml(&self, path: &Path) -> Result<LoadedState> {
        let text: Arc<str> = files::read(path)?.into();
        let mut declared = declare::yaml::read(&path.display().to_string(), &text)?;
        declared.complete_from(self.empty_catalog().await?);
        let copy = self.load_declared(&declared).await?;
        let renames = renames::of_yaml(&declared, &copy.catalog)?;
        let directives = declared.directives.iter().map(|(id, directive)| (Some(id.clone()), directive));
        let directives = directives::read(directives, &copy.database.session).await?;
        Ok(LoadedState { directives, renames, ..copy })
    }

    /// A declared tree: its objects know nothing of each other, so that the server finds the order.
    async fn load_declared(&self, declared: &declare::yaml::DeclaredSchema) -> Result<LoadedState> {
        let fresh = self.empty_catalog().await?;
        let mut target = declared.catalog.clone();
        target.version = fresh.version;
        // What every database has need not be declared.
        let mut objects = std::mem::take(&mut target.objects);
        for (id, object) in &fresh.objects {
            if !objects.contains_key(id) && !declared.absent.contains(id) {
                objects.insert(id.clone(), object.clone());
            }
        }
        let mut target = Catalog::new(fresh.version, objects);
        // Their places are those of the declared objects, which come first.
        target.set_dependencies(declared.catalog.dependencies.clone());
        let plan = plan(Pair { before: fresh, after: &target })?;
        let roles = catalog::roles_of(&target);
        let database = self.database(roles.into_iter().map(RoleStub::new).collect()).await?;
        tracing::info!("reading what is declared");
        order::run(&plan, declared, &database.session).await?;
        let catalog = read_catalog(&database).await?;
        Ok(LoadedState::of(database, catalog))
    }

    /// A copy of a catalog, made by its own plan.
    pub async fn load_catalog(&self, catalog: &Catalog) -> Result<LoadedState> {
        let fresh = self.empty_catalog().await?;
        let roles = catalog
            .roles
            .iter()
            .map(|(name, facts)| RoleStub { name: name.clone(), superuser: facts.superuser });
        let database = self.database(roles.collect()).await?;
        let plan = plan(Pair { before: fresh, after: catalog })?;
        run_script(&Script::of(&plan), &database).await?;
        let catalog = read_catalog(&database).await?;
        Ok(LoadedState::of(database, catalog))
    }

    async fn database(&self, roles: Vec<RoleStub>) -> Result<ScratchDatabase> {
        let database = self.server().await?.database().await?;
        database.stub_roles(&roles).await?;
        Ok(database)
    }
}

fn stubs(names: Vec<String>) -> Vec<RoleStub> {
    names.into_iter().map(RoleStub::new).collect()
}

/// Runs a script on a scratch database, statement by statement as `psql -f` does.
pub async fn run_script(script: &Script, database: &ScratchDatabase) -> Result<()> {
    for batch in script.batches() {
        if let Err(error) = database.session.run(batch).await {
            // Whoever looks at the database next finds no broken transaction.
            let _ = database.session.run("ROLLBACK").await;
            return Err(error);
        }
    }
    Ok(())
}

/// Reads a scratch database. What its superuser owns is whoever's who runs the migration.
pub async fn read_catalog(database: &ScratchDatabase) -> Result<Catalog> {
    let session = &database.session;
    session.restore_settings().await?;
    let mut catalog = catalog::read(session).await?;
    let role = session.role().to_owned();
    for object in catalog.objects.values_mut() {
        if object.text("owner") == role {
            object.unset("owner");
        }
    }
    catalog.rename(|object| {
        let named_for = object.id.kind.get().identity_for_owner?;
        object.text("owner").is_empty().then(|| named_for(object, ""))
    });
    catalog.roles.remove(&role);
    catalog.user.clear();
    Ok(catalog)
}
