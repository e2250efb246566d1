//! Functions and window functions (`pg_proc`).

use super::common::{COMMENT, DEPENDS_ON_EXTENSIONS, GRANTS, OWNER};
use super::routine::{self, REDEFINE};
use crate::model::Step;
use crate::model::kind::{
    Attribute, AttributeName, Identity, Kind, Namespace, Presence, QueryCost, SystemCatalog, TypeChange,
    ValueType,
};
use crate::sql;

attribute_names! {
    WINDOW = "window",
    VOLATILITY = "volatility",
    STRICT = "strict",
    LEAKPROOF = "leakproof",
    COST = "cost",
    ROWS = "rows",
    SUPPORT = "support",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "function",
    key: "functions",
    identity: Identity::Routine,
    namespaces: &[Namespace::Routines],
    catalog: Some(SystemCatalog::PROC),
    presence: Presence::Routines("fw"),
    query: |_| routine::query(&KIND, "'f', 'w'"),
    query_cost: QueryCost::High,
    attributes: &[
        routine::ARGUMENTS,
        Attribute::replaced(AttributeName::RETURNS, ValueType::Expression).doc("RETURNS: return type."),
        routine::LANGUAGE,
        routine::BODY,
        routine::SQL_BODY,
        routine::LIBRARY,
        Attribute::replaced(AttributeName::WINDOW, ValueType::Flag).doc("WINDOW."),
        Attribute::altered(
            AttributeName::VOLATILITY,
            ValueType::Word(&["volatile", "stable", "immutable"]),
            &REDEFINE,
        )
        .doc("Volatility: volatile, stable or immutable."),
        Attribute::altered(AttributeName::STRICT, ValueType::Flag, &REDEFINE)
            .doc("STRICT (RETURNS NULL ON NULL INPUT)."),
        routine::SECURITY_DEFINER,
        Attribute::altered(AttributeName::LEAKPROOF, ValueType::Flag, &REDEFINE).doc("LEAKPROOF."),
        Attribute::altered(
            AttributeName::PARALLEL,
            ValueType::Word(&["unsafe", "restricted", "safe"]),
            &REDEFINE,
        )
        .doc("PARALLEL: unsafe, restricted or safe."),
        Attribute::altered(AttributeName::COST, ValueType::Text, &REDEFINE)
            .doc("COST, if it differs from the default of the language."),
        Attribute::altered(AttributeName::ROWS, ValueType::Text, &REDEFINE)
            .doc("ROWS: estimated number of rows that it returns; by default 1000."),
        Attribute::altered(AttributeName::SUPPORT, ValueType::Qualified, &REDEFINE)
            .doc("SUPPORT: planner support function."),
        routine::TRANSFORMS,
        routine::SETTINGS,
        routine::SIGNATURE,
        routine::INPUTS,
        routine::DEFAULTS,
        routine::STAND_IN,
        routine::NEEDS_ITSELF,
        OWNER,
        GRANTS,
        COMMENT,
        DEPENDS_ON_EXTENSIONS,
    ],
    reference: |routine| routine::reference(routine, "FUNCTION"),
    rename: Some(super::common::rename),
    create: |routine, context| routine::create(routine, "FUNCTION", context),
    before_drop: |routine, context| routine::before_drop(routine, "FUNCTION", context),
    drop: |routine, _| {
        Some(Step::drop(&routine.id, sql!("DROP {}", routine::reference(routine, "FUNCTION"))))
    },
    default_acl_class: Some("functions"),
    rebuilt_by: &[TypeChange::Column, TypeChange::Replacement, TypeChange::ColumnToText],
    ..Kind::DEFAULT
};
