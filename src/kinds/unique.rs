//! UNIQUE constraints (`pg_constraint`, `pg_index`).

use super::common::{COMMENT, constraint_reference, drop_constraint};
use super::indexed::{self, CLUSTERED, INDEX_COMMENT, OPTIONS, REPLICA_IDENTITY, TABLESPACE};
use super::{Attribute, Identity, Kind, KindName, Namespace, Presence, Type};

/// The kind.
pub static KIND: Kind = Kind {
    name: "unique constraint",
    key: "uniques",
    identity: Identity::OnRelation,
    namespaces: &[Namespace::Constraints, Namespace::Relations],
    parents: &[KindName::Table],
    catalog: "pg_constraint",
    presence: Presence::Constraints("u"),
    query: |version| indexed::query(version, 'u', &KIND),
    attributes: &[
        Attribute::replaced("columns", Type::Columns).doc("The columns."),
        Attribute::replaced("include", Type::Columns).doc("Further columns that the index carries."),
        Attribute::replaced("nulls_not_distinct", Type::Flag).doc("Whether two NULLs are the same (15)."),
        Attribute::replaced("without_overlaps", Type::Flag).doc("Whether the last column is a range (18)."),
        Attribute::replaced("deferrable", Type::Flag).doc("Whether the check can wait."),
        Attribute::replaced("initially_deferred", Type::Flag).doc("Whether it waits for the commit."),
        OPTIONS,
        TABLESPACE,
        CLUSTERED,
        REPLICA_IDENTITY,
        COMMENT,
        INDEX_COMMENT,
        Attribute::noted("incomplete", Type::Flag).doc("Whether a partition lacks its share."),
        Attribute::noted("share", Type::Flag).doc("Whether it is a partition's share of the parent's."),
    ],
    short: Some("columns"),
    reference: constraint_reference,
    rename: Some(super::common::rename_index),
    matched_by_definition: true,
    create: |constraint, context| indexed::create(constraint, "UNIQUE", context),
    drop: |constraint, _| Some(drop_constraint(constraint)),
    ..Kind::DEFAULT
};
