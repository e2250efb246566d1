//! schemadiff plans, rehearses and applies PostgreSQL migrations.
//!
//! The `schemadiff` program is the usual way to use it; this library offers the same steps to other programs:
//!
//! 1. [`read()`] reads a schema: declared in YAML or SQL, or live in a database.
//! 2. [`diff()`] compares two schemas.
//! 3. [`plan()`] orders the statements that turn one into the other.
//! 4. [`prove()`] makes a migration with its rollback, and rehearses both on a scratch server.
//! 5. [`apply()`] applies the migrations of a folder to a database, and records them there.
//!
//! Every schema becomes a [`Catalog`] that a real PostgreSQL server printed, so that equal schemas have equal catalogs
//! however they are written. A [`Sandbox`] is the scratch server on which this happens; it needs no installed
//! PostgreSQL.
//!
//! ```
//! use schemadiff::{Environment, MigrationOptions, Pair, Sandbox, ScratchOptions, Source};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("schema.yaml");
//! std::fs::write(&path, "schemas: {public: {tables: {customer: {columns: {id: bigint, email: text}}}}}").unwrap();
//!
//! let sandbox = Sandbox::new(ScratchOptions::any(Environment::default()));
//! let before = schemadiff::read(&sandbox, &Source::Empty).await?;
//! let after = schemadiff::read(&sandbox, &Source::Yaml(path)).await?;
//! let states = Pair { before: &before, after: &after };
//! let migration = schemadiff::prove(&sandbox, states, &MigrationOptions::default()).await?;
//! sandbox.stop().await;
//!
//! assert!(migration.up.render().contains("CREATE TABLE public.customer"));
//! assert!(migration.rollback.render().contains("DROP TABLE public.customer"));
//! # Ok::<(), schemadiff::Error>(())
//! # }).unwrap();
//! ```
//!
//! The modules are internal to the program and may change with every version.

#[doc(hidden)]
pub mod allow;
#[doc(hidden)]
pub mod catalog;
#[doc(hidden)]
pub mod check;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod coverage;
#[doc(hidden)]
pub mod db;
#[doc(hidden)]
pub mod declare;
#[doc(hidden)]
pub mod diff;
#[doc(hidden)]
pub mod drift;
mod duration;
#[doc(hidden)]
pub mod error;
#[doc(hidden)]
pub mod files;
#[doc(hidden)]
pub mod generate;
#[doc(hidden)]
pub mod kinds;
#[doc(hidden)]
pub mod manage;
#[doc(hidden)]
pub mod migrate;
#[doc(hidden)]
pub mod model;
#[doc(hidden)]
pub mod park;
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod proof;
#[doc(hidden)]
pub mod recipes;
#[doc(hidden)]
pub mod rename;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod revision;
#[doc(hidden)]
pub mod sandbox;
#[doc(hidden)]
pub mod scratch;
#[doc(hidden)]
pub mod script;
#[doc(hidden)]
pub mod survey;
pub(crate) mod yaml;

#[doc(inline)]
pub use db::{Environment, Target};
#[doc(inline)]
pub use error::{Diagnostic, Error, Result};
#[doc(inline)]
pub use generate::{MigrationOptions, Proving};
#[doc(inline)]
pub use migrate::Options as ApplyOptions;
#[doc(inline)]
pub use model::{Catalog, Change, Difference, Hazard, Migration, Object, ObjectId, Pair, Plan, Script, Step};
#[doc(inline)]
pub use revision::Folder;
#[doc(inline)]
pub use sandbox::{Sandbox, Source, State};
#[doc(inline)]
pub use scratch::ScratchOptions;

/// Reads a schema.
///
/// A live database is read as it is. A declared schema is created in a scratch database first, and read from there.
///
/// ```
/// use schemadiff::{Environment, Sandbox, ScratchOptions, Source};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("schema.sql");
/// std::fs::write(&path, "CREATE TABLE customer (id bigint);").unwrap();
///
/// let sandbox = Sandbox::new(ScratchOptions::any(Environment::default()));
/// let state = schemadiff::read(&sandbox, &Source::Sql(path)).await?;
/// sandbox.stop().await;
///
/// let names: Vec<String> = state.catalog.objects.keys().map(ToString::to_string).collect();
/// assert!(names.contains(&"table public.customer".to_owned()));
/// # Ok::<(), schemadiff::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// Returns an error if the database or file cannot be read, or PostgreSQL rejects a declaration.
pub async fn read(sandbox: &Sandbox, source: &Source) -> Result<State> {
    sandbox.read(source).await
}

/// Compares two schemas, and returns the objects that differ.
///
/// ```
/// use schemadiff::{Difference, Environment, Pair, Sandbox, ScratchOptions, Source};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("schema.sql");
/// # std::fs::write(&path, "CREATE TABLE customer (id bigint);").unwrap();
/// let sandbox = Sandbox::new(ScratchOptions::any(Environment::default()));
/// let before = schemadiff::read(&sandbox, &Source::Empty).await?;
/// let after = schemadiff::read(&sandbox, &Source::Sql(path)).await?;
/// sandbox.stop().await;
///
/// let changes = schemadiff::diff(Pair { before: &before, after: &after });
/// let added = changes.iter().filter(|change| matches!(change.what, Difference::Added));
/// let names: Vec<String> = added.map(|change| change.id.to_string()).collect();
/// assert_eq!(names, ["table public.customer", "column public.customer.id"]);
/// # Ok::<(), schemadiff::Error>(())
/// # }).unwrap();
/// ```
pub fn diff(states: Pair<&State>) -> Vec<Change> {
    diff::diff(Pair { before: &states.before.catalog, after: &states.after.catalog })
}

