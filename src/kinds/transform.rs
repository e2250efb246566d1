//! Transforms of types for languages (`pg_transform`).

use super::catalog_text;
use super::common::COMMENT;
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, Presence, SystemCatalog, ValueType,
};
use crate::model::sql::{Expression, Sql};
use crate::model::{Object, Step};
use crate::sql;

attribute_names! {
    FROM_SQL = "from_sql",
    TO_SQL = "to_sql",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "transform",
    key: "transforms",
    identity: Identity::Global,
    parents: &[],
    catalog: Some(SystemCatalog::TRANSFORM),
    presence: Presence::Rows(SystemCatalog::TRANSFORM),
    query: |_| {
        format!(
            "SELECT t.oid, format_type(t.trftype, NULL) || ' LANGUAGE ' || quote_ident(l.lanname) AS p1, \
             {} AS from_sql, {} AS to_sql FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang \
             WHERE t.oid >= 16384",
            catalog_text::routine_with_types("t.trffromsql"),
            catalog_text::routine_with_types("t.trftosql"),
        )
    },
    attributes: &[
        Attribute::altered(AttributeName::FROM_SQL, ValueType::Qualified, &REDEFINE)
            .doc("FROM SQL WITH FUNCTION: converts the type to the language's representation."),
        Attribute::altered(AttributeName::TO_SQL, ValueType::Qualified, &REDEFINE)
            .doc("TO SQL WITH FUNCTION: converts the language's representation to the type."),
        COMMENT,
    ],
    reference: |transform| sql!("TRANSFORM FOR {}", Expression(transform.id.name())),
    create: |transform, _| vec![Step::create(&transform.id, definition(transform, "CREATE"))],
    drop: |transform, _| Some(Step::drop(&transform.id, sql!("DROP {}", (KIND.reference)(transform)))),
    ..Kind::DEFAULT
};

fn definition(transform: &Object, verb: &str) -> Sql {
    let list: Vec<Sql> = [(AttributeName::FROM_SQL, "FROM SQL"), (AttributeName::TO_SQL, "TO SQL")]
        .into_iter()
        .filter(|(attribute, _)| !transform.text(*attribute).is_empty())
        .map(|(attribute, words)| {
            sql!("{} WITH FUNCTION {}", Sql::trusted(words), Expression(transform.text(attribute)))
        })
        .collect();
    sql!("{} {} ({})", Sql::trusted(verb), (KIND.reference)(transform), Sql::join(&list, ", "))
}

static REDEFINE: Alteration = Alteration {
    name: "redefine",
    steps: |transform, _| {
        Some(vec![Step::alter(&transform.after.id, definition(transform.after, "CREATE OR REPLACE"))])
    },
};
