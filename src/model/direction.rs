//! The direction in which a plan changes a database.

/// The direction of a plan: towards the target, or back to the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the start to the target.
    Up,
    /// From the target back to the start.
    Rollback,
}
