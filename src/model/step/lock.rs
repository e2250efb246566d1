//! Locks on tables, and what they are taken on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::ObjectId;

/// Table-level locks, weakest first (manual, section 13.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LockMode {
    /// `ACCESS SHARE`, what reading takes.
    AccessShare,
    /// `ROW SHARE`.
    RowShare,
    /// `ROW EXCLUSIVE`, what writing takes.
    RowExclusive,
    /// `SHARE UPDATE EXCLUSIVE`.
    ShareUpdateExclusive,
    /// `SHARE`; writers wait.
    Share,
    /// `SHARE ROW EXCLUSIVE`; writers wait.
    ShareRowExclusive,
    /// `EXCLUSIVE`; writers and row lockers wait.
    Exclusive,
    /// `ACCESS EXCLUSIVE`; everybody waits.
    AccessExclusive,
}

impl LockMode {
    /// All of them, weakest first.
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

    /// The mode of a row of `pg_locks`.
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

/// The name of a relation that is locked, as SQL writes it.
pub struct Locked(pub(super) String);

impl From<&ObjectId> for Locked {
    /// The relation itself, or the one that the object is part of.
    fn from(id: &ObjectId) -> Self {
        Self(if id.relation().is_some() {
            id.on_text()
        } else {
            crate::sql!("{}", id.qualified()).to_string()
        })
    }
}

impl From<ObjectId> for Locked {
    fn from(id: ObjectId) -> Self {
        Self::from(&id)
    }
}

impl From<String> for Locked {
    fn from(name: String) -> Self {
        Self(name)
    }
}

impl From<&str> for Locked {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}
