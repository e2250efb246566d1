//! Indexes that no constraint owns (`pg_index`).

use super::common::{COMMENT, expressions, idents, options, table_of};
use super::indexed::{self, CLUSTERED, OPTIONS, REPLICA_IDENTITY, TABLESPACE};
use super::{Alteration, Attribute, Context, Identity, Kind, KindName, Namespace, Type};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{DependencyKind, LockMode, Object, PgVersion, Step, Value};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "index",
    key: "indexes",
    identity: Identity::OnRelation,
    namespaces: &[Namespace::Relations],
    parents: &[KindName::Table, KindName::MaterializedView],
    catalog: "pg_class",
    query,
    attributes: &[
        Attribute::replaced("method", Type::Name)
            .doc("The access method; `btree`."),
        Attribute::replaced("unique", Type::Flag).doc("Whether keys must differ."),
        Attribute::replaced("keys", Type::Expressions)
            .doc("Columns or expressions, with collation, operator class and order where they are not usual."),
        Attribute::replaced("include", Type::Columns).doc("Further columns that the index carries."),
        Attribute::replaced("nulls_not_distinct", Type::Flag).doc("Whether two NULLs are the same (15)."),
        Attribute::replaced("where", Type::Expression).doc("The rows that it holds, where not all."),
        OPTIONS,
        TABLESPACE,
        Attribute::attached("statistics", Type::Options, &STATISTICS).doc("Statistics targets by key number."),
        CLUSTERED,
        REPLICA_IDENTITY,
        COMMENT,
        Attribute::altered("incomplete", Type::Flag, &COMPLETE).doc("Whether a partition lacks its share."),
        Attribute::attached("share_of", Type::Qualified, &ATTACH).doc("The parent's index of which it is a share."),
    ],
    short: Some("keys"),
    reference: |index| sql!("INDEX {}", name(index)),
    create,
    drop: |index, _| {
        let step = Step::drop(&index.id, sql!("DROP INDEX {}", name(index)));
        Some(step.lock(LockMode::AccessExclusive, table_of(&index.id)))
    },
    ..Kind::DEFAULT
};

/// An index is named in its table's schema.
fn name(index: &Object) -> Sql {
    sql!("{}.{}", Ident(&index.id.path()[0]), Ident(index.id.name()))
}

fn query(version: PgVersion) -> String {
    let nulls = if version.since(15) { "i.indnullsnotdistinct" } else { "false" };
    format!(
        "SELECT x.oid, n.nspname AS p1, c.relname AS p2, x.relname AS p3, NULLIF(m.amname, 'btree') AS method, \
         i.indisunique AS unique, k.keys, \
         CASE WHEN i.indnatts > i.indnkeyatts THEN i.indrelid || ' ' || array_to_string((i.indkey::int2[])[i.indnkeyatts:], ' ') \
         END AS include, {nulls} AS nulls_not_distinct, pg_get_expr(i.indpred, i.indrelid) AS where, \
         x.reloptions AS options, s.spcname AS tablespace, t.targets AS statistics, i.indisclustered AS clustered, \
         i.indisreplident AS replica_identity, NOT i.indisvalid AS incomplete, h.parent AS share_of \
         FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = x.relam \
         LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace \
         JOIN (SELECT p.indexrelid, array_agg(CASE WHEN p.attnum = 0 THEN pg_get_indexdef(p.indexrelid, p.n::int, false) \
         ELSE quote_ident(a.attname) END \
         || CASE WHEN p.coll <> a.attcollation AND p.coll <> 0 OR p.attnum = 0 AND p.coll NOT IN (0, 100) THEN ' COLLATE ' || quote_ident(ln.nspname) || '.' || quote_ident(l.collname) ELSE '' END \
         || CASE WHEN o.opcdefault AND q.options IS NULL THEN '' ELSE ' ' || quote_ident(opn.nspname) || '.' || quote_ident(o.opcname) \
         || COALESCE(' (' || q.options || ')', '') END \
         || CASE WHEN p.option & 1 = 1 THEN ' DESC' || CASE WHEN p.option & 2 = 0 THEN ' NULLS LAST' ELSE '' END \
         WHEN p.option & 2 = 2 THEN ' NULLS FIRST' ELSE '' END ORDER BY p.n) AS keys \
         FROM (SELECT b.indexrelid, b.indrelid, u.attnum, u.class, u.coll, u.option, u.n \
         FROM pg_index b, unnest(b.indkey::int2[], b.indclass::oid[], b.indcollation::oid[], b.indoption::int2[]) \
         WITH ORDINALITY AS u (attnum, class, coll, option, n) \
         WHERE b.indexrelid >= 16384 AND u.n <= b.indnkeyatts \
         AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = b.indexrelid AND k.contype IN ('p', 'u', 'x'))) p \
         LEFT JOIN pg_attribute a ON a.attrelid = p.indrelid AND a.attnum = p.attnum AND p.attnum <> 0 \
         JOIN pg_opclass o ON o.oid = p.class JOIN pg_namespace opn ON opn.oid = o.opcnamespace \
         LEFT JOIN pg_collation l ON l.oid = p.coll LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace \
         LEFT JOIN (SELECT qa.attrelid, qa.attnum, array_to_string(ARRAY(SELECT split_part(v, '=', 1) || '=' || \
         quote_literal(substr(v, strpos(v, '=') + 1)) FROM unnest(qa.attoptions) AS v), ', ') AS options \
         FROM pg_attribute qa WHERE qa.attoptions IS NOT NULL) q ON q.attrelid = p.indexrelid AND q.attnum = p.n \
         GROUP BY p.indexrelid) k ON k.indexrelid = i.indexrelid \
         LEFT JOIN (SELECT ta.attrelid, array_agg(ta.attnum || '=' || ta.attstattarget ORDER BY ta.attnum) AS targets \
         FROM pg_attribute ta JOIN pg_class tx ON tx.oid = ta.attrelid WHERE tx.relkind IN ('i', 'I') \
         AND ta.attstattarget > 0 GROUP BY ta.attrelid) t ON t.attrelid = i.indexrelid \
         LEFT JOIN (SELECT v.inhrelid, quote_ident(vn.nspname) || '.' || quote_ident(vc.relname) AS parent \
         FROM pg_inherits v JOIN pg_class vc ON vc.oid = v.inhparent AND vc.relkind = 'I' \
         JOIN pg_namespace vn ON vn.oid = vc.relnamespace) h ON h.inhrelid = i.indexrelid \
         WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' \
         AND (i.indisvalid AND i.indisready OR x.relkind = 'I')"
    )
}

