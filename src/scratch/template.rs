//! Creates clusters by copying one that is cached between runs: `initdb` takes a second, a copy a fraction of it.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::programs::Programs;
use super::run_as::RunAs;
use crate::db::Environment;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::files::temporary::TemporaryFolder;

/// The superuser of private servers.
pub(super) const SUPERUSER: &str = "schemadiff";

/// The version of the options of `initdb`; increase it when they change.
const FORMAT: u32 = 2;

/// Creates a cluster in `FOLDER/data` and returns its path.
pub(super) fn create_cluster(
    programs: &Programs,
    run_as: RunAs,
    folder: &TemporaryFolder,
    environment: &Environment,
) -> Result<PathBuf> {
    let data = folder.path().join("data");
    let cached = cache(environment).map(|cache| cache.join(key(programs)));
    if let Some(cached) = &cached
        && cached.join("PG_VERSION").is_file()
    {
        match copy(cached, &data, run_as) {
            Ok(()) => {
                mark_used(cached);
                return Ok(data);
            }
            // Another run may be replacing it.
            Err(error) => tracing::debug!(%error, "cannot copy the cached cluster"),
        }
        let _ = fs::remove_dir_all(&data);
    }
    initialise(programs, run_as, folder, &data)?;
    if let Some(cached) = cached
        && let Err(error) = store(&data, &cached)
    {
        // The next run will call initdb again.
        tracing::debug!(%error, "cannot cache the new cluster");
    }
    Ok(data)
}

/// The folder of cached clusters.
fn cache(environment: &Environment) -> Option<PathBuf> {
    let cache = environment.get_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = cache.or_else(|| environment.home().map(|home| home.join(".cache")))?;
    Some(cache.join("schemadiff").join("clusters"))
}

/// The name of a cached cluster. It depends on the server programs, so that a package update creates a new cluster.
fn key(programs: &Programs) -> String {
    let mut hasher = DefaultHasher::new();
    FORMAT.hash(&mut hasher);
    programs.folder.hash(&mut hasher);
    if let Ok(metadata) = fs::metadata(programs.path("postgres")) {
        metadata.len().hash(&mut hasher);
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        modified.map(|time| time.as_nanos()).hash(&mut hasher);
    }
    format!("{}-{:016x}", programs.version, hasher.finish())
}

fn initialise(programs: &Programs, run_as: RunAs, folder: &TemporaryFolder, data: &Path) -> Result<()> {
    let mut output_text = String::new();
    // Some systems, such as macOS, do not have C.UTF-8; C has the same order.
    for locale in ["C.UTF-8", "C"] {
        let _ = fs::remove_dir_all(data);
        let mut command = run_as.command(programs.path("initdb"), folder.path());
        command.arg("-D").arg(data).args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync"]);
        // WAL segments of 1 MB instead of 16 make the copy cheap.
        command.arg(format!("--locale={locale}")).arg("--wal-segsize=1");
        if programs.version.major() >= 18 {
            command.arg("--no-data-checksums");
        }
        let output =
            command.output().map_err(|source| Error::Io { path: programs.path("initdb"), source })?;
        if output.status.success() {
            return drop_other_databases(programs, run_as, folder, data);
        }
        String::from_utf8_lossy(&output.stderr).trim().clone_into(&mut output_text);
    }
    Err(Diagnostic::new(codes::SCRATCH, format!("initdb of PostgreSQL {} failed", programs.version))
        .help(format!("its output: {output_text}"))
        .into())
}

/// Drops all databases but `template1`, which avoids two thirds of the copy at every start. Uses single-user mode
/// (manual, `postgres --single`).
fn drop_other_databases(
    programs: &Programs,
    run_as: RunAs,
    folder: &TemporaryFolder,
    data: &Path,
) -> Result<()> {
    let program = programs.path("postgres");
    let io = |source| Error::Io { path: programs.path("postgres"), source };
    let mut command = run_as.command(&program, folder.path());
    command.args(["--single", "-F", "-D"]).arg(data).arg("template1");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(io)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(DROP_OTHER_DATABASES.as_bytes()).map_err(io)?;
    }
    let output = child.wait_with_output().map_err(io)?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let message = format!("PostgreSQL {} failed in single-user mode", programs.version);
    Err(Diagnostic::new(codes::SCRATCH, message).help(format!("its output: {text}")).into())
}

/// In single-user mode, each line is a statement.
const DROP_OTHER_DATABASES: &str = "\
DROP DATABASE postgres
UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = 'template0'
DROP DATABASE template0
";

/// Sets the modification time of a cached cluster, which says when it was last used.
fn mark_used(cached: &Path) {
    let marked = fs::File::open(cached).and_then(|folder| folder.set_modified(SystemTime::now()));
    if let Err(error) = marked {
        tracing::debug!(%error, "cannot set the modification time of the cached cluster");
    }
}

/// Removes clusters that have not been used for a long time.
fn remove_unused(clusters: &Path) {
    for entry in fs::read_dir(clusters).into_iter().flatten().flatten() {
        let used = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        if used.and_then(|used| used.elapsed().ok()).is_some_and(|passed| passed > MAX_AGE) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// How long an unused cluster is cached.
const MAX_AGE: Duration = Duration::from_hours(30 * 24);

/// Caches a cluster: copies it to a temporary name and renames the copy, so that no run sees an incomplete one.
fn store(data: &Path, cached: &Path) -> Result<()> {
    let parent = cached.parent().unwrap_or(cached);
    let io = |path: &Path| {
        let path = path.to_owned();
        |source| Error::Io { path, source }
    };
    fs::create_dir_all(parent).map_err(io(parent))?;
    let new = parent.join(format!(".new-{}", std::process::id()));
    let _ = fs::remove_dir_all(&new);
    let stored = copy(data, &new, RunAs::Current).and_then(|()| {
        // Remove an incomplete one. If another run has just created a complete one, the rename fails.
        if !cached.join("PG_VERSION").is_file() {
            let _ = fs::remove_dir_all(cached);
        }
        fs::rename(&new, cached).map_err(io(cached))
    });
    let _ = fs::remove_dir_all(&new);
    remove_unused(parent);
    stored
}

/// Copies a folder recursively. On file systems that support it, the copies share blocks.
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
