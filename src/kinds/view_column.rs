//! Columns of views and materialized views, as far as they carry something of their own (`pg_attribute`).

use super::common::{COMMENT, grants_by, grants_column, part_grant_steps};
use super::{Alteration, Attribute, Identity, Kind, KindName, Type};
use crate::model::sql::{Ident, Sql};
use crate::model::{PgVersion, Step};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "view column",
    key: "columns",
    identity: Identity::OnRelation,
    parents: &[KindName::View, KindName::MaterializedView],
    catalog: "pg_class",
    query,
    attributes: &[
        Attribute::attached("statistics", Type::Number, &STATISTICS).doc("The statistics target."),
        grants_by(&GRANTS),
        COMMENT,
    ],
    reference: |column| sql!("COLUMN {}.{}", column.id.on(), Ident(column.id.name())),
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    format!(
        "SELECT c.oid, a.attnum AS sub, n.nspname AS p1, c.relname AS p2, a.attname AS p3, a.attnum AS position, \
         CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics, {} AS grants \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('v', 'm') AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped \
         AND (a.attacl IS NOT NULL OR a.atthasdef OR a.attstattarget >= 0 OR EXISTS (SELECT FROM pg_description d \
         WHERE d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = a.attnum))",
        grants_column("a.attacl", 'c', "c.relowner"),
    )
}

static STATISTICS: Alteration = Alteration {
    name: "statistics",
    steps: |column, _| {
        let target = column.after.int("statistics").unwrap_or(-1);
        let (relation, name) = (column.after.id.on(), Ident(column.after.id.name()));
        let sql = sql!("ALTER MATERIALIZED VIEW {} ALTER COLUMN {} SET STATISTICS {}", relation, name, target);
        Some(vec![Step::attach(&column.after.id, sql)])
    },
};

static GRANTS: Alteration = Alteration {
    name: "grants",
    steps: |column, context| {
        let name = Ident(column.after.id.name());
        let on = sql!("TABLE {}", column.after.id.on());
        let privilege = |privilege: &str| sql!("{} ({})", Sql::trusted(privilege), name);
        Some(part_grant_steps(column, &privilege, &on, context))
    },
};
