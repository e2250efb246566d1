//! Columns of tables (`pg_attribute`).

mod data_type;
mod identity;
mod inherited;
mod not_null;
mod not_null_name;
mod statement;
mod storage;

pub use data_type::{TYPE, cast, change_type};
pub use identity::{
    IDENTITY, identity, identity_counter, identity_sequence, replaced_by_identity, sequence_name,
    sequence_option,
};
pub use not_null::NOT_NULL;
pub use not_null_name::{not_null_constraint, not_null_name};

use super::common::{COMMENT, detach, grants_by, grants_column, part_grant_steps, relation_of, table_of};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Context, Identity, Kind, KindName, Presence, SystemCatalog,
    TypeChange, ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::step::Clause;
use crate::model::{Hazard, LockMode, Object, ObjectId, PgVersion, Step};
use crate::sql;

use identity::{own_sequence_steps, sequence_options};
use inherited::{follows_parent, inherited_from, is_new_partition, without_inherited};
use not_null::NOT_NULL_COMMENT;
use statement::alter_column;
use storage::{COMPRESSION, OPTIONS, STATISTICS, STORAGE};

attribute_names! {
    NOT_NULL_NO_INHERIT = "not_null_no_inherit",
    NOT_NULL_NOT_VALID = "not_null_not_valid",
    IDENTITY = "identity",
    SEQUENCE = "sequence",
    GENERATED = "generated",
    VIRTUAL = "virtual",
    FOREIGN_OPTIONS = "foreign_options",
    NOT_NULL_INHERITED = "not_null_inherited",
    SYSTEM = "system",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "column",
    key: "columns",
    identity: Identity::OnRelation,
    reserves: identity_sequence,
    parents: &[KindName::Table, KindName::ForeignTable],
    catalog: Some(SystemCatalog::CLASS),
    presence: Presence::Relations("rpf"),
    query,
    attributes: &[
        Attribute::altered(AttributeName::TYPE, ValueType::DataType, &TYPE)
            .changes_type(TypeChange::Column)
            .doc("Data type."),
        Attribute::altered(AttributeName::COLLATION, ValueType::Qualified, &TYPE)
            .changes_type(TypeChange::Column)
            .doc("COLLATE, if it differs from the data type's collation."),
        Attribute::altered(AttributeName::NOT_NULL, ValueType::Flag, &NOT_NULL).doc("NOT NULL."),
        Attribute::altered(AttributeName::NOT_NULL_NAME, ValueType::Name, &NOT_NULL).doc(
            "Name of the NOT NULL constraint, if it differs from the name that PostgreSQL would \
             choose (18 or later).",
        ),
        Attribute::altered(AttributeName::NOT_NULL_NO_INHERIT, ValueType::Flag, &NOT_NULL)
            .doc("NOT NULL NO INHERIT: child tables do not inherit the constraint (18 or later)."),
        Attribute::altered(AttributeName::NOT_NULL_NOT_VALID, ValueType::Flag, &NOT_NULL)
            .doc("NOT NULL NOT VALID: existing rows have not been checked (18 or later)."),
        Attribute::attached(AttributeName::NOT_NULL_COMMENT, ValueType::Text, &NOT_NULL_COMMENT)
            .doc("Comment on the NOT NULL constraint (18 or later)."),
        Attribute::altered(
            AttributeName::IDENTITY,
            ValueType::Word(&["", "always", "by default"]),
            &IDENTITY,
        )
        .doc("GENERATED ... AS IDENTITY: always, or by default."),
        Attribute::altered(AttributeName::SEQUENCE, ValueType::Options, &IDENTITY).doc(
            "Sequence options of the identity column: name, as, increment, min, max, start, \
             cache, cycle, logged.",
        ),
        Attribute::altered(AttributeName::GENERATED, ValueType::Expression, &GENERATED)
            .doc("GENERATED ALWAYS AS (expression)."),
        Attribute::replaced(AttributeName::VIRTUAL, ValueType::Flag).doc(
            "VIRTUAL: the generated column is computed when it is read, instead of being stored \
             (18 or later).",
        ),
        Attribute::attached(
            AttributeName::STORAGE,
            ValueType::Word(&["", "plain", "external", "extended", "main"]),
            &STORAGE,
        )
        .doc("SET STORAGE, if it differs from the data type's storage."),
        Attribute::attached(AttributeName::COMPRESSION, ValueType::Word(&["", "pglz", "lz4"]), &COMPRESSION)
            .doc("COMPRESSION: compression method; by default, default_toast_compression."),
        Attribute::attached(AttributeName::STATISTICS, ValueType::Number, &STATISTICS)
            .doc("SET STATISTICS: statistics target for ANALYZE."),
        Attribute::attached(AttributeName::OPTIONS, ValueType::Options, &OPTIONS)
            .doc("Attribute options: n_distinct, n_distinct_inherited."),
        Attribute::attached(AttributeName::FOREIGN_OPTIONS, ValueType::Options, &FOREIGN_OPTIONS)
            .doc("OPTIONS of the column of a foreign table."),
        Attribute::read_only(AttributeName::NOT_NULL_INHERITED, ValueType::Flag)
            .doc("Whether the NOT NULL constraint is only inherited from a parent table (18 or later)."),
        Attribute::read_only(AttributeName::SYSTEM, ValueType::Flag)
            .doc("Whether it is a system column, of which only privileges can be declared."),
        Attribute::read_only(AttributeName::INHERITED, ValueType::Flag)
            .doc("Whether the column is only inherited from a parent table."),
        grants_by(&GRANTS),
        COMMENT,
    ],
    short_form: Some(AttributeName::TYPE),
    reference: |column| sql!("COLUMN {}.{}", column.id.qualified_relation(), Ident(column.id.name())),
    rename: Some(|column, name| {
        let sql = sql!(
            "ALTER TABLE {} RENAME COLUMN {} TO {}",
            column.id.qualified_relation(),
            Ident(column.id.name()),
            Ident(name)
        );
        let step = Step::alter(&column.id, sql).lock(LockMode::AccessExclusive, table_of(&column.id));
        step.hazard(Hazard::BreaksClients(format!("renames {} to {}", column.id, sql!("{}", Ident(name)))))
    }),
    create,
    before_drop: |column, context| {
        if column.flag(AttributeName::SYSTEM) { detach(column, context) } else { Vec::new() }
    },
    drop: |column, context| {
        if column.flag(AttributeName::SYSTEM) {
            return None;
        }
        let sql =
            sql!("ALTER TABLE {} DROP COLUMN {}", column.id.qualified_relation(), Ident(column.id.name()));
        let step = Step::drop(&column.id, sql);
        let mut step = step.lock(LockMode::AccessExclusive, table_of(&column.id));
        // The column is dropped from the partitions, too, while they are attached.
        for (child, _) in context.sides.before.dependents_of(&column.id) {
            let partition = ObjectId::new(KindName::Partition, child.path().get(..2).unwrap_or_default());
            let detached =
                context.dropped.contains(&partition) && !context.dropped.contains(&table_of(child));
            if child.kind == KindName::Column && detached {
                step = step.precedes(partition);
            }
        }
        if column.text(AttributeName::GENERATED).is_empty() {
            return Some(step.hazard(Hazard::DataLoss(format!("drops {} and its values", column.id))));
        }
        Some(step)
    },
    unrecorded_dependencies: inherited_from,
    ordered: true,
    holds_data: |column| column.text(AttributeName::GENERATED).is_empty(),
    inherited_by_partitions: true,
    ..Kind::DEFAULT
};

