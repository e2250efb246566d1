//! Extended statistics (`pg_statistic_ext`). They are dropped with their table and with each of its columns that they use.

use super::common::{COMMENT, OWNER, owner_column};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Kind, Presence, QueryCost, SystemCatalog, ValueType,
};
use crate::model::sql::{Expression, Sql};
use crate::model::{PgVersion, Step};
use crate::sql;

attribute_names! {
    TABLE = "table",
    KINDS = "kinds",
    TARGET = "target",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "statistics object",
    key: "statistics",
    catalog: Some(SystemCatalog::STATISTIC_EXT),
    presence: Presence::Rows(SystemCatalog::STATISTIC_EXT),
    query,
    query_cost: QueryCost::OpensRelations,
    attributes: &[
        Attribute::replaced(AttributeName::TABLE, ValueType::Qualified).doc("Table."),
        Attribute::replaced(AttributeName::KINDS, ValueType::Texts)
            .doc("Statistics kinds: ndistinct, dependencies, mcv; by default all."),
        Attribute::replaced(AttributeName::COLUMNS, ValueType::Expression).doc("Columns and expressions."),
        OWNER,
        Attribute::attached(AttributeName::TARGET, ValueType::Number, &TARGET)
            .doc("SET STATISTICS: statistics target for ANALYZE."),
        COMMENT,
    ],
    reference: |statistics| sql!("STATISTICS {}", statistics.id.qualified()),
    rename: Some(super::common::rename_quietly),
    create: |statistics, _| {
        let mut sql = sql!("CREATE STATISTICS {}", statistics.id.qualified());
        let kinds: Vec<Sql> =
            statistics.list(AttributeName::KINDS).iter().map(|kind| Sql::trusted(kind.as_str())).collect();
        if !kinds.is_empty() {
            sql.push(&sql!("({})", Sql::join(&kinds, ", ")));
        }
        let (columns, table) = (
            Expression(statistics.text(AttributeName::COLUMNS)),
            Expression(statistics.text(AttributeName::TABLE)),
        );
        vec![Step::create(&statistics.id, sql!("{} ON {} FROM {}", sql, columns, table))]
    },
    drop: |statistics, _| {
        Some(Step::drop(&statistics.id, sql!("DROP STATISTICS {}", statistics.id.qualified())))
    },
    ..Kind::DEFAULT
};

fn query(version: PgVersion) -> String {
    let target = if version.since(17) { "s.stxstattarget" } else { "NULLIF(s.stxstattarget, -1)" };
    // Statistics on a single expression have no kinds. The kind `e` (expressions) cannot be specified.
    format!(
        "SELECT s.oid, n.nspname AS p1, s.stxname AS p2, quote_ident(cn.nspname) || '.' || quote_ident(c.relname) AS table, \
         CASE WHEN NOT s.stxkind::\"char\"[] @> '{{d,f,m}}' THEN ARRAY(SELECT CASE k WHEN 'd' THEN 'ndistinct' \
         WHEN 'f' THEN 'dependencies' WHEN 'm' THEN 'mcv' END FROM unnest(s.stxkind) AS k WHERE k <> 'e') END AS kinds, \
         pg_get_statisticsobjdef_columns(s.oid) AS columns, {target} AS target, {} AS owner \
         FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace JOIN pg_class c ON c.oid = s.stxrelid \
         JOIN pg_namespace cn ON cn.oid = c.relnamespace WHERE c.relpersistence <> 't' AND s.oid >= 16384",
        owner_column("s.stxowner"),
    )
}

static TARGET: Alteration = Alteration {
    name: "target",
    steps: |statistics, _| {
        let id = &statistics.after.id;
        let target = statistics.after.int(AttributeName::TARGET).unwrap_or(-1);
        Some(vec![Step::attach(id, sql!("ALTER STATISTICS {} SET STATISTICS {}", id.qualified(), target))])
    },
};
