//! Options of the commands that write the records of revisions and run nothing.

use std::path::PathBuf;
use std::time::Duration;

use super::globals::Globals;
use super::run_options;
use crate::config::Database;
use crate::duration;
use crate::error::Result;
use crate::migrate;

/// Options of the commands that write the records of revisions and run nothing.
#[derive(clap::Args, Clone, Debug)]
pub struct RecordOptions {
    /// Folder of migrations [default: that of the configuration].
    #[arg(long, value_name = "DIR")]
    pub migrations: Option<PathBuf>,
    /// Name of a protected environment, to confirm the change.
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    /// How long to wait for another migration run to finish; a plain number counts seconds.
    #[arg(long, value_name = "TIME", default_value = "1min", value_parser = duration::seconds)]
    lock_wait: Duration,
}

impl RecordOptions {
    /// Returns the options of the run.
    pub fn resolve(&self, globals: &Globals) -> migrate::Options {
        migrate::Options {
            lock_wait: self.lock_wait,
            messages: globals.messages(),
            interrupt: globals.interrupt.clone(),
            ..migrate::Options::default()
        }
    }

    /// Asks for confirmation if the environment is protected.
    ///
    /// # Errors
    /// Returns an error if the environment is protected and its name is not confirmed.
    pub async fn confirm(&self, database: &Database) -> Result<()> {
        run_options::confirm(self.confirm.as_ref(), database).await
    }
}
