//! Files of the user's: read, and written whole or not at all.

pub(crate) mod owner;
pub(crate) mod temporary;

use std::io::Write as _;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::{Diagnostic, Error, Result, codes};

/// The text of a file.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.into(), source })
}

/// Writes a file in place of what is there.
///
/// # Errors
/// When its folder cannot be written.
pub fn write(path: &Path, text: &str) -> Result<()> {
    // What a link leads to is written, not the link; and a device or a pipe is no file to take the place of.
    let place = std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
    if place.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return std::fs::write(&place, text).map_err(|source| Error::Io { path: path.into(), source });
    }
    let file = prepare(&place, text)?.persist(&place);
    file.map(drop).map_err(|error| Error::Io { path: path.into(), source: error.error })
}

/// The text in a hidden file beside its place, whose folder is made where it is missing.
pub(crate) fn prepare(path: &Path, text: &str) -> Result<NamedTempFile> {
    let failed = |source| Error::Io { path: path.into(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = NamedTempFile::with_prefix_in(".schemadiff-", folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    // A temporary file is for its owner alone; a migration is for the team.
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(permissions).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    Ok(file)
}

/// Fails where nothing can be written to a folder, so that no work is done in vain. The folder need not be there.
///
/// # Errors
/// Why it cannot, with this advice.
pub fn check_writable(folder: &Path, advice: &str) -> Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut there =
        std::path::absolute(folder).map_err(|source| Error::Io { path: folder.into(), source })?;
    while !there.exists() && there.pop() {}
    match NamedTempFile::with_prefix_in(".schemadiff-", &there) {
        Ok(_) => Ok(()),
        Err(error) => {
            let what = format!("nothing can be written to `{}`: {}", folder.display(), reason(&error));
            Err(Diagnostic::new(codes::FILE, what).help(advice).into())
        }
    }
}

/// `tempfile` puts the path into the message, which tells nothing.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" at path ").next().unwrap_or(&text).to_owned()
}
