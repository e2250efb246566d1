//! The value of a sequence that a column with existing values starts to use.

use crate::model::sql::{Ident, Sql};
use crate::model::{ObjectId, Step};
use crate::sql;

/// Returns the step that sets a sequence to the last value of a column. It changes nothing if the column has no value
/// within the bound, which is the sequence's first possible value.
pub fn advance_sequence(
    object: &ObjectId,
    sequence: &Sql,
    column: &ObjectId,
    descending: bool,
    bound: Option<i64>,
) -> Step {
    let (function, compared) = if descending { ("min", "<=") } else { ("max", ">=") };
    let last = sql!("{}({})", Sql::trusted(function), Ident(column.name()));
    let sql = sql!(
        "SELECT pg_catalog.setval({}, {}) FROM {} HAVING {} {} {}",
        sequence,
        last,
        column.qualified_relation(),
        last,
        Sql::trusted(compared),
        bound.unwrap_or(if descending { -1 } else { 1 }),
    );
    Step::populate(object, sql)
}
