//! Options of the commands that plan a migration.

use std::path::PathBuf;
use std::time::Duration;

use super::options::unknown;
use super::project::Project;
use crate::duration;
use crate::error::Result;
use crate::generate::{MigrationOptions, Proving};
use crate::park::Drops;
use crate::recipes::Policy;
use crate::survey::read_sizes;

/// Options of the commands that plan a migration.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct PlanOptions {
    /// Planning policy: `safe` avoids long locks, `direct` uses one statement per change, `phased` splits the migration.
    ///
    /// `safe` keeps tables readable and writable during long operations: indexes are built CONCURRENTLY, constraints are
    /// validated separately, rows are backfilled in batches. `phased` writes what `--phased` does.
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// How long a statement of the migration waits for a lock, such as `500ms` [default: 3s].
    #[arg(long, value_name = "TIME", value_parser = duration::positive)]
    lock_timeout: Option<Duration>,
    /// What to do with tables that are not in the target: `delete` drops them, `park` keeps their rows.
    ///
    /// `park` moves such a table to another schema, so that a rollback is instant and loses no rows. Dropped columns are
    /// lost with either value.
    #[arg(long, value_name = "HOW")]
    drop: Option<String>,
    /// Table sizes saved by `schemadiff stats pull` [default: read from the database that the plan starts from].
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,
    /// Skip the rehearsal on a scratch copy.
    #[arg(long)]
    no_verify: bool,
}

impl PlanOptions {
    /// Returns the options of the plan: those given here, or else those of the configuration.
    ///
    /// # Errors
    /// Returns an error if a value is invalid or the saved sizes cannot be read.
    pub fn resolve(&self, project: &Project) -> Result<MigrationOptions> {
        let config = &project.config;
        let policy = match &self.policy {
            None => config.policy,
            Some(word) => Policy::named(word).ok_or_else(|| unknown("policy", word, Policy::NAMES))?,
        };
        let lock_timeout = self.lock_timeout.unwrap_or(config.lock_timeout);
        let drops = match &self.drop {
            None => config.drops,
            Some(word) => {
                Drops::named(word).ok_or_else(|| unknown("value of --drop:", word, &Drops::NAMES))?
            }
        };
        let file = self.stats.as_ref().or(config.stats.as_ref());
        let sizes = file.map(|file| read_sizes(file)).transpose()?;
        let proving = if self.no_verify { Proving::Skipped } else { Proving::Always };
        Ok(MigrationOptions { proving, policy, lock_timeout, drops, sizes, ..MigrationOptions::default() })
    }

    /// Whether the migration is rehearsed.
    pub fn is_proved(&self) -> bool {
        !self.no_verify
    }

    /// Warns if the migration is not rehearsed.
    pub fn warn_if_unproved(&self, project: &Project) {
        if self.no_verify {
            project.globals.say("warning: --no-verify: this migration was not rehearsed");
        }
    }
}
