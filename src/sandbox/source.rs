//! Where a state comes from: declared files, a live database, a snapshot.

use std::path::{Path, PathBuf};

use crate::catalog;
use crate::db::{Session, Target};
use crate::declare::{snapshot, sql, yaml};
use crate::error::Result;
use crate::files;
use crate::kinds::KindName;
use crate::model::Directives;
use crate::model::{Catalog, ObjectId, Rename, Renames};
use crate::scratch::RequiredExtension;

/// Something that tells a state.
#[derive(Clone, Debug)]
pub enum Source {
    /// A database.
    Live(Target),
    /// A file or folder of declarations in SQL.
    Sql(PathBuf),
    /// A target in YAML.
    Yaml(PathBuf),
    /// A catalog that was saved.
    Snapshot(PathBuf),
    /// Migrations, to be replayed.
    Migrations(MigrationHistory),
    /// A database with nothing in it.
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

/// A state and where it is from.
#[derive(Clone, Debug)]
pub struct State {
    /// What it holds.
    pub catalog: Catalog,
    /// Its source, for people.
    pub name: String,
    /// The database itself, where it is one.
    pub live: Option<Target>,
    /// What it says about the way to it.
    pub directives: Directives,
    /// What it says of renames.
    pub renames: Renames,
}

impl State {
    /// A state that nobody wrote, of which nothing more is known.
    pub fn of(catalog: Catalog, name: impl Into<String>) -> Self {
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
    /// How the source is called, without passwords.
    pub fn name(&self) -> String {
        match self {
            Self::Live(target) => target.redacted(),
            Self::Sql(path) | Self::Yaml(path) | Self::Snapshot(path) => path.display().to_string(),
            Self::Migrations(history) => history.name.clone(),
            Self::Empty => "empty".into(),
        }
    }

    /// The extensions that a declared state names, which a scratch server must have from its start.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn extensions(&self) -> Result<Vec<RequiredExtension>> {
        Ok(match self {
            Self::Sql(path) => sql::extensions_of(&sql::read_files(path)?),
            Self::Migrations(history) => sql::extensions_of(&history.files),
            Self::Yaml(path) => {
                let declared = yaml::read(&path.display().to_string(), &files::read(path)?.into())?;
                let mut needed = installed_extensions(&declared.catalog);
                for needed in &mut needed {
                    let id = ObjectId::new(KindName::Extension, &[&needed.name]);
                    needed.place = declared.places.get(&id).cloned();
                }
                needed
            }
            Self::Live(_) | Self::Snapshot(_) | Self::Empty => Vec::new(),
        })
    }

    /// Reads a state that needs no scratch server: a database or a snapshot.
    pub async fn read_directly(&self) -> Option<Result<State>> {
        match self {
            Self::Live(target) => Some(read_live(target).await),
            Self::Snapshot(path) => Some(read_snapshot(path)),
            Self::Sql(_) | Self::Yaml(_) | Self::Migrations(_) | Self::Empty => None,
        }
    }
}

/// The extensions that a source needs; of a state that was read already those that it has.
///
/// # Errors
/// When the files cannot be read.
pub fn required_extensions(source: &Source, read: Option<&State>) -> Result<Vec<RequiredExtension>> {
    match read {
        Some(state) => Ok(installed_extensions(&state.catalog)),
        None => source.extensions(),
    }
}

/// The extensions of a catalog.
pub fn installed_extensions(catalog: &Catalog) -> Vec<RequiredExtension> {
    let names = catalog.objects.keys().filter(|id| id.kind == KindName::Extension);
    names.map(|id| RequiredExtension::from(id.name())).collect()
}

/// Reads a database.
pub async fn read_live(target: &Target) -> Result<State> {
    tracing::info!("reading {target}");
    let session = Session::connect(target).await?;
    let catalog = catalog::read(&session).await?;
    session.close().await;
    Ok(State { live: Some(target.clone()), ..State::of(catalog, target.redacted()) })
}

fn read_snapshot(path: &Path) -> Result<State> {
    let text = files::read(path)?;
    let catalog = snapshot::read(&path.display().to_string(), &text.into())?;
    Ok(State::of(catalog, path.display().to_string()))
}
