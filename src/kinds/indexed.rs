//! Attributes and statements of indexes and of constraints that have an index.

use super::common::{comment, deferrability, idents, options, table_of};
use crate::model::kind::{Alteration, Attribute, AttributeName, Context, Kind, KindName, ValueType};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Hazard, LockMode, Object, ObjectId, Pair, PgVersion, Step, Value};
use crate::sql;

attribute_names! {
    CLUSTERED = "clustered",
    INDEX_COMMENT = "index_comment",
}

/// Whether `CLUSTER` uses the index.
pub const CLUSTERED: Attribute =
    Attribute::attached(AttributeName::CLUSTERED, ValueType::Flag, &CLUSTER).doc("CLUSTER ON this index.");

/// Whether the index identifies rows in logical replication.
pub const REPLICA_IDENTITY: Attribute =
    Attribute::attached(AttributeName::REPLICA_IDENTITY, ValueType::Flag, &REPLICA)
        .doc("REPLICA IDENTITY USING INDEX: the index identifies rows in logical replication.");

/// The comment on the index of a constraint, which the constraint's own comment is independent of.
pub const INDEX_COMMENT: Attribute =
    Attribute::attached(AttributeName::INDEX_COMMENT, ValueType::Text, &COMMENT_ON_INDEX)
        .doc("Comment on the index of the constraint.");

static COMMENT_ON_INDEX: Alteration = Alteration {
    name: "index comment",
    steps: |object, _| {
        let index = sql!("INDEX {}", index(object.after));
        Some(vec![Step::attach(
            &object.after.id,
            comment(&index, object.after.text(AttributeName::INDEX_COMMENT)),
        )])
    },
};

/// Storage parameters of the index.
pub const OPTIONS: Attribute = Attribute::altered(AttributeName::OPTIONS, ValueType::Options, &SET_OPTIONS)
    .doc("WITH: storage parameters of the index.");

/// The tablespace of the index.
pub const TABLESPACE: Attribute =
    Attribute::altered(AttributeName::TABLESPACE, ValueType::Name, &SET_TABLESPACE)
        .doc("TABLESPACE of the index.");

/// The statistics targets of the index's expressions.
pub const STATISTICS: Attribute =
    Attribute::attached(AttributeName::STATISTICS, ValueType::Options, &SET_STATISTICS)
        .doc("ALTER COLUMN ... SET STATISTICS: statistics targets by key number.");

/// The column of a query for [`STATISTICS`] of an index `i`.
pub const STATISTICS_OF_KEYS: &str = "CASE WHEN i.indexprs IS NOT NULL THEN \
    (SELECT array_agg(t.attnum || '=' || t.attstattarget ORDER BY t.attnum) \
    FROM pg_attribute t WHERE t.attrelid = i.indexrelid AND t.attstattarget >= 0) END";

/// Returns the query for the constraints of one type. It has those columns for which the kind has attributes.
pub fn query(version: PgVersion, contype: char, kind: &Kind) -> String {
    let nulls = if version.since(15) { "i.indnullsnotdistinct" } else { "false" };
    let period = if version.since(18) { "k.conperiod" } else { "false" };
    let columns: String = [
        (AttributeName::COLUMNS, "k.conrelid || ' ' || array_to_string(k.conkey, ' ')"),
        (AttributeName::DEFINITION, "pg_get_constraintdef(k.oid)"),
        (
            AttributeName::INCLUDE,
            "CASE WHEN i.indnatts > i.indnkeyatts THEN k.conrelid || ' ' || \
             array_to_string((i.indkey::int2[])[i.indnkeyatts:], ' ') END",
        ),
        (AttributeName::NULLS_NOT_DISTINCT, nulls),
        (AttributeName::WITHOUT_OVERLAPS, period),
        (AttributeName::DEFERRABLE, "k.condeferrable"),
        (AttributeName::INITIALLY_DEFERRED, "k.condeferred"),
        (AttributeName::OPTIONS, "x.reloptions"),
        (AttributeName::TABLESPACE, "s.spcname"),
        (AttributeName::STATISTICS, STATISTICS_OF_KEYS),
        (AttributeName::CLUSTERED, "i.indisclustered"),
        (AttributeName::REPLICA_IDENTITY, "i.indisreplident"),
        (AttributeName::INDEX_COMMENT, "d.description"),
        (AttributeName::INCOMPLETE, "NOT i.indisvalid"),
        (AttributeName::SHARE, "k.conparentid <> 0"),
    ]
    .into_iter()
    .filter(|(name, _)| kind.attribute(*name).is_some())
    .fold(String::new(), |list, (name, column)| list + ", " + column + " AS " + name.as_str());
    format!(
        "SELECT k.oid, n.nspname AS p1, c.relname AS p2, k.conname AS p3{columns} \
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_index i ON i.indexrelid = k.conindid JOIN pg_class x ON x.oid = k.conindid \
         LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace \
         LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = x.oid AND d.objsubid = 0 \
         WHERE k.contype = '{contype}' AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND k.oid >= 16384"
    )
}

