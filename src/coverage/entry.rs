//! Entries of the coverage table: tables of `pg_catalog`, their columns, and how each is treated.

use crate::model::PgVersion;

const OLDEST: u32 = PgVersion::V14.major();
const NEWEST: u32 = PgVersion::V18.major();

/// What is done with a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It is read, compared and changed as these attributes: `kind.attribute`, with commas, where `*` is any kind.
    Modelled(&'static str),
    /// It follows from what is modelled, or it is what an object is known by.
    Derived(&'static str),
    /// It is no part of a schema, for this reason.
    Ignored(&'static str),
    /// It is not modelled; a database that uses it is told so, and `--strict` makes that an error.
    Gap(&'static str),
}

impl Treatment {
    /// One word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Modelled(_) => "modelled",
            Self::Derived(_) => "derived",
            Self::Ignored(_) => "ignored",
            Self::Gap(_) => "gap",
        }
    }

    /// The attributes, or the reason.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Modelled(text) | Self::Derived(text) | Self::Ignored(text) | Self::Gap(text) => text,
        }
    }

    /// The kinds and attributes by which it is modelled.
    pub fn attributes(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let text = if let Self::Modelled(text) = self { text } else { "" };
        text.split(", ").filter_map(|one| one.split_once('.'))
    }
}

/// The majors that have something, from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Majors {
    /// The first of those that are supported.
    pub first: u32,
    /// The last.
    pub last: u32,
}

impl Majors {
    const ALL: Self = Self { first: OLDEST, last: NEWEST };

    /// Whether a major has it. One that is newer than all that are known has what the newest has.
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

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// The majors that have it.
    pub majors: Majors,
    /// What is done with it.
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
    /// Its name.
    pub name: &'static str,
    /// The majors that have it.
    pub majors: Majors,
    /// What is done with its columns.
    pub columns: Columns,
}

impl Relation {
    pub(super) const fn since(mut self, major: u32) -> Self {
        self.majors.first = major;
        self
    }

    /// What is done with a column on a major.
    pub fn treatment(&self, column: &str, major: u32) -> Option<Treatment> {
        match self.columns {
            Columns::Alike(treatment) => Some(treatment),
            Columns::Each(columns) => {
                let found = columns.iter().find(|one| one.name == column && one.majors.has(major));
                found.map(|column| column.treatment)
            }
        }
    }

    /// What is done with its columns, with the column's name where it has a treatment of its own.
    pub fn treatments(&self) -> impl Iterator<Item = (Option<&'static Column>, Treatment)> {
        let (alike, each) = match self.columns {
            Columns::Alike(treatment) => (Some((None, treatment)), [].as_slice()),
            Columns::Each(columns) => (None, columns),
        };
        alike.into_iter().chain(each.iter().map(|column| (Some(column), column.treatment)))
    }
}

/// The columns of a relation.
#[derive(Clone, Copy, Debug)]
pub enum Columns {
    /// All of them are treated alike, whatever they are called.
    Alike(Treatment),
    /// Each has its own treatment.
    Each(&'static [Column]),
}

pub(super) const fn relation(name: &'static str, columns: &'static [Column]) -> Relation {
    Relation { name, majors: Majors::ALL, columns: Columns::Each(columns) }
}

pub(super) const fn alike(name: &'static str, treatment: Treatment) -> Relation {
    Relation { name, majors: Majors::ALL, columns: Columns::Alike(treatment) }
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
pub(super) const OID: &str = "the row's number in this one database; objects are known by their names";
pub(super) const IDENTITY: &str = "part of what the object is called";
pub(super) const KIND: &str = "it decides of which kind the object is";
pub(super) const COUNT: &str = "how many there are follows from what there is";
pub(super) const MARK: &str = "the server's mark that there is something, which is read itself";
pub(super) const TYPE: &str = "it follows from the data type";
