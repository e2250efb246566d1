//! What a table has without its being written out: parts said in a column, columns of partitions.

use std::ops::Range;

use indexmap::IndexMap;

use super::declare::{Reader, data_type};
use super::names::{default_name, leading_name, split_reference};
use super::shape::{self, Shorthand};
use super::value::{self, Misfit, misfit};
use crate::error::{Diagnostic, codes};
use crate::kinds::{ChangeMethod, KindName};
use crate::model::sql::Ident;
use crate::model::{Catalog, Dependency, DependencyKind, Object, ObjectId, Value};
use crate::sql;
use crate::yaml::{Node, Value as Tree};

/// The keys of a reference that the foreign key itself spells otherwise.
pub(crate) const REFERENCE_KEYS: [&str; 2] = ["table", "columns"];

/// Reads what a column says of itself that is an object of the table's.
pub(super) fn sugar(
    reader: &mut Reader<'_>,
    column: &ObjectId,
    sugar: Shorthand,
    span: &Range<usize>,
    node: &Node,
) {
    if node.is_null() {
        return;
    }
    let [schema, table, name] = [&*column.path()[0], &*column.path()[1], &*column.path()[2]];
    let part = (sugar.kind != KindName::PrimaryKey).then_some(name);
    let Some(default) = default_name(sugar.kind, table, part) else { return };
    let mut object = Object::new(ObjectId::new(sugar.kind, &[schema, table, &default]));
    let own = Value::List(vec![name.to_owned()]);
    let read: Result<bool, Misfit> = match sugar.kind {
        KindName::Check => value::value(crate::kinds::ValueType::Expression, node).map(|expression| {
            expression.is_some_and(|expression| {
                object.set("expression", expression);
                true
            })
        }),
        KindName::ForeignKey => {
            object.set("columns", own);
            return reference(reader, object, column, span, node);
        }
        KindName::Index => value::flag(node).inspect(|_| {
            object.set("keys", Value::List(vec![sql!("{}", Ident(name)).to_string()]));
        }),
        _ => value::flag(node).inspect(|_| object.set("columns", own)),
    };
    match read {
        Ok(true) if sugar.kind == KindName::PrimaryKey && !reader.is_only_one(&object.id, span) => {}
        Ok(true) => drop(reader.add(object, span)),
        Ok(false) => {}
        Err(misfit) => reader.misfit(&format!("`{}` of {column}", sugar.key), &misfit),
    }
}

/// `references: shop.customer(id)`, or a map with what a foreign key may say.
fn reference(reader: &mut Reader<'_>, mut key: Object, column: &ObjectId, span: &Range<usize>, node: &Node) {
    let what = format!("`references` of {column}");
    let Tree::Map(entries) = &node.value else {
        match node.text().and_then(split_reference) {
            Some((table, columns)) => {
                key.set("references", Value::Text(table));
                key.set("referenced_columns", Value::List(columns));
                reader.add(key, span);
            }
            None => reader.misfit(&what, &misfit(node, "a table, such as `shop.customer(id)`")),
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
                Err(misfit) => return reader.misfit(&what, &misfit),
            },
            other => other,
        };
        let own = reference_attributes().find(|attribute| attribute.name == name);
        let Some(attribute) = own else {
            let names = reference_attributes().map(|attribute| attribute.name);
            let others = names.filter(|name| !["references", "referenced_columns"].contains(name));
            let keys: Vec<&str> = REFERENCE_KEYS.into_iter().chain([shape::NAME]).chain(others).collect();
            return reader.unknown_key(entry, &what, &keys);
        };
        reader.attribute(&mut key, attribute, node);
    }
    if key.text("references").is_empty() {
        return reader.misfit(&what, &misfit(node, "a `table`"));
    }
    reader.add(key, span);
}

/// Attributes of a foreign key that a column's reference may give.
pub(crate) fn reference_attributes() -> impl Iterator<Item = &'static crate::kinds::Attribute> {
    shape::attributes(KindName::ForeignKey).filter(|attribute| attribute.name != "columns")
}

/// What follows from the whole file.
pub(super) fn complete(reader: &mut Reader<'_>) {
    for (id, object) in &mut reader.objects {
        // A default of a view's column is set in a statement of its own.
        if id.kind == KindName::Default
            && reader.places.contains_key(&ObjectId::new(KindName::ViewColumn, id.path()))
        {
            object.set("of_view", Value::Bool(true));
        }
    }
    let keys: Vec<Object> =
        reader.objects.values().filter(|object| object.id.kind == KindName::PrimaryKey).cloned().collect();
    for key in keys {
        for column in key.list("columns") {
            let id =
                ObjectId::new(KindName::Column, &[&key.id.path()[0], &key.id.path()[1], column.as_str()]);
            if let Some(column) = reader.objects.get_mut(&id) {
                column.set("not_null", Value::Bool(true));
            }
        }
    }
    let partitions: Vec<ObjectId> =
        reader.objects.keys().filter(|id| id.kind == KindName::Partition).cloned().collect();
    let mut parts = Parts::new();
    if !partitions.is_empty() {
        for object in reader.objects.values().filter(|object| TAKEN.contains(&object.id.kind)) {
            parts.entry(table_of(object.id.path())).or_default().push(object.clone());
        }
    }
    for partition in &partitions {
        fill(reader, &mut parts, partition, partitions.len());
    }
    let untyped: Vec<ObjectId> = reader
        .objects
        .values()
        .filter(|object| data_type(object.id.kind).is_some_and(|ty| object.text(ty.name).is_empty()))
        .map(|object| object.id.clone())
        .collect();
    for id in untyped {
        let table = id.parents().find_map(|parent| reader.objects.get(&parent));
        if table.is_some_and(|table| !table.list("inherits").is_empty()) {
            // Without a type it is the parent's column.
            if let Some(column) = reader.objects.get_mut(&id) {
                column.set("inherited", Value::Bool(true));
            }
        } else if table.is_none_or(|table| table.text("of_type").is_empty())
            && let Some(place) = reader.places.get(&id).cloned()
        {
            reader.error(Diagnostic::new(codes::VALUE, format!("{id} has no `type`")), &place.span);
        }
    }
}

