//! Estimates of what a long step takes: rows, bytes, disk space, time.

use super::sizes::Size;
use crate::model::step::{Action, Hazard, LockMode, Step, Transaction};

/// What a step does with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Reads it.
    Scan,
    /// Reads it and writes an index.
    Build,
    /// Rewrites it and its indexes.
    Rewrite,
    /// Updates its rows.
    Backfill,
}

impl Work {
    /// Microseconds per row, measured on a small machine with all data in memory. The right order of magnitude, no more.
    fn microseconds(self) -> f64 {
        match self {
            Self::Scan => 0.4,
            Self::Build => 0.9,
            Self::Rewrite => 6.0,
            Self::Backfill => 25.0,
        }
    }

    /// What an estimate begins with. Comments in migrations are recognized by it.
    fn verb(self) -> &'static str {
        match self {
            Self::Scan => "reads",
            Self::Build => "builds an index over",
            Self::Rewrite => "rewrites",
            Self::Backfill => "backfills",
        }
    }
}

/// Adds an estimate to a step, if it is a long one and the size of the table is known.
pub(super) fn estimate(step: &mut Step, size: Option<Size>) {
    let (Some(work), Some(size)) = (work(step), size.filter(|size| !size.empty)) else { return };
    let rows = grouped(&format!("{:.0}", size.rows));
    let time = duration(size.rows * work.microseconds() / 1e6);
    let disk = match work {
        Work::Rewrite => format!(", needs {} of free disk space", bytes(size.bytes + size.indexes)),
        Work::Scan | Work::Build | Work::Backfill => String::new(),
    };
    let text = format!("{} about {rows} rows ({}), estimated {time}{disk}", work.verb(), bytes(size.bytes));
    step.cost = Some(text);
}

fn work(step: &Step) -> Option<Work> {
    let has = |wanted: fn(&Hazard) -> bool| step.hazards.iter().any(wanted);
    if has(|hazard| matches!(hazard, Hazard::Rewrite(_))) {
        return Some(Work::Rewrite);
    }
    if has(|hazard| matches!(hazard, Hazard::Scan(_))) {
        return Some(Work::Scan);
    }
    match step.transaction {
        Transaction::Own => Some(Work::Scan),
        Transaction::Outside if updates_rows(step) => Some(Work::Backfill),
        Transaction::Outside if step.action == Action::Create => Some(Work::Build),
        Transaction::Outside | Transaction::Shared | Transaction::CommitAfter => None,
    }
}

fn updates_rows(step: &Step) -> bool {
    step.lock.as_ref().is_some_and(|(mode, _)| *mode == LockMode::RowExclusive)
}

/// Separates digits into groups of three.
fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Prints bytes in the largest unit that gives at least one.
#[allow(clippy::cast_precision_loss, reason = "only two digits are printed")]
fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = number as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.0} {}", UNITS[unit])
}

fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        "less than a second".to_owned()
    } else if seconds < 120.0 {
        format!("{seconds:.0} seconds")
    } else if seconds < 7200.0 {
        format!("{:.0} minutes", seconds / 60.0)
    } else {
        format!("{:.0} hours", seconds / 3600.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_bytes_and_durations_are_readable() {
        assert_eq!(grouped("1234567"), "1,234,567");
        assert_eq!(grouped("12"), "12");
        assert_eq!(bytes(73 * 1024 * 1024), "73 MB");
        assert_eq!(duration(0.2), "less than a second");
        assert_eq!(duration(600.0), "10 minutes");
    }
}
