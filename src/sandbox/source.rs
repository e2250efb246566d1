//! Sources of states: declared files, migrations, live databases and snapshots.

use std::path::{Path, PathBuf};

use crate::catalog;
use crate::db::{Session, Target};
use crate::declare::{snapshot, sql, yaml};
use crate::error::Result;
use crate::files;
use crate::kinds::KindName;
use crate::model::{Catalog, Directives, ObjectId, Rename, Renames};
use crate::scratch::RequiredExtension;

/// A source of a state.
#[derive(Clone, Debug)]
pub enum Source {
    /// A live database.
    Live(Target),
    /// A file or folder with declarations in SQL.
    Sql(PathBuf),
    /// A target file in YAML.
    Yaml(PathBuf),
    /// A saved catalog.
    Snapshot(PathBuf),
    /// Migrations, to be replayed.
    Migrations(MigrationHistory),
    /// An empty database.
    Empty,
}

/// The migrations of a folder, in the order in which they run.
#[derive(Clone, Debug)]
pub struct MigrationHistory {
    /// The name of the folder, for messages.
    pub name: String,
    /// The files, without the rollbacks.
    pub files: Vec<sql::SourceFile>,
    /// The renames that each of them makes.
    pub renames: Vec<Vec<Rename>>,
}

/// A state with its origin.
#[derive(Clone, Debug)]
pub struct State {
    /// The objects.
    pub catalog: Catalog,
    /// The name of the source, for messages.
    pub name: String,
    /// The live database, if the source is one.
    pub live: Option<Target>,
    /// The directives of the source.
    pub directives: Directives,
    /// The renames that the source requests or records.
    pub renames: Renames,
}

impl State {
    /// Creates a state without directives and renames.
    pub fn new(catalog: Catalog, name: impl Into<String>) -> Self {
        Self {
            catalog,
            name: name.into(),
            live: None,
            directives: Directives::default(),
            renames: Renames::default(),
        }
    }
}

impl Source {
    /// Returns the name of the source, without passwords.
    pub fn name(&self) -> String {
        match self {
            Self::Live(target) => target.redacted(),
            Self::Sql(path) | Self::Yaml(path) | Self::Snapshot(path) => path.display().to_string(),
            Self::Migrations(history) => history.name.clone(),
            Self::Empty => "empty".into(),
        }
    }

    /// Returns the extensions that a declared state creates. A scratch server must have them available.
    ///
    /// # Errors
    /// Returns an error if the files cannot be read.
    pub fn extensions(&self) -> Result<Vec<RequiredExtension>> {
        Ok(match self {
            Self::Sql(path) => sql::extensions_of(&sql::read_files(path)?),
            Self::Migrations(history) => sql::extensions_of(&history.files),
            Self::Yaml(path) => {
                let declared = yaml::read(&path.display().to_string(), &files::read(path)?.into())?;
                let mut required = installed_extensions(&declared.catalog);
                for extension in &mut required {
                    let id = ObjectId::new(KindName::Extension, &[&extension.name]);
                    extension.place = declared.places.get(&id).cloned();
                }
                required
            }
            Self::Live(_) | Self::Snapshot(_) | Self::Empty => Vec::new(),
        })
    }

    /// Reads the state of a live database or a snapshot. Returns `None` for other sources, which need a scratch server.
    pub async fn read_directly(&self) -> Option<Result<State>> {
        match self {
            Self::Live(target) => Some(read_live(target).await),
            Self::Snapshot(path) => Some(read_snapshot(path)),
            Self::Sql(_) | Self::Yaml(_) | Self::Migrations(_) | Self::Empty => None,
        }
    }
}

/// Returns the extensions that a source creates, or those of its state if that has been read.
///
/// # Errors
/// Returns an error if the files cannot be read.
pub fn required_extensions(source: &Source, read: Option<&State>) -> Result<Vec<RequiredExtension>> {
    match read {
        Some(state) => Ok(installed_extensions(&state.catalog)),
        None => source.extensions(),
    }
}

/// Returns the extensions of a catalog.
pub fn installed_extensions(catalog: &Catalog) -> Vec<RequiredExtension> {
    let names = catalog.objects.keys().filter(|id| id.kind == KindName::Extension);
    names.map(|id| RequiredExtension::from(id.name())).collect()
}

/// Reads the state of a live database.
///
/// # Errors
/// Returns an error if the connection fails or the catalog cannot be read.
pub async fn read_live(target: &Target) -> Result<State> {
    tracing::info!("reading {target}");
    let session = Session::connect(target).await?;
    let catalog = catalog::read(&session).await?;
    session.close().await;
    Ok(State { live: Some(target.clone()), ..State::new(catalog, target.redacted()) })
}

fn read_snapshot(path: &Path) -> Result<State> {
    let text = files::read(path)?;
    let catalog = snapshot::read(&path.display().to_string(), &text.into())?;
    Ok(State::new(catalog, path.display().to_string()))
}
