//! Objects and attributes that the server derives from others, so a target file need not give them.

use super::names::{default_name, name_list, path_of};
use super::partition::{inherited_by_partition, is_copied};
use super::shape;
use crate::kinds::{Attribute, ChangeMethod, KindName};
use crate::model::{AttributeName, Catalog, Object, ObjectId, PgVersion, Value};

/// Read-only attributes that follow from the parent and the other attributes of an object.
const DERIVED_READ_ONLY: [AttributeName; 3] =
    [AttributeName::OF_VIEW, AttributeName::SHARE, AttributeName::SIGNATURE];

/// Whether a read-only attribute must be written so that the object can be created from the file.
pub(super) fn read_only_is_written(object: &Object, attribute: &Attribute, catalog: &Catalog) -> bool {
    match attribute.name {
        // An inherited column may differ from the parent's in what ALTER TABLE can set later.
        AttributeName::INHERITED => {
            object.flag(AttributeName::INHERITED)
                && partition(object, catalog).is_none()
                && equals_parents(object, catalog)
        }
        name => !DERIVED_READ_ONLY.contains(&name),
    }
}

/// Whether an attribute of a standard object has the value that it has in a new database.
pub(super) fn is_standard_value(object: &Object, attribute: &Attribute, version: PgVersion) -> bool {
    let standard = match (object.id.kind, attribute.name) {
        (KindName::Extension, AttributeName::SCHEMA) => Some(Value::Text("pg_catalog".into())),
        (KindName::Extension, AttributeName::COMMENT) => {
            Some(Value::Text("PL/pgSQL procedural language".into()))
        }
        (KindName::Schema, AttributeName::COMMENT) => Some(Value::Text("standard public schema".into())),
        (KindName::Schema, AttributeName::OWNER) => {
            Some(Value::Text(if version.since(15) { "pg_database_owner" } else { "postgres" }.into()))
        }
        (KindName::Schema, AttributeName::GRANTS) => {
            let privileges: &[&str] = if version.since(15) { &["USAGE"] } else { &["CREATE", "USAGE"] };
            let list = privileges.iter().map(|privilege| (*privilege).to_owned()).collect();
            Some(Value::Map(vec![("public".into(), Value::List(list))]))
        }
        _ => None,
    };
    let value = object.get(attribute.name);
    // An owner that is not given does not change; the comment of plpgsql is never read.
    let unspecified = attribute.unmanaged_if_unset || object.id.kind == KindName::Extension;
    value == standard.as_ref() || unspecified && value.is_none()
}

/// Whether the server creates the object along with another one.
pub(super) fn is_derived(object: &Object, catalog: &Catalog) -> bool {
    if let Some(partition) = partition(object, catalog) {
        return match object.id.kind {
            KindName::Column => columns_are_inherited(partition, catalog),
            KindName::Check => {
                object.flag(AttributeName::INHERITED) && columns_are_inherited(partition, catalog)
            }
            _ => is_default_part(object, partition, catalog),
        };
    }
    let own = |attribute: &Attribute| {
        object.get(attribute.name).is_some() && !is_copied(attribute) && !shape::is_read_only(attribute)
    };
    // Before PostgreSQL 16 a child column cannot repeat the generation expression of the parent.
    let inherited =
        object.flag(AttributeName::INHERITED) || !object.text(AttributeName::GENERATED).is_empty();
    inherited
        && equals_parents(object, catalog)
        && !object.id.kind.get().attributes.iter().any(own)
        && default_equals_parents(object, catalog)
}

/// Returns the partition entry of the object's table, if that is a partition.
fn partition<'a>(object: &Object, catalog: &'a Catalog) -> Option<&'a Object> {
    let path = object.id.path();
    (path.len() > 2).then(|| catalog.get(&ObjectId::new(KindName::Partition, &path[..2]))).flatten()
}

/// Whether the columns, defaults and checks of a partition are those that it inherits from its parent table.
fn columns_are_inherited(partition: &Object, catalog: &Catalog) -> bool {
    let Some(parent) = path_of(partition.text(AttributeName::OF)) else { return false };
    let parent_table = ObjectId::new(KindName::Table, &parent);
    let table = ObjectId::new(KindName::Table, partition.id.path());
    let columns = |table: &ObjectId| -> Vec<String> {
        let columns = catalog.children(table).filter(|part| part.id.kind == KindName::Column);
        columns.map(|column| column.id.name().to_owned()).collect()
    };
    let sides = [columns(&parent_table), columns(&table)];
    if sides[0] != sides[1] || sides[0].is_empty() {
        return false;
    }
    let defaults = |table: &ObjectId| -> Vec<Object> {
        let columns = catalog.children(table).filter(|part| part.id.kind == KindName::Column);
        columns.flat_map(|column| catalog.children(&column.id)).cloned().collect()
    };
    let parts: Vec<Object> =
        catalog.children(&parent_table).cloned().chain(defaults(&parent_table)).collect();
    let inherited_parts = inherited_by_partition(parts.iter(), partition.id.path());
    let as_inherited = |wanted: &Object| {
        let Some(actual) = catalog.get(&wanted.id) else { return false };
        let attributes =
            wanted.id.kind.get().attributes.iter().filter(|attribute| !shape::is_read_only(attribute));
        attributes
            .filter(|a| ![AttributeName::IDENTITY, AttributeName::SEQUENCE].contains(&a.name))
            .all(|attribute| actual.get(attribute.name) == wanted.get(attribute.name))
    };
    let is_inherited = |object: &Object| inherited_parts.iter().any(|wanted| wanted.id == object.id);
    let checks = catalog
        .children(&table)
        .filter(|part| part.id.kind == KindName::Check && part.flag(AttributeName::INHERITED));
    inherited_parts.iter().all(as_inherited)
        && defaults(&table).iter().all(is_inherited)
        && checks.into_iter().all(is_inherited)
        && columns(&table).iter().all(|name| identity_is_parents(name, &parent_table, &table, catalog))
}

