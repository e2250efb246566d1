//! UNIQUE constraints (`pg_constraint`, `pg_index`).

use super::common::{COMMENT, constraint_reference, drop_constraint};
use super::indexed::{self, CLUSTERED, INDEX_COMMENT, OPTIONS, REPLICA_IDENTITY, TABLESPACE};
use crate::model::kind::{
    Attribute, AttributeName, Identity, Kind, KindName, Namespace, Presence, QueryCost, SystemCatalog,
    ValueType,
};

/// The kind.
pub static KIND: Kind = Kind {
    name: "unique constraint",
    key: "uniques",
    identity: Identity::OnRelation,
    namespaces: &[Namespace::Constraints, Namespace::Relations],
    parents: &[KindName::Table],
    catalog: Some(SystemCatalog::CONSTRAINT),
    presence: Presence::Constraints("u"),
    query: |version| indexed::query(version, 'u', &KIND),
    query_cost: QueryCost::OpensRelations,
    attributes: &[
        Attribute::replaced(AttributeName::COLUMNS, ValueType::Columns).doc("Columns."),
        Attribute::replaced(AttributeName::INCLUDE, ValueType::Columns).doc("INCLUDE: non-key columns."),
        Attribute::replaced(AttributeName::NULLS_NOT_DISTINCT, ValueType::Flag)
            .doc("NULLS NOT DISTINCT (15 or later)."),
        Attribute::replaced(AttributeName::WITHOUT_OVERLAPS, ValueType::Flag)
            .doc("WITHOUT OVERLAPS: the last column is a range or multirange (18 or later)."),
        Attribute::replaced(AttributeName::DEFERRABLE, ValueType::Flag).doc("DEFERRABLE."),
        Attribute::replaced(AttributeName::INITIALLY_DEFERRED, ValueType::Flag)
            .doc("INITIALLY DEFERRED: checked at the end of the transaction."),
        OPTIONS,
        TABLESPACE,
        CLUSTERED,
        REPLICA_IDENTITY,
        COMMENT,
        INDEX_COMMENT,
        Attribute::read_only(AttributeName::INCOMPLETE, ValueType::Flag)
            .doc("Whether a partition has no matching constraint, so that the index is invalid."),
        Attribute::read_only(AttributeName::SHARE, ValueType::Flag)
            .doc("Whether a partition has it because the partitioned table does."),
    ],
    short_form: Some(AttributeName::COLUMNS),
    reference: constraint_reference,
    rename: Some(super::common::rename_index),
    matched_by_definition: true,
    create: |constraint, context| indexed::create(constraint, context),
    drop: |constraint, _| Some(drop_constraint(constraint)),
    default_name_suffix: Some("key"),
    key_clause: Some("UNIQUE"),
    restricts_statements: |_| true,
    ..Kind::DEFAULT
};
