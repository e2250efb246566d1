//! Foreign keys (`pg_constraint`). Those of partitions belong to the foreign key of the partitioned table.

use super::common::{COMMENT, constraint_reference, deferrability, drop_constraint, idents, table_of};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, KindName, Namespace, Presence, QueryCost,
    SystemCatalog, TypeChange, ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Hazard, LockMode, Object, PgVersion, Step};
use crate::sql;

attribute_names! {
    REFERENCES = "references",
    REFERENCED_COLUMNS = "referenced_columns",
    MATCH = "match",
    ON_UPDATE = "on_update",
    ON_DELETE = "on_delete",
    ON_DELETE_COLUMNS = "on_delete_columns",
    PERIOD = "period",
}

const ACTIONS: ValueType = ValueType::Word(&["no action", "restrict", "cascade", "set null", "set default"]);

/// The kind.
pub static KIND: Kind = Kind {
    name: "foreign key",
    key: "foreign_keys",
    identity: Identity::OnRelation,
    namespaces: &[Namespace::Constraints],
    parents: &[KindName::Table],
    catalog: Some(SystemCatalog::CONSTRAINT),
    presence: Presence::Constraints("f"),
    query,
    query_cost: QueryCost::High,
    attributes: &[
        Attribute::replaced(AttributeName::COLUMNS, ValueType::Columns).doc("Referencing columns."),
        Attribute::replaced(AttributeName::REFERENCES, ValueType::Qualified)
            .doc("REFERENCES: referenced table."),
        Attribute::replaced(AttributeName::REFERENCED_COLUMNS, ValueType::Columns)
            .doc("Referenced columns; by default the primary key."),
        Attribute::replaced(AttributeName::MATCH, ValueType::Word(&["simple", "full"]))
            .doc("MATCH: simple or full."),
        Attribute::replaced(AttributeName::ON_UPDATE, ACTIONS).doc("ON UPDATE action."),
        Attribute::replaced(AttributeName::ON_DELETE, ACTIONS).doc("ON DELETE action."),
        Attribute::replaced(AttributeName::ON_DELETE_COLUMNS, ValueType::Columns)
            .doc("Columns that ON DELETE SET NULL or SET DEFAULT sets; by default all (15 or later)."),
        Attribute::replaced(AttributeName::PERIOD, ValueType::Flag)
            .doc("PERIOD: the last column is a range or multirange (18 or later)."),
        Attribute::altered(AttributeName::DEFERRABLE, ValueType::Flag, &DEFER).doc("DEFERRABLE."),
        Attribute::altered(AttributeName::INITIALLY_DEFERRED, ValueType::Flag, &DEFER)
            .doc("INITIALLY DEFERRED: checked at the end of the transaction."),
        Attribute::altered(AttributeName::NOT_VALID, ValueType::Flag, &VALIDATE)
            .doc("NOT VALID: existing rows have not been checked."),
        Attribute::altered(AttributeName::NOT_ENFORCED, ValueType::Flag, &ENFORCE)
            .doc("NOT ENFORCED (18 or later)."),
        COMMENT,
    ],
    reference: constraint_reference,
    rename: Some(super::common::rename_constraint),
    matched_by_definition: true,
    create: |key, _| {
        let mut step =
            Step::create(&key.id, statement(key)).lock(LockMode::ShareRowExclusive, table_of(&key.id));
        if !key.flag(AttributeName::NOT_VALID) && !key.flag(AttributeName::NOT_ENFORCED) {
            let risk = format!("scans both tables of {} while writes wait", key.id);
            step.hazards.push(Hazard::Scan(risk));
        }
        vec![step]
    },
    drop: |key, _| Some(drop_constraint(key)),
    // Tables that reference each other can only be dropped after the foreign keys.
    dropped_with_parent: false,
    default_name_suffix: Some("fkey"),
    restricts_statements: |_| true,
    uses_named_columns: true,
    rebuilt_by: &[TypeChange::ColumnToText],
    ..Kind::DEFAULT
};

fn query(version: PgVersion) -> String {
    let set_columns = if version.since(15) { "k.confdelsetcols" } else { "NULL::int2[]" };
    let (period, not_enforced) =
        if version.since(18) { ("k.conperiod", "NOT k.conenforced") } else { ("false", "false") };
    let action = |column: &str| {
        format!(
            "CASE {column} WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' \
             WHEN 'd' THEN 'set default' END"
        )
    };
    format!(
        "SELECT k.oid, n.nspname AS p1, c.relname AS p2, k.conname AS p3, \
         k.conrelid || ' ' || array_to_string(k.conkey, ' ') AS columns, \
         quote_ident(fn.nspname) || '.' || quote_ident(f.relname) AS references, \
         k.confrelid || ' ' || array_to_string(k.confkey, ' ') AS referenced_columns, \
         CASE k.confmatchtype WHEN 'f' THEN 'full' END AS match, {} AS on_update, {} AS on_delete, \
         k.conrelid || ' ' || array_to_string({set_columns}, ' ') AS on_delete_columns, {period} AS period, \
         k.condeferrable AS deferrable, k.condeferred AS initially_deferred, \
         NOT k.convalidated AS not_valid, {not_enforced} AS not_enforced \
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace \
         WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relpersistence <> 't' AND k.oid >= 16384",
        action("k.confupdtype"),
        action("k.confdeltype"),
    )
}

