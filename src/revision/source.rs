//! Sources of states, including a folder of migrations to replay.

use std::path::Path;

use super::folder::{Folder, Revision};
use crate::db::{Environment, Target};
use crate::error::{Diagnostic, Result, codes};
use crate::sandbox::{MigrationHistory, Source};

impl Folder {
    /// Returns the migrations of the folder, in order, ready to be replayed.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be read or its revisions are not consistent.
    pub fn history(&self) -> Result<MigrationHistory> {
        let revisions = self.revisions()?;
        let renames = revisions.iter().map(Revision::renames).collect();
        let files = revisions.into_iter().map(|revision| revision.up).collect();
        Ok(MigrationHistory { name: self.path().display().to_string(), files, renames })
    }
}

/// Returns the source that an argument of the command line or a value of the configuration names.
///
/// # Errors
/// Returns an error if the text is neither the address of a server nor a folder or file of a supported type.
pub fn parse(text: &str, environment: &Environment) -> Result<Source> {
    let path = Path::new(text);
    if text == "empty" {
        return Ok(Source::Empty);
    }
    if text.contains("://") || text.starts_with("embedded:") || text.contains('=') && !path.exists() {
        return Target::parse(text, environment).map(Source::Live);
    }
    if path.is_dir() {
        return Ok(if Folder::contains_migrations(path) {
            Source::Migrations(Folder::open(path)?.history()?)
        } else {
            Source::Sql(path.into())
        });
    }
    if !path.exists() {
        return Err(Diagnostic::new(codes::FILE, format!("no such file or folder: `{text}`"))
            .help("give a file (.yaml, .sql, .json), a folder, or a server: postgres://user@host/database")
            .into());
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("sql") => Ok(Source::Sql(path.into())),
        Some("yaml" | "yml") => Ok(Source::Yaml(path.into())),
        Some("json") => Ok(Source::Snapshot(path.into())),
        _ => Err(Diagnostic::new(codes::USAGE, format!("`{text}` has an unknown file type"))
            .help("a target is a .yaml, .sql or .json file, or a folder of .sql files")
            .into()),
    }
}
