//! PostgreSQL's version numbers.

use std::fmt;

/// A server's version as `server_version_num` gives it: 150018 is 15.18.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PgVersion(pub u32);

impl PgVersion {
    /// The oldest version that is read.
    pub const OLDEST: Self = Self(140_000);

    /// The major version, such as 15.
    pub fn major(self) -> u32 {
        self.0 / 10_000
    }

    /// Whether the server is of this major version or a later one.
    pub fn since(self, major: u32) -> bool {
        self.major() >= major
    }
}

impl fmt::Display for PgVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major(), self.0 % 10_000)
    }
}
