//! What a step may do that hurts.

/// What may hurt. A closed set; the codes are stable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hazard {
    /// Rows or values go that cannot come back.
    DataLoss(String),
    /// The table is written anew while nobody can use it.
    Rewrite(String),
    /// The whole table is read while others wait.
    Scan(String),
    /// Rows that are there do not bear it, so that it fails.
    Violation(String),
    /// A running application that uses the old name fails.
    BreaksClients(String),
}

impl Hazard {
    /// The code of each, and what it means.
    pub const MEANINGS: &[(&str, &str)] = &[
        (
            "DataLoss",
            "Rows or values go that the rollback cannot bring back. Keep the object in the target, or take a backup \
             and allow it with `--allow DataLoss`.",
        ),
        (
            "Rewrite",
            "The table is written anew while nobody can use it, which takes as long as the table is large. Run it \
             when that can be borne.",
        ),
        (
            "Scan",
            "The whole table is read while others wait, which takes as long as the table is large. Run it when that \
             can be borne.",
        ),
        (
            "Violation",
            "Rows that are there do not bear the change, so that it fails while it runs: NULL where a value is \
             required, doubles under a key, rows that a constraint refuses or that refer to none. Mend the rows first, \
             or say with `backfill` what they are to hold.",
        ),
        (
            "BreaksClients",
            "A running application that uses the old name fails from then on. Release it together with the migration, \
             or keep the old name for a while.",
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

    /// What exactly.
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
