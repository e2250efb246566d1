//! Sequences that are not part of an identity column (`pg_sequence`).

use super::column;
use super::common::{
    self, COMMENT, advance_sequence, grant_steps, grants_by, grants_column, owner_by, owner_column,
};
use super::sequence_options::{clauses, restart};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Context, Kind, Namespace, Presence, SystemCatalog, ValueType,
};
use crate::model::sql::{Expression, Ident, Literal, Sql};
use crate::model::{DependencyKind, Hazard, LockMode, Object, Pair, PgVersion, Phase, Step};
use crate::sql;

attribute_names! {
    INCREMENT = "increment",
    MIN = "min",
    MAX = "max",
    CACHE = "cache",
    CYCLE = "cycle",
    UNLOGGED = "unlogged",
    OWNED_BY = "owned_by",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "sequence",
    key: "sequences",
    namespaces: &[Namespace::Relations, Namespace::Types],
    catalog: Some(SystemCatalog::CLASS),
    presence: Presence::Relations("S"),
    query,
    attributes: &[
        Attribute::altered(
            AttributeName::TYPE,
            ValueType::Word(&["bigint", "integer", "smallint"]),
            &OPTIONS,
        )
        .doc("AS: data type."),
        Attribute::altered(AttributeName::INCREMENT, ValueType::Number, &OPTIONS)
            .doc("INCREMENT BY; by default 1."),
        Attribute::altered(AttributeName::MIN, ValueType::Number, &OPTIONS).doc("MINVALUE."),
        Attribute::altered(AttributeName::MAX, ValueType::Number, &OPTIONS).doc("MAXVALUE."),
        Attribute::altered(AttributeName::START, ValueType::Number, &OPTIONS).doc("START WITH."),
        Attribute::altered(AttributeName::CACHE, ValueType::Number, &OPTIONS)
            .doc("CACHE: number of values that a session preallocates; by default 1."),
        Attribute::altered(AttributeName::CYCLE, ValueType::Flag, &OPTIONS).doc("CYCLE."),
        Attribute::altered(AttributeName::UNLOGGED, ValueType::Flag, &UNLOGGED)
            .doc("UNLOGGED (15 or later)."),
        owner_by(&OWNER),
        grants_by(&GRANTS),
        COMMENT,
        // After the owner, because the sequence and the table must have the same owner.
        Attribute::attached(AttributeName::OWNED_BY, ValueType::Qualified, &OWNED_BY)
            .doc("OWNED BY: column with which the sequence is dropped."),
    ],
    reference: |sequence| sql!("SEQUENCE {}", sequence.id.qualified()),
    rename: Some(super::common::rename_relation),
    create: |sequence, _| {
        let unlogged = Sql::trusted(if sequence.flag(AttributeName::UNLOGGED) { "UNLOGGED " } else { "" });
        let mut sql = sql!("CREATE {}SEQUENCE {}", unlogged, sequence.id.qualified());
        for clause in clauses(Pair { before: &Object::new(sequence.id.clone()), after: sequence }) {
            sql.push(&clause);
        }
        vec![Step::create(&sequence.id, sql)]
    },
    drop: |sequence, context| {
        if let Some(temporary) = column::replaced_by_identity(sequence, context) {
            let rename =
                sql!("ALTER SEQUENCE {} RENAME TO {}", sequence.id.qualified(), Ident(temporary.name()));
            return Some(Step::drop(&sequence.id, rename).reason("the identity column continues its values"));
        }
        let step = Step::drop(&sequence.id, sql!("DROP SEQUENCE {}", sequence.id.qualified()));
        Some(step.hazard(Hazard::DataLoss(format!("drops {} and its current value", sequence.id))))
    },
    owned_by_attribute: Some(AttributeName::OWNED_BY),
    default_acl_class: Some("sequences"),
    uses_named_columns: true,
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    format!(
        "SELECT c.oid, n.nspname AS p1, c.relname AS p2, \
         CASE WHEN q.seqtypid <> 20 THEN format_type(q.seqtypid, NULL) END AS type, \
         NULLIF(q.seqincrement, 1) AS increment, \
         NULLIF(q.seqmin, CASE WHEN q.seqincrement > 0 THEN 1 ELSE s.low END) AS min, \
         NULLIF(q.seqmax, CASE WHEN q.seqincrement > 0 THEN s.high ELSE -1 END) AS max, \
         NULLIF(q.seqstart, CASE WHEN q.seqincrement > 0 THEN q.seqmin ELSE q.seqmax END) AS start, \
         NULLIF(q.seqcache, 1) AS cache, q.seqcycle AS cycle, c.relpersistence = 'u' AS unlogged, \
         o.name AS owned_by, {} AS owner, {} AS grants \
         FROM pg_class c JOIN pg_sequence q ON q.seqrelid = c.oid JOIN pg_namespace n ON n.oid = c.relnamespace \
         CROSS JOIN LATERAL (SELECT CASE q.seqtypid WHEN 21 THEN -32768 WHEN 23 THEN -2147483648 \
         ELSE -9223372036854775808 END::bigint AS low, CASE q.seqtypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 \
         ELSE 9223372036854775807 END::bigint AS high) s \
         LEFT JOIN LATERAL (SELECT d.deptype, quote_ident(tn.nspname) || '.' || quote_ident(t.relname) || '.' || \
         quote_ident(a.attname) AS name FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid \
         JOIN pg_namespace tn ON tn.oid = t.relnamespace \
         JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid \
         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass \
         AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0) o ON true \
         WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND c.oid >= 16384 AND o.deptype IS DISTINCT FROM 'i'",
        owner_column("c.relowner"),
        grants_column("c.relacl", 's', "c.relowner"),
    )
}

