//! The rungs of the ladder, one file each.

mod binaries;
mod embedded;
mod environment;
mod url;

use super::choice::Choice;
use super::rung::Rung;

/// The rungs to try for a choice of the user, in order.
pub(super) fn of(choice: &Choice) -> Vec<Box<dyn Rung>> {
    match choice {
        Choice::Auto => vec![
            Box::new(binaries::Binaries { folder: None }),
            Box::new(environment::Environment),
            Box::new(embedded::Embedded),
        ],
        Choice::Url(target) => vec![Box::new(url::Url { target: target.clone() })],
        Choice::Binaries(folder) => vec![Box::new(binaries::Binaries { folder: folder.clone() })],
        Choice::Environment => vec![Box::new(environment::Environment)],
        Choice::Embedded => vec![Box::new(embedded::Embedded)],
    }
}
