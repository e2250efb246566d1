//! Names of kinds, and what identifies an object of a kind.

/// The name of a kind. The constants and [`KindName::get`] are in the table of [`crate::kinds`].
///
/// The order breaks ties in a plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindName(pub(crate) u8);

/// The path that identifies an object of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A name in the database.
    Global,
    /// A name within an object of the database, such as a server's user mapping.
    OnGlobal,
    /// A name in a schema.
    InSchema,
    /// A name on a relation, type or domain.
    OnRelation,
    /// The relation: it has at most one such object.
    OfRelation,
    /// The column: it has at most one such object.
    OfColumn,
    /// A name in a schema and what distinguishes objects of the same name: the argument types of a routine, the
    /// operand types of an operator, or an access method.
    Routine,
}

impl Identity {
    /// Returns the number of names in the path.
    pub const fn depth(self) -> usize {
        match self {
            Self::Global => 1,
            Self::OnGlobal | Self::InSchema | Self::OfRelation => 2,
            Self::OnRelation | Self::OfColumn | Self::Routine => 3,
        }
    }
}

/// A set of kinds whose objects cannot have the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// The kind by itself.
    Own,
    /// `pg_class`: relations, indexes, and constraints that have an index.
    Relations,
    /// `pg_type`, which also has a row type for each relation.
    Types,
    /// `pg_proc`.
    Routines,
    /// `pg_constraint`, for each relation.
    Constraints,
}
