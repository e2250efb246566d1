//! Temporary folders that disappear, even after their owner was killed.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::owner;
use crate::db::Environment;
use crate::error::{Error, Result};

const PREFIX: &str = "schemadiff-";

/// The folders of this process, for the moment when it is told to end.
static OURS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A folder of ours. As long as the owner lives it holds a lock on the file `owner`: the kernel
/// frees the lock when the process dies however it dies, and this is seen from another container
/// too, where the process's number means nothing.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes a folder that only this user may enter.
    pub(crate) fn create(environment: &Environment) -> Result<Self> {
        let base = base(environment);
        let path = tempfile::Builder::new()
            .prefix(PREFIX)
            .rand_bytes(8)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&base)
            .map_err(|source| Error::Io { path: base, source })?
            .keep();
        let file = path.join("owner");
        let locked = || -> std::io::Result<File> {
            let mut lock = OpenOptions::new().create(true).truncate(true).write(true).open(&file)?;
            lock.lock()?;
            writeln!(lock, "{}", owner::this_process())?;
            Ok(lock)
        };
        match locked() {
            Ok(lock) => {
                ours().insert(path.clone());
                Ok(Self { path, _lock: lock })
            }
            Err(source) => {
                let _ = fs::remove_dir_all(&path);
                Err(Error::Io { path: file, source })
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this process is root, seen from what it made.
    pub(super) fn is_of_root(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| metadata.uid() == 0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        ours().remove(&self.path);
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "a scratch folder stays");
        }
    }
}

fn ours() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the folders of this process, which is about to end.
pub(super) fn remove_ours() {
    for path in std::mem::take(&mut *ours()) {
        let _ = fs::remove_dir_all(path);
    }
}

/// The folder for temporary folders. A socket's path has at most 107 bytes, so that a long TMPDIR
/// (macOS has one) is passed over.
fn base(environment: &Environment) -> PathBuf {
    let chosen = environment.temporary();
    if chosen.as_os_str().len() <= 60 && chosen.is_absolute() && chosen.is_dir() {
        chosen
    } else {
        PathBuf::from("/tmp")
    }
}

/// Removes the folders whose owner is gone. `before` stops what may still run in one.
pub(super) fn sweep(environment: &Environment, before: impl Fn(&Path)) {
    let Ok(entries) = fs::read_dir(base(environment)) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && is_abandoned(&entry.path()) {
            tracing::debug!(path = %entry.path().display(), "removing an abandoned scratch folder");
            before(&entry.path());
            if let Err(error) = fs::remove_dir_all(entry.path()) {
                tracing::debug!(path = %entry.path().display(), %error, "an abandoned scratch folder stays");
            }
        }
    }
}

fn is_abandoned(path: &Path) -> bool {
    // A folder that was just made has no lock yet.
    let settled = |path: &Path, age: Duration| {
        let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
        modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|passed| passed > age))
    };
    let owner = path.join("owner");
    match OpenOptions::new().write(true).open(&owner) {
        Ok(file) => settled(&owner, Duration::from_secs(2)) && file.try_lock().is_ok(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => settled(path, Duration::from_mins(10)),
        Err(_) => false,
    }
}
