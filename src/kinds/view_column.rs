//! Columns of views and materialized views that have attributes of their own (`pg_attribute`).

use super::common::{COMMENT, detach, grants_by, grants_column, option_steps, part_grant_steps};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, KindName, Presence, SystemCatalog, ValueType,
};
use crate::model::sql::{Ident, Sql};
use crate::model::{Object, PgVersion, Step};
use crate::sql;

attribute_names! {
    OWN_STORAGE = "own_storage",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "view column",
    key: "columns",
    identity: Identity::OnRelation,
    parents: &[KindName::View, KindName::MaterializedView],
    catalog: Some(SystemCatalog::CLASS),
    presence: Presence::Relations("vm"),
    query,
    attributes: &[
        Attribute::attached(AttributeName::STATISTICS, ValueType::Number, &STATISTICS)
            .doc("SET STATISTICS: statistics target for ANALYZE."),
        Attribute::attached(
            AttributeName::STORAGE,
            ValueType::Word(&["", "plain", "external", "extended", "main"]),
            &STORAGE,
        )
        .doc(
            "SET STORAGE of a materialized view's column, if it differs from the data type's \
             storage.",
        ),
        Attribute::read_only(
            AttributeName::OWN_STORAGE,
            ValueType::Word(&["", "plain", "external", "extended", "main"]),
        )
        .doc("Storage of the data type, if the column's storage differs from it."),
        Attribute::attached(AttributeName::COMPRESSION, ValueType::Word(&["", "pglz", "lz4"]), &COMPRESSION)
            .doc("COMPRESSION of a materialized view's column; by default, default_toast_compression."),
        Attribute::attached(AttributeName::OPTIONS, ValueType::Options, &OPTIONS)
            .doc("Attribute options: n_distinct, n_distinct_inherited."),
        grants_by(&GRANTS),
        COMMENT,
    ],
    before_drop: detach,
    reference: |column| sql!("COLUMN {}.{}", column.id.qualified_relation(), Ident(column.id.name())),
    attributes_only: true,
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    // `OFFSET 0` makes the planner look up the columns by view, because most columns belong to tables.
    let word = |column: &str| {
        format!(
            "CASE WHEN c.relkind = 'm' AND a.attstorage <> t.typstorage THEN CASE {column} WHEN 'p' THEN 'plain' \
             WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended' WHEN 'm' THEN 'main' END END"
        )
    };
    format!(
        "SELECT c.oid, a.attnum AS sub, n.nspname AS p1, c.relname AS p2, a.attname AS p3, a.attnum AS position, \
         CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics, \
         {} AS storage, {} AS own_storage, \
         CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression, \
         a.attoptions AS options, {} AS grants \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         CROSS JOIN LATERAL (SELECT * FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 OFFSET 0) a \
         JOIN pg_type t ON t.oid = a.atttypid \
         WHERE c.relkind IN ('v', 'm') AND c.oid >= 16384 AND NOT a.attisdropped \
         AND (a.attacl IS NOT NULL OR a.atthasdef OR a.attstattarget >= 0 OR a.attcompression <> '' \
         OR c.relkind = 'm' AND a.attstorage <> t.typstorage OR a.attoptions IS NOT NULL OR EXISTS (SELECT FROM pg_description d \
         WHERE d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = a.attnum))",
        word("a.attstorage"),
        word("t.typstorage"),
        grants_column("a.attacl", 'c', "c.relowner"),
    )
}

static STATISTICS: Alteration = Alteration {
    name: "statistics",
    steps: |column, _| {
        let target = column.after.int(AttributeName::STATISTICS).unwrap_or(-1);
        let (relation, name) = (column.after.id.qualified_relation(), Ident(column.after.id.name()));
        let sql =
            sql!("ALTER MATERIALIZED VIEW {} ALTER COLUMN {} SET STATISTICS {}", relation, name, target);
        Some(vec![Step::attach(&column.after.id, sql)])
    },
};

static GRANTS: Alteration = Alteration {
    name: "grants",
    steps: |column, context| {
        let name = Ident(column.after.id.name());
        let on = sql!("TABLE {}", column.after.id.qualified_relation());
        let privilege = |privilege: &str| sql!("{} ({})", Sql::trusted(privilege), name);
        Some(part_grant_steps(column, &privilege, &on, context))
    },
};

/// `ALTER MATERIALIZED VIEW … ALTER COLUMN …`, followed by an action.
fn alter_column(column: &Object, action: &Sql) -> Step {
    let (relation, name) = (column.id.qualified_relation(), Ident(column.id.name()));
    Step::attach(&column.id, sql!("ALTER MATERIALIZED VIEW {} ALTER COLUMN {} {}", relation, name, action))
}

static STORAGE: Alteration = Alteration {
    name: "storage",
    steps: |column, context| {
        // `SET STORAGE DEFAULT` exists since PostgreSQL 16.
        let default = if context.version().since(16) {
            "DEFAULT"
        } else {
            column.before.text(AttributeName::OWN_STORAGE)
        };
        let word = column.after.text(AttributeName::STORAGE);
        let word = Sql::trusted(if word.is_empty() { default } else { word });
        Some(vec![alter_column(column.after, &sql!("SET STORAGE {}", word))])
    },
};

static COMPRESSION: Alteration = Alteration {
    name: "compression",
    steps: |column, _| {
        let word = column.after.text(AttributeName::COMPRESSION);
        let word = Sql::trusted(if word.is_empty() { "default" } else { word });
        Some(vec![alter_column(column.after, &sql!("SET COMPRESSION {}", word))])
    },
};

static OPTIONS: Alteration = Alteration {
    name: "options",
    steps: |column, _| {
        let (relation, name) = (column.after.id.qualified_relation(), Ident(column.after.id.name()));
        let alter = sql!("ALTER MATERIALIZED VIEW {} ALTER COLUMN {}", relation, name);
        let steps = option_steps(column, AttributeName::OPTIONS, &alter);
        Some(steps.into_iter().map(|step| Step { action: crate::model::Action::Attach, ..step }).collect())
    },
};