/// `ALTER TABLE … ADD CONSTRAINT …`.
pub fn statement(key: &Object) -> Sql {
    sql!(
        "ALTER TABLE {} ADD CONSTRAINT {} {}",
        key.id.qualified_relation(),
        Ident(key.id.name()),
        definition(key)
    )
}

/// The definition after the name.
pub fn definition(key: &Object) -> Sql {
    let period = |names: &[String]| {
        // PERIOD precedes the last column.
        match names.split_last() {
            Some((last, rest)) if key.flag(AttributeName::PERIOD) => {
                let mut list: Vec<Sql> = rest.iter().map(|name| sql!("{}", Ident(name))).collect();
                list.push(sql!("PERIOD {}", Ident(last)));
                Sql::join(&list, ", ")
            }
            _ => idents(names),
        }
    };
    let columns = period(key.list(AttributeName::COLUMNS));
    let mut sql =
        sql!("FOREIGN KEY ({}) REFERENCES {}", columns, Expression(key.text(AttributeName::REFERENCES)));
    // By default, the primary key of the referenced table.
    if !key.list(AttributeName::REFERENCED_COLUMNS).is_empty() {
        sql.push(&sql!("({})", period(key.list(AttributeName::REFERENCED_COLUMNS))));
    }
    if key.text(AttributeName::MATCH) == "full" {
        sql.push(&sql!("MATCH FULL"));
    }
    for (attribute, words) in
        [(AttributeName::ON_UPDATE, "ON UPDATE"), (AttributeName::ON_DELETE, "ON DELETE")]
    {
        let action = key.text(attribute);
        if !action.is_empty() {
            sql.push(&sql!("{} {}", Sql::trusted(words), Sql::trusted(action.to_uppercase())));
        }
    }
    if !key.list(AttributeName::ON_DELETE_COLUMNS).is_empty() {
        sql.push(&sql!("({})", idents(key.list(AttributeName::ON_DELETE_COLUMNS))));
    }
    sql.push(&deferrability(key));
    if key.flag(AttributeName::NOT_ENFORCED) {
        sql.push(&sql!("NOT ENFORCED"));
    } else if key.flag(AttributeName::NOT_VALID) {
        sql.push(&sql!("NOT VALID"));
    }
    sql
}

fn alter(key: &Object, verb: &str, action: &Sql) -> Step {
    let sql = sql!(
        "ALTER TABLE {} {} CONSTRAINT {}",
        key.id.qualified_relation(),
        Sql::trusted(verb),
        Ident(key.id.name())
    );
    Step::alter(&key.id, sql.then(action)).lock(LockMode::AccessExclusive, table_of(&key.id))
}

static DEFER: Alteration = Alteration {
    name: "defer",
    steps: |key, _| {
        let words = match (
            key.after.flag(AttributeName::DEFERRABLE),
            key.after.flag(AttributeName::INITIALLY_DEFERRED),
        ) {
            (false, _) => "NOT DEFERRABLE",
            (true, false) => "DEFERRABLE INITIALLY IMMEDIATE",
            (true, true) => "DEFERRABLE INITIALLY DEFERRED",
        };
        Some(vec![alter(key.after, "ALTER", &Sql::trusted(words))])
    },
};

static VALIDATE: Alteration = Alteration {
    name: "validate",
    steps: |key, _| {
        // ENFORCED validates the constraint, too.
        if key.before.flag(AttributeName::NOT_ENFORCED) != key.after.flag(AttributeName::NOT_ENFORCED) {
            return Some(Vec::new());
        }
        if key.after.flag(AttributeName::NOT_VALID) {
            return None;
        }
        let id = &key.after.id;
        let sql = sql!("ALTER TABLE {} VALIDATE CONSTRAINT {}", id.qualified_relation(), Ident(id.name()));
        Some(vec![Step::alter(id, sql).lock(LockMode::ShareUpdateExclusive, table_of(id))])
    },
};

static ENFORCE: Alteration = Alteration {
    name: "enforce",
    steps: |key, _| {
        // ENFORCED always validates the constraint.
        if !key.after.flag(AttributeName::NOT_ENFORCED) && key.after.flag(AttributeName::NOT_VALID) {
            return None;
        }
        let words = if key.after.flag(AttributeName::NOT_ENFORCED) { "NOT ENFORCED" } else { "ENFORCED" };
        Some(vec![alter(key.after, "ALTER", &Sql::trusted(words))])
    },
};
