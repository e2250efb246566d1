//! Schemas (`pg_namespace`).

use super::common::{COMMENT, GRANTS, OWNER, grants_column, owner_column};
use super::{Identity, Kind};
use crate::model::Step;
use crate::model::sql::Ident;
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "schema",
    key: "schemas",
    identity: Identity::Global,
    parents: &[],
    catalog: "pg_namespace",
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
    create: |schema, _| vec![Step::create(&schema.id, sql!("CREATE SCHEMA {}", Ident(schema.id.name())))],
    drop: |schema, _| Some(Step::drop(&schema.id, sql!("DROP SCHEMA {}", Ident(schema.id.name())))),
    born_as: Some("schemas"),
    ..Kind::DEFAULT
};
