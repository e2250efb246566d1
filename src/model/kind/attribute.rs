//! Attributes of a kind: their values, and how a change of them is made.

use crate::model::attribute_name::AttributeName;
use crate::model::step::Alteration;
use crate::model::value::Value;

/// The type of an attribute's value, which determines how it is read, compared and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// True or false; the default is false.
    Flag,
    /// An integer.
    Number,
    /// A string.
    Text,
    /// One of these words; the default is the first.
    Word(&'static [&'static str]),
    /// An identifier.
    Name,
    /// A schema-qualified relation, type or collation, quoted as in SQL.
    Qualified,
    /// A role.
    Role,
    /// A data type as in SQL.
    DataType,
    /// An expression, query or definition as in SQL. Servers may print the same one differently.
    Expression,
    /// An ordered list of identifiers.
    Names,
    /// An ordered list of columns of a relation. A query returns the relation's OID and the columns' numbers.
    Columns,
    /// An ordered list of strings.
    Texts,
    /// An ordered list of schema-qualified names, quoted as in SQL.
    QualifiedNames,
    /// An ordered list of expressions.
    Expressions,
    /// A list of roles, sorted by name.
    Roles,
    /// Settings by name, such as `reloptions`.
    Options,
    /// Privileges by role, beyond the default ones.
    Grants,
}

/// A change of a data type that some of the objects which use it do not allow, so that they are rebuilt: dropped before it
/// and created again after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeChange {
    /// `ALTER COLUMN … TYPE` of a column.
    Column,
    /// The replacement of a type or collation by one of the same name.
    Replacement,
    /// `ALTER COLUMN … TYPE text` of a column, while its type is replaced.
    ColumnToText,
}

/// How a change of an attribute is made.
#[derive(Clone, Copy)]
pub enum ChangeMethod {
    /// The object is dropped and created again.
    Replace,
    /// The object is altered. A new object is created with the attribute.
    Alter(&'static Alteration),
    /// The object is altered, also after it is created, because its `CREATE` statement cannot set the attribute.
    Attach(&'static Alteration),
    /// The attribute describes the object. It is never changed by itself.
    ReadOnly,
}

/// An attribute of a kind.
pub struct Attribute {
    /// The name in queries, YAML and reports.
    pub name: AttributeName,
    /// The type of its value.
    pub value_type: ValueType,
    /// How a change is made.
    pub change_method: ChangeMethod,
    /// The change of a data type that an alteration makes, which may rebuild dependents.
    pub type_change: Option<TypeChange>,
    /// Whether it is compared only if both sides set it. Otherwise the server's value is kept.
    pub unmanaged_if_unset: bool,
    /// One sentence for the reference page and for editors.
    pub doc: &'static str,
}

impl Attribute {
    const fn new(name: AttributeName, value_type: ValueType, change_method: ChangeMethod) -> Self {
        Self { name, value_type, change_method, type_change: None, unmanaged_if_unset: false, doc: "" }
    }

    /// An attribute whose change replaces the object.
    pub const fn replaced(name: AttributeName, value_type: ValueType) -> Self {
        Self::new(name, value_type, ChangeMethod::Replace)
    }

    /// An attribute that `CREATE` sets and the alteration changes.
    pub const fn altered(name: AttributeName, value_type: ValueType, by: &'static Alteration) -> Self {
        Self::new(name, value_type, ChangeMethod::Alter(by))
    }

    /// An attribute that only the alteration sets and changes.
    pub const fn attached(name: AttributeName, value_type: ValueType, by: &'static Alteration) -> Self {
        Self::new(name, value_type, ChangeMethod::Attach(by))
    }

    /// An attribute that describes the object and never causes a change.
    pub const fn read_only(name: AttributeName, value_type: ValueType) -> Self {
        Self::new(name, value_type, ChangeMethod::ReadOnly)
    }

    /// Sets the change of a data type that an alteration makes.
    pub const fn changes_type(mut self, change: TypeChange) -> Self {
        self.type_change = Some(change);
        self
    }

    /// Compares the attribute only if both sides set it.
    pub const fn unmanaged_if_unset(mut self) -> Self {
        self.unmanaged_if_unset = true;
        self
    }

    /// Adds the sentence that documents the attribute.
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Returns whether the value is text that a server deparses from an expression.
    pub fn is_deparsed(&self) -> bool {
        matches!(self.value_type, ValueType::Expression | ValueType::Expressions)
    }

    /// Returns whether the value is the default.
    pub fn is_default(&self, value: &Value) -> bool {
        match self.value_type {
            ValueType::Word(words) => value.text() == words.first().copied(),
            _ => value.is_default(),
        }
    }
}
