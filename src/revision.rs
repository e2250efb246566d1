//! Revisions on disk: a folder of migrations with their rollbacks.

mod chain;
mod draft;
mod header;
mod order;
mod record;
pub mod source;
mod write;

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

pub use chain::{Doubt, chain};
pub use draft::{Draft, describe};
pub use header::{Header, body};
pub use order::{Order, slug};

use crate::config::Layout;
use crate::declare::sql::SourceFile;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::Rename;

/// A folder of migrations; it need not be there before the first is written.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// A migration with its rollback.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The file's name without its extension: its identity, in the database too.
    pub name: String,
    /// Its place.
    pub order: Order,
    /// The migration.
    pub up: SourceFile,
    /// The way back.
    pub rollback: Option<SourceFile>,
    /// What its head says.
    pub head: Option<Header>,
}

impl Revision {
    /// The hash of what is run: the head does not count.
    pub fn checksum(&self) -> String {
        checksum(&self.up.text)
    }

    /// What it renames, as its head says.
    pub fn renames(&self) -> Vec<Rename> {
        self.head.as_ref().map(|head| head.renamed.clone()).unwrap_or_default()
    }

    /// What of the rollback may hurt, as its head says.
    pub fn rollback_hazards(&self) -> Vec<(String, String)> {
        let head = self.rollback.as_ref().and_then(|file| Header::read(&file.text));
        head.map(|head| head.hazards).unwrap_or_default()
    }
}

/// The hash of what is run of a file.
pub fn checksum(text: &str) -> String {
    hex::encode(Sha256::digest(body(text)))
}

impl Folder {
    /// Whether a folder holds migrations rather than declarations, which may be numbered too: migrations have
    /// rollbacks or a head of ours.
    pub fn looks_like_one(path: &Path) -> bool {
        Self { path: path.into() }.revisions().is_ok_and(|all| {
            all.iter().any(|revision| revision.rollback.is_some() || revision.head.is_some())
        })
    }

    /// A folder.
    ///
    /// # Errors
    /// When something else has its name.
    pub fn open(path: &Path) -> Result<Self> {
        if path.exists() && !path.is_dir() {
            let wrong = format!("`{}` is a file, and migrations are in a folder", path.display());
            return Err(Diagnostic::new(codes::FILE, wrong)
                .help("name another folder: `migrations: DIR`")
                .into());
        }
        Ok(Self { path: path.into() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The migrations in order, without the rollbacks.
    pub fn up_files(&self) -> Result<Vec<SourceFile>> {
        Ok(self.revisions()?.into_iter().map(|revision| revision.up).collect())
    }

    /// The revisions in order.
    ///
    /// # Errors
    /// Files that are no revisions, rollbacks of nothing, and two revisions at one place.
    pub fn revisions(&self) -> Result<Vec<Revision>> {
        let mut ups = Vec::new();
        let mut backs = Vec::new();
        let mut wrong = Vec::new();
        for path in files(&self.path)? {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            match (stem.strip_suffix("_rollback"), Order::read(&stem)) {
                (Some(of), _) => backs.push((of.to_owned(), path)),
                (None, Some((order, _))) => ups.push((order, stem, path)),
                (None, None) => wrong.push(no_revision(&path)),
            }
        }
        let mut numbered: Vec<(u64, PathBuf)> = Vec::new();
        for path in files(&self.path.join("rollback"))? {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            match Order::read(&stem) {
                Some((order, _)) => numbered.push((order.number(), path)),
                None => wrong.push(no_revision(&path)),
            }
        }
        ups.sort();
        let mut revisions: Vec<Revision> = Vec::new();
        for (order, name, path) in ups {
            if let Some(other) = revisions.iter().find(|other| other.order.same_place(order)) {
                wrong.push(duplicate(&other.name, &name));
            }
            let beside = backs.iter().position(|(of, _)| *of == name).map(|i| backs.remove(i).1);
            let back = beside.or_else(|| {
                let mine = order.layout() == Layout::Numbered;
                let i = numbered.iter().position(|(number, _)| mine && *number == order.number())?;
                Some(numbered.remove(i).1)
            });
            let rollback = back.map(|path| read(&path)).transpose()?;
            let up = read(&path)?;
            revisions.push(Revision { head: Header::read(&up.text), name, order, up, rollback });
        }
        for path in backs.into_iter().map(|(_, path)| path).chain(numbered.into_iter().map(|(_, path)| path))
        {
            let what = format!("`{}` is the rollback of no revision here", path.display());
            wrong.push(Diagnostic::new(codes::REVISION, what).help("restore its migration, or remove it"));
        }
        if wrong.is_empty() { Ok(revisions) } else { Err(Error::Diagnostics(wrong)) }
    }
}

/// The `.sql` files of a folder in order; none where there is no folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
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

fn read(path: &Path) -> Result<SourceFile> {
    let mut files = crate::declare::sql::read_files(path)?;
    files.pop().ok_or_else(|| Error::Internal(format!("{} is no file", path.display())))
}

fn no_revision(path: &Path) -> Diagnostic {
    let what = format!("`{}` has no date or number, so that its place is not known", path.display());
    Diagnostic::new(codes::REVISION, what)
        .help("name it like 20260101_120000_name.sql, 001_name.sql or 20260101_001_name.sql")
        .help("or move it out of the folder of migrations")
}

fn duplicate(one: &str, other: &str) -> Diagnostic {
    Diagnostic::new(codes::REVISION, format!("`{one}` and `{other}` claim one place in the order"))
        .help("two branches were merged: give the one that is applied nowhere yet a later name")
}
