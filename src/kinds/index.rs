//! Indexes that do not belong to a constraint (`pg_index`).

use super::common::{COMMENT, DEPENDS_ON_EXTENSIONS, expressions, idents, options, table_of};
use super::indexed::{
    self, CLUSTERED, OPTIONS, REPLICA_IDENTITY, STATISTICS, STATISTICS_OF_KEYS, TABLESPACE,
};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Context, Identity, Kind, KindName, Namespace, Presence, QueryCost,
    SystemCatalog, TypeChange, ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{DependencyKind, Hazard, LockMode, Object, ObjectId, PgVersion, Step};
use crate::sql;

attribute_names! {
    METHOD = "method",
    UNIQUE = "unique",
    KEYS = "keys",
    SHARE_OF = "share_of",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "index",
    key: "indexes",
    identity: Identity::OnRelation,
    namespaces: &[Namespace::Relations],
    parents: &[KindName::Table, KindName::MaterializedView],
    catalog: Some(SystemCatalog::CLASS),
    presence: Presence::Relations("iI"),
    query,
    query_cost: QueryCost::OpensRelations,
    attributes: &[
        Attribute::replaced(AttributeName::METHOD, ValueType::Name)
            .doc("USING: access method; by default btree."),
        Attribute::replaced(AttributeName::UNIQUE, ValueType::Flag).doc("UNIQUE."),
        Attribute::replaced(AttributeName::KEYS, ValueType::Expressions).doc(
            "Key columns or expressions, each with COLLATE, operator class, ASC or DESC and NULLS \
             FIRST or LAST if they differ from the default.",
        ),
        Attribute::replaced(AttributeName::INCLUDE, ValueType::Columns).doc("INCLUDE: non-key columns."),
        Attribute::replaced(AttributeName::NULLS_NOT_DISTINCT, ValueType::Flag)
            .doc("NULLS NOT DISTINCT (15 or later)."),
        Attribute::replaced(AttributeName::WHERE, ValueType::Expression)
            .doc("WHERE: predicate of a partial index."),
        OPTIONS,
        TABLESPACE,
        STATISTICS,
        CLUSTERED,
        REPLICA_IDENTITY,
        COMMENT,
        DEPENDS_ON_EXTENSIONS,
        Attribute::altered(AttributeName::INCOMPLETE, ValueType::Flag, &COMPLETE)
            .doc("ON ONLY: the index is invalid because a partition has no attached index."),
        Attribute::attached(AttributeName::SHARE_OF, ValueType::Qualified, &ATTACH).doc(
            "Index of the partitioned table to which it is attached (ALTER INDEX ... ATTACH \
             PARTITION).",
        ),
    ],
    short_form: Some(AttributeName::KEYS),
    reference: |index| sql!("INDEX {}", name(index)),
    rename: Some(super::common::rename_index),
    matched_by_definition: true,
    create,
    drop: |index, context| {
        // A constraint of a partition that is attached to the index is dropped with it, but only with CASCADE. Objects
        // that depend on the constraint have been dropped before.
        let mut attached = context.sides.before.dependents_of(&index.id);
        let has_constraint =
            attached.any(|(user, kind)| kind == DependencyKind::Part && user.kind != KindName::Index);
        let cascade = Sql::trusted(if has_constraint { " CASCADE" } else { "" });
        let step = Step::drop(&index.id, sql!("DROP INDEX {}{}", name(index), cascade));
        Some(step.lock(LockMode::AccessExclusive, table_of(&index.id)))
    },
    default_name_suffix: Some("idx"),
    restricts_statements: |index| index.flag(AttributeName::UNIQUE),
    rebuilt_by: &[TypeChange::Replacement, TypeChange::ColumnToText],
    ..Kind::DEFAULT
};

/// The qualified name of the index, which is in the schema of its table.
pub fn name(index: &Object) -> Sql {
    sql!("{}.{}", Ident(&index.id.path()[0]), Ident(index.id.name()))
}