/// Returns the step that adds `PRIMARY KEY (…)` or `UNIQUE (…)`.
pub fn create(constraint: &Object, context: &Context) -> Vec<Step> {
    let mut columns = idents(constraint.list(AttributeName::COLUMNS));
    if constraint.flag(AttributeName::WITHOUT_OVERLAPS) {
        columns.push(&sql!("WITHOUT OVERLAPS"));
    }
    let mut definition = Sql::trusted(constraint.id.kind.get().key_clause.unwrap_or_default());
    if constraint.flag(AttributeName::NULLS_NOT_DISTINCT) {
        definition.push(&sql!("NULLS NOT DISTINCT"));
    }
    definition.push(&sql!("({})", columns));
    if !constraint.list(AttributeName::INCLUDE).is_empty() {
        definition.push(&sql!("INCLUDE ({})", idents(constraint.list(AttributeName::INCLUDE))));
    }
    vec![add(constraint, &definition, context)]
}

/// Returns the step that adds a constraint with this definition, with the parameters of its index.
pub fn add(constraint: &Object, definition: &Sql, context: &Context) -> Step {
    let mut definition = definition.clone();
    if !constraint.map(AttributeName::OPTIONS).is_empty() {
        definition.push(&sql!("WITH ({})", options(constraint.map(AttributeName::OPTIONS))));
    }
    if !constraint.text(AttributeName::TABLESPACE).is_empty() {
        definition
            .push(&sql!("USING INDEX TABLESPACE {}", Ident(constraint.text(AttributeName::TABLESPACE))));
    }
    definition.push(&deferrability(constraint));
    // The constraint of a partitioned table follows those of its partitions, and attaches them.
    let partitioned = context
        .parent(&constraint.id)
        .is_some_and(|table| !table.text(AttributeName::PARTITION_BY).is_empty());
    // CREATE TABLE with two constraints on the same columns creates only one.
    let duplicate = context.parent(&constraint.id).is_some_and(|table| {
        context.sides.after.children(&table.id).any(|other| {
            (other.id.kind, &other.id) < (constraint.id.kind, &constraint.id)
                && other.get(AttributeName::COLUMNS) == constraint.get(AttributeName::COLUMNS)
                && matches!(other.id.kind, KindName::PrimaryKey | KindName::Unique)
        })
    });
    let mut step = super::common::add_constraint(constraint, &definition, !partitioned && !duplicate);
    if partitioned {
        step = after_partitions(step, &table_of(&constraint.id), context);
        if constraint.flag(AttributeName::INCOMPLETE) {
            let only = sql!(
                "ALTER TABLE ONLY {} ADD CONSTRAINT {} {}",
                constraint.id.qualified_relation(),
                Ident(constraint.id.name()),
                definition
            );
            step.sql = only;
        }
    } else {
        let risk = format!("builds the index of {} while reads and writes wait", constraint.id);
        step.hazards.push(Hazard::Scan(risk));
    }
    step
}

/// Orders the step after the partitions that the plan attaches.
pub fn after_partitions(mut step: Step, table: &ObjectId, context: &Context) -> Step {
    for (child, _) in context.sides.after.dependents_of(table) {
        if child.kind == KindName::Partition && context.is_new(child) {
            step = step.requires(child.clone());
        }
    }
    step
}

