//! Triggers and constraint triggers (`pg_trigger`). Clones of a trigger on partitions belong to it.

use super::common::{COMMENT, DEPENDS_ON_EXTENSIONS, ENABLED, enable};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Context, Identity, Kind, KindName, Presence, QueryCost,
    SystemCatalog, TypeChange, ValueType,
};
use crate::model::sql::{Ident, Sql};
use crate::model::{LockMode, Object, ObjectId, PgVersion, Step, Value};
use crate::sql;

attribute_names! {
    CONSTRAINT = "constraint",
    CLONE = "clone",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "trigger",
    key: "triggers",
    identity: Identity::OnRelation,
    parents: &[KindName::Table, KindName::ForeignTable, KindName::View],
    catalog: Some(SystemCatalog::TRIGGER),
    presence: Presence::Found(
        "SELECT FROM pg_trigger WHERE oid >= 16384 AND (NOT tgisinternal OR tgparentid <> 0)",
    ),
    query,
    query_cost: QueryCost::OpensRelations,
    attributes: &[
        Attribute::altered(AttributeName::DEFINITION, ValueType::Expression, &REPLACE).doc(
            "Definition after the name, such as BEFORE UPDATE ON shop.t FOR EACH ROW EXECUTE \
             FUNCTION shop.f().",
        ),
        Attribute::replaced(AttributeName::CONSTRAINT, ValueType::Flag).doc("CONSTRAINT trigger."),
        Attribute::attached(AttributeName::ENABLED, ENABLED, &ENABLE).doc(
            "Sessions in which it fires, by session_replication_role: origin (and local), \
             replica, always; or disabled.",
        ),
        Attribute::read_only(AttributeName::CLONE, ValueType::Flag)
            .doc("Whether a partition has it because the partitioned table does."),
        COMMENT,
        DEPENDS_ON_EXTENSIONS,
    ],
    short_form: Some(AttributeName::DEFINITION),
    reference: |trigger| sql!("TRIGGER {} ON {}", Ident(trigger.id.name()), trigger.id.qualified_relation()),
    rename: Some(super::common::rename_on_relation),
    create: |trigger, _| {
        if trigger.flag(AttributeName::CLONE) {
            return Vec::new();
        }
        let constraint =
            Sql::trusted(if trigger.flag(AttributeName::CONSTRAINT) { "CONSTRAINT " } else { "" });
        let head = sql!("CREATE {}TRIGGER {}", constraint, Ident(trigger.id.name()));
        let sql = head.then(&Sql::trusted(trigger.text(AttributeName::DEFINITION)));
        vec![Step::create(&trigger.id, sql).lock(LockMode::ShareRowExclusive, trigger.id.relation_text())]
    },
    before_drop: |trigger, context| {
        // A clone that is no longer declared is enabled as its original.
        let table_remains =
            context.sides.after.parent(&trigger.id).is_some_and(|table| !context.is_new(&table));
        let original =
            original(trigger, context).filter(|_| trigger.flag(AttributeName::CLONE) && table_remains);
        original.map(|original| enable_as(original, trigger)).into_iter().collect()
    },
    drop: |trigger, _| {
        if trigger.flag(AttributeName::CLONE) {
            return None;
        }
        let sql = sql!("DROP TRIGGER {} ON {}", Ident(trigger.id.name()), trigger.id.qualified_relation());
        Some(Step::drop(&trigger.id, sql).lock(LockMode::AccessExclusive, trigger.id.relation_text()))
    },
    processes_changed_rows: true,
    rebuilt_by: &[TypeChange::Column, TypeChange::Replacement, TypeChange::ColumnToText],
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    // The definition is the statement that the server prints without what precedes the end of the name. Clones are read
    // only if they are not enabled as their original.
    "SELECT g.oid, n.nspname AS p1, c.relname AS p2, g.tgname AS p3, \
     CASE WHEN g.tgparentid = 0 THEN substr(d.text, length('CREATE ' || CASE WHEN g.tgconstraint <> 0 THEN 'CONSTRAINT ' ELSE '' END \
     || 'TRIGGER ' || quote_ident(g.tgname)) + 2) END AS definition, g.tgconstraint <> 0 AS constraint, \
     CASE g.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' \
     WHEN 'O' THEN CASE WHEN g.tgparentid <> 0 THEN 'origin' END END AS enabled, g.tgparentid <> 0 AS clone \
     FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     LEFT JOIN pg_trigger p ON p.oid = g.tgparentid AND g.tgparentid <> 0 \
     CROSS JOIN LATERAL (SELECT CASE WHEN g.tgparentid = 0 THEN pg_get_triggerdef(g.oid) END AS text) d \
     WHERE (NOT g.tgisinternal AND g.tgparentid = 0 OR g.tgparentid <> 0 AND g.tgenabled <> p.tgenabled \
     AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.oid = g.tgconstraint AND k.contype = 'f')) AND g.oid >= 16384"
        .into()
}

static REPLACE: Alteration = Alteration {
    name: "replace",
    steps: |trigger, _| {
        if trigger.after.flag(AttributeName::CONSTRAINT) || trigger.after.flag(AttributeName::CLONE) {
            return None;
        }
        let head = sql!("CREATE OR REPLACE TRIGGER {}", Ident(trigger.after.id.name()));
        let sql = head.then(&Sql::trusted(trigger.after.text(AttributeName::DEFINITION)));
        let mut steps = vec![
            Step::alter(&trigger.after.id, sql)
                .lock(LockMode::ShareRowExclusive, trigger.after.id.relation_text()),
        ];
        // CREATE OR REPLACE TRIGGER enables the trigger.
        if trigger.before.get(AttributeName::ENABLED) == trigger.after.get(AttributeName::ENABLED)
            && trigger.after.get(AttributeName::ENABLED).is_some()
        {
            steps.push(enable_step(trigger.after));
        }
        Some(steps)
    },
};

/// The trigger of the partitioned table of which this is a clone.
fn original<'a>(clone: &Object, context: &'a Context) -> Option<&'a Object> {
    let after = context.sides.after;
    let partition = after.get(&ObjectId::new(KindName::Partition, &clone.id.path()[..2]))?;
    let table = partition.text(AttributeName::OF);
    after.objects.values().find(|object| {
        let is_trigger = object.id.kind == KindName::Trigger && object.id.name() == clone.id.name();
        is_trigger && object.id.relation_text() == table
    })
}

/// Enables a clone as its original.
fn enable_as(original: &Object, clone: &Object) -> Step {
    let mut same = Object::new(clone.id.clone());
    same.set(AttributeName::ENABLED, Value::Text(original.text(AttributeName::ENABLED).to_owned()));
    enable_step(&same)
}

fn enable_step(trigger: &Object) -> Step {
    let id = &trigger.id;
    let sql =
        sql!("ALTER TABLE {} {} TRIGGER {}", id.qualified_relation(), enable(trigger), Ident(id.name()));
    Step::attach(id, sql).lock(LockMode::ShareRowExclusive, id.relation_text())
}

static ENABLE: Alteration =
    Alteration { name: "enable", steps: |trigger, _| Some(vec![enable_step(trigger.after)]) };
