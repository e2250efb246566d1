//! What constraints that rest on an index have in common.

use super::common::{comment, deferrability, idents, options, table_of};
use crate::model::kind::{Alteration, Attribute, Context, Kind, KindName, ValueType};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Hazard, LockMode, Object, ObjectId, Pair, PgVersion, Step, Value};
use crate::sql;

/// The index by which the table is clustered.
pub const CLUSTERED: Attribute =
    Attribute::attached("clustered", ValueType::Flag, &CLUSTER).doc("Whether `CLUSTER` uses this index.");

/// The index whose columns identify a row in logical replication.
pub const REPLICA_IDENTITY: Attribute = Attribute::attached("replica_identity", ValueType::Flag, &REPLICA)
    .doc("Whether this index identifies a row in logical replication.");

/// The comment on the index under the constraint, which is another than that on the constraint.
pub const INDEX_COMMENT: Attribute =
    Attribute::attached("index_comment", ValueType::Text, &COMMENT_ON_INDEX).doc("The comment on the index.");

static COMMENT_ON_INDEX: Alteration = Alteration {
    name: "index comment",
    steps: |object, _| {
        let index = sql!("INDEX {}", index(object.after));
        Some(vec![Step::attach(&object.after.id, comment(&index, object.after.text("index_comment")))])
    },
};

/// Storage parameters of the index.
pub const OPTIONS: Attribute =
    Attribute::altered("options", ValueType::Options, &SET_OPTIONS).doc("Storage parameters of the index.");

/// The tablespace of the index.
pub const TABLESPACE: Attribute =
    Attribute::altered("tablespace", ValueType::Name, &SET_TABLESPACE).doc("The tablespace of the index.");

/// Statistics targets of the index's expressions.
pub const STATISTICS: Attribute = Attribute::attached("statistics", ValueType::Options, &SET_STATISTICS)
    .doc("Statistics targets by key number.");

/// A query's column for [`STATISTICS`] of an index `i`.
pub const STATISTICS_OF_KEYS: &str = "CASE WHEN i.indexprs IS NOT NULL THEN \
    (SELECT array_agg(t.attnum || '=' || t.attstattarget ORDER BY t.attnum) \
    FROM pg_attribute t WHERE t.attrelid = i.indexrelid AND t.attstattarget >= 0) END";

/// Constraints of one type, with what their index adds, as far as the kind has attributes for it.
pub fn query(version: PgVersion, contype: char, kind: &Kind) -> String {
    let nulls = if version.since(15) { "i.indnullsnotdistinct" } else { "false" };
    let period = if version.since(18) { "k.conperiod" } else { "false" };
    let columns: String = [
        ("columns", "k.conrelid || ' ' || array_to_string(k.conkey, ' ')"),
        ("definition", "pg_get_constraintdef(k.oid)"),
        (
            "include",
            "CASE WHEN i.indnatts > i.indnkeyatts THEN k.conrelid || ' ' || \
             array_to_string((i.indkey::int2[])[i.indnkeyatts:], ' ') END",
        ),
        ("nulls_not_distinct", nulls),
        ("without_overlaps", period),
        ("deferrable", "k.condeferrable"),
        ("initially_deferred", "k.condeferred"),
        ("options", "x.reloptions"),
        ("tablespace", "s.spcname"),
        ("statistics", STATISTICS_OF_KEYS),
        ("clustered", "i.indisclustered"),
        ("replica_identity", "i.indisreplident"),
        ("index_comment", "d.description"),
        ("incomplete", "NOT i.indisvalid"),
        ("share", "k.conparentid <> 0"),
    ]
    .iter()
    .filter(|(name, _)| kind.attribute(name).is_some())
    .fold(String::new(), |list, (name, column)| list + ", " + column + " AS " + name);
    format!(
        "SELECT k.oid, n.nspname AS p1, c.relname AS p2, k.conname AS p3{columns} \
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_index i ON i.indexrelid = k.conindid JOIN pg_class x ON x.oid = k.conindid \
         LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace \
         LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = x.oid AND d.objsubid = 0 \
         WHERE k.contype = '{contype}' AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND k.oid >= 16384"
    )
}

/// The step that adds `PRIMARY KEY (…)` or `UNIQUE (…)`.
pub fn create(constraint: &Object, words: &str, context: &Context) -> Vec<Step> {
    let mut columns = idents(constraint.list("columns"));
    if constraint.flag("without_overlaps") {
        columns.push(&sql!("WITHOUT OVERLAPS"));
    }
    let mut definition = Sql::trusted(words);
    if constraint.flag("nulls_not_distinct") {
        definition.push(&sql!("NULLS NOT DISTINCT"));
    }
    definition.push(&sql!("({})", columns));
    if !constraint.list("include").is_empty() {
        definition.push(&sql!("INCLUDE ({})", idents(constraint.list("include"))));
    }
    vec![add(constraint, &definition, context)]
}