/// The name of the index, which is the constraint's name.
fn index(object: &Object) -> Sql {
    sql!("{}.{}", Ident(&object.id.path()[0]), Ident(object.id.name()))
}

fn attach_to_table(object: &Object, action: &Sql) -> Step {
    let sql = sql!("ALTER TABLE {} {}", object.id.qualified_relation(), action);
    Step::attach(&object.id, sql).lock(LockMode::AccessExclusive, table_of(&object.id))
}

/// Whether another index of the table has the flag in the state after the plan.
fn another_has(flag: AttributeName, object: &Object, context: &Context) -> bool {
    let after = context.sides.after;
    after.parent(&object.id).is_some_and(|table| after.children(&table).any(|part| part.flag(flag)))
}

static CLUSTER: Alteration = Alteration {
    name: "cluster",
    steps: |object: Pair<&Object>, context| {
        if object.after.flag(AttributeName::CLUSTERED) {
            return Some(vec![attach_to_table(
                object.after,
                &sql!("CLUSTER ON {}", Ident(object.after.id.name())),
            )]);
        }
        if another_has(AttributeName::CLUSTERED, object.after, context) {
            return Some(Vec::new());
        }
        Some(vec![attach_to_table(object.after, &sql!("SET WITHOUT CLUSTER"))])
    },
};

static REPLICA: Alteration = Alteration {
    name: "replica identity",
    steps: |object: Pair<&Object>, context| {
        if object.after.flag(AttributeName::REPLICA_IDENTITY) {
            let action = sql!("REPLICA IDENTITY USING INDEX {}", Ident(object.after.id.name()));
            return Some(vec![attach_to_table(object.after, &action)]);
        }
        let table_sets_it = context
            .parent(&object.after.id)
            .is_some_and(|table| table.get(AttributeName::REPLICA_IDENTITY).is_some());
        if table_sets_it || another_has(AttributeName::REPLICA_IDENTITY, object.after, context) {
            return Some(Vec::new());
        }
        Some(vec![attach_to_table(object.after, &sql!("REPLICA IDENTITY DEFAULT"))])
    },
};

static SET_OPTIONS: Alteration = Alteration {
    name: "options",
    steps: |object, context| {
        // Partitioned indexes do not support ALTER INDEX ... SET.
        if context
            .parent(&object.after.id)
            .is_some_and(|table| !table.text(AttributeName::PARTITION_BY).is_empty())
        {
            return None;
        }
        let alter = sql!("ALTER INDEX {}", index(object.after));
        Some(super::common::option_steps(object, AttributeName::OPTIONS, &alter))
    },
};

static SET_TABLESPACE: Alteration = Alteration {
    name: "tablespace",
    steps: |object, _| Some(vec![Step::alter(&object.after.id, set_tablespace(object.after))]),
};

/// The tablespace of an exclusion constraint, whose definition as the server prints it does not include it.
pub static MOVE_TO_TABLESPACE: Alteration = Alteration {
    name: "tablespace",
    steps: |object, _| Some(vec![Step::attach(&object.after.id, set_tablespace(object.after))]),
};

fn set_tablespace(object: &Object) -> Sql {
    let name = object.text(AttributeName::TABLESPACE);
    let name = if name.is_empty() { "pg_default" } else { name };
    sql!("ALTER INDEX {} SET TABLESPACE {}", index(object), Ident(name))
}

static SET_STATISTICS: Alteration = Alteration {
    name: "statistics",
    steps: |index, _| {
        let (before, after) =
            (index.before.map(AttributeName::STATISTICS), index.after.map(AttributeName::STATISTICS));
        let step = |key: &str, target: &Value| {
            let (key, target) = (Expression(key), target.to_string());
            let action = sql!("ALTER COLUMN {} SET STATISTICS {}", key, Expression(&target));
            Step::attach(&index.after.id, sql!("ALTER INDEX {} {}", self::index(index.after), action))
        };
        let removed = before.iter().filter(|(key, _)| !after.iter().any(|(k, _)| k == key));
        let mut steps: Vec<Step> = removed.map(|(key, _)| step(key, &Value::Int(-1))).collect();
        steps.extend(
            after.iter().filter(|pair| !before.contains(pair)).map(|(key, target)| step(key, target)),
        );
        Some(steps)
    },
};
