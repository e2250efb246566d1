//! Options for making a migration.

use std::time::Duration;

use jiff::civil::DateTime;

use crate::model::LOCK_TIMEOUT;
use crate::park::Drops;
use crate::recipes::{Policy, Sizes};

/// Whether a migration is proved before it is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proving {
    /// It is proved.
    Always,
    /// It is not proved (`--no-verify`).
    Skipped,
}

/// Options for making a migration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MigrationOptions {
    /// Whether the migration is proved.
    pub proving: Proving,
    /// Which recipes replace risky statements.
    pub policy: Policy,
    /// How long a statement waits for a lock. Later statements of other sessions queue behind it.
    pub lock_timeout: Duration,
    /// Whether the migration includes backfills. If not, they belong to a revision of their own.
    pub fills: bool,
    /// Whether all short statements run in one transaction, even if they lock several tables. A view that replaces a
    /// renamed table then appears in the same transaction in which the table gets its new name.
    pub at_once: bool,
    /// What happens to tables that are not in the target.
    pub drops: Drops,
    /// The time of the migration, if it is known. It is part of the names of parked tables' schemas.
    pub at: Option<DateTime>,
    /// Saved sizes of the tables. If `None`, the start is queried if it is a database.
    pub sizes: Option<Sizes>,
}

impl Default for MigrationOptions {
    fn default() -> Self {
        Self {
            proving: Proving::Always,
            policy: Policy::default(),
            lock_timeout: LOCK_TIMEOUT,
            fills: true,
            at_once: false,
            drops: Drops::default(),
            at: None,
            sizes: None,
        }
    }
}

impl From<Proving> for MigrationOptions {
    fn from(proving: Proving) -> Self {
        Self { proving, ..Self::default() }
    }
}
