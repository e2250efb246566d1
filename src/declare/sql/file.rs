//! Reads SQL files and folders of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Diagnostic, Error, Place, Result, codes};

/// An SQL file.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path as the user gave it, for messages.
    pub name: String,
    /// The text.
    pub text: Arc<str>,
}

impl SourceFile {
    /// Creates a file from a name and a text.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Returns the place of a range of the text.
    pub fn place(&self, span: std::ops::Range<usize>) -> Place {
        Place { file: self.name.clone(), text: Arc::clone(&self.text), span }
    }
}

/// Reads a file, or all `.sql` files below a folder in the order of their paths. Hidden files and folders are skipped.
///
/// # Errors
/// Returns an error if a file or folder cannot be read or is not UTF-8.
pub fn read_files(path: &Path) -> Result<Vec<SourceFile>> {
    let mut paths = Vec::new();
    if io(path, fs::metadata(path))?.is_dir() {
        walk(path, &mut paths)?;
        paths.sort();
    } else {
        paths.push(path.to_path_buf());
    }
    paths.iter().map(|path| read(path)).collect()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in io(folder, fs::read_dir(folder))? {
        let path = io(folder, entry)?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        // `metadata` follows symbolic links.
        if io(&path, fs::metadata(&path))?.is_dir() {
            walk(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql")) {
            paths.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<SourceFile> {
    let name = path.display().to_string();
    match String::from_utf8(io(path, fs::read(path))?) {
        Ok(text) => Ok(SourceFile::new(name, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].split(|&byte| byte == b'\n').count();
            Err(Diagnostic::new(codes::FILE, format!("{name}:{line}: invalid UTF-8 at byte {at}"))
                .help("save the file as UTF-8 (for a dump: `pg_dump --encoding=UTF8`)")
                .into())
        }
    }
}

fn io<T>(path: &Path, result: std::io::Result<T>) -> Result<T> {
    result.map_err(|source| Error::Io { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_files_of_a_folder_are_read_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.sql", "a/z.sql", "a.txt", ".hidden.sql", ".git/x.sql", "c.SQL"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "-- nothing").unwrap();
        }
        let files = read_files(folder.path()).unwrap();
        let names: Vec<_> = files
            .iter()
            .map(|f| Path::new(&f.name).strip_prefix(folder.path()).unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["a/z.sql", "b.sql", "c.SQL"]);
    }

    #[test]
    fn invalid_utf_8_is_reported_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latin1.sql");
        fs::write(&path, b"-- one\n-- caf\xe9\n").unwrap();
        assert!(
            read_files(&path).unwrap_err().to_string().ends_with("latin1.sql:2: invalid UTF-8 at byte 13")
        );
    }
}
