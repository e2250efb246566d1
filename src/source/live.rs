//! Reads the catalog of a database: all kinds in one snapshot, a query a kind, none per object.

mod array;
mod decode;
mod dependencies;

use std::collections::HashMap as Map;

use indexmap::IndexMap;

use crate::db::{Message, Row, Session};
use crate::error::Result;
use crate::kinds::{Kind, KindName, Type};
use crate::model::catalog::RoleFacts;
use crate::model::{Catalog, Object, ObjectId, Value};

/// Where a row of a system catalog lives: class, OID and column number.
type Address = (u32, u32, i32);

/// The schema of the tool's own records, which is no part of anybody's catalog.
pub const OWN_SCHEMA: &str = "schemadiff";

/// Reads everything. The session's settings are those of [`crate::db::READ_SETTINGS`].
///
/// # Errors
/// What the server says; it is read again, a few times, when somebody changes the schema meanwhile.
pub async fn read(session: &Session) -> Result<Catalog> {
    const TRIES: usize = 3;
    let mut last = None;
    for _ in 0..TRIES {
        let (catalog, print) = read_once(session).await?;
        // What prints an expression reads the newest catalog whatever the snapshot, so that a change
        // in between would give two states mixed.
        if fingerprint(session).await? == print {
            return Ok(catalog);
        }
        last = Some(catalog);
    }
    last.ok_or_else(|| crate::Error::Internal("no try was made".into()))
}

/// A number that changes when the schema does.
const FINGERPRINT: &str = "SELECT (SELECT sum(hashtext(oid::text || xmin::text)::bigint) FROM pg_class), \
    (SELECT sum(hashtext(oid::text || xmin::text)::bigint) FROM pg_constraint), \
    (SELECT sum(hashtext(oid::text || xmin::text)::bigint) FROM pg_proc), \
    (SELECT sum(hashtext(oid::text || xmin::text)::bigint) FROM pg_rewrite), \
    (SELECT sum(hashtext(oid::text || xmin::text)::bigint) FROM pg_type)";

