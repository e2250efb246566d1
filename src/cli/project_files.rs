//! The files of a new project. Existing files are never overwritten.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What git must not store: local files, and passwords.
const IGNORED: [&str; 2] = [".schemadiff/", ".env"];

/// Returns the text of the configuration. `environments` are its lines below `environments:`.
pub fn configuration(environments: &str, default_environment: &str) -> String {
    format!(
        "\
# The target schema: a .yaml or .sql file, a folder of .sql files, or a list of them.
target: schema.yaml

# The folder of migrations, and their naming scheme: timestamp | numbered | dated.
migrations: generated
layout: timestamp

# The scratch server on which migrations are rehearsed: auto | binaries | environment | embedded | a URL.
scratch: auto

# ${{NAME}} and ${{NAME:-default}} are environment variables; a `.env` file beside this one is read too.
environments:
{environments}default_environment: {default_environment}
"
    )
}

/// Returns the path of a file in a folder.
pub fn in_folder(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") { PathBuf::from(name) } else { folder.join(name) }
}

/// Creates a file and the folder that contains it. Returns false if the file exists.
///
/// # Errors
/// Returns an error if it cannot be written.
pub fn create(path: &Path, text: &str) -> Result<bool> {
    let failed = |source| Error::Io { path: path.into(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    match std::fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(failed).map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// Adds local files to `.gitignore`. Returns false if they are listed there.
///
/// # Errors
/// Returns an error if it cannot be written.
pub fn add_ignored(path: &Path) -> Result<bool> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let is_listed = |name: &&str| text.lines().any(|line| line.trim().trim_start_matches('/') == *name);
    let missing: Vec<&str> = IGNORED.into_iter().filter(|name| !is_listed(name)).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let failed = |source| Error::Io { path: path.into(), source };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
    let separator = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    file.write_all(format!("{separator}{}\n", missing.join("\n")).as_bytes()).map_err(failed)?;
    Ok(true)
}
