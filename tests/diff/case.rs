//! The folders of `fixtures/diff` and the settings in their `case.toml`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemadiff::generate::{MigrationOptions, Proving};
use schemadiff::model::rename::AmbiguousRenames;
use schemadiff::park::Drops;
use serde::Deserialize;

use crate::servers::Server;

/// A folder of `fixtures/diff`.
pub(crate) struct Case {
    /// The folder's name.
    pub(crate) name: String,
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The settings in `case.toml`.
    pub(crate) settings: Settings,
}

/// `case.toml`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// The oldest major version that can run the case.
    min: Option<u32>,
    /// The newest.
    max: Option<u32>,
    /// Extensions that the server must have.
    extensions: Vec<String>,
    /// Shared libraries that an installed server has and the embedded one lacks.
    libraries: Vec<String>,
    /// Steps that neither direction may have: `drop table`, `replace view`, `create column`.
    pub(crate) forbid: Vec<String>,
    /// Columns whose values change or are lost, as `schema.table.column` or `schema.table.*`, and sequences.
    pub(crate) lost: Vec<String>,
    /// The number of tables in which the proof must insert rows of its own that survive.
    pub(crate) rows: Option<usize>,
    /// The policy for ambiguous renames: `drop` or `detect`.
    renames: Option<String>,
    /// The policy for dropped tables: `park`.
    drop: Option<String>,
    /// Whether the start is a folder of migrations whose headers record no rename.
    pub(crate) recorded: bool,
    /// Codes and texts of the error in which the case must end. Nothing else is checked then.
    pub(crate) refused: Vec<String>,
    /// Why YAML cannot declare the target.
    pub(crate) not_in_yaml: Option<String>,
    /// A known gap: the case must fail with this error.
    pub(crate) gap: Option<Gap>,
}

/// Why a case does not work yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gap {
    /// What is missing.
    pub(crate) reason: String,
    /// A text of the error, so that another error is not hidden.
    pub(crate) error: String,
}

impl Case {
    /// Whether a server can run it.
    pub(crate) fn runs_on(&self, server: &Server) -> bool {
        let Settings { min, max, extensions, libraries, .. } = &self.settings;
        min.is_none_or(|min| server.major >= min)
            && max.is_none_or(|max| server.major <= max)
            && extensions.iter().all(|name| server.extensions.contains(name))
            && (libraries.is_empty() || !server.embedded)
    }

    /// What a server must have to run it.
    pub(crate) fn needs(&self) -> String {
        let Settings { min, max, extensions, libraries, .. } = &self.settings;
        let majors = match (min, max) {
            (None, None) => "PostgreSQL".to_owned(),
            (min, max) => format!("PostgreSQL {}-{}", min.unwrap_or(14), max.unwrap_or(18)),
        };
        let parts = [majors].into_iter().chain(extensions.iter().chain(libraries).cloned());
        parts.collect::<Vec<_>>().join(", ")
    }

    /// The policy for ambiguous renames.
    pub(crate) fn ambiguous(&self) -> Option<AmbiguousRenames> {
        self.settings
            .renames
            .as_deref()
            .map(|name| AmbiguousRenames::named(name).expect("`renames` is a known word"))
    }

    /// The options of its migration.
    pub(crate) fn options(&self, proving: Proving) -> MigrationOptions {
        let drops = self.settings.drop.as_deref();
        let drops = drops.map(|name| Drops::named(name).expect("`drop` is a known word"));
        let mut options = MigrationOptions::from(proving);
        options.drops = drops.unwrap_or_default();
        options
    }

    /// The text of a file of the folder, if there is one.
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
        .expect("fixtures/diff exists")
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
