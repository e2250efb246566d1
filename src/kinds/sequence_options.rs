//! Options of sequences, which identity columns have, too.

use crate::model::sql::{Expression, Sql};
use crate::model::{AttributeName, Object, Pair};
use crate::sql;

/// Returns the options in which two sequences differ, as `CREATE SEQUENCE` and `ALTER SEQUENCE` write them.
pub(super) fn clauses(sequence: Pair<&Object>) -> Vec<Sql> {
    let Pair { before, after } = sequence;
    let mut list = Vec::new();
    let differs = |name: AttributeName| before.get(name) != after.get(name);
    if differs(AttributeName::TYPE) {
        let name = if after.text(AttributeName::TYPE).is_empty() {
            "bigint"
        } else {
            after.text(AttributeName::TYPE)
        };
        list.push(sql!("AS {}", Expression(name)));
    }
    if differs(AttributeName::INCREMENT) {
        list.push(sql!("INCREMENT BY {}", after.int(AttributeName::INCREMENT).unwrap_or(1)));
    }
    let descending = after.int(AttributeName::INCREMENT).unwrap_or(1) < 0;
    let direction_changes = (before.int(AttributeName::INCREMENT).unwrap_or(1) < 0) != descending;
    for (name, word) in [(AttributeName::MIN, "MINVALUE"), (AttributeName::MAX, "MAXVALUE")] {
        // The default bounds depend on the type and the direction, so that bounds which remain must be repeated.
        let repeated =
            (differs(AttributeName::TYPE) || differs(AttributeName::INCREMENT)) && after.int(name).is_some();
        if differs(name) || direction_changes || repeated {
            list.push(match after.int(name) {
                Some(bound) => sql!("{} {}", Sql::trusted(word), bound),
                None => sql!("NO {}", Sql::trusted(word)),
            });
        }
    }
    let bounds_differ = differs(AttributeName::MIN) || differs(AttributeName::MAX) || direction_changes;
    if differs(AttributeName::START) || bounds_differ && after.int(AttributeName::START).is_none() {
        let first = after.int(AttributeName::START).or(after.int(if descending {
            AttributeName::MAX
        } else {
            AttributeName::MIN
        }));
        list.push(sql!("START WITH {}", first.unwrap_or(if descending { -1 } else { 1 })));
    }
    if differs(AttributeName::CACHE) {
        list.push(sql!("CACHE {}", after.int(AttributeName::CACHE).unwrap_or(1)));
    }
    if differs(AttributeName::CYCLE) {
        list.push(Sql::trusted(if after.flag(AttributeName::CYCLE) { "CYCLE" } else { "NO CYCLE" }));
    }
    list
}

/// Returns `RESTART` if the ranges do not overlap, because the current value is then out of bounds.
pub(super) fn restart(sequence: Pair<&Object>) -> Option<Sql> {
    let (old, new) = (range(sequence.before), range(sequence.after));
    (old.1 < new.0 || new.1 < old.0).then(|| sql!("RESTART"))
}

/// The minimum and the maximum.
fn range(sequence: &Object) -> (i64, i64) {
    let (low, high) = match sequence.text(AttributeName::TYPE) {
        "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let (low, high) =
        if sequence.int(AttributeName::INCREMENT).unwrap_or(1) < 0 { (low, -1) } else { (1, high) };
    (sequence.int(AttributeName::MIN).unwrap_or(low), sequence.int(AttributeName::MAX).unwrap_or(high))
}
