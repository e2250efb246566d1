//! Names of attributes.

use std::borrow::Borrow;
use std::fmt;

/// The name of an attribute in queries, YAML and reports.
///
/// The kinds declare the constants, so that a misspelled name does not compile.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeName(&'static str);

impl AttributeName {
    /// Declares a name. The macro `attribute_names!` of [`crate::kinds`] calls it.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// Returns the name as text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl Borrow<str> for AttributeName {
    fn borrow(&self) -> &str {
        self.0
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
