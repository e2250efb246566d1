//! Primary keys (`pg_constraint`, `pg_index`).

use super::common::{COMMENT, constraint_reference, drop_constraint};
use super::indexed::{self, CLUSTERED, INDEX_COMMENT, OPTIONS, REPLICA_IDENTITY, TABLESPACE};
use crate::model::kind::{Attribute, Identity, Kind, KindName, Namespace, Presence, QueryCost, ValueType};

/// The kind.
pub static KIND: Kind = Kind {
    name: "primary key",
    key: "primary_key",
    identity: Identity::OnRelation,
    namespaces: &[Namespace::Constraints, Namespace::Relations],
    parents: &[KindName::Table],
    catalog: "pg_constraint",
    presence: Presence::Constraints("p"),
    query: |version| indexed::query(version, 'p', &KIND),
    query_cost: QueryCost::High,
    attributes: &[
        Attribute::replaced("columns", ValueType::Columns).doc("The columns."),
        Attribute::replaced("include", ValueType::Columns).doc("Further columns that the index carries."),
        Attribute::replaced("without_overlaps", ValueType::Flag).doc("Whether the last column is a range (18)."),
        Attribute::replaced("deferrable", ValueType::Flag).doc("Whether the check can wait."),
        Attribute::replaced("initially_deferred", ValueType::Flag).doc("Whether it waits for the commit."),
        OPTIONS,
        TABLESPACE,
        CLUSTERED,
        REPLICA_IDENTITY,
        COMMENT,
        INDEX_COMMENT,
        Attribute::read_only("incomplete", ValueType::Flag).doc("Whether a partition lacks its share."),
        Attribute::read_only("share", ValueType::Flag).doc("Whether it is a partition's share of the parent's."),
    ],
    short_form: Some("columns"),
    reference: constraint_reference,
    rename: Some(super::common::rename_index),
    matched_by_definition: true,
    create: |constraint, context| indexed::create(constraint, "PRIMARY KEY", context),
    drop: |constraint, _| Some(drop_constraint(constraint)),
    ..Kind::DEFAULT
};
