//! Constraints and indexes of a table that are declared at a column, such as `unique: true`.

use std::ops::Range;

use super::names::{default_name, split_reference};
use super::reader::Reader;
use super::shape::{self, Shorthand};
use super::value::{self, Mismatch, mismatch};
use crate::error::{Diagnostic, codes};
use crate::kinds::{KindName, ValueType};
use crate::model::sql::Ident;
use crate::model::{AttributeName, Object, ObjectId, Value};
use crate::sql;
use crate::yaml::{Node, Value as Tree};

/// Reads a constraint or index of the table from the value of a shorthand key of a column.
pub(super) fn read(
    reader: &mut Reader<'_>,
    column: &ObjectId,
    form: Shorthand,
    span: &Range<usize>,
    node: &Node,
) {
    if node.is_null() {
        return;
    }
    let [schema, table, name] = [&*column.path()[0], &*column.path()[1], &*column.path()[2]];
    let part = (form.kind != KindName::PrimaryKey).then_some(name);
    let Some(default) = default_name(form.kind, table, part) else { return };
    let mut object = Object::new(ObjectId::new(form.kind, &[schema, table, &default]));
    let own_column = Value::List(vec![name.to_owned()]);
    let read: Result<bool, Mismatch> = match form.kind {
        KindName::Check => value::value(ValueType::Expression, node).map(|expression| {
            expression.is_some_and(|expression| {
                object.set(AttributeName::EXPRESSION, expression);
                true
            })
        }),
        KindName::ForeignKey => {
            object.set(AttributeName::COLUMNS, own_column);
            return reference(reader, object, column, span, node);
        }
        KindName::Index => value::flag(node).inspect(|_| {
            object.set(AttributeName::KEYS, Value::List(vec![sql!("{}", Ident(name)).to_string()]));
        }),
        _ => value::flag(node).inspect(|_| object.set(AttributeName::COLUMNS, own_column)),
    };
    match read {
        Ok(true) if form.kind == KindName::PrimaryKey && !reader.add_single(&object.id, span) => {}
        Ok(true) => drop(reader.add(object, span)),
        Ok(false) => {}
        Err(mismatch) => reader.mismatch(&format!("`{}` of {column}", form.key), &mismatch),
    }
}

/// Reads `references: shop.customer(id)`, or a map with attributes of the foreign key.
fn reference(reader: &mut Reader<'_>, mut key: Object, column: &ObjectId, span: &Range<usize>, node: &Node) {
    let what = format!("`references` of {column}");
    let Tree::Map(entries) = &node.value else {
        match node.text().and_then(split_reference) {
            Some((table, columns)) => {
                key.set(AttributeName::REFERENCES, Value::Text(table));
                key.set(AttributeName::REFERENCED_COLUMNS, Value::List(columns));
                reader.add(key, span);
            }
            None => reader.mismatch(&what, &mismatch(node, "a table, such as `shop.customer(id)`")),
        }
        return;
    };
    for (entry, node) in entries.iter() {
        let kind = KindName::ForeignKey;
        let name = match &*entry.text {
            "table" => "references",
            "columns" => "referenced_columns",
            shape::NAME => match value::name(node) {
                Ok(name) => {
                    let path = [&*column.path()[0], &*column.path()[1], &name];
                    let mut named = Object::new(ObjectId::new(kind, &path));
                    for attribute in kind.get().attributes {
                        if let Some(value) = key.get(attribute.name) {
                            named.set(attribute.name, value.clone());
                        }
                    }
                    key = named;
                    continue;
                }
                Err(mismatch) => return reader.mismatch(&what, &mismatch),
            },
            other => other,
        };
        let known = shape::reference_attributes().find(|attribute| attribute.name.as_str() == name);
        let Some(attribute) = known else {
            let names = shape::reference_attributes().map(|attribute| attribute.name);
            let others = names.filter(|name| {
                ![AttributeName::REFERENCES, AttributeName::REFERENCED_COLUMNS].contains(name)
            });
            let keys: Vec<&str> = shape::REFERENCE_KEYS
                .into_iter()
                .chain([shape::NAME])
                .chain(others.map(AttributeName::as_str))
                .collect();
            return reader.unknown_key(entry, &what, &keys);
        };
        reader.set(&mut key, attribute, node);
    }
    if key.text(AttributeName::REFERENCES).is_empty() {
        return reader.error(Diagnostic::new(codes::VALUE, format!("{what} has no `table`")), &node.span);
    }
    reader.add(key, span);
}