/// What the order of creation needs and the server would not complain of: a share is there before the whole,
/// which would make its own, and a partition is attached when both tables have their checks.
pub(super) fn dependencies(catalog: &Catalog) -> Vec<Dependency> {
    let mut list = Vec::new();
    let all = || catalog.objects.values().enumerate();
    let indexes = || all().filter(|(_, object)| object.id.kind == KindName::Index);
    let names: IndexMap<[&str; 2], usize> =
        indexes().map(|(place, index)| ([&*index.id.path()[0], index.id.name()], place)).collect();
    for (from, index) in indexes() {
        let whole = path_of(index.text("share_of"));
        if let Some(to) = whole.and_then(|[schema, name]| names.get(&[&*schema, &*name]).copied()) {
            list.push(Dependency { from, to, kind: DependencyKind::Part });
        }
    }
    for (from, partition) in all().filter(|(_, object)| object.id.kind == KindName::Partition) {
        let outer = path_of(partition.text("of")).map(|path| ObjectId::new(KindName::Table, &path));
        for table in partition.id.parents().chain(outer) {
            let parts = catalog.children(&table);
            for part in parts.filter(|part| matches!(part.id.kind, KindName::Column | KindName::Check)) {
                let to = catalog.objects.get_index_of(&part.id);
                list.extend(to.map(|to| Dependency { from, to, kind: DependencyKind::Normal }));
            }
        }
    }
    list
}

/// What a partition can take from its table, by schema and table.
type Parts = IndexMap<[String; 2], Vec<Object>>;

/// Kinds that a partition takes from its table.
const TAKEN: [KindName; 3] = [KindName::Column, KindName::Default, KindName::Check];

fn table_of(path: &[Box<str>]) -> [String; 2] {
    [path[0].to_string(), path[1].to_string()]
}

/// Gives a partition without columns those of its table, as `PARTITION OF` does.
fn fill(reader: &mut Reader<'_>, parts: &mut Parts, partition: &ObjectId, depth: usize) {
    let own = table_of(partition.path());
    let has_columns = |part: &Object| part.id.kind == KindName::Column;
    if depth == 0 || parts.get(&own).is_some_and(|list| list.iter().any(has_columns)) {
        return;
    }
    let Some(parent) = reader.objects.get(partition).and_then(|object| path_of(object.text("of"))) else {
        return;
    };
    // The parent may be such a partition itself.
    let outer = ObjectId::new(KindName::Partition, &parent);
    if reader.objects.contains_key(&outer) {
        fill(reader, parts, &outer, depth - 1);
    }
    let taken = parts.get(&parent).map(|list| parts_of_partition(list.iter(), partition.path()));
    let place = reader.places.get(partition).cloned();
    for part in taken.unwrap_or_default() {
        if !reader.objects.contains_key(&part.id) {
            if let Some(place) = &place {
                reader.places.insert(part.id.clone(), place.clone());
            }
            parts.entry(own.clone()).or_default().push(part.clone());
            reader.objects.insert(part.id.clone(), part);
        }
    }
}

/// What a partition takes of the parts of its table, with what the server copies of them.
pub(super) fn parts_of_partition<'a>(
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
        if kind.attribute("inherited").is_some() {
            copy.set("inherited", Value::Bool(true));
        }
        copy
    };
    parts.filter(|part| TAKEN.contains(&part.id.kind) && !part.flag("no_inherit")).map(copy).collect()
}

/// Whether a child's column has the attribute from its parent's. Comments and privileges are each one's own;
/// an identity comes when the partition is attached, and must not be there before (17).
pub(super) fn is_copied(attribute: &crate::kinds::Attribute) -> bool {
    match attribute.change_method {
        ChangeMethod::Replace | ChangeMethod::Alter(_) => !["identity", "sequence"].contains(&attribute.name),
        ChangeMethod::Attach(_) => ["storage", "compression"].contains(&attribute.name),
        ChangeMethod::ReadOnly => false,
    }
}

/// Schema and name of a relation from SQL.
pub(super) fn path_of(text: &str) -> Option<[String; 2]> {
    let (schema, rest) = leading_name(text)?;
    let (name, rest) = leading_name(rest.strip_prefix('.')?)?;
    rest.is_empty().then_some([schema, name])
}
