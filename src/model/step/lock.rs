//! Locks on relations.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::object::ObjectId;

/// Table-level locks, weakest first (manual, section 13.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LockMode {
    /// `ACCESS SHARE`, taken by reads.
    AccessShare,
    /// `ROW SHARE`.
    RowShare,
    /// `ROW EXCLUSIVE`, taken by writes.
    RowExclusive,
    /// `SHARE UPDATE EXCLUSIVE`.
    ShareUpdateExclusive,
    /// `SHARE`; blocks writes.
    Share,
    /// `SHARE ROW EXCLUSIVE`; blocks writes.
    ShareRowExclusive,
    /// `EXCLUSIVE`; blocks writes and row locks.
    Exclusive,
    /// `ACCESS EXCLUSIVE`; blocks reads and writes.
    AccessExclusive,
}

impl LockMode {
    /// All modes, weakest first.
    pub const ALL: [Self; 8] = [
        Self::AccessShare,
        Self::RowShare,
        Self::RowExclusive,
        Self::ShareUpdateExclusive,
        Self::Share,
        Self::ShareRowExclusive,
        Self::Exclusive,
        Self::AccessExclusive,
    ];

    /// Returns the mode with this name in `pg_locks`.
    pub fn of_catalog(mode: &str) -> Option<Self> {
        Some(match mode {
            "AccessShareLock" => Self::AccessShare,
            "RowShareLock" => Self::RowShare,
            "RowExclusiveLock" => Self::RowExclusive,
            "ShareUpdateExclusiveLock" => Self::ShareUpdateExclusive,
            "ShareLock" => Self::Share,
            "ShareRowExclusiveLock" => Self::ShareRowExclusive,
            "ExclusiveLock" => Self::Exclusive,
            "AccessExclusiveLock" => Self::AccessExclusive,
            _ => return None,
        })
    }
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        })
    }
}

/// The name of a locked relation, as SQL.
pub struct LockedRelation(pub(super) String);

impl From<&ObjectId> for LockedRelation {
    /// Returns the name of the relation that the object is, or belongs to.
    fn from(id: &ObjectId) -> Self {
        Self(if id.relation().is_some() {
            id.relation_text()
        } else {
            crate::sql!("{}", id.qualified()).to_string()
        })
    }
}

impl From<ObjectId> for LockedRelation {
    fn from(id: ObjectId) -> Self {
        Self::from(&id)
    }
}

impl From<String> for LockedRelation {
    fn from(name: String) -> Self {
        Self(name)
    }
}

impl From<&str> for LockedRelation {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}
