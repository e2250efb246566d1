//! Event triggers (`pg_event_trigger`). They are created last and dropped first, so that they do not fire for the plan.

use super::catalog_text;
use super::common::{COMMENT, ENABLED, OWNER, enable, owner_column};
use crate::model::Step;
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, Presence, SystemCatalog, ValueType,
};
use crate::model::sql::{Commas, Expression, Ident, Literal};
use crate::sql;

attribute_names! {
    EVENT = "event",
    TAGS = "tags",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "event trigger",
    key: "event_triggers",
    identity: Identity::Global,
    parents: &[],
    catalog: Some(SystemCatalog::EVENT_TRIGGER),
    presence: Presence::Rows(SystemCatalog::EVENT_TRIGGER),
    query: |_| {
        format!(
            "SELECT e.oid, e.evtname AS p1, e.evtevent AS event, e.evttags AS tags, {} AS function, \
             CASE e.evtenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END AS enabled, \
             {} AS owner FROM pg_event_trigger e WHERE e.oid >= 16384",
            catalog_text::routine("e.evtfoid"),
            owner_column("e.evtowner"),
        )
    },
    attributes: &[
        Attribute::replaced(AttributeName::EVENT, ValueType::Name).doc(
            "ON: event, such as ddl_command_start, ddl_command_end, sql_drop, table_rewrite or \
             login (17 or later).",
        ),
        Attribute::replaced(AttributeName::TAGS, ValueType::Texts)
            .doc("WHEN TAG IN: command tags; by default all."),
        Attribute::replaced(AttributeName::FUNCTION, ValueType::Qualified).doc("EXECUTE FUNCTION."),
        OWNER,
        Attribute::attached(AttributeName::ENABLED, ENABLED, &ENABLE).doc(
            "Sessions in which it fires, by session_replication_role: origin (and local), \
             replica, always; or disabled.",
        ),
        COMMENT,
    ],
    reference: |trigger| sql!("EVENT TRIGGER {}", Ident(trigger.id.name())),
    rename: Some(super::common::rename_quietly),
    create: |trigger, _| {
        let (name, event) = (Ident(trigger.id.name()), Ident(trigger.text(AttributeName::EVENT)));
        let mut sql = sql!("CREATE EVENT TRIGGER {} ON {}", name, event);
        if !trigger.list(AttributeName::TAGS).is_empty() {
            let tags = Commas(trigger.list(AttributeName::TAGS).iter().map(|tag| Literal(tag)).collect());
            sql.push(&sql!("WHEN TAG IN ({})", tags));
        }
        sql.push(&sql!("EXECUTE FUNCTION {}()", Expression(trigger.text(AttributeName::FUNCTION))));
        vec![Step::create(&trigger.id, sql)]
    },
    drop: |trigger, _| Some(Step::drop(&trigger.id, sql!("DROP EVENT TRIGGER {}", Ident(trigger.id.name())))),
    ..Kind::DEFAULT
};

static ENABLE: Alteration = Alteration {
    name: "enable",
    steps: |trigger, _| {
        let id = &trigger.after.id;
        Some(vec![Step::attach(
            id,
            sql!("ALTER EVENT TRIGGER {} {}", Ident(id.name()), enable(trigger.after)),
        )])
    },
};
