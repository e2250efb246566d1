//! Writes a catalog as a target file. The same catalog gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::names::{default_name, leading_name, split_reference};
use super::print::{Yaml, print};
use super::relative::DeclaredNames;
use super::shape::ABSENT;
use super::{derived, shape};
use crate::kinds::{Attribute, KindName, ValueType};
use crate::model::reserved::STANDARD_OBJECTS;
use crate::model::sql::Ident;
use crate::model::{AttributeName, Catalog, Object, ObjectId, Value};
use crate::sql;

/// Whether a group of attributes is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// It is written.
    #[default]
    Shown,
    /// It is omitted.
    Hidden,
}

/// Options of [`write()`].
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct WriteOptions {
    /// Whether owners are written.
    pub owners: Visibility,
    /// Whether privileges are written.
    pub grants: Visibility,
}

/// Writes a catalog. [`read`](super::read()) reads it back, apart from what the server derives.
///
/// ```
/// use schemadiff::declare::yaml::{self, WriteOptions};
/// let text = "schemas:\n  shop:\n    enums:\n      status: [new, paid]\n".into();
/// let declared = yaml::read("schema.yaml", &text).unwrap();
/// assert!(yaml::write(&declared.catalog, WriteOptions::default()).contains("status: [new, paid]\n"));
/// ```
pub fn write(catalog: &Catalog, options: WriteOptions) -> String {
    let writer = Writer { catalog, options, declared: DeclaredNames::of(catalog.objects.keys()) };
    let mut out = String::new();
    for id in writer.without_parent() {
        let id = id.to_string().replace(['\n', '\r'], " ");
        let _ = writeln!(out, "# not written, because its parent is unknown: {id}");
    }
    for what in &catalog.unmodelled {
        let _ = writeln!(out, "# not covered: {}", what.replace(['\n', '\r'], " "));
    }
    out.push_str(&print(&writer.file()));
    out
}

struct Writer<'a> {
    catalog: &'a Catalog,
    options: WriteOptions,
    declared: DeclaredNames,
}

type Entries = Vec<(String, Yaml)>;

