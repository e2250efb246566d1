//! A migration and the result of its proof.

use std::fmt;

use super::{Catalog, Change, Hazard, LockMode, ObjectId, Pair, Rename, RenameMap, Script, Ways};

/// A migration between two states, with its rollback.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Migration {
    /// The statements from the start to the target.
    pub up: Script,
    /// The statements from the target back to the start.
    pub rollback: Script,
    /// The differences between the two states, apart from names.
    pub changes: Vec<Change>,
    /// The renames that were requested or detected.
    pub renames: Vec<Rename>,
    /// Requested renames that need no statement because the object is created under its new name. The header records
    /// them, because the annotation that remains in the target would otherwise look pending.
    pub completed_renames: Vec<Rename>,
    /// All names before and after, including those that change with another object.
    pub names: RenameMap,
    /// The start under the names of the target, and the target with the attributes that it inherits from the start.
    pub sides: Pair<Catalog>,
    /// Messages for the user.
    pub notes: Vec<String>,
    /// The hazards of both directions.
    pub hazards: Ways<Vec<(ObjectId, Hazard)>>,
    /// The result of the proof.
    pub proof: Proof,
}

impl Migration {
    /// Returns a migration without statements that starts and ends in the same state.
    pub fn empty(state: &Catalog) -> Self {
        Self::new(Ways::default(), Pair { before: state.clone(), after: state.clone() })
    }

    /// Returns a migration of two scripts between two states. All else is empty.
    pub fn new(scripts: Ways<Script>, sides: Pair<Catalog>) -> Self {
        Self {
            up: scripts.up,
            rollback: scripts.rollback,
            changes: Vec::new(),
            renames: Vec::new(),
            completed_renames: Vec::new(),
            names: RenameMap::default(),
            sides,
            notes: Vec::new(),
            hazards: Ways::default(),
            proof: Proof::default(),
        }
    }
}

/// The result of rehearsing a migration on a scratch copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proof {
    /// Whether the migration was rehearsed.
    pub ran: bool,
    /// The number of tables in which sample rows were inserted and survived.
    pub rows: usize,
    /// Whether `pg_dump` was available and found the same states.
    pub dump: bool,
    /// The observed lock of each statement.
    pub locks: Ways<Vec<Option<(LockMode, String)>>>,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.ran {
            return f.write_str("NONE: generated with --no-verify");
        }
        f.write_str("rehearsed on a scratch copy")?;
        if self.rows > 0 {
            write!(f, " with rows in {}", crate::error::text::count(self.rows, "table"))?;
        }
        f.write_str(if self.dump { "; pg_dump agrees" } else { "" })
    }
}
