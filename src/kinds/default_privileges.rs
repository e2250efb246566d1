//! Default privileges (`pg_default_acl`): privileges on objects that a role will create.

use super::common::{OWNER_GRANTEE, grant_steps, grants_beyond, grants_by, grants_column, owner_column};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Context, Identity, Kind, KindName, Presence, SystemCatalog,
    ValueType,
};
use crate::model::sql::{Ident, Sql};
use crate::model::{Action, Catalog, Object, ObjectId, Pair, Step, Value};
use crate::sql;

/// The kind. Its changes follow the creation of all objects, so that the old default privileges apply to them.
pub static KIND: Kind = Kind {
    name: "default privilege",
    key: "default_privileges",
    identity: Identity::Global,
    parents: &[],
    catalog: Some(SystemCatalog::DEFAULT_ACL),
    presence: Presence::Rows(SystemCatalog::DEFAULT_ACL),
    query: |_| {
        // Default privileges in a schema are added to the global ones, which replace the built-in ones.
        let classes = [
            ('r', "tables"),
            ('S', "sequences"),
            ('f', "functions"),
            ('T', "types"),
            ('n', "schemas"),
            ('L', "large objects"),
        ];
        let cases = |list: Vec<String>| list.join(" ");
        let words = classes.iter().map(|(letter, word)| format!("WHEN '{letter}' THEN '{word}'")).collect();
        let class = format!("CASE d.defaclobjtype {} END", cases(words));
        let global = classes.iter().map(|(letter, _)| {
            let acl_class = if *letter == 'S' { 's' } else { *letter };
            format!("WHEN '{letter}' THEN {}", grants_column("d.defaclacl", acl_class, "d.defaclrole"))
        });
        let global = cases(global.collect());
        let added = grants_beyond("d.defaclacl", "NULL", "d.defaclrole");
        format!(
            "SELECT d.oid, pg_get_userbyid(d.defaclrole) || COALESCE(' in ' || n.nspname, '') || ' on ' || {class} AS p1, \
             {} AS owner, n.nspname AS schema, {class} AS on, \
             CASE WHEN d.defaclnamespace <> 0 THEN {added} ELSE CASE d.defaclobjtype {global} ELSE {added} END END AS grants \
             FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace \
             WHERE d.oid >= 16384",
            owner_column("d.defaclrole"),
        )
    },
    attributes: &[
        Attribute::read_only(AttributeName::OWNER, ValueType::Role)
            .doc("FOR ROLE: role that creates the objects."),
        Attribute::read_only(AttributeName::SCHEMA, ValueType::Name)
            .doc("IN SCHEMA; by default all schemas."),
        Attribute::read_only(AttributeName::ON, ValueType::Name).doc(
            "Object class: tables, sequences, functions, types, schemas, or large objects (18 or \
             later).",
        ),
        grants_by(&GRANTS),
    ],
    before_drop: |privileges, _| {
        let mut initial = Object::new(privileges.id.clone());
        for name in [AttributeName::OWNER, AttributeName::SCHEMA, AttributeName::ON] {
            initial.set(name, Value::Text(privileges.text(name).to_owned()));
        }
        // Ordered as a change, after the creation of objects to which the privileges apply.
        let steps = steps(Pair { before: privileges, after: &initial });
        steps.into_iter().map(|step| Step { action: Action::Attach, ..step }).collect()
    },
    unrecorded_dependencies: |privileges, _| {
        let schema = ObjectId::new(KindName::Schema, &[privileges.text(AttributeName::SCHEMA)]);
        vec![(schema, crate::model::DependencyKind::Auto)]
    },
    identity_for_owner: Some(|privileges, role| {
        let schema = if privileges.text(AttributeName::SCHEMA).is_empty() { "" } else { " in " };
        let name = format!(
            "{role}{schema}{} on {}",
            privileges.text(AttributeName::SCHEMA),
            privileges.text(AttributeName::ON)
        );
        ObjectId::new(KindName::DefaultPrivileges, &[name.trim_start()])
    }),
    ..Kind::DEFAULT
};