fn create(index: &Object, context: &Context) -> Vec<Step> {
    let unique = Sql::trusted(if index.flag("unique") { "UNIQUE " } else { "" });
    let only = Sql::trusted(if index.flag("incomplete") { "ONLY " } else { "" });
    let method = if index.text("method").is_empty() { "btree" } else { index.text("method") };
    let mut sql = sql!(
        "CREATE {}INDEX {} ON {}{} USING {} ({})",
        unique,
        Ident(index.id.name()),
        only,
        index.id.on(),
        Ident(method),
        expressions(index.list("keys")),
    );
    if !index.list("include").is_empty() {
        sql.push(&sql!("INCLUDE ({})", idents(index.list("include"))));
    }
    if index.flag("nulls_not_distinct") {
        sql.push(&sql!("NULLS NOT DISTINCT"));
    }
    if !index.map("options").is_empty() {
        sql.push(&sql!("WITH ({})", options(index.map("options"))));
    }
    if !index.text("tablespace").is_empty() {
        sql.push(&sql!("TABLESPACE {}", Ident(index.text("tablespace"))));
    }
    if !index.text("where").is_empty() {
        sql.push(&sql!("WHERE {}", Expression(index.text("where"))));
    }
    let table = table_of(&index.id);
    let step = Step::create(&index.id, sql).lock(LockMode::Share, &table);
    vec![indexed::after_partitions(step, &table, context)]
}

static STATISTICS: Alteration = Alteration {
    name: "statistics",
    steps: |index, _| {
        let (before, after) = (index.before.map("statistics"), index.after.map("statistics"));
        let step = |key: &str, target: &Value| {
            let (key, target) = (Expression(key), target.to_string());
            let what = sql!("ALTER COLUMN {} SET STATISTICS {}", key, Expression(&target));
            Step::attach(&index.after.id, sql!("ALTER INDEX {} {}", name(index.after), what))
        };
        let gone = before.iter().filter(|(key, _)| !after.iter().any(|(k, _)| k == key));
        let mut steps: Vec<Step> = gone.map(|(key, _)| step(key, &Value::Int(-1))).collect();
        steps.extend(after.iter().filter(|pair| !before.contains(pair)).map(|(key, target)| step(key, target)));
        Some(steps)
    },
};

/// An incomplete index becomes whole when its last share is attached; the other way needs a new one.
static COMPLETE: Alteration = Alteration {
    name: "complete",
    steps: |index, _| if index.after.flag("incomplete") { None } else { Some(Vec::new()) },
};

static ATTACH: Alteration = Alteration {
    name: "attach",
    steps: |index, context| {
        let id = &index.after.id;
        let after = context.sides.after;
        let Some((parent, _)) = after.dependencies_of(id).find(|(_, kind)| *kind == DependencyKind::Part) else {
            return Some(Vec::new());
        };
        let taken = after.get(parent).is_some_and(|parent| !parent.flag("incomplete")) && context.is_new(parent)
            || context.is_new(&table_of(id));
        // A parent that is created whole, and a partition that is attached, take their shares themselves.
        if taken && !after.get(parent).is_some_and(|parent| parent.flag("incomplete")) {
            return Some(Vec::new());
        }
        let sql = sql!("ALTER INDEX {} ATTACH PARTITION {}", Expression(index.after.text("share_of")), name(index.after));
        Some(vec![Step::attach(id, sql).requires(parent.clone())])
    },
};
