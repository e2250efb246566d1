//! An initialised cluster, kept between runs: `initdb` takes a second, a copy a fraction of it.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::binaries::Binaries;
use super::run_as::RunAs;
use crate::db::Environment;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::files::temporary::TemporaryFolder;

/// The superuser of private clusters.
pub(super) const SUPERUSER: &str = "schemadiff";

/// Changes when what `initdb` is told changes.
const LAYOUT: u32 = 2;

/// Puts an initialised cluster at `FOLDER/data`.
pub(super) fn provide(
    binaries: &Binaries,
    run_as: RunAs,
    folder: &TemporaryFolder,
    environment: &Environment,
) -> Result<PathBuf> {
    let data = folder.path().join("data");
    let cached = cache(environment).map(|cache| cache.join(key(binaries)));
    if let Some(cached) = &cached
        && cached.join("PG_VERSION").is_file()
    {
        match copy(cached, &data, run_as) {
            Ok(()) => {
                mark_used(cached);
                return Ok(data);
            }
            // Another run may be replacing it, or the disk may have lost a part.
            Err(error) => tracing::debug!(%error, "the cached cluster cannot be copied"),
        }
        let _ = fs::remove_dir_all(&data);
    }
    initialise(binaries, run_as, folder, &data)?;
    if let Some(cached) = cached
        && let Err(error) = store(&data, &cached)
    {
        // Only slower: the next run initialises again.
        tracing::debug!(%error, "the new cluster cannot be kept for the next run");
    }
    Ok(data)
}

/// The folder of clusters in the user's cache.
fn cache(environment: &Environment) -> Option<PathBuf> {
    let cache = environment.get_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = cache.or_else(|| environment.home().map(|home| home.join(".cache")))?;
    Some(cache.join("schemadiff").join("clusters"))
}

/// Names a cluster after the very programs that made it: a package that is updated makes another.
fn key(binaries: &Binaries) -> String {
    let mut hasher = DefaultHasher::new();
    LAYOUT.hash(&mut hasher);
    binaries.folder.hash(&mut hasher);
    if let Ok(metadata) = fs::metadata(binaries.program("postgres")) {
        metadata.len().hash(&mut hasher);
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        modified.map(|time| time.as_nanos()).hash(&mut hasher);
    }
    format!("{}-{:016x}", binaries.version, hasher.finish())
}

fn initialise(binaries: &Binaries, run_as: RunAs, folder: &TemporaryFolder, data: &Path) -> Result<()> {
    let mut said = String::new();
    // Not every system has C.UTF-8 (macOS does not); C orders the same way.
    for locale in ["C.UTF-8", "C"] {
        let _ = fs::remove_dir_all(data);
        let mut command = run_as.command(binaries.program("initdb"), folder.path());
        command.arg("-D").arg(data).args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync"]);
        // Segments of 1 MB instead of 16 make a copy cheap.
        command.arg(format!("--locale={locale}")).arg("--wal-segsize=1");
        if binaries.version.major() >= 18 {
            command.arg("--no-data-checksums");
        }
        let output =
            command.output().map_err(|source| Error::Io { path: binaries.program("initdb"), source })?;
        if output.status.success() {
            return leave_one_database(binaries, run_as, folder, data);
        }
        String::from_utf8_lossy(&output.stderr).trim().clone_into(&mut said);
    }
    Err(Diagnostic::new(codes::SCRATCH, format!("initdb of PostgreSQL {} failed", binaries.version))
        .help(format!("it said: {said}"))
        .into())
}

/// Of the three databases only `template1` stays: two thirds of the files need not be copied at
/// every start. The server does it alone, without listening (manual, `postgres --single`).
fn leave_one_database(
    binaries: &Binaries,
    run_as: RunAs,
    folder: &TemporaryFolder,
    data: &Path,
) -> Result<()> {
    let program = binaries.program("postgres");
    let io = |source| Error::Io { path: binaries.program("postgres"), source };
    let mut command = run_as.command(&program, folder.path());
    command.args(["--single", "-F", "-D"]).arg(data).arg("template1");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(io)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(ONE_DATABASE.as_bytes()).map_err(io)?;
    }
    let output = child.wait_with_output().map_err(io)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Diagnostic::new(codes::SCRATCH, format!("PostgreSQL {} could not be prepared", binaries.version))
        .help(format!("it said: {said}"))
        .into())
}

/// A line is a statement there.
const ONE_DATABASE: &str = "\
DROP DATABASE postgres
UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = 'template0'
DROP DATABASE template0
";

/// The time of a cluster's folder is when it was last used.
fn mark_used(cached: &Path) {
    let marked = fs::File::open(cached).and_then(|folder| folder.set_modified(SystemTime::now()));
    if let Err(error) = marked {
        tracing::debug!(%error, "the cached cluster cannot be marked as used");
    }
}

/// Removes clusters of programs that were updated away.
fn remove_unused(clusters: &Path) {
    for entry in fs::read_dir(clusters).into_iter().flatten().flatten() {
        let used = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        if used.and_then(|used| used.elapsed().ok()).is_some_and(|passed| passed > KEPT) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// How long a cluster that nobody uses is kept.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Keeps a cluster under its name, whole or not at all: it is made beside and then renamed.
fn store(data: &Path, cached: &Path) -> Result<()> {
    let parent = cached.parent().unwrap_or(cached);
    let io = |path: &Path| {
        let path = path.to_owned();
        |source| Error::Io { path, source }
    };
    fs::create_dir_all(parent).map_err(io(parent))?;
    let beside = parent.join(format!(".new-{}", std::process::id()));
    let _ = fs::remove_dir_all(&beside);
    let stored = copy(data, &beside, RunAs::Ourselves).and_then(|()| {
        // A broken one may be in the way; a good one that another run just made makes the rename fail.
        if !cached.join("PG_VERSION").is_file() {
            let _ = fs::remove_dir_all(cached);
        }
        fs::rename(&beside, cached).map_err(io(cached))
    });
    let _ = fs::remove_dir_all(&beside);
    remove_unused(parent);
    stored
}

/// Copies a folder with all that is in it. The file system shares the blocks where it can.
fn copy(from: &Path, to: &Path, run_as: RunAs) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .mode(0o700)
        .create(to)
        .map_err(|source| Error::Io { path: to.to_owned(), source })?;
    run_as.own(to)?;
    let entries = fs::read_dir(from).map_err(|source| Error::Io { path: from.to_owned(), source })?;
    for entry in entries {
        let entry = entry.map_err(|source| Error::Io { path: from.to_owned(), source })?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type().map_err(|source| Error::Io { path: entry.path(), source })?;
        if kind.is_dir() {
            copy(&entry.path(), &target, run_as)?;
        } else {
            fs::copy(entry.path(), &target).map_err(|source| Error::Io { path: target.clone(), source })?;
            run_as.own(&target)?;
        }
    }
    Ok(())
}
