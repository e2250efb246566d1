//! Casts (`pg_cast`). They are identified by their types and do not belong to a schema.

use super::catalog_text;
use super::common::COMMENT;
use crate::model::Step;
use crate::model::kind::{Attribute, AttributeName, Identity, Kind, Presence, SystemCatalog, ValueType};
use crate::model::sql::{Expression, Sql};
use crate::sql;

attribute_names! {
    INOUT = "inout",
    CONTEXT = "context",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "cast",
    key: "casts",
    identity: Identity::Global,
    parents: &[],
    catalog: Some(SystemCatalog::CAST),
    presence: Presence::Rows(SystemCatalog::CAST),
    query: |_| {
        format!(
            "SELECT c.oid, format_type(c.castsource, NULL) || ' AS ' || format_type(c.casttarget, NULL) AS p1, \
             {} AS function, c.castmethod = 'i' AS inout, \
             CASE c.castcontext WHEN 'a' THEN 'assignment' WHEN 'i' THEN 'implicit' END AS context \
             FROM pg_cast c WHERE c.oid >= 16384 AND {}",
            catalog_text::routine_with_types("c.castfunc"),
            catalog_text::no_internals("pg_cast", "c.oid"),
        )
    },
    attributes: &[
        Attribute::replaced(AttributeName::FUNCTION, ValueType::Qualified)
            .doc("WITH FUNCTION, with argument types; by default WITHOUT FUNCTION (binary-coercible)."),
        Attribute::replaced(AttributeName::INOUT, ValueType::Flag).doc("WITH INOUT."),
        Attribute::replaced(AttributeName::CONTEXT, ValueType::Word(&["explicit", "assignment", "implicit"]))
            .doc("Context: explicit only, AS ASSIGNMENT, or AS IMPLICIT."),
        COMMENT,
    ],
    reference: |cast| sql!("CAST ({})", Expression(cast.id.name())),
    create: |cast, _| {
        let mut sql = sql!("CREATE CAST ({})", Expression(cast.id.name()));
        if !cast.text(AttributeName::FUNCTION).is_empty() {
            sql.push(&sql!("WITH FUNCTION {}", Expression(cast.text(AttributeName::FUNCTION))));
        } else if cast.flag(AttributeName::INOUT) {
            sql.push(&sql!("WITH INOUT"));
        } else {
            sql.push(&sql!("WITHOUT FUNCTION"));
        }
        if !cast.text(AttributeName::CONTEXT).is_empty() {
            sql.push(&sql!("AS {}", Sql::trusted(cast.text(AttributeName::CONTEXT).to_uppercase())));
        }
        vec![Step::create(&cast.id, sql)]
    },
    drop: |cast, _| Some(Step::drop(&cast.id, sql!("DROP CAST ({})", Expression(cast.id.name())))),
    ..Kind::DEFAULT
};
