//! Writes the files of a revision.

use std::path::{Path, PathBuf};

use super::draft::Draft;
use super::folder::Folder;
use crate::error::{Error, Result};
use crate::files;

impl Folder {
    /// Checks that the folder can be written, before a migration is planned for it.
    ///
    /// # Errors
    /// Returns an error if it cannot.
    pub fn check_writable(&self) -> Result<()> {
        let help = "the migrations folder is `migrations` in the configuration, or --migrations DIR";
        files::check_writable(&self.path, help)
    }

    /// Writes the two files of a revision and returns their paths.
    ///
    /// # Errors
    /// Returns an error if one of the files exists or cannot be written; then neither is written.
    pub fn write(&self, draft: &Draft) -> Result<[PathBuf; 2]> {
        let paths = draft.paths().map(|path| self.path.join(path));
        let texts = [&draft.up, &draft.rollback];
        let mut prepared = Vec::new();
        for (path, text) in paths.iter().zip(texts) {
            prepared.push(files::prepare(path, text)?);
        }
        let mut written: Vec<&Path> = Vec::new();
        for (file, path) in prepared.into_iter().zip(&paths) {
            if let Err(error) = file.persist_noclobber(path) {
                for path in written {
                    let _ = std::fs::remove_file(path);
                }
                return Err(Error::Io { path: path.clone(), source: error.error });
            }
            written.push(path);
        }
        Ok(paths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layout;

    fn draft(name: &str, layout: Layout) -> Draft {
        Draft { name: name.into(), layout, up: "SELECT 1;\n".into(), rollback: "SELECT 2;\n".into() }
    }

    #[test]
    fn both_files_or_neither() {
        let folder = tempfile::tempdir().unwrap();
        for (name, layout) in [
            ("001_a", Layout::Numbered),
            ("20240115_001_b", Layout::Dated),
            ("20240115_120000_c", Layout::Timestamp),
        ] {
            let revisions = Folder::open(&folder.path().join("generated")).unwrap();
            revisions.check_writable().unwrap();
            let paths = revisions.write(&draft(name, layout)).unwrap();
            assert!(paths.iter().all(|path| path.is_file()));
            let found = revisions.revisions().unwrap();
            let last = found.last().unwrap();
            assert_eq!((last.name.as_str(), last.rollback.is_some()), (name, true));
        }
        let revisions = Folder::open(&folder.path().join("generated")).unwrap();
        let rollback = folder.path().join("generated/20240116_001_d_rollback.sql");
        std::fs::write(&rollback, "mine").unwrap();
        assert!(revisions.write(&draft("20240116_001_d", Layout::Dated)).is_err());
        assert!(!folder.path().join("generated/20240116_001_d.sql").exists());
        assert_eq!(std::fs::read_to_string(&rollback).unwrap(), "mine");
    }

    #[test]
    fn files_that_are_not_revisions() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["001_a.sql", "1_b.sql", "notes.sql", "002_x_rollback.sql"] {
            std::fs::write(folder.path().join(name), "SELECT 1").unwrap();
        }
        let Err(Error::Diagnostics(wrong)) = Folder::open(folder.path()).unwrap().revisions() else {
            panic!("accepted")
        };
        let words: Vec<&str> = wrong.iter().map(|d| d.message.split("` ").nth(1).unwrap()).collect();
        assert_eq!(words, ["does not start with a date or number", "and `1_b", "has no migration"]);
    }

    #[test]
    fn folder_that_cannot_be_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let folder = Folder { path: file.path().join("generated") };
        assert!(folder.check_writable().unwrap_err().to_string().starts_with("cannot write to"));
    }
}
