//! Decodes rows of the query of a kind into objects, by the attributes of the kind.

use rustc_hash::FxHashMap as Map;

use super::address::NO_CATALOG;
use super::raw::RawCatalog;
use super::{acl, array};
use crate::db::Row;
use crate::kinds::{Attribute, KindName, ValueType};
use crate::model::{Object, ObjectId, Value};

/// Decodes the rows of a kind.
pub(super) struct Decoder {
    kind: KindName,
    class: u32,
    oid: Option<usize>,
    sub: Option<usize>,
    position: Option<usize>,
    /// The columns of the identity.
    path: Vec<usize>,
    /// The columns of attributes.
    attributes: Vec<(usize, &'static Attribute)>,
}

impl Decoder {
    pub(super) fn new(kind: KindName, columns: &[String]) -> Self {
        let place = |name: &str| columns.iter().position(|column| column == name);
        let depth = kind.get().identity.depth();
        let path = ["p1", "p2", "p3"].iter().take(depth).filter_map(|name| place(name)).collect();
        let attributes = kind.get().attributes.iter();
        Self {
            kind,
            class: kind.get().catalog.map_or(NO_CATALOG, |catalog| catalog.oid),
            oid: place("oid"),
            sub: place("sub"),
            position: place("position"),
            path,
            attributes: attributes.filter_map(|a| place(a.name.as_str()).map(|i| (i, a))).collect(),
        }
    }

    /// Adds the object of a row.
    pub(super) fn add_row(&self, row: &Row, raw: &mut RawCatalog) {
        let number = |place: Option<usize>| place.and_then(|i| row.get(i)).and_then(|text| text.parse().ok());
        let oid: u32 = self.oid.and_then(|i| row.get(i)).and_then(|text| text.parse().ok()).unwrap_or(0);
        let sub: i32 = number(self.sub).unwrap_or(0);
        let parts: Vec<&str> = self.path.iter().map(|i| row.get(*i).unwrap_or_default()).collect();
        let mut object = Object::new(ObjectId::new(self.kind, &parts));
        object.position = number(self.position).unwrap_or(0);
        if self.kind == KindName::Column {
            raw.names.insert((oid, sub), parts[2].to_owned());
        }
        for (i, attribute) in &self.attributes {
            let Some(text) = row.get(*i) else { continue };
            if attribute.value_type == ValueType::Columns {
                raw.columns.push((raw.objects.len(), attribute.name, text.to_owned()));
            } else if let Some(value) = value(attribute.value_type, text)
                && !attribute.is_default(&value)
            {
                object.set(attribute.name, value);
            }
        }
        raw.objects.push(((self.class, oid, sub), object));
    }
}

/// Decodes the value of an attribute.
fn value(ty: ValueType, text: &str) -> Option<Value> {
    Some(match ty {
        ValueType::Flag => Value::Bool(text == "t"),
        ValueType::Number => Value::Int(text.parse().ok()?),
        ValueType::Text
        | ValueType::Word(_)
        | ValueType::Name
        | ValueType::Qualified
        | ValueType::Role
        | ValueType::DataType
        | ValueType::Expression => Value::Text(text.to_owned()),
        ValueType::Names
        | ValueType::Texts
        | ValueType::QualifiedNames
        | ValueType::Expressions
        | ValueType::Roles
        | ValueType::Columns => Value::List(array::elements(text)),
        ValueType::Options => Value::Map(options(text)),
        ValueType::Grants => Value::Map(acl::grants(text)),
    })
}

/// Decodes `name=value` pairs, in the order in which they were set.
fn options(text: &str) -> Vec<(String, Value)> {
    let pair = |option: String| {
        let (key, value) = option.split_once('=').unwrap_or((option.as_str(), ""));
        (key.to_owned(), Value::Text(value.to_owned()))
    };
    array::elements(text).into_iter().map(pair).collect()
}

/// Returns the names of the columns in a text with the OID of the relation and column numbers, separated by spaces.
pub(super) fn column_names(numbers: &str, names: &Map<(u32, i32), String>) -> Vec<String> {
    let mut words = numbers.split(' ');
    let Some(relation) = words.next().and_then(|word| word.parse().ok()) else { return Vec::new() };
    words
        .filter_map(|word| word.parse().ok())
        .filter_map(|number: i32| names.get(&(relation, number)).cloned())
        .collect()
}
