//! Composite types (`pg_type`, `pg_class`). Their attributes are objects of their own.

use super::common::{COMMENT, GRANTS, OWNER, grants_column, owner_column};
use crate::model::kind::{Kind, Namespace, Presence, SystemCatalog};
use crate::model::sql::Sql;
use crate::model::{PgVersion, Step};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "composite type",
    key: "composite_types",
    namespaces: &[Namespace::Relations, Namespace::Types],
    catalog: Some(SystemCatalog::TYPE),
    presence: Presence::Relations("c"),
    query,
    attributes: &[OWNER, GRANTS, COMMENT],
    reference: |ty| sql!("TYPE {}", ty.id.qualified()),
    rename: Some(super::common::rename),
    create: |ty, _| {
        vec![Step::create(&ty.id, sql!("CREATE TYPE {} AS", ty.id.qualified())).entries(Sql::default())]
    },
    drop: |ty, _| Some(Step::drop(&ty.id, sql!("DROP TYPE {}", ty.id.qualified()))),
    default_acl_class: Some("types"),
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    format!(
        "SELECT t.oid, n.nspname AS p1, t.typname AS p2, {} AS owner, {} AS grants \
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
         JOIN pg_class c ON c.oid = t.typrelid WHERE c.relkind = 'c' AND t.oid >= 16384",
        owner_column("t.typowner"),
        grants_column("t.typacl", 'T', "t.typowner"),
    )
}
