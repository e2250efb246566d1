//! How migration files are named.

/// A naming scheme for migration files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layout {
    /// `20260101_120000_add_user_preferences.sql` and `…_rollback.sql`.
    #[default]
    Timestamp,
    /// `001_name.sql` and `rollback/001_rollback.sql`.
    Numbered,
    /// `20240115_001_name.sql` and `…_rollback.sql`.
    Dated,
}

impl Layout {
    /// The names of the layouts in the configuration.
    pub const NAMES: [&str; 3] = ["timestamp", "numbered", "dated"];

    /// Returns the layout of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "timestamp" => Some(Self::Timestamp),
            "numbered" => Some(Self::Numbered),
            "dated" => Some(Self::Dated),
            _ => None,
        }
    }
}
