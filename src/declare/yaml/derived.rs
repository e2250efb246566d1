//! What a server adds to a table by itself, so that a file need not say it.

use super::names::default_name;
use super::parts::{is_copied, parts_of_partition, path_of};
use super::shape;
use crate::kinds::{Attribute, ChangeMethod, KindName};
use crate::model::{Catalog, Object, ObjectId, PgVersion, Value};

/// Notes that follow from where an object stands and what it says.
const FOLLOWS: [&str; 3] = ["of_view", "share", "signature"];

/// Whether a note that only tells of an object is needed to make it again.
pub(super) fn note_is_written(object: &Object, attribute: &Attribute, catalog: &Catalog) -> bool {
    match attribute.name {
        // A child's column that differs in what can be set later is the parent's column still.
        "inherited" => {
            object.flag("inherited") && partition(object, catalog).is_none() && is_as_parents(object, catalog)
        }
        name => !FOLLOWS.contains(&name),
    }
}

/// Whether an object of every database is as it is in a new one.
pub(super) fn is_usual(object: &Object, attribute: &Attribute, version: PgVersion) -> bool {
    let usual = match (object.id.kind, attribute.name) {
        (KindName::Extension, "schema") => Some(Value::Text("pg_catalog".into())),
        (KindName::Extension, "comment") => Some(Value::Text("PL/pgSQL procedural language".into())),
        (KindName::Schema, "comment") => Some(Value::Text("standard public schema".into())),
        (KindName::Schema, "owner") => {
            Some(Value::Text(if version.since(15) { "pg_database_owner" } else { "postgres" }.into()))
        }
        (KindName::Schema, "grants") => {
            let privileges: &[&str] = if version.since(15) { &["USAGE"] } else { &["CREATE", "USAGE"] };
            let list = privileges.iter().map(|privilege| (*privilege).to_owned()).collect();
            Some(Value::Map(vec![("public".into(), Value::List(list))]))
        }
        _ => None,
    };
    let value = object.get(attribute.name);
    // An owner that is not said is as it is; a comment on plpgsql is never read.
    let unsaid = attribute.unmanaged_if_unset || object.id.kind == KindName::Extension;
    value == usual.as_ref() || unsaid && value.is_none()
}

/// Whether the server makes the object when it makes what the file says.
pub(super) fn comes_by_itself(object: &Object, catalog: &Catalog) -> bool {
    if let Some(partition) = partition(object, catalog) {
        return match object.id.kind {
            KindName::Column => columns_are_taken(partition, catalog),
            KindName::Check => object.flag("inherited") && columns_are_taken(partition, catalog),
            _ => is_plain_share(object, partition, catalog),
        };
    }
    let own = |attribute: &Attribute| {
        object.get(attribute.name).is_some() && !is_copied(attribute) && !shape::is_note(attribute)
    };
    // Before 16 a child may not say what its column is computed from, even where that is the same.
    let inherited = object.flag("inherited") || !object.text("generated").is_empty();
    inherited
        && is_as_parents(object, catalog)
        && !object.id.kind.get().attributes.iter().any(own)
        && default_is_as_parents(object, catalog)
}

/// The partition that the object's table is.
fn partition<'a>(object: &Object, catalog: &'a Catalog) -> Option<&'a Object> {
    let path = object.id.path();
    (path.len() > 2).then(|| catalog.get(&ObjectId::new(KindName::Partition, &path[..2]))).flatten()
}

/// Whether a partition's columns, defaults and checks are what it takes from its table.
fn columns_are_taken(partition: &Object, catalog: &Catalog) -> bool {
    let Some(parent) = path_of(partition.text("of")) else { return false };
    let outer = ObjectId::new(KindName::Table, &parent);
    let table = ObjectId::new(KindName::Table, partition.id.path());
    let columns = |table: &ObjectId| -> Vec<String> {
        let columns = catalog.children(table).filter(|part| part.id.kind == KindName::Column);
        columns.map(|column| column.id.name().to_owned()).collect()
    };
    let sides = [columns(&outer), columns(&table)];
    if sides[0] != sides[1] || sides[0].is_empty() {
        return false;
    }
    let defaults = |table: &ObjectId| -> Vec<Object> {
        let columns = catalog.children(table).filter(|part| part.id.kind == KindName::Column);
        columns.flat_map(|column| catalog.children(&column.id)).cloned().collect()
    };
    let parts: Vec<Object> = catalog.children(&outer).cloned().chain(defaults(&outer)).collect();
    let taken = parts_of_partition(parts.iter(), partition.id.path());
    let as_taken = |wanted: &Object| {
        let Some(there) = catalog.get(&wanted.id) else { return false };
        let attributes =
            wanted.id.kind.get().attributes.iter().filter(|attribute| !shape::is_note(attribute));
        attributes
            .filter(|a| !["identity", "sequence"].contains(&a.name))
            .all(|attribute| there.get(attribute.name) == wanted.get(attribute.name))
    };
    let is_taken = |there: &Object| taken.iter().any(|wanted| wanted.id == there.id);
    let checks =
        catalog.children(&table).filter(|part| part.id.kind == KindName::Check && part.flag("inherited"));
    taken.iter().all(as_taken)
        && defaults(&table).iter().all(is_taken)
        && checks.into_iter().all(is_taken)
        && columns(&table).iter().all(|name| identity_is_parents(name, &outer, &table, catalog))
}

