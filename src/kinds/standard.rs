//! Objects that every new database has.

use super::KindName;

/// The standard objects that a target need not declare: kind and name.
pub const STANDARD_OBJECTS: [(KindName, &str); 2] =
    [(KindName::Schema, "public"), (KindName::Extension, "plpgsql")];
