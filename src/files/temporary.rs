//! Temporary folders that are removed even if their owner was killed.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::owner;
use crate::error::{Error, Result};

/// The beginning of the folders' names.
const PREFIX: &str = "schemadiff-";

/// The longest parent folder in which a socket can be created: the path of a socket has at most 107 bytes.
const MAX_PARENT: usize = 60;

/// The temporary folders of this process, to be removed if a signal ends it.
static CREATED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A temporary folder, removed on drop.
///
/// While its owner runs, it holds a lock on the file `owner` in the folder. The kernel releases the lock when the
/// process ends, however it ends, and the lock is visible from other containers, where the process id means nothing.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    path: PathBuf,
    _lock: File,
}

impl TemporaryFolder {
    /// Creates a folder that only this user may enter, in `parent` if a socket fits there, otherwise in `/tmp`.
    pub(crate) fn create(parent: &Path) -> Result<Self> {
        let parent = usable(parent);
        let path = tempfile::Builder::new()
            .prefix(PREFIX)
            .rand_bytes(8)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&parent)
            .map_err(|source| Error::Io { path: parent, source })?
            .keep();
        let file = path.join("owner");
        match lock(&file) {
            Ok(lock) => {
                created().insert(path.clone());
                Ok(Self { path, _lock: lock })
            }
            Err(source) => {
                remove(&path);
                Err(Error::Io { path: file, source })
            }
        }
    }

    /// The folder's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns true if this process runs as root, judged by the owner of the folder.
    pub(crate) fn is_of_root(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| metadata.uid() == 0)
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        created().remove(&self.path);
        remove(&self.path);
    }
}

fn created() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    CREATED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock(file: &Path) -> std::io::Result<File> {
    let mut lock = OpenOptions::new().create(true).truncate(true).write(true).open(file)?;
    lock.lock()?;
    writeln!(lock, "{}", owner::this_process())?;
    Ok(lock)
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_dir_all(path) {
        tracing::debug!(path = %path.display(), %error, "cannot remove a temporary folder");
    }
}

/// Removes the temporary folders of this process, which is about to end.
pub(crate) fn remove_all_created() {
    for path in std::mem::take(&mut *created()) {
        remove(&path);
    }
}

/// Returns `parent`, or `/tmp` if it is too long (as on macOS) or not a folder.
fn usable(parent: &Path) -> PathBuf {
    if parent.as_os_str().len() <= MAX_PARENT && parent.is_absolute() && parent.is_dir() {
        parent.to_owned()
    } else {
        PathBuf::from("/tmp")
    }
}

/// Removes the folders in `parent` whose owner no longer runs. `before` stops what may still use one.
pub(crate) fn remove_abandoned(parent: &Path, before: impl Fn(&Path)) {
    let parent = usable(parent);
    let entries = match fs::read_dir(&parent) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::debug!(path = %parent.display(), %error, "cannot look for abandoned temporary folders");
            return;
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && is_abandoned(&path) {
            tracing::debug!(path = %path.display(), "removing an abandoned temporary folder");
            before(&path);
            remove(&path);
        }
    }
}

fn is_abandoned(folder: &Path) -> bool {
    let older_than = |path: &Path, age: Duration| {
        let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
        modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|passed| passed > age))
    };
    let owner = folder.join("owner");
    match OpenOptions::new().write(true).open(&owner) {
        // A new file is locked a moment after its creation.
        Ok(file) => older_than(&owner, Duration::from_secs(2)) && file.try_lock().is_ok(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            older_than(folder, Duration::from_mins(10))
        }
        // It belongs to another user.
        Err(_) => false,
    }
}