/// Whether a partition's column has the identity that attaching gives it (17), or none.
fn identity_is_parents(name: &str, outer: &ObjectId, table: &ObjectId, catalog: &Catalog) -> bool {
    let column = |table: &ObjectId| {
        catalog.get(&ObjectId::new(KindName::Column, &[&*table.path()[0], &*table.path()[1], name]))
    };
    let identity =
        |column: Option<&Object>| column.map(|column| column.text("identity").to_owned()).unwrap_or_default();
    let (there, above) = (identity(column(table)), identity(column(outer)));
    there.is_empty() || there == above
}

/// Whether a key or index of a partition is a share with the name that the server would choose.
fn is_plain_share(object: &Object, partition: &Object, catalog: &Catalog) -> bool {
    let is_share = object.flag("share") || !object.text("share_of").is_empty();
    let Some(parent) = path_of(partition.text("of")).filter(|_| is_share) else { return false };
    let columns = match object.id.kind {
        KindName::PrimaryKey => Vec::new(),
        KindName::Unique => object.list("columns").to_vec(),
        KindName::Index => {
            let names = object.list("keys").iter().map(|key| super::names::name_list(key));
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
    // A name that is cut may be that of another partition's too, and then a number tells them apart.
    let whole_name = name.starts_with(&**table) && name.contains(&joined);
    let usual = whole_name && default_name(object.id.kind, table, label).as_deref() == Some(name);
    let same = |one: &Object, other: &Object, counts: &dyn Fn(&Attribute) -> bool| {
        let attributes = object.id.kind.get().attributes.iter();
        attributes.filter(|a| counts(a)).all(|a| one.get(a.name) == other.get(a.name))
    };
    let defines = |a: &Attribute| {
        !shape::is_note(a) && !matches!(a.change_method, ChangeMethod::Attach(_)) && a.name != "incomplete"
    };
    let attached = |a: &Attribute| matches!(a.change_method, ChangeMethod::Attach(_)) && a.name != "share_of";
    let siblings = |table: ObjectId| -> Vec<&Object> {
        catalog.children(&table).filter(|part| part.id.kind == object.id.kind).collect()
    };
    // Two alike would be told apart by numbers.
    let all = siblings(ObjectId::new(KindName::Table, partition.id.path()));
    let alike = all.iter().filter(|part| same(part, object, &defines));
    let whole = |part: &&Object| {
        let is_it = match path_of(object.text("share_of")) {
            Some(name) => *part.id.path()[0] == *name[0] && part.id.name() == name[1],
            None => true,
        };
        is_it && same(part, object, &defines) && !part.flag("incomplete")
    };
    usual
        && alike.count() == 1
        && same(object, &Object::new(object.id.clone()), &attached)
        && siblings(ObjectId::new(KindName::Table, &parent)).iter().copied().filter(whole).count() == 1
}

/// Objects of the same name and kind in the tables from which a table inherits.
fn parents_parts<'a>(object: &'a Object, catalog: &'a Catalog) -> impl Iterator<Item = &'a Object> {
    let table = catalog.get(&ObjectId::new(KindName::Table, &object.id.path()[..2]));
    let parents = table.map(|table| table.list("inherits")).unwrap_or_default();
    parents.iter().filter_map(|parent| path_of(parent)).filter_map(|[schema, name]| {
        catalog.get(&ObjectId::new(object.id.kind, &[&*schema, &*name, object.id.name()]))
    })
}

/// Whether an inherited column or check is what a parent has, but for what can be set later.
fn is_as_parents(object: &Object, catalog: &Catalog) -> bool {
    let attributes = object.id.kind.get().attributes;
    parents_parts(object, catalog).any(|parent| {
        attributes.iter().filter(|a| is_copied(a)).all(|a| parent.get(a.name) == object.get(a.name))
    }) && object.text("identity").is_empty()
}

fn default_is_as_parents(column: &Object, catalog: &Catalog) -> bool {
    let default =
        |column: &Object| catalog.children(&column.id).next().map(|d| d.text("expression").to_owned());
    column.id.kind != KindName::Column
        || parents_parts(column, catalog).any(|parent| default(parent) == default(column))
}
