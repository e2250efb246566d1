//! Functions and window functions (`pg_proc`).

use super::common::{COMMENT, DEPENDS_ON_EXTENSIONS, GRANTS, OWNER};
use super::routine::{self, REDEFINE};
use crate::model::kind::{Attribute, Identity, Kind, Namespace, Presence, QueryCost, ValueType};
use crate::model::Step;
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "function",
    key: "functions",
    identity: Identity::Routine,
    namespaces: &[Namespace::Routines],
    catalog: "pg_proc",
    presence: Presence::Routines("fw"),
    query: |_| routine::query(&KIND, "'f', 'w'"),
    query_cost: QueryCost::High,
    attributes: &[
        routine::ARGUMENTS,
        Attribute::replaced("returns", ValueType::Expression).doc("What it returns."),
        routine::LANGUAGE,
        routine::BODY,
        routine::SQL_BODY,
        routine::LIBRARY,
        Attribute::replaced("window", ValueType::Flag).doc("Whether it is a window function."),
        Attribute::altered("volatility", ValueType::Word(&["volatile", "stable", "immutable"]), &REDEFINE)
            .doc("Whether equal arguments give equal results."),
        Attribute::altered("strict", ValueType::Flag, &REDEFINE).doc("Whether it is NULL for NULL."),
        routine::SECURITY_DEFINER,
        Attribute::altered("leakproof", ValueType::Flag, &REDEFINE).doc("Whether it tells nothing of its arguments."),
        Attribute::altered("parallel", ValueType::Word(&["unsafe", "restricted", "safe"]), &REDEFINE)
            .doc("Whether parallel workers may run it."),
        Attribute::altered("cost", ValueType::Text, &REDEFINE)
            .doc("Its cost, where it is not the language's usual one."),
        Attribute::altered("rows", ValueType::Text, &REDEFINE).doc("How many rows it returns; 1000."),
        Attribute::altered("support", ValueType::Qualified, &REDEFINE).doc("The planner's support function."),
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
    before_drop: |routine, context| routine::leave(routine, "FUNCTION", context),
    drop: |routine, _| {
        Some(Step::drop(&routine.id, sql!("DROP {}", routine::reference(routine, "FUNCTION"))))
    },
    default_acl_class: Some("functions"),
    ..Kind::DEFAULT
};
