//! Directives: what a target says about how to reach it, beside the state itself.

use std::collections::BTreeMap;

use super::object::ObjectId;
use crate::error::Place;

/// The directive `backfill`: the value of a column in existing rows.
#[derive(Clone, Debug)]
pub struct Backfill {
    /// The value, as an expression over the columns of the row.
    pub expression: String,
    /// The condition of the rows that get it. If `None`, all rows in which the column is NULL.
    pub condition: Option<String>,
    /// The number of rows in the first batch.
    pub batch: Option<u32>,
    /// Where the directive is written.
    pub place: Place,
}

/// The directives of a target, by column.
#[derive(Clone, Debug, Default)]
pub struct Directives {
    /// Values for existing rows.
    pub backfills: BTreeMap<ObjectId, Backfill>,
    /// Expressions that convert old values to a column's new type.
    pub usings: BTreeMap<ObjectId, (String, Place)>,
}