impl Writer<'_> {
    fn file(&self) -> Entries {
        let mut file = Entries::new();
        for kind in shape::roots() {
            let mut ids: BTreeSet<ObjectId> =
                self.catalog.objects.keys().filter(|id| id.kind == kind).cloned().collect();
            ids.extend(self.without_schema().filter(|_| kind == KindName::Schema).map(|id| schema_of(&id)));
            let mut entries = Entries::new();
            for id in ids {
                let blank = Object::new(id.clone());
                let object = self.catalog.get(&id).unwrap_or(&blank);
                let value = self.object(object);
                if !(is_standard(&id)
                    && matches!(&value, Yaml::Map(map) | Yaml::Block(map) if map.is_empty()))
                {
                    entries.push((id.name().to_owned(), value));
                }
            }
            for (_, name) in STANDARD_OBJECTS.iter().filter(|(other, _)| *other == kind) {
                let id = ObjectId::new(kind, &[*name]);
                if !self.catalog.contains(&id) && !entries.iter().any(|(key, _)| key == name) {
                    entries.push(((*name).to_owned(), Yaml::Text(ABSENT.into())));
                }
            }
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            if !entries.is_empty() {
                file.push((kind.get().key.to_owned(), Yaml::Block(entries)));
            }
        }
        file
    }

    /// Returns the objects of schemas that the catalog does not have.
    fn without_schema(&self) -> impl Iterator<Item = ObjectId> {
        let ids = self.catalog.objects.keys();
        ids.filter(|id| {
            id.kind.get().parents.contains(&KindName::Schema) && !self.catalog.contains(&schema_of(id))
        })
        .cloned()
    }

    /// Returns the objects whose parent is not in the catalog.
    fn without_parent(&self) -> Vec<&ObjectId> {
        let mut ids: Vec<&ObjectId> = self
            .catalog
            .objects
            .keys()
            .filter(|id| {
                let parents = id.kind.get().parents;
                !parents.is_empty()
                    && !parents.contains(&KindName::Schema)
                    && self.catalog.parent(id).is_none()
            })
            .collect();
        ids.sort();
        ids
    }

    /// Returns an object, in its short form if that is complete.
    fn object(&self, object: &Object) -> Yaml {
        let kind = object.id.kind;
        let mut entries = Entries::new();
        if shape::is_named_single(kind) && Some(object.id.name()) != default_name_of(object).as_deref() {
            entries.push((shape::NAME.to_owned(), Yaml::Text(object.id.name().to_owned())));
        }
        for attribute in shape::attributes(kind) {
            if let Some(value) = self.attribute(object, attribute) {
                entries.push((attribute.name.to_string(), value));
            }
        }
        if let ([(key, value)], Some(short)) = (entries.as_slice(), kind.get().short_form) {
            let has_no_parts = self.catalog.children(&object.id).next().is_none()
                && self.shorthand_values(object).is_empty();
            let has_short_form = !matches!(value, Yaml::Map(_) | Yaml::Block(_));
            if has_no_parts && key == short.as_str() && has_short_form {
                return value.clone();
            }
        }
        entries.extend(self.shorthand_values(object).into_iter().map(|(key, value)| (key.to_owned(), value)));
        let containers = self.children(object);
        // An object that contains others is written with one attribute per line.
        let block = containers.iter().any(|(_, value)| matches!(value, Yaml::Block(_) | Yaml::Map(_)));
        entries.extend(containers);
        if block { Yaml::Block(entries) } else { Yaml::Map(entries) }
    }

    /// Returns the objects inside an object, by the keys of their kinds.
    fn children(&self, object: &Object) -> Entries {
        let mut parts: BTreeMap<KindName, Vec<&Object>> = BTreeMap::new();
        for part in self.catalog.children(&object.id) {
            let written_elsewhere = self.column_of(part).is_some() || derived::is_derived(part, self.catalog);
            if !written_elsewhere {
                parts.entry(part.id.kind).or_default().push(part);
            }
        }
        if object.id.kind == KindName::Schema && !self.catalog.contains(&object.id) {
            for id in self.without_schema().filter(|id| schema_of(id) == object.id) {
                parts.entry(id.kind).or_default().extend(self.catalog.get(&id));
            }
        }
        let mut entries = Entries::new();
        for (kind, mut parts) in parts {
            let key = kind.get().key.to_owned();
            if shape::is_single(kind) {
                entries.extend(parts.first().map(|part| (key, self.object(part))));
                continue;
            }
            if !kind.get().ordered {
                parts.sort_by(|a, b| (a.position, &a.id).cmp(&(b.position, &b.id)));
            }
            entries.push((
                key,
                Yaml::Block(parts.iter().map(|part| (key_of(&part.id), self.object(part))).collect()),
            ));
        }
        entries
    }

    /// Returns the value of an attribute if it is to be written.
    fn attribute(&self, object: &Object, attribute: &'static Attribute) -> Option<Yaml> {
        let hidden = match attribute.value_type {
            ValueType::Grants => self.options.grants == Visibility::Hidden,
            ValueType::Role => self.options.owners == Visibility::Hidden && attribute.unmanaged_if_unset,
            _ => false,
        };
        if hidden
            || shape::is_read_only(attribute)
                && !derived::read_only_is_written(object, attribute, self.catalog)
        {
            return None;
        }
        let value = object.get(attribute.name);
        if is_standard(&object.id) {
            if derived::is_standard_value(object, attribute, self.catalog.version) {
                return None;
            }
            // A missing value differs from that of a new database, so an empty one is written.
            return Some(value.map_or_else(
                || empty_value(attribute.value_type),
                |value| self.value(object, attribute.value_type, value),
            ));
        }
        if attribute.name == AttributeName::ARGUMENTS && object.id.arguments().is_some() {
            let implied = object.id.arguments().unwrap_or_default() == object.text(AttributeName::ARGUMENTS);
            return (!implied).then(|| Yaml::Sql(object.text(AttributeName::ARGUMENTS).to_owned()));
        }
        if attribute.name == AttributeName::NOT_NULL && self.is_in_primary_key(object) {
            return None;
        }
        Some(self.value(object, attribute.value_type, value?))
    }

    fn value(&self, object: &Object, ty: ValueType, value: &Value) -> Yaml {
        match value {
            Value::Bool(flag) => Yaml::Bare(flag.to_string()),
            Value::Int(number) => Yaml::Bare(number.to_string()),
            Value::Text(text) => self.text(object, ty, text),
            Value::List(list) => Yaml::List(list.iter().map(|text| self.text(object, ty, text)).collect()),
            Value::Map(map) => Yaml::Map(
                map.iter().map(|(key, value)| (key.clone(), self.map_value(object, value))).collect(),
            ),
        }
    }

    /// Returns a value of a map, where numbers and flags need no quotes.
    fn map_value(&self, object: &Object, value: &Value) -> Yaml {
        match value {
            Value::Text(text) if !text.contains('\n') => Yaml::Sql(text.clone()),
            _ => self.value(object, ValueType::Text, value),
        }
    }

    fn text(&self, object: &Object, ty: ValueType, text: &str) -> Yaml {
        match ty {
            ValueType::Expression | ValueType::Expressions => Yaml::Sql(text.to_owned()),
            ValueType::DataType | ValueType::Qualified | ValueType::QualifiedNames
                // A built-in type whose unqualified name the reader would resolve to a declared object.
                if object.id.schema().is_some_and(|schema| self.declared.schema(schema, text).is_some()) =>
            {
                Yaml::Text(format!("pg_catalog.{text}"))
            }
            _ => Yaml::Text(text.to_owned()),
        }
    }

    /// Whether a column is in the primary key, which implies `not_null`.
    fn is_in_primary_key(&self, column: &Object) -> bool {
        let path = column.id.path();
        column.id.kind == KindName::Column
            && self.catalog.children(&ObjectId::new(KindName::Table, &path[..2])).any(|part| {
                part.id.kind == KindName::PrimaryKey
                    && part.list(AttributeName::COLUMNS).contains(&path[2].to_string())
                    && !derived::is_derived(part, self.catalog)
            })
    }

    /// Returns the constraints and indexes of the table that are written at a column.
    fn shorthand_values(&self, column: &Object) -> Vec<(&'static str, Yaml)> {
        let mut entries = Vec::new();
        for form in shape::shorthands(column.id.kind) {
            let table = ObjectId::new(KindName::Table, &column.id.path()[..2]);
            let part = self
                .catalog
                .children(&table)
                .find(|part| part.id.kind == form.kind && self.column_of(part).as_ref() == Some(&column.id));
            let Some(part) = part else { continue };
            entries.push((
                form.key,
                match form.kind {
                    KindName::Check => Yaml::Sql(part.text(AttributeName::EXPRESSION).to_owned()),
                    KindName::ForeignKey => self.reference(part),
                    _ => Yaml::Bare("true".into()),
                },
            ));
        }
        entries
    }

    /// Returns the value of `references`: a table with columns, or a map if the foreign key has other attributes.
    fn reference(&self, key: &Object) -> Yaml {
        let columns: Vec<String> = key
            .list(AttributeName::REFERENCED_COLUMNS)
            .iter()
            .map(|name| sql!("{}", Ident(name)).to_string())
            .collect();
        let others: Entries = shape::attributes(KindName::ForeignKey)
            .filter(|attribute| {
                ![AttributeName::COLUMNS, AttributeName::REFERENCES, AttributeName::REFERENCED_COLUMNS]
                    .contains(&attribute.name)
            })
            .filter_map(|attribute| Some((attribute.name.to_string(), self.attribute(key, attribute)?)))
            .collect();
        let table = key.text(AttributeName::REFERENCES);
        if others.is_empty() {
            let columns =
                if columns.is_empty() { String::new() } else { format!("({})", columns.join(", ")) };
            return Yaml::Text(format!("{table}{columns}"));
        }
        let mut entries = vec![("table".to_owned(), Yaml::Text(table.to_owned()))];
        if !columns.is_empty() {
            let names = key
                .list(AttributeName::REFERENCED_COLUMNS)
                .iter()
                .map(|name| Yaml::Text(name.clone()))
                .collect();
            entries.push(("columns".to_owned(), Yaml::List(names)));
        }
        entries.extend(others);
        Yaml::Map(entries)
    }

    /// Returns the column at which a constraint or index of a table is written, if that is lossless.
    fn column_of(&self, part: &Object) -> Option<ObjectId> {
        let form = shape::SHORTHANDS.iter().find(|form| form.kind == part.id.kind)?;
        let path = part.id.path();
        let column = |name: &str| ObjectId::new(KindName::Column, &[&path[0], &path[1], name]);
        let name = match form.kind {
            KindName::Check => self.checked_column(part)?,
            KindName::Index => leading_name(only(part.list(AttributeName::KEYS))?)?.0,
            _ => only(part.list(AttributeName::COLUMNS))?.to_owned(),
        };
        let id = column(&name);
        let written = self.catalog.get(&id).is_some_and(|column| !derived::is_derived(column, self.catalog));
        let label = (form.kind != KindName::PrimaryKey).then_some(name.as_str());
        let has_default_name = default_name(form.kind, &path[1], label).as_deref() == Some(part.id.name());
        let implied = match form.kind {
            KindName::Check => &[AttributeName::EXPRESSION][..],
            KindName::Index => &[AttributeName::KEYS],
            KindName::ForeignKey => return (written && has_default_name && reads_back(part)).then_some(id),
            _ => &[AttributeName::COLUMNS],
        };
        let complete = shape::attributes(part.id.kind)
            .all(|attribute| implied.contains(&attribute.name) || self.attribute(part, attribute).is_none());
        let is_plain_key = form.kind != KindName::Index
            || only(part.list(AttributeName::KEYS)) == Some(sql!("{}", Ident(&name)).as_str());
        let not_derived = !derived::is_derived(part, self.catalog);
        (written && has_default_name && complete && is_plain_key && not_derived).then_some(id)
    }

    /// Returns the column after which the server would name a check.
    fn checked_column(&self, check: &Object) -> Option<String> {
        let path = check.id.path();
        let table = ObjectId::new(KindName::Table, &path[..2]);
        self.catalog
            .children(&table)
            .filter(|part| {
                part.id.kind == KindName::Column && !check.text(AttributeName::EXPRESSION).is_empty()
            })
            .map(|column| column.id.name())
            .find(|name| {
                default_name(KindName::Check, &path[1], Some(name)).as_deref() == Some(check.id.name())
            })
            .map(str::to_owned)
    }
}

