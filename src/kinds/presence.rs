//! How it is known, before all objects of a kind are asked for, that there are none.

/// Where a cheap look tells whether users made anything that the query of a kind could give. Even an empty answer
/// costs the server the time to plan its query, and few databases have objects of more than half of the kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nowhere: its objects are asked for in any case.
    Always,
    /// Rows of this catalog.
    Rows(&'static str),
    /// Relations of one of these letters (`relkind`).
    Relations(&'static str),
    /// Types of one of these letters (`typtype`).
    Types(&'static str),
    /// Routines of one of these letters (`prokind`).
    Routines(&'static str),
    /// Constraints of one of these letters (`contype`).
    Constraints(&'static str),
    /// Rows of this query.
    Found(&'static str),
}

impl Presence {
    /// An SQL expression that looks, and letters of which it finds one; where there are none it says yes or no.
    pub fn look(self) -> Option<(String, &'static str)> {
        let (catalog, letter, letters) = match self {
            Self::Always => return None,
            Self::Rows(catalog) => {
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
