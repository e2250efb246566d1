//! Hazards: what a step may do to rows, to other sessions and to applications.

/// A hazard of a step. The set is closed and the codes are stable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hazard {
    /// Rows or values are lost.
    DataLoss(String),
    /// The table is rewritten while reads and writes wait.
    Rewrite(String),
    /// The table is scanned, or an index is built, while writes wait.
    Scan(String),
    /// Existing rows may violate the change, so that it fails.
    Violation(String),
    /// Running applications that use an old name, or that do not set a required column, fail.
    BreaksClients(String),
}

impl Hazard {
    /// The codes, each with its meaning and the alternatives.
    pub const MEANINGS: &[(&str, &str)] = &[
        (
            "DataLoss",
            "Rows or values are deleted or rounded, and a rollback cannot restore them. Keep the object in the target, \
             park a table with `drop: park`, or take a backup and allow the loss with `--allow DataLoss`.",
        ),
        (
            "Rewrite",
            "The table is rewritten while reads and writes wait; the time is proportional to the size of the table. Run \
             it during a maintenance window, or avoid it: in place of a stored generated column, use a plain column \
             with a trigger and a backfill, or on 18 a virtual generated column; in place of dropping an enum value, \
             forbid it by a CHECK constraint, which is validated without blocking.",
        ),
        (
            "Scan",
            "The table is scanned, or an index is built, while writes wait; the time is proportional to the size of the \
             table. Run it during a maintenance window, or avoid it: in place of a constraint on a domain, use a CHECK \
             constraint on each column. There is no other way to add an exclusion constraint.",
        ),
        (
            "Violation",
            "Existing rows violate the change, so that it fails while it runs: NULL where a value is required, \
             duplicates under a key, rows that a constraint rejects, orphans under a foreign key, or values that cannot \
             be converted to another type. Fix the rows first, or declare their values: with `backfill` for NULL, with \
             `using` for another type.",
        ),
        (
            "BreaksClients",
            "Running applications that use the old name, or that do not set a column that becomes required, fail from \
             then on. Release the application together with the migration, or use `generate --phased`: between the \
             phases, tables and columns have both names, and the last phase can wait until the old version is gone.",
        ),
    ];

    /// The code that `--allow` takes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DataLoss(_) => "DataLoss",
            Self::Rewrite(_) => "Rewrite",
            Self::Scan(_) => "Scan",
            Self::Violation(_) => "Violation",
            Self::BreaksClients(_) => "BreaksClients",
        }
    }

    /// What exactly happens, with the names of the objects.
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
