//! The PostgreSQL programs installed on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::db::{Environment, PgVersion};

/// The programs of a server: `postgres`, `initdb`, `pg_ctl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Programs {
    pub(super) folder: PathBuf,
    pub(super) version: PgVersion,
}

impl Programs {
    /// The path of a program.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The programs in a folder that contains a supported server.
    pub(super) fn in_folder(folder: &Path) -> Option<Self> {
        if !folder.join("initdb").is_file() {
            return None;
        }
        let version = version_of(&folder.join("postgres"))?;
        (version >= PgVersion::V14).then(|| Self { folder: folder.to_owned(), version })
    }
}

/// The server of this major version, or else the newest one.
pub(super) fn find(major: Option<u32>, environment: &Environment) -> Option<Programs> {
    let mut folders = folders(environment);
    if let Some(major) = major {
        // Most paths contain the version. Running a program to get it takes 10 ms.
        folders.sort_by_key(|folder| !folder.components().any(|part| names_major(part.as_os_str(), major)));
    }
    let mut best: Option<Programs> = None;
    for folder in folders {
        let Some(found) = Programs::in_folder(&folder) else { continue };
        if Some(found.version.major()) == major {
            return Some(found);
        }
        if best.as_ref().is_none_or(|best| best.version < found.version) {
            best = Some(found);
        }
    }
    best
}

/// The newest server of each major version.
pub(super) fn newest_of_each_major(environment: &Environment) -> Vec<Programs> {
    let mut best: BTreeMap<u32, Programs> = BTreeMap::new();
    for found in folders(environment).iter().filter_map(|folder| Programs::in_folder(folder)) {
        let older = best.get(&found.version.major()).is_none_or(|other| other.version < found.version);
        if older {
            best.insert(found.version.major(), found);
        }
    }
    best.into_values().collect()
}

/// Returns true if a part of a path contains this major version, as in `pgsql-17`.
fn names_major(part: &std::ffi::OsStr, major: u32) -> bool {
    let part = part.to_string_lossy();
    part.trim_start_matches(|c: char| !c.is_ascii_digit()).split('.').next() == Some(&major.to_string())
}

/// The newest `pg_dump` that can read a server of this version. It reads its own major version and older ones.
pub(super) fn pg_dump(server: PgVersion, environment: &Environment) -> Option<PathBuf> {
    let mut best: Option<(PgVersion, PathBuf)> = None;
    for folder in folders(environment) {
        let program = folder.join("pg_dump");
        let Some(version) = version_of(&program) else { continue };
        let newer = best.as_ref().is_none_or(|(best, _)| *best < version);
        if version.major() >= server.major() && newer {
            best = Some((version, program));
        }
    }
    best.map(|(_, program)| program)
}

/// The value of `SCHEMADIFF_PG_BINDIRS` that hides all installed programs.
const NONE: &str = "none";

/// Folders with PostgreSQL programs, in the order of preference, without duplicates.
fn folders(environment: &Environment) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    if environment.get("SCHEMADIFF_PG_BINDIRS") == Some(NONE) {
        return folders;
    }
    let list = |name: &str| environment.get_os(name).map(std::env::split_paths).into_iter().flatten();
    folders.extend(list("SCHEMADIFF_PG_BINDIRS"));
    folders.extend(list("PATH"));
    folders.extend(pg_config(environment));
    folders.extend(children("/usr/lib/postgresql", "", "bin"));
    folders.extend(children("/usr", "pgsql-", "bin"));
    folders.extend(children("/usr/lib64/pgsql", "", "bin"));
    folders.extend(children("/opt/homebrew/opt", "postgresql", "bin"));
    folders.extend(children("/usr/local/opt", "postgresql", "bin"));
    folders.extend(children("/Applications/Postgres.app/Contents/Versions", "", "bin"));
    folders.extend(children("/Library/PostgreSQL", "", "bin"));
    folders.push(PathBuf::from("/usr/local/pgsql/bin"));
    folders.push(PathBuf::from("/usr/lib/postgresql/bin"));
    let mut seen = BTreeSet::new();
    folders.retain(|folder| {
        let real = fs::canonicalize(folder).ok();
        real.is_some_and(|real| contains_programs(&real) && seen.insert(real))
    });
    folders
}

fn contains_programs(folder: &Path) -> bool {
    ["postgres", "pg_dump"].iter().any(|program| folder.join(program).is_file())
}

/// The folders that match `BASE/PREFIX*/LEAF`, newest version first.
fn children(base: &str, prefix: &str, leaf: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(prefix) {
            let version = PgVersion::from_text(&name).map_or(0, PgVersion::number);
            found.push((version, entry.path().join(leaf)));
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// The folder of programs according to `pg_config`.
fn pg_config(environment: &Environment) -> Option<PathBuf> {
    let path = environment.get_os("PATH")?;
    let program =
        std::env::split_paths(path).map(|folder| folder.join("pg_config")).find(|file| file.is_file())?;
    let output =
        Command::new(program).arg("--bindir").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// The version that a program prints.
fn version_of(program: &Path) -> Option<PgVersion> {
    if !program.is_file() {
        return None;
    }
    let output =
        Command::new(program).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    if !output.status.success() {
        return None;
    }
    // `pg_dump (PostgreSQL) 15.14 (Debian ...)`: the first number is the version.
    PgVersion::from_text(&String::from_utf8_lossy(&output.stdout))
}
