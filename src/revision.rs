//! Revisions on disk: a folder of migrations with their rollbacks.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::source::sql::SourceFile;

/// A folder of migrations.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Whether a folder holds migrations rather than declarations.
    pub fn looks_like_one(path: &Path) -> bool {
        let _ = path;
        false
    }

    /// A folder that is there.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { path: path.into() })
    }

    /// The migrations in order, without the rollbacks.
    pub fn up_files(&self) -> Result<Vec<SourceFile>> {
        crate::source::sql::collect(&self.path)
    }
}
