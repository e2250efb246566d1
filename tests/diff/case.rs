//! The folders and what their `case.toml` says.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemadiff::generate::{MigrationOptions, Proving};
use schemadiff::model::rename::AmbiguousRenames;
use schemadiff::park::Drops;
use serde::Deserialize;

use crate::servers::Server;

/// A folder of fixtures.
pub(crate) struct Case {
    /// The folder's name.
    pub(crate) name: String,
    /// The folder.
    pub(crate) folder: PathBuf,
    /// What `case.toml` says.
    pub(crate) settings: Settings,
}

/// `case.toml`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// The oldest major version that it is about.
    min: Option<u32>,
    /// The newest.
    max: Option<u32>,
    /// Extensions that the server must have.
    extensions: Vec<String>,
    /// Libraries of a server that the one inside the program has not.
    libraries: Vec<String>,
    /// Steps that there must not be, on either way: `drop table`, `replace view`, `create column`.
    pub(crate) forbid: Vec<String>,
    /// Columns whose values change or go, as `schema.table.column` or `schema.table.*`, and sequences.
    pub(crate) lost: Vec<String>,
    /// In how many tables the proof must make rows up that survive.
    pub(crate) rows: Option<usize>,
    /// What becomes of what could be a rename and is not said to be one: `drop` or `detect`.
    renames: Option<String>,
    /// What becomes of tables that go: `park`.
    drop: Option<String>,
    /// Whether it starts from migrations, which record what they renamed: nothing.
    pub(crate) recorded: bool,
    /// Codes and words that must be in the error that it ends in; then there is no more to it.
    pub(crate) refused: Vec<String>,
    /// Why YAML cannot say its target.
    pub(crate) not_in_yaml: Option<String>,
    /// Why it does not work yet. It must fail until it does.
    pub(crate) gap: Option<String>,
}

impl Case {
    /// Whether a server can run it.
    pub(crate) fn runs_on(&self, server: &Server) -> bool {
        let Settings { min, max, extensions, libraries, .. } = &self.settings;
        if server.embedded && !libraries.is_empty() {
            println!("skipped {}: it needs {} of a real server", self.name, libraries.join(", "));
            return false;
        }
        min.is_none_or(|min| server.major >= min)
            && max.is_none_or(|max| server.major <= max)
            && extensions.iter().all(|name| server.extensions.contains(name))
    }

    /// What `renames` says.
    pub(crate) fn unanswered(&self) -> Option<AmbiguousRenames> {
        self.settings
            .renames
            .as_deref()
            .map(|name| AmbiguousRenames::named(name).expect("`renames` is a known word"))
    }

    /// How it is made.
    pub(crate) fn terms(&self, proving: Proving) -> MigrationOptions {
        let drops = self.settings.drop.as_deref();
        let drops = drops.map(|name| Drops::named(name).expect("`drop` is a known word"));
        let mut options = MigrationOptions::from(proving);
        options.drops = drops.unwrap_or_default();
        options
    }

    /// A file of the folder, where there is one.
    pub(crate) fn file(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.join(name)).ok()
    }

    /// The path of the target, SQL or YAML.
    pub(crate) fn target(&self) -> PathBuf {
        let yaml = self.folder.join("after.yaml");
        if yaml.exists() { yaml } else { self.folder.join("after.sql") }
    }
}

/// Every folder, by name.
pub(crate) fn all() -> Vec<Arc<Case>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/diff");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&root)
        .expect("fixtures/diff is there")
        .map(|entry| entry.expect("a folder can be read").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders.into_iter().map(|folder| Arc::new(read(folder))).collect()
}

fn read(folder: PathBuf) -> Case {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(folder.join("case.toml")).unwrap_or_default();
    let settings = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}/case.toml: {error}"));
    Case { name, folder, settings }
}
