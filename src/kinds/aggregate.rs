//! Aggregate functions (`pg_proc`, `pg_aggregate`).

use super::catalog_text;
use super::common::{COMMENT, GRANTS, OWNER, definition_list, grants_column, owner_column};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, Namespace, Presence, SystemCatalog, ValueType,
};
use crate::model::sql::{Expression, Sql};
use crate::model::{Object, PgVersion, Phase, Step};
use crate::sql;

attribute_names! {
    TRANSITION = "transition",
    STATE_TYPE = "state_type",
    STATE_SIZE = "state_size",
    INITIAL = "initial",
    FINAL = "final",
    FINAL_EXTRA = "final_extra",
    FINAL_MODIFY = "final_modify",
    COMBINE = "combine",
    SERIALIZE = "serialize",
    DESERIALIZE = "deserialize",
    MOVING_TRANSITION = "moving_transition",
    MOVING_INVERSE = "moving_inverse",
    MOVING_STATE_TYPE = "moving_state_type",
    MOVING_STATE_SIZE = "moving_state_size",
    MOVING_INITIAL = "moving_initial",
    MOVING_FINAL = "moving_final",
    MOVING_FINAL_EXTRA = "moving_final_extra",
    MOVING_FINAL_MODIFY = "moving_final_modify",
    SORT = "sort",
    HYPOTHETICAL = "hypothetical",
}

const MODIFY: ValueType = ValueType::Word(&["", "read_only", "shareable", "read_write"]);

