//! Cheap probes that tell whether a database has objects of a kind.

use super::system_catalog::SystemCatalog;

/// Where to look for objects of a kind that users have created. A server spends time on planning even a query that
/// returns nothing, and few databases have objects of more than half of the kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nowhere: the query always runs.
    Always,
    /// Rows of this catalog.
    Rows(SystemCatalog),
    /// Relations with one of these letters as `relkind`.
    Relations(&'static str),
    /// Types with one of these letters as `typtype`.
    Types(&'static str),
    /// Routines with one of these letters as `prokind`.
    Routines(&'static str),
    /// Constraints with one of these letters as `contype`.
    Constraints(&'static str),
    /// Rows of this query.
    Found(&'static str),
}

impl Presence {
    /// Returns an SQL expression and the letters of which its result must have one. Without letters, the result is a
    /// boolean.
    pub fn probe(self) -> Option<(String, &'static str)> {
        let (catalog, letter, letters) = match self {
            Self::Always => return None,
            Self::Rows(catalog) => {
                let catalog = catalog.name;
                return Some((format!("EXISTS (SELECT FROM {catalog} WHERE oid >= 16384)"), ""));
            }
            Self::Found(query) => return Some((format!("EXISTS ({query})"), "")),
            Self::Relations(letters) => ("pg_class", "relkind", letters),
            Self::Types(letters) => ("pg_type", "typtype", letters),
            Self::Routines(letters) => ("pg_proc", "prokind", letters),
            Self::Constraints(letters) => ("pg_constraint", "contype", letters),
        };
        Some((format!("ARRAY(SELECT DISTINCT {letter} FROM {catalog} WHERE oid >= 16384)"), letters))
    }
}
