//! Privileges on objects of the system and of extensions that differ from the initial ones (`pg_init_privs`). Objects of
//! `information_schema` are left out, as `pg_dump` does, because their initial privileges are not recorded.

use super::common::{OWNER_BY_NAME, grant_steps, grants_by};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, KindName, Presence, ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Action, DependencyKind, Object, ObjectId, Pair, Step, Value};
use crate::sql;

attribute_names! {
    COLUMN = "column",
    EXTENSION = "extension",
}

/// Objects of the system whose privileges are not those that the server was made with, and anything that came with an
/// extension later, which is rare enough to be looked at more closely.
const CHANGED: &str = "SELECT FROM (\
    SELECT 'pg_class'::regclass::oid AS class, oid, 0 AS sub, relacl AS acl FROM pg_class \
    WHERE oid < 16384 AND relacl IS NOT NULL AND relnamespace <> 'information_schema'::regnamespace \
    UNION ALL SELECT 'pg_class'::regclass, attrelid, attnum, attacl FROM pg_attribute \
    WHERE attrelid < 16384 AND attacl IS NOT NULL \
    UNION ALL SELECT 'pg_proc'::regclass, oid, 0, proacl FROM pg_proc WHERE oid < 16384 AND proacl IS NOT NULL \
    UNION ALL SELECT 'pg_type'::regclass, oid, 0, typacl FROM pg_type WHERE oid < 16384 AND typacl IS NOT NULL \
    UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, nspacl FROM pg_namespace \
    WHERE oid < 16384 AND nspacl IS NOT NULL AND nspname NOT IN ('public', 'information_schema') \
    UNION ALL SELECT 'pg_language'::regclass, oid, 0, lanacl FROM pg_language WHERE oid < 16384 AND lanacl IS NOT NULL\
    ) o LEFT JOIN pg_init_privs i ON i.classoid = o.class AND i.objoid = o.oid AND i.objsubid = o.sub \
    WHERE o.acl IS DISTINCT FROM i.initprivs UNION ALL SELECT FROM pg_extension WHERE oid >= 16384";

/// The kind.
pub static KIND: Kind = Kind {
    name: "system privilege",
    key: "system_privileges",
    identity: Identity::Global,
    parents: &[],
    presence: Presence::Found(CHANGED),
    query: |_| query(),
    attributes: &[
        Attribute::read_only(AttributeName::ON, ValueType::Text).doc("Object as GRANT refers to it."),
        Attribute::read_only(AttributeName::COLUMN, ValueType::Name)
            .doc("Column, for privileges on a column."),
        Attribute::read_only(AttributeName::EXTENSION, ValueType::Name)
            .doc("Extension to which the object belongs."),
        grants_by(&GRANTS),
    ],
    before_drop: |privileges, context| {
        let extension = ObjectId::new(KindName::Extension, &[privileges.text(AttributeName::EXTENSION)]);
        if context.dropped.contains(&extension) {
            return Vec::new();
        }
        let mut initial = Object::new(privileges.id.clone());
        for name in [AttributeName::ON, AttributeName::COLUMN] {
            initial.set(name, Value::Text(privileges.text(name).to_owned()));
        }
        // The object itself is not dropped.
        let steps = steps(Pair { before: privileges, after: &initial });
        steps.into_iter().map(|step| Step { action: Action::Attach, ..step }).collect()
    },
    unrecorded_dependencies: |privileges, _| {
        let extension = ObjectId::new(KindName::Extension, &[privileges.text(AttributeName::EXTENSION)]);
        vec![(extension, DependencyKind::Auto)]
    },
    ..Kind::DEFAULT
};

