//! How much care a migration takes: options of the commands that write one.

use std::path::PathBuf;
use std::time::Duration;

use super::Globals;
use crate::error::{Diagnostic, Result, codes};
use crate::generate::{MigrationOptions, Proving};
use crate::park::Drops;
use crate::recipes::Policy;
use crate::survey::read_sizes;

/// How much care a migration takes.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct PlanOptions {
    /// `safe` does long work while reading and writing go on; `direct` takes one statement for each change.
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// How long a statement waits for a lock that others wait behind, such as `500ms` or `3s`.
    #[arg(long, value_name = "TIME", value_parser = crate::duration::positive)]
    lock_timeout: Option<Duration>,
    /// `park` moves tables that the target has no more to a schema aside, so that taking it back is instant and loses no
    /// row; `delete` drops them. A dropped column is lost either way.
    #[arg(long, value_name = "HOW")]
    drop: Option<String>,
    /// The sizes of tables that `schemadiff stats pull` saved, instead of those of the database that it starts from.
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,
}

impl PlanOptions {
    /// The terms, with what the configuration says.
    ///
    /// # Errors
    /// When a word means nothing, or the saved sizes cannot be read.
    pub fn terms(&self, globals: &Globals, no_verify: bool) -> Result<MigrationOptions> {
        let config = globals.config()?;
        let policy = match &self.policy {
            None => config.policy,
            Some(word) => Policy::named(word).ok_or_else(|| {
                Diagnostic::new(codes::USAGE, format!("`{word}` is no policy"))
                    .help(format!("it is one of {}", Policy::NAMES.join(", ")))
            })?,
        };
        let lock_timeout = self.lock_timeout.unwrap_or(config.lock_timeout);
        let drops = match &self.drop {
            None => config.drops,
            Some(word) => Drops::named(word).ok_or_else(|| {
                Diagnostic::new(codes::USAGE, format!("`{word}` is no way to drop"))
                    .help(format!("it is {}", Drops::NAMES.join(" or ")))
            })?,
        };
        let file = self.stats.as_ref().or(config.stats.as_ref());
        let sizes = file.map(|file| read_sizes(file)).transpose()?;
        let proving = if no_verify { Proving::Skipped } else { Proving::Always };
        Ok(MigrationOptions { proving, policy, lock_timeout, drops, sizes, ..MigrationOptions::default() })
    }
}
