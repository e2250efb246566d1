//! The run of a file, and its direction.

use crate::declare::sql::SourceFile;

/// The run of a file.
#[derive(Clone, Copy)]
pub(super) struct FileRun<'a> {
    pub(super) revision: &'a str,
    pub(super) direction: RunDirection,
    pub(super) file: &'a SourceFile,
}

/// The direction of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunDirection {
    /// A migration.
    Up,
    /// The rollback of an applied revision.
    Rollback,
    /// A script that undoes a half-applied revision.
    Undo,
}

impl RunDirection {
    pub(super) fn is_rollback(self) -> bool {
        self != Self::Up
    }
}