fn query(version: PgVersion) -> String {
    let (not_null, constraint) = not_null::columns(version);
    let virtual_ = if version.since(18) { "a.attgenerated = 'v'" } else { "false" };
    format!(
        "SELECT c.oid, a.attnum AS sub, n.nspname AS p1, c.relname AS p2, a.attname AS p3, a.attnum AS position, \
         format_type(a.atttypid, a.atttypmod) AS type, \
         CASE WHEN a.attcollation <> t.typcollation THEN (SELECT quote_ident(cn.nspname) || '.' || quote_ident(l.collname) \
         FROM pg_collation l JOIN pg_namespace cn ON cn.oid = l.collnamespace WHERE l.oid = a.attcollation) END AS collation, \
         a.attnotnull AS not_null, {not_null}, \
         CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END AS identity, \
         CASE WHEN a.attidentity <> '' THEN {sequence} END AS sequence, \
         CASE WHEN a.attgenerated <> '' THEN (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d \
         WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END AS generated, {virtual_} AS virtual, \
         CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' \
         WHEN 'x' THEN 'extended' WHEN 'm' THEN 'main' END END AS storage, \
         CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression, \
         CASE WHEN a.attnum > 0 THEN NULLIF(a.attstattarget, -1) END AS statistics, a.attoptions AS options, a.attfdwoptions AS foreign_options, \
         a.attnum < 0 AS system, NOT a.attislocal AND a.attnum > 0 AS inherited, {grants} AS grants \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_type t ON t.oid = a.atttypid {constraint} \
         WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND c.oid >= 16384 \
         AND (a.attnum > 0 OR a.attacl IS NOT NULL) AND NOT a.attisdropped",
        sequence = sequence_options(version),
        grants = grants_column("a.attacl", 'c', "c.relowner"),
    )
}

