//! Directives: what a target says about how to reach it, beside the state that it declares.

use std::collections::BTreeMap;

use super::object::ObjectId;
use crate::error::Place;

/// A directive as it is written in a target.
#[derive(Clone, Debug)]
pub struct Directive {
    /// The directive and its value.
    pub kind: DirectiveKind,
    /// Its place in the file.
    pub place: Place,
}

/// The kinds of directives, each with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectiveKind {
    /// `renamed_from: name`: the former name of the object or column; its parts are unquoted as the server does.
    RenamedFrom(Vec<String>),
    /// `renamed_from: 'value'` of a value of an enum, or `renamed_values` in YAML: pairs of new and former values.
    /// The new value is empty in SQL, where the directive is written beside it.
    RenamedValues(Vec<(String, String)>),
    /// `backfill: expression [WHERE condition] [BATCH rows]`: the value of a column in existing rows.
    Backfill {
        /// The new value.
        expression: String,
        /// The rows that get it.
        condition: Option<String>,
        /// The number of rows that one transaction updates.
        batch: Option<u32>,
    },
    /// `using: expression`: the conversion of a column to its new type.
    Using(String),
    /// `drop: confirmed`: the object is new, and the object that it seems to replace is dropped.
    DropConfirmed,
}

impl DirectiveKind {
    /// Whether the directive is about a rename.
    pub fn is_rename(&self) -> bool {
        match self {
            Self::RenamedFrom(_) | Self::RenamedValues(_) | Self::DropConfirmed => true,
            Self::Backfill { .. } | Self::Using(_) => false,
        }
    }
}

/// How existing rows get a value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Backfill {
    /// The value, computed from the other columns of the row.
    pub expression: String,
    /// The rows that get it; by default those where the column is NULL.
    pub condition: Option<String>,
    /// The number of rows of the first batch.
    pub batch: Option<u32>,
    /// The place of the directive.
    pub place: Place,
}

/// The directives of a target that are about columns, by column.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Directives {
    /// Values for existing rows.
    pub backfills: BTreeMap<ObjectId, Backfill>,
    /// Conversions to a new type.
    pub usings: BTreeMap<ObjectId, (String, Place)>,
}
