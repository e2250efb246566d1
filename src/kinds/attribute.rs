//! What a kind says of each of its attributes.

use super::{Context, KindName};
use crate::model::{Object, Pair, Step, Value};

/// What values an attribute takes, for every reader and writer of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// True or false; false when it is not said.
    Flag,
    /// A whole number.
    Number,
    /// Any text.
    Text,
    /// One of these words; the first when it is not said.
    Word(&'static [&'static str]),
    /// An identifier.
    Name,
    /// A relation, type or collation with its schema, quoted as SQL.
    Qualified,
    /// A role.
    Role,
    /// A data type as SQL.
    DataType,
    /// An expression, a query or a definition as SQL, which a server may print in two ways.
    Expression,
    /// Identifiers in order.
    Names,
    /// Columns of a relation in order; a query gives the relation's OID and the columns' numbers.
    Columns,
    /// Texts in order.
    Texts,
    /// Qualified names in order, quoted as SQL.
    QualifiedNames,
    /// Expressions in order.
    Expressions,
    /// Roles, in the order of their names.
    Roles,
    /// Settings by name (`reloptions` and the like).
    Options,
    /// Privileges that differ from the default ones, by role.
    Grants,
}

/// What else must be built anew when an attribute changes in place.
#[derive(Clone, Copy)]
pub enum Rebuilds {
    /// Nothing.
    Nothing,
    /// Dependents of these kinds, also those of dependents of other kinds that stay.
    Dependents(&'static [KindName]),
}

/// A change in place: statements, or nothing when only a new object will do.
pub type Alter = fn(Pair<&Object>, &Context) -> Option<Vec<Step>>;

/// A change in place with its name; attributes that share one change together.
pub struct Alteration {
    /// What it is called.
    pub name: &'static str,
    /// What it does.
    pub steps: Alter,
}

/// How a change of an attribute is made.
#[derive(Clone, Copy)]
pub enum How {
    /// By a new object in place of the old.
    Replace,
    /// In place.
    Alter(&'static Alteration),
    /// In place, and never by the statement that creates the object: from the default value to the wanted
    /// one when the object is new.
    Attach(&'static Alteration),
    /// It tells of the object and is never wanted by itself.
    Note,
}

/// An attribute of a kind.
pub struct Attribute {
    /// Its name in queries, in YAML and in reports.
    pub name: &'static str,
    /// What values it takes.
    pub ty: Type,
    /// How a change is made.
    pub how: How,
    /// What a change in place builds anew.
    pub rebuilds: Rebuilds,
    /// A side that does not say it takes what the other side has.
    pub inherits: bool,
    /// One sentence for the reference page and for editors.
    pub doc: &'static str,
}

impl Attribute {
    const fn new(name: &'static str, ty: Type, how: How) -> Self {
        Self { name, ty, how, rebuilds: Rebuilds::Nothing, inherits: false, doc: "" }
    }

    /// An attribute that only a new object can change.
    pub const fn replaced(name: &'static str, ty: Type) -> Self {
        Self::new(name, ty, How::Replace)
    }

    /// An attribute that changes in place.
    pub const fn altered(name: &'static str, ty: Type, by: &'static Alteration) -> Self {
        Self::new(name, ty, How::Alter(by))
    }

    /// An attribute that hangs off the object.
    pub const fn attached(name: &'static str, ty: Type, by: &'static Alteration) -> Self {
        Self::new(name, ty, How::Attach(by))
    }

    /// An attribute that is never the reason of a change.
    pub const fn noted(name: &'static str, ty: Type) -> Self {
        Self::new(name, ty, How::Note)
    }

    /// The same, with what a change builds anew.
    pub const fn rebuilds(mut self, kinds: &'static [KindName]) -> Self {
        self.rebuilds = Rebuilds::Dependents(kinds);
        self
    }

    /// The same, which a side may leave to the other.
    pub const fn inherited_when_unsaid(mut self) -> Self {
        self.inherits = true;
        self
    }

    /// The same with a sentence about it.
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Whether the attribute's text is what a server prints of an expression.
    pub fn is_deparsed(&self) -> bool {
        matches!(self.ty, Type::Expression | Type::Expressions)
    }

    /// Whether a value is the one that holds when nothing is said.
    pub fn is_default(&self, value: &Value) -> bool {
        match self.ty {
            Type::Word(words) => value.text() == words.first().copied(),
            _ => value.is_blank(),
        }
    }
}