/// The keys of an index `i` in order. Most of them are plain columns with a default operator class of B-trees (403), which
/// need no further lookup. `pg_get_indexdef` is used for expressions only, because it opens the table.
fn keys() -> String {
    let collation = "(SELECT ' COLLATE ' || quote_ident(n.nspname) || '.' || quote_ident(l.collname) \
        FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = u.coll)";
    format!(
        "ARRAY(SELECT CASE WHEN u.attnum = 0 THEN pg_get_indexdef(i.indexrelid, u.n::int, false) \
         || CASE WHEN u.coll NOT IN (0, 100) THEN {collation} ELSE '' END \
         ELSE (SELECT quote_ident(a.attname) || CASE WHEN u.coll <> a.attcollation AND u.coll <> 0 THEN {collation} \
         ELSE '' END FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = u.attnum) END \
         || CASE WHEN u.class IN (SELECT oid FROM pg_opclass WHERE opcdefault AND opcmethod = 403 AND oid < 16384) THEN '' \
         ELSE (SELECT CASE WHEN o.opcdefault AND q.options = '' THEN '' ELSE ' ' || quote_ident(n.nspname) || '.' \
         || quote_ident(o.opcname) || CASE WHEN q.options = '' THEN '' ELSE ' (' || q.options || ')' END END \
         FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace CROSS JOIN LATERAL (SELECT array_to_string(\
         ARRAY(SELECT split_part(v, '=', 1) || '=' || quote_literal(substr(v, strpos(v, '=') + 1)) \
         FROM pg_attribute q, unnest(q.attoptions) AS v WHERE q.attrelid = i.indexrelid AND q.attnum = u.n), ', ')) \
         AS q (options) WHERE o.oid = u.class) END \
         || CASE WHEN u.option & 1 = 1 THEN ' DESC' || CASE WHEN u.option & 2 = 0 THEN ' NULLS LAST' ELSE '' END \
         WHEN u.option & 2 = 2 THEN ' NULLS FIRST' ELSE '' END \
         FROM unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[], i.indoption::int2[]) \
         WITH ORDINALITY AS u (attnum, class, coll, option, n) WHERE u.n <= i.indnkeyatts)"
    )
}

fn query(version: PgVersion) -> String {
    let nulls = if version.since(15) { "i.indnullsnotdistinct" } else { "false" };
    let keys = keys();
    format!(
        "SELECT x.oid, n.nspname AS p1, c.relname AS p2, x.relname AS p3, NULLIF(m.amname, 'btree') AS method, \
         i.indisunique AS unique, {keys} AS keys, \
         CASE WHEN i.indnatts > i.indnkeyatts THEN i.indrelid || ' ' || array_to_string((i.indkey::int2[])[i.indnkeyatts:], ' ') \
         END AS include, {nulls} AS nulls_not_distinct, pg_get_expr(i.indpred, i.indrelid) AS where, \
         x.reloptions AS options, s.spcname AS tablespace, \
         {STATISTICS_OF_KEYS} AS statistics, \
         i.indisclustered AS clustered, i.indisreplident AS replica_identity, NOT i.indisvalid AS incomplete, \
         CASE WHEN x.relispartition THEN (SELECT quote_ident(vn.nspname) || '.' || quote_ident(vc.relname) \
         FROM pg_inherits v JOIN pg_class vc ON vc.oid = v.inhparent AND vc.relkind = 'I' \
         JOIN pg_namespace vn ON vn.oid = vc.relnamespace WHERE v.inhrelid = i.indexrelid) END AS share_of \
         FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = x.relam \
         LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace \
         WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND i.indexrelid >= 16384 \
         AND (i.indisvalid AND i.indisready OR x.relkind = 'I') \
         AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))"
    )
}

/// How an index is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildMode {
    /// `CREATE INDEX`, which blocks writes.
    Blocking,
    /// `CREATE INDEX CONCURRENTLY`.
    Concurrent,
    /// `CREATE UNIQUE INDEX CONCURRENTLY`, for a key that is added with `USING INDEX`.
    ConcurrentForKey,
}

