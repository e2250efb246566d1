//! The ends of transactions.

use std::collections::BTreeSet;

use super::items::Item;
use super::spans::spans;
use crate::model::catalog::Catalog;
use crate::model::object::Pair;
use crate::model::step::{LockMode, Step, Transaction};

/// Returns the steps of the items. A transaction ends before a step that locks a further table that is in use, so that a
/// session that waits for a lock holds none that others wait for.
pub(super) fn end_early(items: Vec<Item>, sides: Pair<&Catalog>) -> Vec<Step> {
    let spans = spans(&items, sides);
    let mut steps: Vec<Step> = Vec::new();
    let mut locked: BTreeSet<String> = BTreeSet::new();
    for (i, item) in items.into_iter().enumerate() {
        let may_start_here = !spans.iter().any(|(start, end)| *start < i && i <= *end);
        for (n, step) in item.steps.into_iter().enumerate() {
            if step.transaction.runs_alone() {
                locked.clear();
            }
            if let Some((mode, table)) = step.lock.as_ref().filter(|_| item.in_use)
                && *mode >= LockMode::Share
                && !locked.contains(table)
            {
                let may_end = may_start_here && n == 0 && !locked.is_empty();
                if let Some(last) = steps.last_mut().filter(|_| may_end) {
                    last.transaction = Transaction::CommitAfter;
                    locked.clear();
                }
                locked.insert(table.clone());
            }
            steps.push(step);
        }
    }
    steps
}