/// The kind.
pub static KIND: Kind = Kind {
    name: "aggregate",
    key: "aggregates",
    identity: Identity::Routine,
    namespaces: &[Namespace::Routines],
    catalog: Some(SystemCatalog::PROC),
    presence: Presence::Routines("a"),
    query,
    attributes: &[
        Attribute::replaced(AttributeName::ARGUMENTS, ValueType::Expression).doc("Argument list."),
        Attribute::replaced(AttributeName::RETURNS, ValueType::DataType)
            .doc("Return type, which is determined by the functions."),
        Attribute::altered(AttributeName::TRANSITION, ValueType::Qualified, &REDEFINE)
            .doc("SFUNC: state transition function."),
        Attribute::altered(AttributeName::STATE_TYPE, ValueType::DataType, &REDEFINE)
            .doc("STYPE: state data type."),
        Attribute::altered(AttributeName::STATE_SIZE, ValueType::Number, &REDEFINE)
            .doc("SSPACE: average size of the state in bytes."),
        Attribute::altered(AttributeName::INITIAL, ValueType::Text, &REDEFINE)
            .doc("INITCOND: initial state, as an SQL literal."),
        Attribute::altered(AttributeName::FINAL, ValueType::Qualified, &REDEFINE)
            .doc("FINALFUNC: final function."),
        Attribute::altered(AttributeName::FINAL_EXTRA, ValueType::Flag, &REDEFINE)
            .doc("FINALFUNC_EXTRA: the final function takes extra arguments of the input types."),
        Attribute::altered(AttributeName::FINAL_MODIFY, MODIFY, &REDEFINE)
            .doc("FINALFUNC_MODIFY: whether the final function modifies the state."),
        Attribute::altered(AttributeName::COMBINE, ValueType::Qualified, &REDEFINE)
            .doc("COMBINEFUNC: function that combines two states."),
        Attribute::altered(AttributeName::SERIALIZE, ValueType::Qualified, &REDEFINE)
            .doc("SERIALFUNC: serialization function of the state."),
        Attribute::altered(AttributeName::DESERIALIZE, ValueType::Qualified, &REDEFINE)
            .doc("DESERIALFUNC: deserialization function of the state."),
        Attribute::altered(AttributeName::MOVING_TRANSITION, ValueType::Qualified, &REDEFINE)
            .doc("MSFUNC: forward state transition function in moving-aggregate mode."),
        Attribute::altered(AttributeName::MOVING_INVERSE, ValueType::Qualified, &REDEFINE)
            .doc("MINVFUNC: inverse state transition function in moving-aggregate mode."),
        Attribute::altered(AttributeName::MOVING_STATE_TYPE, ValueType::DataType, &REDEFINE)
            .doc("MSTYPE: state data type in moving-aggregate mode."),
        Attribute::altered(AttributeName::MOVING_STATE_SIZE, ValueType::Number, &REDEFINE)
            .doc("MSSPACE: average size of the state in bytes in moving-aggregate mode."),
        Attribute::altered(AttributeName::MOVING_INITIAL, ValueType::Text, &REDEFINE)
            .doc("MINITCOND: initial state in moving-aggregate mode, as an SQL literal."),
        Attribute::altered(AttributeName::MOVING_FINAL, ValueType::Qualified, &REDEFINE)
            .doc("MFINALFUNC: final function in moving-aggregate mode."),
        Attribute::altered(AttributeName::MOVING_FINAL_EXTRA, ValueType::Flag, &REDEFINE)
            .doc("MFINALFUNC_EXTRA: as FINALFUNC_EXTRA, in moving-aggregate mode."),
        Attribute::altered(AttributeName::MOVING_FINAL_MODIFY, MODIFY, &REDEFINE)
            .doc("MFINALFUNC_MODIFY: as FINALFUNC_MODIFY, in moving-aggregate mode."),
        Attribute::altered(AttributeName::SORT, ValueType::Text, &REDEFINE)
            .doc("SORTOP: sort operator of an aggregate such as min or max."),
        Attribute::altered(
            AttributeName::PARALLEL,
            ValueType::Word(&["unsafe", "restricted", "safe"]),
            &REDEFINE,
        )
        .doc("PARALLEL: unsafe, restricted or safe."),
        Attribute::replaced(AttributeName::HYPOTHETICAL, ValueType::Flag)
            .doc("HYPOTHETICAL: hypothetical-set aggregate."),
        Attribute::read_only(AttributeName::SIGNATURE, ValueType::Expression)
            .doc("Argument list as ALTER AGGREGATE and COMMENT ON AGGREGATE refer to it."),
        OWNER,
        GRANTS,
        COMMENT,
    ],
    reference: |aggregate| {
        sql!("AGGREGATE {}({})", aggregate.id.qualified(), arguments(aggregate, AttributeName::SIGNATURE))
    },
    rename: Some(super::common::rename),
    create: |aggregate, _| vec![Step::create(&aggregate.id, definition(aggregate, "CREATE AGGREGATE"))],
    drop: |aggregate, _| Some(Step::drop(&aggregate.id, sql!("DROP {}", (KIND.reference)(aggregate)))),
    default_acl_class: Some("functions"),
    grant_reference: Some(|aggregate| {
        let types = Sql::trusted(aggregate.id.arguments().unwrap_or_default());
        sql!("FUNCTION {}({})", aggregate.id.qualified(), types)
    }),
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    let routine = |column: &str, name: &str| format!("{} AS {name}", catalog_text::routine(column));
    let modify = |column: &str, name: &str| {
        format!(
            "CASE WHEN {column} <> CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END THEN CASE {column} \
             WHEN 'r' THEN 'read_only' WHEN 's' THEN 'shareable' WHEN 'w' THEN 'read_write' END END AS {name}"
        )
    };
    let list = [
        routine("a.aggtransfn", "transition"),
        routine("a.aggfinalfn", "final"),
        modify("a.aggfinalmodify", "final_modify"),
        routine("a.aggcombinefn", "combine"),
        routine("a.aggserialfn", "serialize"),
        routine("a.aggdeserialfn", "deserialize"),
        routine("a.aggmtransfn", "moving_transition"),
        routine("a.aggminvtransfn", "moving_inverse"),
        routine("a.aggmfinalfn", "moving_final"),
        modify("a.aggmfinalmodify", "moving_final_modify"),
    ]
    .join(", ");
    format!(
        "SELECT p.oid, n.nspname AS p1, p.proname AS p2, oidvectortypes(p.proargtypes) AS p3, \
         pg_get_function_arguments(p.oid) AS arguments, pg_get_function_identity_arguments(p.oid) AS signature, \
         format_type(p.prorettype, NULL) AS returns, {list}, \
         format_type(a.aggtranstype, NULL) AS state_type, NULLIF(a.aggtransspace, 0) AS state_size, \
         quote_literal(a.agginitval) AS initial, a.aggfinalextra AS final_extra, \
         {} AS moving_state_type, NULLIF(a.aggmtransspace, 0) AS moving_state_size, \
         quote_literal(a.aggminitval) AS moving_initial, a.aggmfinalextra AS moving_final_extra, \
         {} AS sort, CASE p.proparallel WHEN 'r' THEN 'restricted' WHEN 's' THEN 'safe' END AS parallel, \
         a.aggkind = 'h' AS hypothetical, {} AS owner, {} AS grants \
         FROM pg_proc p JOIN pg_aggregate a ON a.aggfnoid = p.oid JOIN pg_namespace n ON n.oid = p.pronamespace \
         WHERE p.prokind = 'a' AND p.oid >= 16384",
        catalog_text::type_name("a.aggmtranstype"),
        catalog_text::operator("a.aggsortop"),
        owner_column("p.proowner"),
        grants_column("p.proacl", 'f', "p.proowner"),
    )
}

