//! Schemas (`pg_namespace`).

use super::common::{COMMENT, GRANTS, OWNER, grants_column, owner_column};
use crate::model::kind::{Identity, Kind, SystemCatalog};
use crate::model::{Object, PgVersion, Step, Value};
use crate::model::sql::{Ident, RoleName};
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

/// Whether the schema `public` is as that major version makes it: of the superuser and for everybody to create in
/// before 15, of the database's owner and not since.
pub fn is_untouched_public(schema: &Object, version: PgVersion) -> bool {
    let privileges: &[&str] = if version.since(15) { &["USAGE"] } else { &["CREATE", "USAGE"] };
    let everybody = [(RoleName::PUBLIC.to_owned(), Value::List(privileges.iter().map(|&word| word.into()).collect()))];
    let owner = schema.text("owner") == "pg_database_owner";
    schema.id.name() == "public" && schema.map("grants") == everybody && owner == version.since(15)
}
