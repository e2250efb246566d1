//! The settings of a project.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::environments::{Database, Environments};
use super::layout::Layout;
use super::variables::Variables;
use crate::allow::Allowance;
use crate::db::Environment;
use crate::error::Result;
use crate::manage::Manage;
use crate::model::LOCK_TIMEOUT;
use crate::model::rename::AmbiguousRenames;
use crate::park::Drops;
use crate::recipes::Policy;

/// The name of the file.
pub const FILE: &str = "schemadiff.yaml";

/// The settings of a project: those of the file, and defaults.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The path of the file, if it exists.
    pub file: Option<PathBuf>,
    /// The files and folders of the target schema.
    pub target: Vec<PathBuf>,
    /// The folder of the migrations.
    pub migrations: PathBuf,
    /// The naming scheme of the migrations.
    pub layout: Layout,
    /// How to treat ambiguous renames.
    pub renames: Option<AmbiguousRenames>,
    /// The scratch server; `--scratch` overrides it.
    pub scratch: Option<String>,
    /// Which objects are managed.
    pub manage: Manage,
    /// The policy of new migrations.
    pub policy: Policy,
    /// The `lock_timeout` of new migrations.
    pub lock_timeout: Duration,
    /// The hazards that are allowed, with reasons.
    pub allow: Vec<Allowance>,
    /// How to treat tables that are not in the target.
    pub drops: Drops,
    /// The file with saved table sizes.
    pub stats: Option<PathBuf>,
    pub(super) environments: Environments,
}

impl Config {
    /// Finds the file in this folder or in the nearest parent folder.
    pub fn find(folder: &Path) -> Option<PathBuf> {
        let depth = std::path::absolute(folder).map_or(0, |path| path.components().count());
        let mut here = folder.to_path_buf();
        for _ in 0..=depth {
            let file = here.join(FILE);
            if file.is_file() {
                // Messages are shorter without `./`.
                return Some(file.strip_prefix(".").map(Path::to_path_buf).unwrap_or(file));
            }
            here.push("..");
        }
        None
    }

    /// The settings of a project without a file.
    pub fn defaults() -> Self {
        let target = ["schema.yaml", "schema.sql", "schema"].map(PathBuf::from);
        let target = target.iter().find(|path| path.exists()).unwrap_or(&target[0]).clone();
        Self {
            file: None,
            target: vec![target],
            migrations: "generated".into(),
            layout: Layout::default(),
            renames: None,
            scratch: None,
            manage: Manage::default(),
            policy: Policy::default(),
            lock_timeout: LOCK_TIMEOUT,
            allow: Vec::new(),
            drops: Drops::default(),
            stats: None,
            environments: Environments::default(),
        }
    }

    /// The names of the environments.
    pub fn environments(&self) -> impl Iterator<Item = &str> {
        self.environments.names()
    }

    /// Returns the database of an environment: of this name, or the default one.
    ///
    /// # Errors
    /// Returns an error if the environment does not exist, or if its address is invalid or contains an unset variable.
    pub fn environment(
        &self,
        name: Option<&str>,
        variables: &Variables,
        process: &Environment,
    ) -> Result<Database> {
        self.environments.database(name, variables, process)
    }
}
