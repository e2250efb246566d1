//! What a target says beside its state, about the way there.

use std::collections::BTreeMap;

use crate::error::Place;
use crate::model::ObjectId;

/// How rows that are there get a value.
#[derive(Clone, Debug)]
pub struct Backfill {
    /// The value, from the other columns of the row.
    pub expression: String,
    /// Which rows take it; all that have none when it is not said.
    pub condition: Option<String>,
    /// How many rows a transaction takes at first.
    pub batch: Option<u32>,
    /// Where it is said.
    pub place: Place,
}

/// The wishes of a target, by column.
#[derive(Clone, Debug, Default)]
pub struct Directives {
    /// Values for rows that are there.
    pub backfills: BTreeMap<ObjectId, Backfill>,
    /// How an old value becomes one of the new type.
    pub usings: BTreeMap<ObjectId, (String, Place)>,
}