/// The argument list, or `*` if it is empty.
fn arguments(aggregate: &Object, attribute: AttributeName) -> Sql {
    let text = aggregate.text(attribute);
    sql!("{}", Expression(if text.is_empty() { "*" } else { text }))
}

fn definition(aggregate: &Object, verb: &str) -> Sql {
    let mut list = Vec::new();
    for (attribute, word) in [
        (AttributeName::TRANSITION, "SFUNC"),
        (AttributeName::STATE_TYPE, "STYPE"),
        (AttributeName::STATE_SIZE, "SSPACE"),
        (AttributeName::FINAL, "FINALFUNC"),
        (AttributeName::FINAL_EXTRA, "FINALFUNC_EXTRA"),
        (AttributeName::FINAL_MODIFY, "FINALFUNC_MODIFY"),
        (AttributeName::COMBINE, "COMBINEFUNC"),
        (AttributeName::SERIALIZE, "SERIALFUNC"),
        (AttributeName::DESERIALIZE, "DESERIALFUNC"),
        (AttributeName::INITIAL, "INITCOND"),
        (AttributeName::MOVING_TRANSITION, "MSFUNC"),
        (AttributeName::MOVING_INVERSE, "MINVFUNC"),
        (AttributeName::MOVING_STATE_TYPE, "MSTYPE"),
        (AttributeName::MOVING_STATE_SIZE, "MSSPACE"),
        (AttributeName::MOVING_FINAL, "MFINALFUNC"),
        (AttributeName::MOVING_FINAL_EXTRA, "MFINALFUNC_EXTRA"),
        (AttributeName::MOVING_FINAL_MODIFY, "MFINALFUNC_MODIFY"),
        (AttributeName::MOVING_INITIAL, "MINITCOND"),
        (AttributeName::SORT, "SORTOP"),
        (AttributeName::PARALLEL, "PARALLEL"),
        (AttributeName::HYPOTHETICAL, "HYPOTHETICAL"),
    ] {
        list.push((word, aggregate.get(attribute)));
    }
    let head = sql!(
        "{} {}({})",
        Sql::trusted(verb),
        aggregate.id.qualified(),
        arguments(aggregate, AttributeName::ARGUMENTS)
    );
    sql!("{} {}", head, definition_list(&list))
}

static REDEFINE: Alteration = Alteration {
    name: "redefine",
    steps: |aggregate, _| {
        let sql = definition(aggregate.after, "CREATE OR REPLACE AGGREGATE");
        Some(vec![Step::alter(&aggregate.after.id, sql).phase(Phase::Expand)])
    },
};
