//! Reads files, and writes them atomically.

pub(crate) mod owner;
pub(crate) mod temporary;

use std::io::Write as _;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::{Diagnostic, Error, Result, codes};

/// Reads a file.
///
/// # Errors
/// Returns an error if it cannot be read.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.into(), source })
}

/// Writes a file, replacing an existing one.
///
/// # Errors
/// Returns an error if it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<()> {
    // A symbolic link is followed. A device or pipe is written to, not replaced.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
    if target.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        return std::fs::write(&target, text).map_err(|source| Error::Io { path: path.into(), source });
    }
    let file = prepare(&target, text)?.persist(&target);
    file.map(drop).map_err(|error| Error::Io { path: path.into(), source: error.error })
}

/// Writes a text to a hidden file next to `path`. Creates the folder if it does not exist.
pub(crate) fn prepare(path: &Path, text: &str) -> Result<NamedTempFile> {
    let failed = |source| Error::Io { path: path.into(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = NamedTempFile::with_prefix_in(".schemadiff-", folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    // Temporary files are created with mode 0600.
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(permissions).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    Ok(file)
}

/// Checks that a folder can be written, or created if it does not exist.
///
/// # Errors
/// Returns an error with this help if it cannot.
pub fn check_writable(folder: &Path, help: &str) -> Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut existing =
        std::path::absolute(folder).map_err(|source| Error::Io { path: folder.into(), source })?;
    while !existing.exists() && existing.pop() {}
    match NamedTempFile::with_prefix_in(".schemadiff-", &existing) {
        Ok(_) => Ok(()),
        Err(error) => {
            let message = format!("cannot write to `{}`: {}", folder.display(), reason(&error));
            Err(Diagnostic::new(codes::FILE, message).help(help).into())
        }
    }
}

/// The reason of an error, without the path of the temporary file that `tempfile` adds.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" at path ").next().unwrap_or(&text).to_owned()
}
