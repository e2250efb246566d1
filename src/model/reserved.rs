//! Names that belong to PostgreSQL or to schemadiff, and never to a declared state.

use super::KindName;

/// The schema of schemadiff's own records.
pub const OWN_SCHEMA: &str = "schemadiff";

/// What the names of schemas begin with that hold parked tables.
pub const GRAVEYARD: &str = "schemadiff_graveyard";

/// What the names of system schemas and of predefined roles begin with.
pub const SYSTEM_PREFIX: &str = "pg_";

/// The schema of the SQL standard's views.
pub const INFORMATION_SCHEMA: &str = "information_schema";

/// The objects that every new database has.
pub const STANDARD_OBJECTS: [(KindName, &str); 2] =
    [(KindName::Schema, "public"), (KindName::Extension, "plpgsql")];

/// Whether a schema holds schemadiff's records or parked tables.
pub fn is_own_schema(name: &str) -> bool {
    name == OWN_SCHEMA || name.starts_with(GRAVEYARD)
}

/// Whether a schema belongs to PostgreSQL.
pub fn is_system_schema(name: &str) -> bool {
    name == INFORMATION_SCHEMA || name.starts_with(SYSTEM_PREFIX)
}

/// Whether a role exists in every cluster: a predefined role, or `PUBLIC`.
pub fn is_system_role(name: &str) -> bool {
    name == super::sql::RoleName::PUBLIC || name.starts_with(SYSTEM_PREFIX)
}
