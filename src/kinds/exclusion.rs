//! EXCLUDE constraints (`pg_constraint`, `pg_index`).

use super::common::{COMMENT, constraint_reference, drop_constraint};
use super::indexed::{self, CLUSTERED, INDEX_COMMENT, MOVE_TO_TABLESPACE, STATISTICS};
use crate::model::kind::{
    Attribute, AttributeName, Identity, Kind, KindName, Namespace, Presence, QueryCost, SystemCatalog,
    TypeChange, ValueType,
};
use crate::model::sql::Sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "exclusion constraint",
    key: "exclusions",
    identity: Identity::OnRelation,
    namespaces: &[Namespace::Constraints, Namespace::Relations],
    parents: &[KindName::Table],
    catalog: Some(SystemCatalog::CONSTRAINT),
    presence: Presence::Constraints("x"),
    query: |version| indexed::query(version, 'x', &KIND),
    query_cost: QueryCost::OpensRelations,
    attributes: &[
        Attribute::replaced(AttributeName::DEFINITION, ValueType::Expression)
            .doc("Definition: EXCLUDE USING gist (...)."),
        // The definition as the server prints it does not include the tablespace, which would precede WHERE.
        Attribute::attached(AttributeName::TABLESPACE, ValueType::Name, &MOVE_TO_TABLESPACE)
            .doc("USING INDEX TABLESPACE."),
        STATISTICS,
        CLUSTERED,
        COMMENT,
        INDEX_COMMENT,
        Attribute::read_only(AttributeName::SHARE, ValueType::Flag)
            .doc("Whether a partition has it because the partitioned table does."),
    ],
    short_form: Some(AttributeName::DEFINITION),
    reference: constraint_reference,
    rename: Some(super::common::rename_index),
    matched_by_definition: true,
    create: |constraint, context| {
        let mut without_tablespace = constraint.clone();
        without_tablespace.unset(AttributeName::TABLESPACE);
        vec![indexed::add(
            &without_tablespace,
            &Sql::trusted(constraint.text(AttributeName::DEFINITION)),
            context,
        )]
    },
    drop: |constraint, _| Some(drop_constraint(constraint)),
    restricts_statements: |_| true,
    rebuilt_by: &[TypeChange::Replacement, TypeChange::ColumnToText],
    ..Kind::DEFAULT
};
