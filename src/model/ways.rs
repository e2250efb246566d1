//! The two directions of a migration.

/// A value for each direction of a migration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ways<T> {
    /// From the start to the target.
    pub up: T,
    /// From the target back to the start.
    pub rollback: T,
}

impl<T> Ways<T> {
    /// Borrows both.
    pub fn as_ref(&self) -> Ways<&T> {
        Ways { up: &self.up, rollback: &self.rollback }
    }

    /// Applies a function to both.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Ways<U> {
        Ways { up: f(self.up), rollback: f(self.rollback) }
    }
}