fn create(column: &Object, context: &Context) -> Vec<Step> {
    if column.flag(AttributeName::SYSTEM) {
        return Vec::new();
    }
    let typed =
        context.parent(&column.id).is_some_and(|table| !table.text(AttributeName::OF_TYPE).is_empty());
    // The columns of a typed table and of a child table are created with it, but a partition is created as a table of its
    // own.
    if typed || column.flag(AttributeName::INHERITED) && !is_new_partition(column, context) {
        let mut steps = Vec::new();
        if typed && column.flag(AttributeName::NOT_NULL) {
            let sql = sql!(
                "ALTER TABLE {} ALTER COLUMN {} SET NOT NULL",
                column.id.qualified_relation(),
                Ident(column.id.name())
            );
            steps.push(Step::alter(&column.id, sql).requires(table_of(&column.id)));
        }
        return steps;
    }
    let definition = definition(&without_inherited(column, context));
    let sql = sql!("ALTER TABLE {} ADD COLUMN {}", column.id.qualified_relation(), definition);
    let step = Step::create(&column.id, sql).lock(LockMode::AccessExclusive, table_of(&column.id));
    let mut step = step.folds(relation_of(&column.id, context), Clause::Entry(definition));
    let default = ObjectId::new(KindName::Default, column.id.path());
    let has_values = [AttributeName::IDENTITY, AttributeName::GENERATED]
        .into_iter()
        .any(|name| !column.text(name).is_empty());
    let domain = context.sides.after.dependencies_of(&column.id).any(|(id, _)| id.kind == KindName::Domain);
    if (has_values && !column.flag(AttributeName::VIRTUAL))
        || domain
        || context.sides.after.contains(&default)
    {
        step.hazards.push(Hazard::Rewrite(format!("may rewrite the table of {}", column.id)));
    } else if column.flag(AttributeName::NOT_NULL) {
        let risk = format!("{} is NOT NULL, but existing rows have no value for it", column.id);
        step.hazards.push(Hazard::Violation(risk));
    }
    let mut steps = vec![step];
    if column.flag(AttributeName::NOT_NULL_NOT_VALID) {
        steps.push(not_null::add_constraint(column));
    }
    steps.extend(own_sequence_steps(column, context));
    steps
}

/// The definition of a column in `CREATE TABLE` and `ADD COLUMN`.
pub fn definition(column: &Object) -> Sql {
    let mut sql = sql!("{} {}", Ident(column.id.name()), Expression(column.text(AttributeName::TYPE)));
    if !column.text(AttributeName::COLLATION).is_empty() {
        sql.push(&sql!("COLLATE {}", Expression(column.text(AttributeName::COLLATION))));
    }
    if !column.text(AttributeName::IDENTITY).is_empty() {
        sql.push(&identity(column));
    }
    if !column.text(AttributeName::GENERATED).is_empty() {
        let kind = if column.flag(AttributeName::VIRTUAL) { "VIRTUAL" } else { "STORED" };
        let expression = Expression(column.text(AttributeName::GENERATED));
        sql.push(&sql!("GENERATED ALWAYS AS ({}) {}", expression, Sql::trusted(kind)));
    }
    if column.flag(AttributeName::NOT_NULL) && !column.flag(AttributeName::NOT_NULL_NOT_VALID) {
        if !column.text(AttributeName::NOT_NULL_NAME).is_empty() {
            sql.push(&sql!("CONSTRAINT {}", Ident(column.text(AttributeName::NOT_NULL_NAME))));
        }
        sql.push(&sql!("NOT NULL"));
        if column.flag(AttributeName::NOT_NULL_NO_INHERIT) {
            sql.push(&sql!("NO INHERIT"));
        }
    }
    sql
}

static GENERATED: Alteration = Alteration {
    name: "generated",
    steps: |column, context| {
        let (before, after) =
            (column.before.text(AttributeName::GENERATED), column.after.text(AttributeName::GENERATED));
        // A column cannot become a generated one.
        let becomes_generated = before.is_empty()
            || column.before.flag(AttributeName::VIRTUAL) != column.after.flag(AttributeName::VIRTUAL);
        let cannot_be_altered = if after.is_empty() {
            column.before.flag(AttributeName::VIRTUAL)
        } else {
            !context.version().since(17)
        };
        if becomes_generated || cannot_be_altered {
            return None;
        }
        if follows_parent(column, AttributeName::GENERATED, context) {
            return Some(Vec::new());
        }
        if after.is_empty() {
            return Some(vec![alter_column(column.after, &sql!("DROP EXPRESSION"))]);
        }
        let step = alter_column(column.after, &sql!("SET EXPRESSION AS ({})", Expression(after)));
        Some(vec![step.hazard(Hazard::Rewrite(format!("rewrites the table of {}", column.after.id)))])
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

static FOREIGN_OPTIONS: Alteration = Alteration {
    name: "foreign options",
    steps: |column, _| {
        let changes = super::foreign_options::changes(column, AttributeName::FOREIGN_OPTIONS);
        let sql = |action: &Sql| {
            let (table, name) = (column.after.id.qualified_relation(), Ident(column.after.id.name()));
            sql!("ALTER FOREIGN TABLE {} ALTER COLUMN {} {}", table, name, action)
        };
        Some(changes.iter().map(|action| Step::attach(&column.after.id, sql(action))).collect())
    },
};