/// The step that adds a constraint of this definition, with the parameters of its index.
pub fn add(constraint: &Object, definition: &Sql, context: &Context) -> Step {
    let mut definition = definition.clone();
    if !constraint.map("options").is_empty() {
        definition.push(&sql!("WITH ({})", options(constraint.map("options"))));
    }
    if !constraint.text("tablespace").is_empty() {
        definition.push(&sql!("USING INDEX TABLESPACE {}", Ident(constraint.text("tablespace"))));
    }
    definition.push(&deferrability(constraint));
    // A partitioned table's constraint comes after those of its partitions, which it then takes as its own.
    let partitioned =
        context.parent(&constraint.id).is_some_and(|table| !table.text("partition_by").is_empty());
    // Of two with the same columns in one CREATE TABLE the server makes one.
    let double = context.parent(&constraint.id).is_some_and(|table| {
        context.sides.after.children(&table.id).any(|other| {
            (other.id.kind, &other.id) < (constraint.id.kind, &constraint.id)
                && other.get("columns") == constraint.get("columns")
                && matches!(other.id.kind, KindName::PrimaryKey | KindName::Unique)
        })
    });
    let mut step = super::common::add_constraint(constraint, &definition, !partitioned && !double);
    if partitioned {
        step = after_partitions(step, &table_of(&constraint.id), context);
        if constraint.flag("incomplete") {
            let only = sql!(
                "ALTER TABLE ONLY {} ADD CONSTRAINT {} {}",
                constraint.id.on(),
                Ident(constraint.id.name()),
                definition
            );
            step.sql = only;
        }
    } else {
        step.hazards
            .push(Hazard::Scan(format!("builds the index of {} while everybody waits", constraint.id)));
    }
    step
}

/// The step after the partitions that are attached in the same plan.
pub fn after_partitions(mut step: Step, table: &ObjectId, context: &Context) -> Step {
    for (child, _) in context.sides.after.dependents_of(table) {
        if child.kind == KindName::Partition && context.is_new(child) {
            step = step.requires(child.clone());
        }
    }
    step
}

/// The name of the index under an object, which is the constraint's own.
fn index(object: &Object) -> Sql {
    sql!("{}.{}", Ident(&object.id.path()[0]), Ident(object.id.name()))
}

fn table_step(object: &Object, what: &Sql) -> Step {
    let sql = sql!("ALTER TABLE {} {}", object.id.on(), what);
    Step::attach(&object.id, sql).lock(LockMode::AccessExclusive, table_of(&object.id))
}

/// Whether the table has another index with this mark in the end.
fn marked_elsewhere(object: &Object, mark: &str, context: &Context) -> bool {
    let after = context.sides.after;
    after.parent(&object.id).is_some_and(|table| after.children(&table).any(|part| part.flag(mark)))
}

static CLUSTER: Alteration = Alteration {
    name: "cluster",
    steps: |object: Pair<&Object>, context| {
        if object.after.flag("clustered") {
            return Some(vec![table_step(
                object.after,
                &sql!("CLUSTER ON {}", Ident(object.after.id.name())),
            )]);
        }
        if marked_elsewhere(object.after, "clustered", context) {
            return Some(Vec::new());
        }
        Some(vec![table_step(object.after, &sql!("SET WITHOUT CLUSTER"))])
    },
};

static REPLICA: Alteration = Alteration {
    name: "replica identity",
    steps: |object: Pair<&Object>, context| {
        if object.after.flag("replica_identity") {
            let what = sql!("REPLICA IDENTITY USING INDEX {}", Ident(object.after.id.name()));
            return Some(vec![table_step(object.after, &what)]);
        }
        let told =
            context.parent(&object.after.id).is_some_and(|table| table.get("replica_identity").is_some());
        if told || marked_elsewhere(object.after, "replica_identity", context) {
            return Some(Vec::new());
        }
        Some(vec![table_step(object.after, &sql!("REPLICA IDENTITY DEFAULT"))])
    },
};

static SET_OPTIONS: Alteration = Alteration {
    name: "options",
    steps: |object, context| {
        // The server refuses it of a partitioned index.
        if context.parent(&object.after.id).is_some_and(|table| !table.text("partition_by").is_empty()) {
            return None;
        }
        let alter = sql!("ALTER INDEX {}", index(object.after));
        Some(super::common::option_steps(object, "options", &alter))
    },
};

static SET_TABLESPACE: Alteration = Alteration {
    name: "tablespace",
    steps: |object, _| Some(vec![Step::alter(&object.after.id, set_tablespace(object.after))]),
};

/// The same where the definition has no place for it.
pub static MOVE_TO_TABLESPACE: Alteration = Alteration {
    name: "tablespace",
    steps: |object, _| Some(vec![Step::attach(&object.after.id, set_tablespace(object.after))]),
};

fn set_tablespace(object: &Object) -> Sql {
    let name = object.text("tablespace");
    let name = if name.is_empty() { "pg_default" } else { name };
    sql!("ALTER INDEX {} SET TABLESPACE {}", index(object), Ident(name))
}

static SET_STATISTICS: Alteration = Alteration {
    name: "statistics",
    steps: |index, _| {
        let (before, after) = (index.before.map("statistics"), index.after.map("statistics"));
        let step = |key: &str, target: &Value| {
            let (key, target) = (Expression(key), target.to_string());
            let what = sql!("ALTER COLUMN {} SET STATISTICS {}", key, Expression(&target));
            Step::attach(&index.after.id, sql!("ALTER INDEX {} {}", self::index(index.after), what))
        };
        let gone = before.iter().filter(|(key, _)| !after.iter().any(|(k, _)| k == key));
        let mut steps: Vec<Step> = gone.map(|(key, _)| step(key, &Value::Int(-1))).collect();
        steps.extend(
            after.iter().filter(|pair| !before.contains(pair)).map(|(key, target)| step(key, target)),
        );
        Some(steps)
    },
};
