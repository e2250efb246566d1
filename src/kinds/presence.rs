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
}

/// A catalog, and the column of letters that tells its rows apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The catalog.
    pub catalog: &'static str,
    /// The column, unless any row will do.
    pub letter: Option<&'static str>,
}

impl Presence {
    /// Where to look, and for which letters.
    pub const fn place(self) -> Option<(Place, &'static str)> {
        let (catalog, letter, letters) = match self {
            Self::Always => return None,
            Self::Rows(catalog) => return Some((Place { catalog, letter: None }, "")),
            Self::Relations(letters) => ("pg_class", "relkind", letters),
            Self::Types(letters) => ("pg_type", "typtype", letters),
            Self::Routines(letters) => ("pg_proc", "prokind", letters),
            Self::Constraints(letters) => ("pg_constraint", "contype", letters),
        };
        Some((Place { catalog, letter: Some(letter) }, letters))
    }
}
