//! Objects of a database and their identity.

use std::fmt;
use std::sync::Arc;

use indexmap::Equivalent;

use super::attribute_name::AttributeName;
use super::kind_name::{Identity, KindName};
use super::sql::QualifiedName;
use super::value::Value;

/// Identity by kind and name, never by OID.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// The kind.
    pub kind: KindName,
    /// Shared, for a plan has the same identity in many places.
    path: Arc<[Box<str>]>,
}

impl ObjectId {
    /// An identity from its parts: schema, relation and name, as far as the kind has them.
    pub fn new<S: AsRef<str>>(kind: KindName, path: &[S]) -> Self {
        Self { kind, path: path.iter().map(|part| Box::from(part.as_ref())).collect() }
    }

    /// The same with another last part of its name.
    #[must_use]
    pub fn renamed(&self, name: &str) -> Self {
        let mut path: Vec<&str> = self.path.iter().map(|part| &**part).collect();
        if let Some(last) = path.last_mut() {
            *last = name;
        }
        Self::new(self.kind, &path)
    }

    /// The parts of the name, outermost first.
    pub fn path(&self) -> &[Box<str>] {
        &self.path
    }

    /// The object's own name; of a routine the name without its arguments.
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

    /// The schema, or nothing for an object of the whole database.
    pub fn schema(&self) -> Option<&str> {
        let in_schema = !matches!(self.kind.get().identity, Identity::Global | Identity::OnGlobal);
        in_schema.then(|| &*self.path[0])
    }

    /// The relation or type that the object is part of.
    pub fn relation(&self) -> Option<&str> {
        match self.kind.get().identity {
            Identity::OnRelation | Identity::OfRelation | Identity::OfColumn => Some(&self.path[1]),
            Identity::Global | Identity::OnGlobal | Identity::InSchema | Identity::Routine => None,
        }
    }

    /// A routine's argument types, as the server writes them.
    pub fn arguments(&self) -> Option<&str> {
        (self.kind.get().identity == Identity::Routine).then(|| &*self.path[2])
    }

    /// The object's own qualified name.
    pub fn qualified(&self) -> QualifiedName<'_> {
        QualifiedName { schema: &self.path[0], name: self.name() }
    }

    /// The qualified name of the relation or type that the object is part of.
    pub fn on(&self) -> QualifiedName<'_> {
        QualifiedName { schema: &self.path[0], name: &self.path[1] }
    }

    /// The same for people and reports.
    pub fn on_text(&self) -> String {
        crate::sql!("{}", self.on()).to_string()
    }

    /// What this object may be part of, any one of which exists.
    pub fn parents(&self) -> impl Iterator<Item = ObjectId> + '_ {
        self.parent_keys().map(ObjectId::from)
    }

    /// The same without identities of their own, to look for.
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

/// The identity of what an object is part of, with its names borrowed from the object's: a key of maps.
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
    fn from(whole: ParentKey<'_>) -> Self {
        Self { kind: whole.kind, path: whole.path.into() }
    }
}

/// An object with those of its attributes that are not at their default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Who it is.
    pub id: ObjectId,
    /// Its place among its siblings, where they have an order (columns).
    pub position: i32,
    attributes: Vec<(AttributeName, Value)>,
}

impl Object {
    /// An object with every attribute at its default.
    pub fn new(id: ObjectId) -> Self {
        Self { id, position: 0, attributes: Vec::new() }
    }

    /// An attribute's value, or nothing when it is at its default.
    pub fn get(&self, name: AttributeName) -> Option<&Value> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Sets an attribute. A blank value takes it away.
    pub fn set(&mut self, name: AttributeName, value: Value) {
        let place = self.attributes.iter().position(|(key, _)| *key == name);
        match (place, value.is_default()) {
            (Some(i), true) => drop(self.attributes.remove(i)),
            (Some(i), false) => self.attributes[i].1 = value,
            (None, true) => {}
            (None, false) => self.attributes.push((name, value)),
        }
    }

    /// Takes an attribute away.
    pub fn unset(&mut self, name: AttributeName) {
        self.attributes.retain(|(key, _)| *key != name);
    }

    /// The attributes that are not at their default, in the kind's order.
    pub fn attributes(&self) -> impl Iterator<Item = (AttributeName, &Value)> {
        self.attributes.iter().map(|(key, value)| (*key, value))
    }

    /// A text attribute, empty when it is at its default.
    pub fn text(&self, name: AttributeName) -> &str {
        self.get(name).and_then(Value::text).unwrap_or_default()
    }

    /// A flag.
    pub fn flag(&self, name: AttributeName) -> bool {
        matches!(self.get(name), Some(Value::Bool(true)))
    }

    /// A number, where it is not at its default.
    pub fn int(&self, name: AttributeName) -> Option<i64> {
        match self.get(name) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// A list, empty when it is at its default.
    pub fn list(&self, name: AttributeName) -> &[String] {
        match self.get(name) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    /// A map, empty when it is at its default.
    pub fn map(&self, name: AttributeName) -> &[(String, Value)] {
        match self.get(name) {
            Some(Value::Map(map)) => map,
            _ => &[],
        }
    }
}

/// The two states of a thing that a change leads from and to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair<T> {
    /// Where the change starts.
    pub before: T,
    /// Where it leads.
    pub after: T,
}

impl<T> Pair<T> {
    /// Borrows both.
    pub fn as_ref(&self) -> Pair<&T> {
        Pair { before: &self.before, after: &self.after }
    }

    /// The same the other way round.
    pub fn swapped(self) -> Self {
        Self { before: self.after, after: self.before }
    }
}
