//! What a step may do that hurts.

/// What may hurt. A closed set; the codes are stable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hazard {
    /// Rows or values go that cannot come back.
    DataLoss(String),
    /// The table is written anew while nobody can use it.
    Rewrite(String),
    /// The whole table is read, or an index built, while others wait.
    Scan(String),
    /// Rows that are there do not bear it, so that it fails.
    Violation(String),
    /// A running application that uses the old name, or does not know what is required, fails.
    BreaksClients(String),
}

impl Hazard {
    /// The code of each, and what it means.
    pub const MEANINGS: &[(&str, &str)] = &[
        (
            "DataLoss",
            "Rows or values go that the rollback cannot bring back, or are rounded. Keep the object in the target, put a \
             table aside with `drop: park`, or take a backup and allow it with `--allow DataLoss`.",
        ),
        (
            "Rewrite",
            "The table is written anew while nobody can use it, which takes as long as the table is large. Run it when \
             that can be borne, or do without: in the place of a stored generated column a plain one with a trigger \
             and a backfill, or on 18 a virtual one; a value that an enum is to lose can stay in the type and be \
             forbidden by a CHECK constraint, which is validated while work goes on.",
        ),
        (
            "Scan",
            "The whole table is read, or an index built, while others wait, which takes as long as the table is large. \
             Run it when that can be borne, or do without: what a domain is to check can be a CHECK constraint of each \
             column; no server adds an exclusion constraint in another way.",
        ),
        (
            "Violation",
            "Rows that are there do not bear the change, so that it fails while it runs: NULL where a value is \
             required, doubles under a key, rows that a constraint refuses or that refer to none, values whose text \
             another type does not read. Mend the rows first, say with `backfill` what they are to hold, or with \
             `using` how old values become values of a new type.",
        ),
        (
            "BreaksClients",
            "A running application that uses the old name, or does not know a column that is required, fails from then \
             on. Release it together with the migration, or use `generate --phased`: between the phases tables and \
             columns have both their names, and the last one can wait until the old program is gone.",
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
