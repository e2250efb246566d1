//! Entries of the coverage table: tables of `pg_catalog`, their columns, and how each is treated.

use crate::model::PgVersion;

const OLDEST: u32 = PgVersion::V14.major();
const NEWEST: u32 = PgVersion::V18.major();

/// How a column is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It is read, compared and changed as these attributes: `kind.attribute`, separated by commas. `*` is any kind.
    Modelled(&'static str),
    /// It is determined by what is modelled, or part of the identity of an object.
    Derived(&'static str),
    /// It is not part of a schema, for this reason.
    Ignored(&'static str),
    /// It is not modelled. A database that uses it causes a warning, or an error with `--strict`.
    Gap(&'static str),
}

impl Treatment {
    /// Returns the name of the treatment.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Modelled(_) => "modelled",
            Self::Derived(_) => "derived",
            Self::Ignored(_) => "ignored",
            Self::Gap(_) => "gap",
        }
    }

    /// Returns the attributes, or the reason.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Modelled(text) | Self::Derived(text) | Self::Ignored(text) | Self::Gap(text) => text,
        }
    }

    /// Returns the kinds and attributes that model the column.
    pub fn attributes(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let text = if let Self::Modelled(text) = self { text } else { "" };
        text.split(", ").filter_map(|one| one.split_once('.'))
    }
}

/// A range of major versions of PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Majors {
    /// The first supported one.
    pub first: u32,
    /// The last one.
    pub last: u32,
}

impl Majors {
    const ALL: Self = Self { first: OLDEST, last: NEWEST };

    /// Returns whether the range contains a version. A version newer than the newest supported one counts as that.
    pub const fn has(self, major: u32) -> bool {
        self.first <= major && (major <= self.last || self.last == NEWEST)
    }
}

impl std::fmt::Display for Majors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.first, self.last) {
            (OLDEST, NEWEST) => Ok(()),
            (first, NEWEST) => write!(f, "{first}+"),
            (OLDEST, last) => write!(f, "to {last}"),
            (first, last) => write!(f, "{first} to {last}"),
        }
    }
}

/// A column of a system catalog.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The name.
    pub name: &'static str,
    /// The versions that have it.
    pub majors: Majors,
    /// How it is treated.
    pub treatment: Treatment,
}

impl Column {
    pub(super) const fn since(mut self, major: u32) -> Self {
        self.majors.first = major;
        self
    }

    pub(super) const fn until(mut self, major: u32) -> Self {
        self.majors.last = major;
        self
    }
}

/// A table of `pg_catalog`.
#[derive(Clone, Copy, Debug)]
pub struct Relation {
    /// The name.
    pub name: &'static str,
    /// The versions that have it.
    pub majors: Majors,
    /// How its columns are treated.
    pub columns: Columns,
}

impl Relation {
    pub(super) const fn since(mut self, major: u32) -> Self {
        self.majors.first = major;
        self
    }

    /// Returns how a column is treated on a major version.
    pub fn treatment(&self, column: &str, major: u32) -> Option<Treatment> {
        match self.columns {
            Columns::All(treatment) => Some(treatment),
            Columns::Each(columns) => {
                let found = columns.iter().find(|one| one.name == column && one.majors.has(major));
                found.map(|column| column.treatment)
            }
        }
    }

    /// Returns how the columns are treated. The column is given if it has a treatment of its own.
    pub fn treatments(&self) -> impl Iterator<Item = (Option<&'static Column>, Treatment)> {
        let (all, each) = match self.columns {
            Columns::All(treatment) => (Some((None, treatment)), [].as_slice()),
            Columns::Each(columns) => (None, columns),
        };
        all.into_iter().chain(each.iter().map(|column| (Some(column), column.treatment)))
    }
}

/// The columns of a relation.
#[derive(Clone, Copy, Debug)]
pub enum Columns {
    /// All columns have the same treatment.
    All(Treatment),
    /// Each column has a treatment of its own.
    Each(&'static [Column]),
}

pub(super) const fn relation(name: &'static str, columns: &'static [Column]) -> Relation {
    Relation { name, majors: Majors::ALL, columns: Columns::Each(columns) }
}

pub(super) const fn uniform(name: &'static str, treatment: Treatment) -> Relation {
    Relation { name, majors: Majors::ALL, columns: Columns::All(treatment) }
}

pub(super) const fn column(name: &'static str, treatment: Treatment) -> Column {
    Column { name, majors: Majors::ALL, treatment }
}

pub(super) const fn modelled(name: &'static str, attributes: &'static str) -> Column {
    column(name, Treatment::Modelled(attributes))
}

pub(super) const fn derived(name: &'static str, why: &'static str) -> Column {
    column(name, Treatment::Derived(why))
}

pub(super) const fn ignored(name: &'static str, why: &'static str) -> Column {
    column(name, Treatment::Ignored(why))
}

// Reasons that many columns share.
pub(super) const OID: &str = "the number of the row in one database; objects are identified by name";
pub(super) const IDENTITY: &str = "part of the identity of the object";
pub(super) const KIND: &str = "determines the kind of the object";
pub(super) const COUNT: &str = "a count of what is modelled";
pub(super) const MARK: &str = "indicates that something exists, which is read itself";
pub(super) const TYPE: &str = "determined by the data type";