fn print_of(row: &Row) -> Vec<Option<String>> {
    (0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect()
}

async fn fingerprint(session: &Session) -> Result<Vec<Option<String>>> {
    Ok(session.rows(FINGERPRINT).await?.first().map(print_of).unwrap_or_default())
}

/// What a reading gathers before names replace OIDs.
#[derive(Default)]
struct Reading {
    /// Objects with the addresses of their rows.
    objects: Vec<(Address, Object)>,
    /// Attributes that hold column numbers, to be named at the end: object, attribute, numbers.
    columns: Vec<(usize, &'static str, String)>,
    /// The role that reads.
    user: String,
    /// Names of columns, those of extensions too.
    names: Map<(u32, i32), String>,
}

async fn read_once(session: &Session) -> Result<(Catalog, Vec<Option<String>>)> {
    let version = session.version();
    let mut batch = String::from("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n");
    batch.push_str(FINGERPRINT);
    for kind in KindName::ALL {
        batch.push_str(";\n");
        batch.push_str(&(kind.get().query)(version));
    }
    for query in [COMMENTS, ROLES, dependencies::QUERY] {
        batch.push_str(";\n");
        batch.push_str(query);
    }
    batch.push_str(";\nCOMMIT");

    let mut stream = session.stream(&batch).await?;
    let mut reading = Reading::default();
    let mut print = Vec::new();
    let (mut comments, mut superusers) = (Map::new(), Vec::new());
    let mut edges = Vec::new();
    // The first statement with columns is the fingerprint, then come the kinds, then what is for all.
    let mut part = 0;
    let mut decoder = None;
    while let Some(message) = stream.message().await? {
        match message {
            Message::Columns(columns) => {
                part += 1;
                let kind = (part >= 2).then(|| KindName::ALL.get(part - 2)).flatten();
                decoder = kind.map(|kind| decode::Decoder::new(*kind, &columns));
            }
            Message::Row(row) => match (&decoder, part.checked_sub(2 + KindName::ALL.len())) {
                (Some(decoder), _) => decoder.row(&row, &mut reading),
                (None, None) => print = print_of(&row),
                (None, Some(0)) => {
                    comments.insert(decode::address(&row), row.get(3).unwrap_or_default().to_owned());
                }
                (None, Some(1)) => {
                    let name = row.get(0).unwrap_or_default();
                    if row.get(1) == Some("t") {
                        superusers.push(name.to_owned());
                    }
                    if row.get(2) == Some("t") {
                        name.clone_into(&mut reading.user);
                    }
                }
                (None, Some(_)) => edges.push(dependencies::Edge::from(&row)),
            },
            Message::Done(_) => {}
        }
    }
    Ok((assemble(version, reading, &comments, &superusers, &edges), print))
}

const COMMENTS: &str = "SELECT classoid, objoid, objsubid, description FROM pg_description \
    WHERE objoid >= 16384 OR classoid = 'pg_namespace'::regclass AND objoid = 'public'::regnamespace";

const ROLES: &str =
    "SELECT rolname, rolsuper, rolname = current_user FROM pg_roles WHERE rolsuper OR rolname = current_user";

fn assemble(
    version: crate::model::PgVersion,
    mut reading: Reading,
    comments: &Map<Address, String>,
    superusers: &[String],
    edges: &[dependencies::Edge],
) -> Catalog {
    for (i, attribute, numbers) in std::mem::take(&mut reading.columns) {
        let names = decode::column_names(&numbers, &reading.names);
        reading.objects[i].1.set(attribute, Value::List(names));
    }
    let members = dependencies::extension_members(edges);
    let mut objects: IndexMap<ObjectId, Object> = IndexMap::with_capacity(reading.objects.len());
    let mut addresses: Map<Address, usize> = Map::with_capacity(reading.objects.len());
    for (address, mut object) in reading.objects {
        let kind = object.id.kind.get();
        let orphan =
            !kind.parents.is_empty() && !object.id.parents().any(|parent| objects.contains_key(&parent));
        let own = object.id.path().first().is_some_and(|schema| &**schema == OWN_SCHEMA);
        // What belongs to an extension, and what hangs off that, comes with the extension.
        if orphan || own || members.contains_key(&(address.0, address.1)) {
            continue;
        }
        if let Some(comment) = comments.get(&address)
            && kind.attribute("comment").is_some()
        {
            object.set("comment", Value::Text(comment.clone()));
        }
        let (place, _) = objects.insert_full(object.id.clone(), object);
        addresses.insert(address, place);
    }
    let mut catalog = Catalog::new(version, objects);
    let known = dependencies::resolve(edges, &addresses, &members, &catalog);
    catalog.set_dependencies(known.clone());
    let implied = dependencies::implied(&catalog);
    catalog.set_dependencies(known.into_iter().chain(implied).collect());
    catalog.user = std::mem::take(&mut reading.user);
    catalog.roles = roles(&catalog, superusers);
    catalog
}

/// The names of the roles that a catalog's objects name.
pub fn roles_of(catalog: &Catalog) -> Vec<String> {
    roles(catalog, &[]).into_keys().collect()
}

/// The roles that objects name.
fn roles(catalog: &Catalog, superusers: &[String]) -> std::collections::BTreeMap<String, RoleFacts> {
    let mut roles = std::collections::BTreeMap::new();
    let mut note = |name: &str| {
        if !name.starts_with("pg_") && name != "public" && name != crate::kinds::common::OWNER_GRANTEE {
            let superuser = superusers.iter().any(|other| other == name);
            roles.insert(name.to_owned(), RoleFacts { superuser });
        }
    };
    for object in catalog.objects.values() {
        let kind: &Kind = object.id.kind.get();
        for (name, value) in object.attributes() {
            match (kind.attribute(name).map(|attribute| attribute.ty), value) {
                (Some(Type::Role), Value::Text(role)) => note(role),
                (Some(Type::Roles), Value::List(list)) => list.iter().for_each(|role| note(role)),
                (Some(Type::Grants), Value::Map(map)) => map.iter().for_each(|(role, _)| note(role)),
                _ => {}
            }
        }
    }
    roles
}
