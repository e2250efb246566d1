//! Access methods of tables and indexes (`pg_am`).

use super::catalog_text;
use super::common::COMMENT;
use crate::model::Step;
use crate::model::kind::{Attribute, AttributeName, Identity, Kind, Presence, SystemCatalog, ValueType};
use crate::model::sql::{Expression, Ident, Sql};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "access method",
    key: "access_methods",
    identity: Identity::Global,
    parents: &[],
    catalog: Some(SystemCatalog::AM),
    presence: Presence::Rows(SystemCatalog::AM),
    query: |_| {
        format!(
            "SELECT a.oid, a.amname AS p1, CASE a.amtype WHEN 't' THEN 'table' END AS type, {} AS handler \
             FROM pg_am a WHERE a.oid >= 16384",
            catalog_text::routine("a.amhandler"),
        )
    },
    attributes: &[
        Attribute::replaced(AttributeName::TYPE, ValueType::Word(&["index", "table"]))
            .doc("TYPE: index or table."),
        Attribute::replaced(AttributeName::HANDLER, ValueType::Qualified).doc("HANDLER function."),
        COMMENT,
    ],
    reference: |method| sql!("ACCESS METHOD {}", Ident(method.id.name())),
    create: |method, _| {
        let ty = Sql::trusted(if method.text(AttributeName::TYPE) == "table" { "TABLE" } else { "INDEX" });
        let name = Ident(method.id.name());
        let sql = sql!(
            "CREATE ACCESS METHOD {} TYPE {} HANDLER {}",
            name,
            ty,
            Expression(method.text(AttributeName::HANDLER))
        );
        vec![Step::create(&method.id, sql)]
    },
    drop: |method, _| Some(Step::drop(&method.id, sql!("DROP ACCESS METHOD {}", Ident(method.id.name())))),
    ..Kind::DEFAULT
};
