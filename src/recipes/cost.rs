//! What a step takes that works through a table: rows, bytes, disk, time.

use super::Size;
use crate::model::{Action, Hazard, LockMode, Step, Transaction};

/// What a step does with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Reads it.
    Scan,
    /// Reads it and writes an index.
    Build,
    /// Writes it and its indexes anew.
    Rewrite,
    /// Writes new versions of its rows.
    Fill,
}

impl Work {
    /// Microseconds for a row, as measured on a small machine with all in memory: no more than an order of magnitude.
    fn microseconds(self) -> f64 {
        match self {
            Self::Scan => 0.4,
            Self::Build => 0.9,
            Self::Rewrite => 6.0,
            Self::Fill => 25.0,
        }
    }
}

/// Says on a step what it takes, where the size of the table is known.
pub(super) fn tell(step: &mut Step, size: Option<Size>) {
    let (Some(work), Some(size)) = (work(step), size.filter(|size| !size.empty)) else { return };
    let verb = match work {
        Work::Scan => "reads",
        Work::Build => "reads, for an index,",
        Work::Rewrite => "writes anew",
        Work::Fill => "goes through",
    };
    let disk = match work {
        Work::Rewrite => format!(", needs {} of disk meanwhile", bytes(size.bytes + size.indexes)),
        Work::Scan | Work::Build | Work::Fill => String::new(),
    };
    let seconds = size.rows * work.microseconds() / 1e6;
    let rows = format!("{:.0}", size.rows);
    step.cost = Some(format!(
        "{verb} about {} rows ({}), some {}{disk}",
        grouped(&rows),
        bytes(size.bytes),
        time(seconds)
    ));
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
        Transaction::Apart => Some(Work::Scan),
        Transaction::Outside if writes_rows(step) => Some(Work::Fill),
        Transaction::Outside if step.action == Action::Create => Some(Work::Build),
        Transaction::Outside | Transaction::Shared | Transaction::CommitAfter => None,
    }
}

fn writes_rows(step: &Step) -> bool {
    step.lock.as_ref().is_some_and(|(mode, _)| *mode == LockMode::RowExclusive)
}

/// Digits in groups of three.
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

/// Bytes in the largest unit that leaves a number above one.
#[allow(clippy::cast_precision_loss, reason = "it is told with two digits")]
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

fn time(seconds: f64) -> String {
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
    fn numbers_are_told_for_people() {
        assert_eq!(grouped("1234567"), "1,234,567");
        assert_eq!(grouped("12"), "12");
        assert_eq!(bytes(73 * 1024 * 1024), "73 MB");
        assert_eq!(time(0.2), "less than a second");
        assert_eq!(time(600.0), "10 minutes");
    }
}
