//! Resolves unqualified names: to an object that the file declares in the same schema, or else in `public`.
//!
//! The server elaborates a target with an empty search path, and `type: order_status` in the schema `shop` means
//! `shop.order_status`.

use std::collections::BTreeSet;

use super::names::leading_name;
use crate::kinds::{Namespace, ValueType};
use crate::model::sql::Ident;
use crate::model::{ObjectId, Objects, Value};
use crate::sql;

/// Type names that are keywords. Unquoted, they are never the name of a declared type.
const KEYWORDS: [&str; 20] = [
    "bigint",
    "bit",
    "boolean",
    "char",
    "character",
    "dec",
    "decimal",
    "double",
    "float",
    "int",
    "integer",
    "interval",
    "national",
    "nchar",
    "numeric",
    "real",
    "smallint",
    "time",
    "timestamp",
    "varchar",
];

/// The schemas and names of the declared relations, types and routines.
pub(super) struct DeclaredNames(BTreeSet<(String, String)>);

impl DeclaredNames {
    /// Collects the names of objects.
    pub(super) fn of<'a>(objects: impl Iterator<Item = &'a ObjectId>) -> Self {
        let named = objects.filter(|id| {
            let spaces = id.kind.get().namespaces;
            let counts =
                |s: &Namespace| matches!(s, Namespace::Relations | Namespace::Types | Namespace::Routines);
            spaces.iter().any(counts)
        });
        Self(named.map(|id| (id.path()[0].to_string(), id.name().to_owned())).collect())
    }

    /// Returns the schema of an unqualified name inside `schema`, if the file declares an object of that name.
    pub(super) fn schema<'a>(&self, schema: &'a str, text: &str) -> Option<&'a str> {
        let (name, rest) = leading_name(text)?;
        let keyword = !text.starts_with('"') && KEYWORDS.contains(&name.as_str());
        if keyword || rest.starts_with('.') {
            return None;
        }
        [schema, "public"].into_iter().find(|schema| self.0.contains(&((*schema).to_owned(), name.clone())))
    }
}

/// Qualifies all unqualified names of declared objects.
pub(super) fn resolve(objects: &mut Objects) {
    let declared = DeclaredNames::of(objects.keys());
    for (id, object) in objects {
        let Some(schema) = id.schema() else { continue };
        let qualified = |text: &str| match declared.schema(schema, text) {
            Some(schema) => format!("{}.{text}", sql!("{}", Ident(schema))),
            None => text.to_owned(),
        };
        for attribute in id.kind.get().attributes {
            let value = match (attribute.value_type, object.get(attribute.name)) {
                (ValueType::Qualified | ValueType::DataType, Some(Value::Text(text))) => {
                    Value::Text(qualified(text))
                }
                (ValueType::QualifiedNames, Some(Value::List(list))) => {
                    Value::List(list.iter().map(|text| qualified(text)).collect())
                }
                _ => continue,
            };
            object.set(attribute.name, value);
        }
    }
}