/// `CREATE INDEX` for an index, or for the index of a key.
pub fn statement(index: &Object, mode: BuildMode) -> Sql {
    let key = mode == BuildMode::ConcurrentForKey;
    let unique = Sql::trusted(if key || index.flag(AttributeName::UNIQUE) { "UNIQUE " } else { "" });
    let concurrently = Sql::trusted(if mode == BuildMode::Blocking { "" } else { "CONCURRENTLY " });
    let only = Sql::trusted(if index.flag(AttributeName::INCOMPLETE) { "ONLY " } else { "" });
    let method = if index.text(AttributeName::METHOD).is_empty() {
        "btree"
    } else {
        index.text(AttributeName::METHOD)
    };
    let mut sql = sql!(
        "CREATE {}INDEX {}{} ON {}{} USING {} ({})",
        unique,
        concurrently,
        Ident(index.id.name()),
        only,
        index.id.qualified_relation(),
        Ident(method),
        if key {
            idents(index.list(AttributeName::COLUMNS))
        } else {
            expressions(index.list(AttributeName::KEYS))
        },
    );
    if !index.list(AttributeName::INCLUDE).is_empty() {
        sql.push(&sql!("INCLUDE ({})", idents(index.list(AttributeName::INCLUDE))));
    }
    if index.flag(AttributeName::NULLS_NOT_DISTINCT) {
        sql.push(&sql!("NULLS NOT DISTINCT"));
    }
    if !index.map(AttributeName::OPTIONS).is_empty() {
        sql.push(&sql!("WITH ({})", options(index.map(AttributeName::OPTIONS))));
    }
    if !index.text(AttributeName::TABLESPACE).is_empty() {
        sql.push(&sql!("TABLESPACE {}", Ident(index.text(AttributeName::TABLESPACE))));
    }
    if !index.text(AttributeName::WHERE).is_empty() {
        sql.push(&sql!("WHERE {}", Expression(index.text(AttributeName::WHERE))));
    }
    sql
}

fn create(index: &Object, context: &Context) -> Vec<Step> {
    let table = table_of(&index.id);
    let step = Step::create(&index.id, statement(index, BuildMode::Blocking)).lock(LockMode::Share, &table);
    // The index of a partitioned table follows those of the partitions, and attaches them.
    if context.parent(&index.id).is_some_and(|table| !table.text(AttributeName::PARTITION_BY).is_empty()) {
        return vec![indexed::after_partitions(step, &table, context)];
    }
    vec![step.hazard(Hazard::Scan(format!("builds {} while writes wait", index.id)))]
}

/// An index becomes valid when the last partition's index is attached. It cannot become invalid, only be replaced.
static COMPLETE: Alteration = Alteration {
    name: "complete",
    steps: |index, _| if index.after.flag(AttributeName::INCOMPLETE) { None } else { Some(Vec::new()) },
};

static ATTACH: Alteration = Alteration {
    name: "attach",
    steps: |index, context| {
        let id = &index.after.id;
        let after = context.sides.after;
        // An index is only detached with its partition.
        let partition = ObjectId::new(KindName::Partition, &id.path()[..2]);
        let old = index.before.get(AttributeName::SHARE_OF);
        if old.is_some()
            && old != index.after.get(AttributeName::SHARE_OF)
            && !context.dropped.contains(&partition)
        {
            return None;
        }
        let Some((parent, _)) = after.dependencies_of(id).find(|(_, kind)| *kind == DependencyKind::Part)
        else {
            return Some(Vec::new());
        };
        let incomplete = after.get(parent).is_some_and(|parent| parent.flag(AttributeName::INCOMPLETE));
        // CREATE INDEX on the partitioned table attaches the partitions' indexes, and so does ATTACH PARTITION.
        let attached = match context.is_new(parent) {
            true => !incomplete,
            false => context.is_new(&partition),
        };
        if attached {
            return Some(Vec::new());
        }
        let sql = sql!(
            "ALTER INDEX {} ATTACH PARTITION {}",
            Expression(index.after.text(AttributeName::SHARE_OF)),
            name(index.after)
        );
        Some(vec![Step::attach(id, sql).requires(parent.clone()).requires(partition)])
    },
};
