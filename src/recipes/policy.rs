//! The policies: which statements a plan may use.

/// Which statements a plan may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// One statement per change, all in one transaction if possible.
    Direct,
    /// Long statements run under locks that do not block reads or writes.
    #[default]
    Safe,
    /// Like `Safe`; in addition, `generate` writes several revisions, and between them old and new versions of an
    /// application both work.
    Phased,
}

impl Policy {
    /// The names in the configuration and on the command line.
    pub const NAMES: &'static [&'static str] = &["direct", "safe", "phased"];

    /// Returns the policy with this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "direct" => Some(Self::Direct),
            "safe" => Some(Self::Safe),
            "phased" => Some(Self::Phased),
            _ => None,
        }
    }
}