fn steps(privileges: Pair<&Object>) -> Vec<Step> {
    let after = privileges.after;
    let mut head = sql!("ALTER DEFAULT PRIVILEGES");
    if !after.text(AttributeName::OWNER).is_empty() {
        head.push(&sql!("FOR ROLE {}", Ident(after.text(AttributeName::OWNER))));
    }
    if !after.text(AttributeName::SCHEMA).is_empty() {
        head.push(&sql!("IN SCHEMA {}", Ident(after.text(AttributeName::SCHEMA))));
    }
    let on = Sql::trusted(after.text(AttributeName::ON).to_uppercase());
    let steps = grant_steps(privileges, &|privilege| Sql::trusted(privilege), &on);
    steps.into_iter().map(|step| Step { sql: head.clone().then(&step.sql), ..step }).collect()
}

static GRANTS: Alteration = Alteration { name: "grants", steps: |privileges, _| Some(steps(privileges)) };

/// Returns an object as the server creates it, before anything is attached to it: it has the privileges that default
/// privileges grant. Those of the start are in effect, because changes of default privileges come last. A privilege that
/// the object is to have is left out, so that the plan grants it whatever role runs the plan.
pub fn new_object(object: &Object, context: &Context) -> Object {
    let mut new = Object::new(object.id.clone());
    let before = context.sides.before;
    let mut grants = granted_by_default(&object.id, &before.user, before);
    // Another owner gets the privileges of the role that runs the plan, and has them all anyway.
    grants.retain(|(role, _)| role != object.text(AttributeName::OWNER));
    for (role, granted) in &mut grants {
        let wanted =
            object.map(AttributeName::GRANTS).iter().find(|(name, _)| name == role).map(|(_, wanted)| wanted);
        if let (Value::List(granted), Some(Value::List(wanted))) = (granted, wanted) {
            granted.retain(|privilege| !wanted.contains(privilege));
        }
    }
    new.set(AttributeName::GRANTS, Value::Map(grants));
    new
}

/// Returns the privileges that a new object gets if the role creates it, beyond the built-in ones.
fn granted_by_default(id: &ObjectId, creator: &str, catalog: &Catalog) -> Vec<(String, Value)> {
    let Some(on) = id.kind.get().default_acl_class else { return Vec::new() };
    let mut grants: Vec<(String, Vec<String>)> = Vec::new();
    let all = catalog.objects.values().filter(|object| object.id.kind == KindName::DefaultPrivileges);
    let mut apply: Vec<&Object> = all
        .filter(|object| {
            [creator, ""].contains(&object.text(AttributeName::OWNER)) && object.text(AttributeName::ON) == on
        })
        .filter(|object| {
            object.text(AttributeName::SCHEMA).is_empty()
                || Some(object.text(AttributeName::SCHEMA)) == id.schema()
        })
        .collect();
    apply.sort_by_key(|object| !object.text(AttributeName::SCHEMA).is_empty());
    for (role, value) in apply.iter().flat_map(|object| object.map(AttributeName::GRANTS)) {
        let Value::List(list) = value else { continue };
        match grants.iter_mut().find(|(name, _)| name == role) {
            Some((_, privileges)) => add(privileges, list),
            None => grants.push((role.clone(), list.clone())),
        }
    }
    for (_, privileges) in grants.iter_mut().filter(|(role, _)| role == OWNER_GRANTEE) {
        // A privilege that the owner has anyway makes no difference.
        privileges.retain(|privilege| privilege.starts_with('-') || privilege.ends_with('*'));
    }
    grants.sort();
    grants
        .into_iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(role, list)| (role, Value::List(list)))
        .collect()
}

/// Adds the privileges of a schema to the global ones. A privilege that is revoked globally and granted in the schema is the
/// built-in default.
fn add(privileges: &mut Vec<String>, more: &[String]) {
    for privilege in more {
        let plain = privilege.trim_end_matches('*');
        if let Some(i) = privileges.iter().position(|other| other.strip_prefix('-') == Some(plain)) {
            privileges.remove(i);
            if privilege == plain {
                continue;
            }
        }
        if let Some(i) = privileges.iter().position(|other| other == plain) {
            privileges[i].clone_from(privilege);
        } else if !privileges.iter().any(|other| other.trim_end_matches('*') == plain) {
            privileges.push(privilege.clone());
        }
    }
    privileges.sort();
}