static OPTIONS: Alteration = Alteration {
    name: "options",
    steps: |sequence, _| {
        let mut sql = sql!("ALTER SEQUENCE {}", sequence.after.id.qualified());
        for clause in clauses(sequence).into_iter().chain(restart(sequence)) {
            sql.push(&clause);
        }
        let step = Step::alter(&sequence.after.id, sql);
        Some(vec![step.lock(LockMode::ShareRowExclusive, &sequence.after.id).phase(Phase::Expand)])
    },
};

static UNLOGGED: Alteration = Alteration {
    name: "unlogged",
    steps: |sequence, _| {
        let word =
            Sql::trusted(if sequence.after.flag(AttributeName::UNLOGGED) { "UNLOGGED" } else { "LOGGED" });
        let id = &sequence.after.id;
        Some(vec![Step::alter(id, sql!("ALTER SEQUENCE {} SET {}", id.qualified(), word))])
    },
};

static OWNED_BY: Alteration = Alteration {
    name: "owned by",
    steps: |sequence, context: &Context| {
        let id = &sequence.after.id;
        let owner = sequence.after.text(AttributeName::OWNED_BY);
        let owner = if owner.is_empty() { "NONE" } else { owner };
        let mut step =
            Step::attach(id, sql!("ALTER SEQUENCE {} OWNED BY {}", id.qualified(), Expression(owner)));
        for (column, kind) in context.sides.after.dependencies_of(id) {
            if kind == DependencyKind::Auto {
                step = step.requires(column.clone()).requires(common::relation_of(column, context));
            }
        }
        let mut steps = Vec::new();
        // The sequence must outlive its column, also if the column is replaced.
        let mut owners =
            context.sides.before.dependencies_of(id).filter(|(_, kind)| *kind == DependencyKind::Auto);
        if !context.is_new(id) && owners.any(|(column, _)| context.is_new(column)) {
            steps.push(Step::release(id, sql!("ALTER SEQUENCE {} OWNED BY NONE", id.qualified())));
        }
        steps.push(step);
        // A new sequence of an existing column starts after its values.
        for (column, _) in
            context.sides.after.dependencies_of(id).filter(|(_, kind)| *kind == DependencyKind::Auto)
        {
            if context.is_new(id) && !context.is_new(column) && context.sides.before.contains(column) {
                let descending = sequence.after.int(AttributeName::INCREMENT).unwrap_or(1) < 0;
                let name = sql!("{}", id.qualified()).to_string();
                let bound =
                    sequence.after.int(if descending { AttributeName::MAX } else { AttributeName::MIN });
                steps.push(advance_sequence(id, &sql!("{}", Literal(&name)), column, descending, bound));
            }
        }
        Some(steps)
    },
};

static OWNER: Alteration = Alteration {
    name: "owner",
    steps: |sequence, context| {
        // The owner of an owned sequence changes with its table, and cannot be changed otherwise.
        let same_column =
            sequence.before.get(AttributeName::OWNED_BY) == sequence.after.get(AttributeName::OWNED_BY);
        if same_column
            && sequence.after.get(AttributeName::OWNED_BY).is_some()
            && !context.is_new(&sequence.after.id)
        {
            return Some(Vec::new());
        }
        common::owner_steps(sequence, context)
    },
};

static GRANTS: Alteration = Alteration {
    name: "grants",
    steps: |sequence, context| {
        let on = sql!("SEQUENCE {}", sequence.after.id.qualified());
        let steps = grant_steps(sequence, &|privilege| Sql::trusted(privilege), &on);
        // A change of the table's owner changes the owner and the privileges of the sequence, too.
        let tables = context.sides.after.dependencies_of(&sequence.after.id);
        let tables = tables.filter(|(_, kind)| *kind == DependencyKind::Auto);
        let tables: Vec<_> = tables.map(|(column, _)| common::relation_of(column, context)).collect();
        let after = |step: Step| tables.iter().fold(step, |step, table| step.requires(table.clone()));
        Some(steps.into_iter().map(after).collect())
    },
};
