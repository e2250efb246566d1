//! The files that a path stands for.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Diagnostic, Error, Place, Result, codes};

/// A file of SQL, as the user named it.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Its path, for messages.
    pub name: String,
    /// Its whole text.
    pub text: Arc<str>,
}

impl SourceFile {
    /// A file from a name and a text.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// A place in it.
    pub fn place(&self, span: std::ops::Range<usize>) -> Place {
        Place { file: self.name.clone(), text: Arc::clone(&self.text), span }
    }
}

/// Reads a file, or every `.sql` file below a folder in the order of their paths.
///
/// Hidden files and folders are skipped: editors and version control keep theirs there.
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
        // Through `metadata`, so that a link to a folder counts as one.
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
            Err(Diagnostic::new(codes::FILE, format!("{name}:{line}: byte {at} is not UTF-8"))
                .help("save the file as UTF-8; `pg_dump --encoding=UTF8` writes it")
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
    fn a_folder_gives_its_sql_files_in_order() {
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
    fn bytes_that_are_no_text_are_told_with_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latin1.sql");
        fs::write(&path, b"-- one\n-- caf\xe9\n").unwrap();
        assert!(read_files(&path).unwrap_err().to_string().ends_with("latin1.sql:2: byte 13 is not UTF-8"));
    }
}
