//! Objects of a database and their identity.

use std::fmt;
use std::sync::Arc;

use indexmap::Equivalent;

use super::attribute_name::AttributeName;
use super::kind_name::{Identity, KindName};
use super::sql::QualifiedName;
use super::value::Value;

/// The identity of an object: its kind and its path of names. OIDs are not used, because they differ between databases.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// The kind.
    pub kind: KindName,
    /// Shared, because a plan refers to the same object in many places.
    path: Arc<[Box<str>]>,
}

impl ObjectId {
    /// An identity with this path: schema, relation and name, as the kind requires.
    pub fn new<S: AsRef<str>>(kind: KindName, path: &[S]) -> Self {
        Self { kind, path: path.iter().map(|part| Box::from(part.as_ref())).collect() }
    }

    /// Returns the identity with another name as the last element of the path.
    #[must_use]
    pub fn renamed(&self, name: &str) -> Self {
        let mut path: Vec<&str> = self.path.iter().map(|part| &**part).collect();
        if let Some(last) = path.last_mut() {
            *last = name;
        }
        Self::new(self.kind, &path)
    }

    /// Returns the path of names, outermost first.
    pub fn path(&self) -> &[Box<str>] {
        &self.path
    }

    /// Returns the name of the object; of a routine, the name without its arguments.
    pub fn name(&self) -> &str {
        match self.kind.get().identity {
            Identity::Routine => &self.path[1],
            Identity::Global
            | Identity::OnGlobal
            | Identity::InSchema
            | Identity::OnRelation
            | Identity::OfRelation
            | Identity::OfColumn => &self.path[self.path.len() - 1],
        }
    }

    /// Returns the schema, if the object belongs to one.
    pub fn schema(&self) -> Option<&str> {
        let in_schema = !matches!(self.kind.get().identity, Identity::Global | Identity::OnGlobal);
        in_schema.then(|| &*self.path[0])
    }

    /// Returns the name of the relation or type that the object is part of.
    pub fn relation(&self) -> Option<&str> {
        match self.kind.get().identity {
            Identity::OnRelation | Identity::OfRelation | Identity::OfColumn => Some(&self.path[1]),
            Identity::Global | Identity::OnGlobal | Identity::InSchema | Identity::Routine => None,
        }
    }

    /// Returns the argument types of a routine as the server prints them.
    pub fn arguments(&self) -> Option<&str> {
        (self.kind.get().identity == Identity::Routine).then(|| &*self.path[2])
    }

    /// Returns the schema-qualified name of the object.
    pub fn qualified(&self) -> QualifiedName<'_> {
        QualifiedName { schema: &self.path[0], name: self.name() }
    }

    /// Returns the schema-qualified name of the relation or type that the object is part of.
    pub fn qualified_relation(&self) -> QualifiedName<'_> {
        QualifiedName { schema: &self.path[0], name: &self.path[1] }
    }

    /// Returns the same name as text.
    pub fn relation_text(&self) -> String {
        crate::sql!("{}", self.qualified_relation()).to_string()
    }

    /// Returns the possible parents of the object. One of them exists.
    pub fn parents(&self) -> impl Iterator<Item = ObjectId> + '_ {
        self.parent_keys().map(ObjectId::from)
    }

    /// Returns the possible parents as borrowed keys for lookups.
    pub fn parent_keys(&self) -> impl Iterator<Item = ParentKey<'_>> + '_ {
        let kind = self.kind.get();
        let depth = match kind.identity {
            Identity::Global => 0,
            Identity::OnGlobal | Identity::InSchema | Identity::Routine => 1,
            Identity::OnRelation | Identity::OfRelation => 2,
            Identity::OfColumn => 3,
        };
        kind.parents.iter().map(move |parent| ParentKey { kind: *parent, path: &self.path[..depth] })
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind.get().name)?;
        match self.kind.get().identity {
            Identity::Routine => write!(f, "{}.{}({})", self.path[0], self.path[1], self.path[2]),
            Identity::Global
            | Identity::OnGlobal
            | Identity::InSchema
            | Identity::OnRelation
            | Identity::OfRelation
            | Identity::OfColumn => f.write_str(&self.path.join(".")),
        }
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The identity of a possible parent, borrowed from the object's path: a key for lookups in maps.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ParentKey<'a> {
    kind: KindName,
    path: &'a [Box<str>],
}

impl Equivalent<ObjectId> for ParentKey<'_> {
    fn equivalent(&self, id: &ObjectId) -> bool {
        self.kind == id.kind && self.path == id.path()
    }
}

impl From<ParentKey<'_>> for ObjectId {
    fn from(key: ParentKey<'_>) -> Self {
        Self { kind: key.kind, path: key.path.into() }
    }
}

/// An object with those attributes that differ from the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The identity.
    pub id: ObjectId,
    /// The position among its siblings, if these are ordered (columns).
    pub position: i32,
    attributes: Vec<(AttributeName, Value)>,
}

impl Object {
    /// An object whose attributes have their defaults.
    pub fn new(id: ObjectId) -> Self {
        Self { id, position: 0, attributes: Vec::new() }
    }

    /// Returns the value of an attribute, unless it is the default.
    pub fn get(&self, name: AttributeName) -> Option<&Value> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Sets an attribute. A blank value is the default.
    pub fn set(&mut self, name: AttributeName, value: Value) {
        let index = self.attributes.iter().position(|(key, _)| *key == name);
        match (index, value.is_default()) {
            (Some(i), true) => drop(self.attributes.remove(i)),
            (Some(i), false) => self.attributes[i].1 = value,
            (None, true) => {}
            (None, false) => self.attributes.push((name, value)),
        }
    }

    /// Resets an attribute to its default.
    pub fn unset(&mut self, name: AttributeName) {
        self.attributes.retain(|(key, _)| *key != name);
    }

    /// Returns the attributes that differ from the default, in the order in which they were set.
    pub fn attributes(&self) -> impl Iterator<Item = (AttributeName, &Value)> {
        self.attributes.iter().map(|(key, value)| (*key, value))
    }

    /// Returns the value of a text attribute; the default is empty.
    pub fn text(&self, name: AttributeName) -> &str {
        self.get(name).and_then(Value::text).unwrap_or_default()
    }

    /// Returns the value of a flag.
    pub fn flag(&self, name: AttributeName) -> bool {
        matches!(self.get(name), Some(Value::Bool(true)))
    }

    /// Returns the value of a number, unless it is the default.
    pub fn int(&self, name: AttributeName) -> Option<i64> {
        match self.get(name) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// Returns the value of a list; the default is empty.
    pub fn list(&self, name: AttributeName) -> &[String] {
        match self.get(name) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    /// Returns the value of a map; the default is empty.
    pub fn map(&self, name: AttributeName) -> &[(String, Value)] {
        match self.get(name) {
            Some(Value::Map(map)) => map,
            _ => &[],
        }
    }
}

/// Two states: before and after a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair<T> {
    /// The state before the change.
    pub before: T,
    /// The state after the change.
    pub after: T,
}

impl<T> Pair<T> {
    /// Borrows both states.
    pub fn as_ref(&self) -> Pair<&T> {
        Pair { before: &self.before, after: &self.after }
    }

    /// Exchanges the states.
    pub fn swapped(self) -> Self {
        Self { before: self.after, after: self.before }
    }
}
