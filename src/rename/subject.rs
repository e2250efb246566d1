//! The subject of a rename.

use std::fmt;

use crate::model::{AttributeName, Catalog, ObjectId, Pair, Rename};

/// An object, or a value of an enum.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    /// The object, or the enum that has the value.
    pub(super) object: ObjectId,
    /// The value.
    pub(super) value: Option<String>,
}

impl Subject {
    /// Returns the subject of a rename under both names.
    pub(super) fn pair(rename: &Rename) -> Pair<Self> {
        let Rename { object, value } = rename.clone();
        let (old, new) = value.map(|value| (value.before, value.after)).unzip();
        Pair {
            before: Self { object: object.before, value: old },
            after: Self { object: object.after, value: new },
        }
    }

    /// Whether the subject exists in a catalog.
    pub(super) fn exists_in(&self, catalog: &Catalog) -> bool {
        let object = catalog.get(&self.object);
        match &self.value {
            Some(value) => object.is_some_and(|ty| ty.list(AttributeName::LABELS).contains(value)),
            None => object.is_some(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "the value '{value}' of {}", self.object),
            None => self.object.fmt(f),
        }
    }
}
