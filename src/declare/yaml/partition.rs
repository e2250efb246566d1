//! Completes tables with what follows from other objects: the columns of partitions and of child tables, and NOT NULL
//! of primary keys.

use indexmap::IndexMap;

use super::names::path_of;
use super::reader::Reader;
use super::shape::data_type;
use crate::error::{Diagnostic, codes};
use crate::kinds::{Attribute, ChangeMethod, KindName};
use crate::model::{AttributeName, Object, ObjectId, Value};

/// Adds what follows from the other objects of the file, and reports columns without a type.
pub(super) fn complete(reader: &mut Reader<'_>) {
    mark_defaults_of_views(reader);
    set_not_null_of_primary_keys(reader);
    add_columns_of_partitions(reader);
    complete_untyped_columns(reader);
}

/// Marks the defaults of view columns, which are set by ALTER VIEW.
fn mark_defaults_of_views(reader: &mut Reader<'_>) {
    for (id, object) in &mut reader.objects {
        if id.kind == KindName::Default
            && reader.places.contains_key(&ObjectId::new(KindName::ViewColumn, id.path()))
        {
            object.set(AttributeName::OF_VIEW, Value::Bool(true));
        }
    }
}

/// Makes the columns of primary keys NOT NULL.
fn set_not_null_of_primary_keys(reader: &mut Reader<'_>) {
    let keys: Vec<Object> =
        reader.objects.values().filter(|object| object.id.kind == KindName::PrimaryKey).cloned().collect();
    for key in keys {
        for column in key.list(AttributeName::COLUMNS) {
            let id =
                ObjectId::new(KindName::Column, &[&key.id.path()[0], &key.id.path()[1], column.as_str()]);
            if let Some(column) = reader.objects.get_mut(&id) {
                column.set(AttributeName::NOT_NULL, Value::Bool(true));
            }
        }
    }
}

/// Gives partitions without columns those of their parent tables.
fn add_columns_of_partitions(reader: &mut Reader<'_>) {
    let partitions: Vec<ObjectId> =
        reader.objects.keys().filter(|id| id.kind == KindName::Partition).cloned().collect();
    if partitions.is_empty() {
        return;
    }
    let mut parts = Parts::new();
    for object in reader.objects.values().filter(|object| object.id.kind.get().inherited_by_partitions) {
        parts.entry(table_of(object.id.path())).or_default().push(object.clone());
    }
    for partition in &partitions {
        inherit(reader, &mut parts, partition, partitions.len());
    }
}

/// Marks columns without a type as inherited, or reports them if the table neither inherits nor is of a type.
fn complete_untyped_columns(reader: &mut Reader<'_>) {
    let untyped: Vec<ObjectId> = reader
        .objects
        .values()
        .filter(|object| data_type(object.id.kind).is_some_and(|ty| object.text(ty.name).is_empty()))
        .map(|object| object.id.clone())
        .collect();
    for id in untyped {
        let table = id.parents().find_map(|parent| reader.objects.get(&parent));
        if table.is_some_and(|table| !table.list(AttributeName::INHERITS).is_empty()) {
            // Without a type it is the parent's column.
            if let Some(column) = reader.objects.get_mut(&id) {
                column.set(AttributeName::INHERITED, Value::Bool(true));
            }
        } else if table.is_none_or(|table| table.text(AttributeName::OF_TYPE).is_empty())
            && let Some(place) = reader.places.get(&id).cloned()
        {
            reader.error(Diagnostic::new(codes::VALUE, format!("{id} has no `type`")), &place.span);
        }
    }
}

/// The objects that partitions can inherit, by schema and table.
type Parts = IndexMap<[String; 2], Vec<Object>>;

/// The kinds of objects that a partition inherits from its parent table.
fn table_of(path: &[Box<str>]) -> [String; 2] {
    [path[0].to_string(), path[1].to_string()]
}

/// Gives a partition without columns those of its parent table, as `PARTITION OF` does.
fn inherit(reader: &mut Reader<'_>, parts: &mut Parts, partition: &ObjectId, depth: usize) {
    let table = table_of(partition.path());
    let has_columns = |part: &Object| part.id.kind == KindName::Column;
    if depth == 0 || parts.get(&table).is_some_and(|list| list.iter().any(has_columns)) {
        return;
    }
    let Some(parent) =
        reader.objects.get(partition).and_then(|object| path_of(object.text(AttributeName::OF)))
    else {
        return;
    };
    // The parent may itself be a partition without columns.
    let parent_partition = ObjectId::new(KindName::Partition, &parent);
    if reader.objects.contains_key(&parent_partition) {
        inherit(reader, parts, &parent_partition, depth - 1);
    }
    let inherited = parts.get(&parent).map(|list| inherited_by_partition(list.iter(), partition.path()));
    let place = reader.places.get(partition).cloned();
    for part in inherited.unwrap_or_default() {
        if !reader.objects.contains_key(&part.id) {
            if let Some(place) = &place {
                reader.places.insert(part.id.clone(), place.clone());
            }
            parts.entry(table.clone()).or_default().push(part.clone());
            reader.objects.insert(part.id.clone(), part);
        }
    }
}

/// Returns the objects that a partition inherits from those of its parent table, with the attributes that the server
/// copies.
pub(super) fn inherited_by_partition<'a>(
    parts: impl Iterator<Item = &'a Object>,
    path: &[Box<str>],
) -> Vec<Object> {
    let copy = |part: &'a Object| {
        let kind = part.id.kind.get();
        let mut copy = Object::new(ObjectId::new(part.id.kind, &[&path[0], &path[1], &part.id.path()[2]]));
        copy.position = part.position;
        for attribute in kind.attributes.iter().filter(|attribute| is_copied(attribute)) {
            if let Some(value) = part.get(attribute.name) {
                copy.set(attribute.name, value.clone());
            }
        }
        if kind.attribute(AttributeName::INHERITED).is_some() {
            copy.set(AttributeName::INHERITED, Value::Bool(true));
        }
        copy
    };
    parts
        .filter(|part| part.id.kind.get().inherited_by_partitions && !part.flag(AttributeName::NO_INHERIT))
        .map(copy)
        .collect()
}

/// Whether an attribute of a column is copied to the column of a child table. Comments and privileges are not copied;
/// an identity is added when the partition is attached and must not exist before (PostgreSQL 17).
pub(super) fn is_copied(attribute: &Attribute) -> bool {
    match attribute.change_method {
        ChangeMethod::Replace | ChangeMethod::Alter(_) => {
            ![AttributeName::IDENTITY, AttributeName::SEQUENCE].contains(&attribute.name)
        }
        ChangeMethod::Attach(_) => {
            [AttributeName::STORAGE, AttributeName::COMPRESSION].contains(&attribute.name)
        }
        ChangeMethod::ReadOnly => false,
    }
}
