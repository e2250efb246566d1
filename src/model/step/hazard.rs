//! The hazards of a step.

/// A hazard of a step. The set is closed and the codes are stable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hazard {
    /// Rows or values are lost and cannot be restored.
    DataLoss(String),
    /// A table is rewritten under a lock that blocks reads and writes.
    Rewrite(String),
    /// A table is scanned, or an index built, under a lock that blocks writes.
    Scan(String),
    /// The statement fails if existing rows violate it.
    Violation(String),
    /// Running applications that use the old names, or do not know a required column, fail.
    BreaksClients(String),
}

impl Hazard {
    /// The codes and their explanations, as `schemadiff explain CODE` prints them.
    pub const MEANINGS: &[(&str, &str)] = &[
        (
            "DataLoss",
            "Rows or values are deleted or rounded, and the rollback cannot restore them. Keep the object in the target, \
             park the table with `drop: park`, or take a backup and allow it with `--allow DataLoss`.",
        ),
        (
            "Rewrite",
            "The table is rewritten under a lock that blocks reads and writes; the time is proportional to its size. Run \
             the migration in a maintenance window, or avoid the rewrite: instead of a stored generated column, use a \
             plain column with a trigger and a backfill, or a virtual column (PostgreSQL 18). Instead of removing a value \
             from an enum, forbid it with a CHECK constraint that is validated separately.",
        ),
        (
            "Scan",
            "The table is scanned, or an index built, under a lock that blocks writes; the time is proportional to the \
             size of the table. Run the migration in a maintenance window, or avoid the scan: instead of a constraint of \
             a domain, add a CHECK constraint to each column. PostgreSQL has no other way to add an exclusion constraint.",
        ),
        (
            "Violation",
            "The statement fails if existing rows violate it: NULL values in a column that becomes NOT NULL, duplicates \
             under a unique key, rows that violate a CHECK constraint, orphans of a foreign key, values that cannot be \
             converted to the new type. Fix the rows first, set new values with `backfill`, or convert them with `using`.",
        ),
        (
            "BreaksClients",
            "Running applications fail if they use the old name, or do not set a required column. Deploy the application \
             together with the migration, or use `generate --phased`: between the phases, both the old and the new names \
             work, and the last phase can wait until the old application is gone.",
        ),
    ];

    /// Returns the code, as `--allow` takes it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DataLoss(_) => "DataLoss",
            Self::Rewrite(_) => "Rewrite",
            Self::Scan(_) => "Scan",
            Self::Violation(_) => "Violation",
            Self::BreaksClients(_) => "BreaksClients",
        }
    }

    /// Returns the details.
    pub fn detail(&self) -> &str {
        match self {
            Self::DataLoss(text)
            | Self::Rewrite(text)
            | Self::Scan(text)
            | Self::Violation(text)
            | Self::BreaksClients(text) => text,
        }
    }
}
