//! Tables of publications (`pg_publication_rel`). They are removed with the table or the publication.

use crate::model::kind::{
    Attribute, AttributeName, Identity, Kind, KindName, Presence, SystemCatalog, TypeChange, ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Object, PgVersion, Step};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "publication table",
    key: "tables",
    identity: Identity::OnGlobal,
    parents: &[KindName::Publication],
    catalog: Some(SystemCatalog::PUBLICATION_REL),
    presence: Presence::Rows(SystemCatalog::PUBLICATION),
    query,
    attributes: &[
        Attribute::replaced(AttributeName::COLUMNS, ValueType::Columns)
            .doc("Published columns; by default all (15 or later)."),
        Attribute::replaced(AttributeName::WHERE, ValueType::Expression)
            .doc("WHERE: row filter (15 or later)."),
    ],
    create: |table, _| {
        let mut sql = sql!("{} ADD TABLE ONLY {}", head(table), Expression(table.id.name()));
        if !table.list(AttributeName::COLUMNS).is_empty() {
            sql.push(&sql!("({})", super::common::idents(table.list(AttributeName::COLUMNS))));
        }
        if !table.text(AttributeName::WHERE).is_empty() {
            sql.push(&sql!("WHERE ({})", Expression(table.text(AttributeName::WHERE))));
        }
        vec![Step::create(&table.id, sql)]
    },
    drop: |table, _| {
        Some(Step::drop(&table.id, sql!("{} DROP TABLE ONLY {}", head(table), Expression(table.id.name()))))
    },
    rebuilt_by: &[TypeChange::Column, TypeChange::ColumnToText],
    ..Kind::DEFAULT
};

fn head(table: &Object) -> Sql {
    sql!("ALTER PUBLICATION {}", Ident(&table.id.path()[0]))
}

fn query(version: PgVersion) -> String {
    let (columns, condition) = if version.since(15) {
        ("r.prrelid || ' ' || array_to_string(r.prattrs::int2[], ' ')", "pg_get_expr(r.prqual, r.prrelid)")
    } else {
        ("NULL::text", "NULL::text")
    };
    format!(
        "SELECT r.oid, p.pubname AS p1, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS p2, \
         {columns} AS columns, {condition} AS where FROM pg_publication_rel r \
         JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.oid >= 16384"
    )
}