/// The queries for the privileges on each kind of object: the current ACL and the default one.
fn sources() -> [String; 8] {
    let of = |catalog: &str, prefix: &str, class: &str, named: &str, only: &str| {
        format!(
            "SELECT '{catalog}'::regclass::oid AS class, x.oid, 0 AS sub, {named} AS on, NULL::name AS column, \
             x.{prefix}owner AS owner, x.{prefix}acl AS acl, acldefault({class}, x.{prefix}owner) AS default_acl FROM {catalog} x \
             LEFT JOIN pg_namespace n ON n.oid = {space} WHERE {only} \
             AND (x.{prefix}acl IS NOT NULL OR x.oid IN (SELECT objoid FROM pg_init_privs WHERE classoid = '{catalog}'::regclass)) \
             AND (x.oid < 16384 \
             OR x.oid IN (SELECT d.objid FROM pg_extension e JOIN pg_depend d ON d.refobjid = e.oid \
             WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = '{catalog}'::regclass AND d.deptype = 'e'))",
            space = match catalog {
                "pg_class" | "pg_proc" | "pg_type" => format!("x.{prefix}namespace"),
                _ => "0::oid".into(),
            }
        )
    };
    let name = |word: &str, prefix: &str| {
        format!("{word} || quote_ident(n.nspname) || '.' || quote_ident(x.{prefix}name)")
    };
    let plain = |word: &str, prefix: &str| format!("'{word} ' || quote_ident(x.{prefix}name)");
    let relation = "CASE x.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\"";
    let table = name("CASE x.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END", "rel");
    let routine = name("CASE x.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END", "pro");
    [
        of("pg_class", "rel", relation, &table, "x.relnamespace <> 'information_schema'::regnamespace"),
        of(
            "pg_proc",
            "pro",
            "'f'",
            &format!("{routine} || '(' || oidvectortypes(x.proargtypes) || ')'"),
            "true",
        ),
        of("pg_type", "typ", "'T'", &name("'TYPE '", "typ"), "true"),
        // The schema `public` is an object of its own.
        of(
            "pg_namespace",
            "nsp",
            "'n'",
            &plain("SCHEMA", "nsp"),
            "x.nspname NOT IN ('public', 'information_schema')",
        ),
        of("pg_language", "lan", "'l'", &plain("LANGUAGE", "lan"), "true"),
        of("pg_foreign_data_wrapper", "fdw", "'F'", &plain("FOREIGN DATA WRAPPER", "fdw"), "true"),
        of("pg_foreign_server", "srv", "'S'", &plain("FOREIGN SERVER", "srv"), "true"),
        format!(
            "SELECT 'pg_class'::regclass, a.attrelid, a.attnum, {}, a.attname, x.relowner, a.attacl, NULL::aclitem[] \
             FROM pg_attribute a JOIN pg_class x ON x.oid = a.attrelid JOIN pg_namespace n ON n.oid = x.relnamespace \
             WHERE a.attrelid < 16384",
            name("'TABLE '", "rel")
        ),
    ]
}

fn query() -> String {
    format!(
        "SELECT o.oid, o.sub, o.on || COALESCE(' (' || quote_ident(o.column) || ')', '') AS p1, o.on, o.column, \
         (SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE d.classid = o.class \
         AND d.objid = o.oid AND d.deptype = 'e') AS extension, \
         ARRAY[pg_get_userbyid(o.owner)::text, COALESCE(o.acl, o.default_acl)::text, COALESCE(i.initprivs, o.default_acl)::text, \
         '{OWNER_BY_NAME}'] AS grants FROM ({}) o \
         LEFT JOIN pg_init_privs i ON i.classoid = o.class AND i.objoid = o.oid AND i.objsubid = o.sub \
         WHERE (o.acl IS NOT NULL OR i.initprivs IS NOT NULL) \
         AND (COALESCE(o.acl, o.default_acl) @> COALESCE(i.initprivs, o.default_acl) \
         AND COALESCE(o.acl, o.default_acl) <@ COALESCE(i.initprivs, o.default_acl)) IS NOT TRUE",
        sources().join(" UNION ALL "),
    )
}

fn steps(privileges: Pair<&Object>) -> Vec<Step> {
    let column = Ident(privileges.after.text(AttributeName::COLUMN));
    let privilege = |privilege: &str| match privileges.after.get(AttributeName::COLUMN) {
        Some(_) => sql!("{} ({})", Sql::trusted(privilege), column),
        None => Sql::trusted(privilege),
    };
    grant_steps(privileges, &privilege, &sql!("{}", Expression(privileges.after.text(AttributeName::ON))))
}

static GRANTS: Alteration = Alteration { name: "grants", steps: |privileges, _| Some(steps(privileges)) };
