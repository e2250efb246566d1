//! Schemas (`pg_namespace`).

use super::common::{COMMENT, GRANTS, OWNER, grants_column, owner_column};
use crate::model::kind::{AttributeName, Identity, Kind, SystemCatalog};
use crate::model::sql::{Ident, RoleName};
use crate::model::{Object, PgVersion, Step, Value};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "schema",
    key: "schemas",
    identity: Identity::Global,
    parents: &[],
    catalog: Some(SystemCatalog::NAMESPACE),
    query: |_| {
        format!(
            "SELECT n.oid, n.nspname AS p1, {} AS owner, {} AS grants FROM pg_namespace n \
             WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'",
            owner_column("n.nspowner"),
            grants_column("n.nspacl", 'n', "n.nspowner"),
        )
    },
    attributes: &[OWNER, GRANTS, COMMENT],
    reference: |schema| sql!("SCHEMA {}", Ident(schema.id.name())),
    rename: Some(super::common::rename),
    create: |schema, _| vec![Step::create(&schema.id, sql!("CREATE SCHEMA {}", Ident(schema.id.name())))],
    drop: |schema, _| Some(Step::drop(&schema.id, sql!("DROP SCHEMA {}", Ident(schema.id.name())))),
    default_acl_class: Some("schemas"),
    ..Kind::DEFAULT
};

/// Returns whether the object is the schema `public` as that major version creates it: owned by the superuser, with CREATE for
/// PUBLIC before PostgreSQL 15; owned by `pg_database_owner`, without it since.
pub fn is_untouched_public(schema: &Object, version: PgVersion) -> bool {
    let privileges: &[&str] = if version.since(15) { &["USAGE"] } else { &["CREATE", "USAGE"] };
    let grants =
        [(RoleName::PUBLIC.to_owned(), Value::List(privileges.iter().map(|&word| word.into()).collect()))];
    let owner = schema.text(AttributeName::OWNER) == "pg_database_owner";
    schema.id.name() == "public" && schema.map(AttributeName::GRANTS) == grants && owner == version.since(15)
}