/// Plans the statements that turn one schema into another, in an order that PostgreSQL accepts.
///
/// The plan is direct: recipes that avoid long locks need facts from a server, so [`prove()`] applies them. The plan of the
/// rollback is the plan of the swapped pair.
///
/// ```
/// use schemadiff::{Environment, Pair, Sandbox, Script, ScratchOptions, Source};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("schema.yaml");
/// # std::fs::write(&path, "schemas: {public: {tables: {customer: {columns: {id: bigint}}}}}").unwrap();
/// let sandbox = Sandbox::new(ScratchOptions::any(Environment::default()));
/// let before = schemadiff::read(&sandbox, &Source::Empty).await?;
/// let after = schemadiff::read(&sandbox, &Source::Yaml(path)).await?;
/// sandbox.stop().await;
///
/// let plan = schemadiff::plan(Pair { before: &before, after: &after })?;
/// println!("{}", Script::of(&plan).render());
/// assert_eq!(plan.steps.len(), 1);
/// # Ok::<(), schemadiff::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// Returns an error if no plan exists for a change.
pub fn plan(states: Pair<&State>) -> Result<Plan> {
    plan::plan(Pair { before: &states.before.catalog, after: &states.after.catalog })
}

/// Makes the migration from one schema to another, with its rollback, and proves both: run on a scratch copy, the
/// migration produces the target and the rollback restores the start.
///
/// ```
/// use schemadiff::{Environment, MigrationOptions, Pair, Sandbox, ScratchOptions, Source};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let (old, new) = (folder.path().join("old.sql"), folder.path().join("new.sql"));
/// std::fs::write(&old, "CREATE TABLE customer (id bigint, phone text);").unwrap();
/// std::fs::write(&new, "CREATE TABLE customer (id bigint);").unwrap();
///
/// let sandbox = Sandbox::new(ScratchOptions::any(Environment::default()));
/// let before = schemadiff::read(&sandbox, &Source::Sql(old)).await?;
/// let after = schemadiff::read(&sandbox, &Source::Sql(new)).await?;
/// let states = Pair { before: &before, after: &after };
/// let migration = schemadiff::prove(&sandbox, states, &MigrationOptions::default()).await?;
/// sandbox.stop().await;
///
/// assert!(migration.up.render().contains("DROP COLUMN phone"));
/// assert!(migration.rollback.render().contains("ADD COLUMN phone text"));
/// let (_, hazard) = &migration.hazards.up[0];
/// assert_eq!(hazard.code(), "DataLoss");
/// # Ok::<(), schemadiff::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// Returns an error if the migration cannot be planned or its proof fails.
pub async fn prove(sandbox: &Sandbox, states: Pair<&State>, options: &MigrationOptions) -> Result<Migration> {
    generate::migration(sandbox, states, options).await
}

/// A revision that [`apply()`] applied.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AppliedRevision {
    /// The name of the revision.
    pub name: String,
    /// The number of its statements.
    pub statements: usize,
    /// The duration.
    pub milliseconds: u64,
}

/// Applies the pending migrations of a folder to a database, and records them there.
///
#[cfg_attr(feature = "embedded", doc = "```")]
#[cfg_attr(not(feature = "embedded"), doc = "```no_run")]
/// use schemadiff::{ApplyOptions, Folder, Target};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let temporary = tempfile::tempdir().unwrap();
/// # let path = temporary.path().join("migrations");
/// # std::fs::create_dir(&path).unwrap();
/// std::fs::write(path.join("001_customer.sql"), "CREATE TABLE customer (id bigint);").unwrap();
///
/// let database = Target::embedded(temporary.path().join("database"));
/// let folder = Folder::open(&path)?;
/// let applied = schemadiff::apply(&database, &folder, ApplyOptions::default()).await?;
/// assert_eq!(applied[0].name, "001_customer");
/// assert!(schemadiff::apply(&database, &folder, ApplyOptions::default()).await?.is_empty());
/// # Ok::<(), schemadiff::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// Returns an error if the files and the records do not agree, or a statement fails. Earlier revisions stay applied, and
/// the next call resumes at the statement that failed.
pub async fn apply(
    database: &Target,
    folder: &Folder,
    options: ApplyOptions,
) -> Result<Vec<AppliedRevision>> {
    let revisions = folder.revisions()?;
    let migrator = migrate::Migrator::open(database, options).await?;
    let mut applied = Vec::new();
    let result = async {
        let lines = migrate::status(migrator.session().await?, &revisions).await?;
        let pending = migrate::pending(&lines, &revisions)?;
        let report = |revision: &revision::Revision, result: &migrate::RunResult| {
            applied.push(AppliedRevision {
                name: revision.name.clone(),
                statements: result.statements,
                milliseconds: result.milliseconds,
            });
        };
        migrator.apply_all(&pending, |_| Ok(()), report).await
    }
    .await;
    migrator.close().await;
    result.map(|()| applied)
}
