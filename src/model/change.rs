//! Differences between two catalogs.

use super::{AttributeName, ObjectId};

/// A difference of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The object.
    pub id: ObjectId,
    /// How it differs.
    pub what: Difference,
}

/// How the two states of an object differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The object exists only in the first state.
    Missing,
    /// The object exists only in the second state.
    Added,
    /// The object exists in both states, and these attributes differ.
    Altered(Vec<AttributeName>),
}