/// Whether a column of a partition has no identity, or the one that it gets when it is attached (PostgreSQL 17).
fn identity_is_parents(name: &str, parent_table: &ObjectId, table: &ObjectId, catalog: &Catalog) -> bool {
    let column = |table: &ObjectId| {
        catalog.get(&ObjectId::new(KindName::Column, &[&*table.path()[0], &*table.path()[1], name]))
    };
    let identity = |column: Option<&Object>| {
        column.map(|column| column.text(AttributeName::IDENTITY).to_owned()).unwrap_or_default()
    };
    let (own, parents) = (identity(column(table)), identity(column(parent_table)));
    own.is_empty() || own == parents
}

/// Whether a key or index of a partition is part of one of the parent table and has the name that the server would
/// choose.
fn is_default_part(object: &Object, partition: &Object, catalog: &Catalog) -> bool {
    let is_part = object.flag(AttributeName::SHARE) || !object.text(AttributeName::SHARE_OF).is_empty();
    let Some(parent) = path_of(partition.text(AttributeName::OF)).filter(|_| is_part) else { return false };
    let columns = match object.id.kind {
        KindName::PrimaryKey => Vec::new(),
        KindName::Unique => object.list(AttributeName::COLUMNS).to_vec(),
        KindName::Index => {
            let names = object.list(AttributeName::KEYS).iter().map(|key| name_list(key));
            let names: Option<Vec<_>> = names.map(|names| names.filter(|names| names.len() == 1)).collect();
            match names {
                Some(names) => names.concat(),
                None => return false,
            }
        }
        _ => return false,
    };
    let joined = columns.join("_");
    let label = (!columns.is_empty()).then_some(joined.as_str());
    let table = &object.id.path()[1];
    let name = object.id.name();
    // Truncated names of different partitions may collide, and then the server appends a number.
    let untruncated = name.starts_with(&**table) && name.contains(&joined);
    let has_default_name = untruncated && default_name(object.id.kind, table, label).as_deref() == Some(name);
    let same = |one: &Object, other: &Object, counts: &dyn Fn(&Attribute) -> bool| {
        let attributes = object.id.kind.get().attributes.iter();
        attributes.filter(|a| counts(a)).all(|a| one.get(a.name) == other.get(a.name))
    };
    let defines = |a: &Attribute| {
        !shape::is_read_only(a)
            && !matches!(a.change_method, ChangeMethod::Attach(_))
            && a.name != AttributeName::INCOMPLETE
    };
    let attached = |a: &Attribute| {
        matches!(a.change_method, ChangeMethod::Attach(_)) && a.name != AttributeName::SHARE_OF
    };
    let siblings = |table: ObjectId| -> Vec<&Object> {
        catalog.children(&table).filter(|part| part.id.kind == object.id.kind).collect()
    };
    // The server would number the names of two with the same definition.
    let all = siblings(ObjectId::new(KindName::Table, partition.id.path()));
    let same_definition = all.iter().filter(|part| same(part, object, &defines));
    let is_parent = |part: &&Object| {
        let has_name = match path_of(object.text(AttributeName::SHARE_OF)) {
            Some(name) => *part.id.path()[0] == *name[0] && part.id.name() == name[1],
            None => true,
        };
        has_name && same(part, object, &defines) && !part.flag(AttributeName::INCOMPLETE)
    };
    has_default_name
        && same_definition.count() == 1
        && same(object, &Object::new(object.id.clone()), &attached)
        && siblings(ObjectId::new(KindName::Table, &parent)).iter().copied().filter(is_parent).count() == 1
}

/// Returns the objects of the same kind and name in the tables from which a table inherits.
fn counterparts_in_parents<'a>(object: &'a Object, catalog: &'a Catalog) -> impl Iterator<Item = &'a Object> {
    let table = catalog.get(&ObjectId::new(KindName::Table, &object.id.path()[..2]));
    let parents = table.map(|table| table.list(AttributeName::INHERITS)).unwrap_or_default();
    parents.iter().filter_map(|parent| path_of(parent)).filter_map(|[schema, name]| {
        catalog.get(&ObjectId::new(object.id.kind, &[&*schema, &*name, object.id.name()]))
    })
}

/// Whether an inherited column or check equals that of a parent, apart from attributes that are not copied.
fn equals_parents(object: &Object, catalog: &Catalog) -> bool {
    let attributes = object.id.kind.get().attributes;
    counterparts_in_parents(object, catalog).any(|parent| {
        attributes.iter().filter(|a| is_copied(a)).all(|a| parent.get(a.name) == object.get(a.name))
    }) && object.text(AttributeName::IDENTITY).is_empty()
}

/// Whether a column has the default of a parent's column.
fn default_equals_parents(column: &Object, catalog: &Catalog) -> bool {
    let default = |column: &Object| {
        catalog.children(&column.id).next().map(|d| d.text(AttributeName::EXPRESSION).to_owned())
    };
    column.id.kind != KindName::Column
        || counterparts_in_parents(column, catalog).any(|parent| default(parent) == default(column))
}