/// Whether the short form of `references` reads back as the same table.
fn reads_back(key: &Object) -> bool {
    let table = key.text(AttributeName::REFERENCES);
    split_reference(table).is_some_and(|(name, columns)| name == table && columns.is_empty())
}

fn schema_of(id: &ObjectId) -> ObjectId {
    ObjectId::new(KindName::Schema, &id.path()[..1])
}

fn is_standard(id: &ObjectId) -> bool {
    STANDARD_OBJECTS.iter().any(|(kind, name)| *kind == id.kind && *name == id.name())
}

/// Returns the default name of a single object.
fn default_name_of(object: &Object) -> Option<String> {
    default_name(object.id.kind, object.id.relation()?, None)
}

/// Returns the key of an object.
fn key_of(id: &ObjectId) -> String {
    match id.arguments() {
        Some(arguments) => format!("{}({arguments})", id.name()),
        None => id.name().to_owned(),
    }
}

fn only(list: &[String]) -> Option<&str> {
    if let [one] = list { Some(one) } else { None }
}

/// Returns the empty value of a type.
fn empty_value(ty: ValueType) -> Yaml {
    match ty {
        ValueType::Grants | ValueType::Options => Yaml::Map(Vec::new()),
        _ => Yaml::Text(String::new()),
    }
}
