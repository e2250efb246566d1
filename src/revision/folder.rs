//! Reads the revisions of a folder.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::header::{Header, body};
use super::order::Order;
use crate::config::Layout;
use crate::declare::sql::{SourceFile, read_files};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::Rename;

/// A folder of migrations. It is created with the first migration.
#[derive(Clone, Debug)]
pub struct Folder {
    pub(super) path: PathBuf,
}

/// A migration with its rollback.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The name of the migration's file without the extension; it identifies the revision in the database.
    pub name: String,
    /// Its position in the order of revisions.
    pub order: Order,
    /// The migration.
    pub up: SourceFile,
    /// The rollback.
    pub rollback: Option<SourceFile>,
    /// The header of the migration's file.
    pub header: Option<Header>,
}

impl Revision {
    /// The SHA-256 of the migration without its header, in hexadecimal.
    pub fn checksum(&self) -> String {
        hex::encode(Sha256::digest(body(&self.up.text)))
    }

    /// The renames that the header records.
    pub fn renames(&self) -> Vec<Rename> {
        self.header.as_ref().map(|header| header.renamed.clone()).unwrap_or_default()
    }

    /// The hazards that the header of the rollback records: their codes and details.
    pub fn rollback_hazards(&self) -> Vec<(String, String)> {
        let header = self.rollback.as_ref().and_then(|file| Header::read(&file.text));
        header.map(|header| header.hazards).unwrap_or_default()
    }
}

impl Folder {
    /// Returns true if a folder contains migrations and not declarations, which may have numbered names too: a migration
    /// has a rollback or a header.
    pub fn contains_migrations(path: &Path) -> bool {
        Self { path: path.into() }.revisions().is_ok_and(|all| {
            all.iter().any(|revision| revision.rollback.is_some() || revision.header.is_some())
        })
    }

    /// Opens a folder, which need not exist.
    ///
    /// # Errors
    /// Returns an error if the path is not a folder.
    pub fn open(path: &Path) -> Result<Self> {
        if path.exists() && !path.is_dir() {
            let message = format!("the migrations folder `{}` is a file", path.display());
            return Err(Diagnostic::new(codes::FILE, message)
                .help("name another folder: `migrations: DIR` in the configuration, or --migrations DIR")
                .into());
        }
        Ok(Self { path: path.into() })
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the revisions in order.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be read, if a file's name has no date or number, if a rollback has no
    /// migration, or if two revisions have the same position.
    pub fn revisions(&self) -> Result<Vec<Revision>> {
        let mut wrong = Vec::new();
        let (mut migrations, mut rollbacks) = self.scan(&mut wrong)?;
        migrations.sort();
        let mut revisions: Vec<Revision> = Vec::new();
        for (order, name, path) in migrations {
            if let Some(other) = revisions.iter().find(|other| other.order.is_same_position(order)) {
                wrong.push(duplicate(&other.name, &name));
            }
            let rollback = rollbacks.take(&name, order).map(|path| read(&path)).transpose()?;
            let up = read(&path)?;
            revisions.push(Revision { header: Header::read(&up.text), name, order, up, rollback });
        }
        wrong.extend(rollbacks.paths().map(|path| orphan(&path)));
        if wrong.is_empty() { Ok(revisions) } else { Err(Error::Diagnostics(wrong)) }
    }

    /// Lists the files of the folder.
    fn scan(&self, wrong: &mut Vec<Diagnostic>) -> Result<(Vec<MigrationFile>, Rollbacks)> {
        let mut migrations = Vec::new();
        let mut rollbacks = Rollbacks::default();
        for path in sql_files(&self.path)? {
            let stem = stem(&path);
            match (stem.strip_suffix("_rollback"), Order::read(&stem)) {
                (Some(name), _) => rollbacks.by_name.push((name.to_owned(), path)),
                (None, Some((order, _))) => migrations.push((order, stem, path)),
                (None, None) => wrong.push(no_position(&path)),
            }
        }
        for path in sql_files(&self.path.join("rollback"))? {
            match Order::read(&stem(&path)) {
                Some((order, _)) => rollbacks.by_number.push((order.number(), path)),
                None => wrong.push(no_position(&path)),
            }
        }
        Ok((migrations, rollbacks))
    }
}

/// The position, name and path of a migration.
type MigrationFile = (Order, String, PathBuf);

/// The rollback files that do not belong to a revision yet.
#[derive(Default)]
struct Rollbacks {
    /// `NAME_rollback.sql`, by `NAME`.
    by_name: Vec<(String, PathBuf)>,
    /// `rollback/NUMBER_rollback.sql`, by `NUMBER`.
    by_number: Vec<(u64, PathBuf)>,
}

impl Rollbacks {
    /// Removes and returns the rollback of a migration.
    fn take(&mut self, name: &str, order: Order) -> Option<PathBuf> {
        if let Some(i) = self.by_name.iter().position(|(other, _)| other == name) {
            return Some(self.by_name.remove(i).1);
        }
        let numbered = order.layout() == Layout::Numbered;
        let i = self.by_number.iter().position(|(number, _)| numbered && *number == order.number())?;
        Some(self.by_number.remove(i).1)
    }

    fn paths(self) -> impl Iterator<Item = PathBuf> {
        let by_name = self.by_name.into_iter().map(|(_, path)| path);
        by_name.chain(self.by_number.into_iter().map(|(_, path)| path))
    }
}

/// The `.sql` files of a folder in order; none if the folder does not exist.
fn sql_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::Io { path: folder.into(), source };
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|extension| extension == "sql") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &Path) -> Result<SourceFile> {
    let mut files = read_files(path)?;
    files.pop().ok_or_else(|| Error::Internal(format!("{} is not a file", path.display())))
}

fn no_position(path: &Path) -> Diagnostic {
    let message = format!("the name of `{}` does not start with a date or number", path.display());
    Diagnostic::new(codes::REVISION, message)
        .help("name it like 20260101_120000_name.sql, 001_name.sql or 20260101_001_name.sql")
        .help("or move it out of the migrations folder")
}

fn duplicate(one: &str, other: &str) -> Diagnostic {
    let message = format!("`{one}` and `{other}` have the same position in the order of revisions");
    Diagnostic::new(codes::REVISION, message)
        .help("if two branches were merged, give the one that has not been applied anywhere a later name")
}

fn orphan(path: &Path) -> Diagnostic {
    let message = format!("the rollback `{}` has no migration", path.display());
    Diagnostic::new(codes::REVISION, message).help("restore its migration, or remove it")
}
