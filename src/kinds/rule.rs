//! Rewrite rules, except those of views (`pg_rewrite`).

use super::common::{COMMENT, ENABLED, enable};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, KindName, Presence, SystemCatalog, TypeChange,
    ValueType,
};
use crate::model::sql::{Ident, Sql};
use crate::model::{LockMode, Step};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "rule",
    key: "rules",
    identity: Identity::OnRelation,
    parents: &[KindName::Table, KindName::ForeignTable, KindName::View],
    catalog: Some(SystemCatalog::REWRITE),
    presence: Presence::Found("SELECT FROM pg_rewrite WHERE rulename <> '_RETURN' AND oid >= 16384"),
    query: |_| {
        "SELECT r.oid, n.nspname AS p1, c.relname AS p2, r.rulename AS p3, \
         substr(rtrim(pg_get_ruledef(r.oid), ';'), length('CREATE RULE ' || quote_ident(r.rulename)) + 2) AS definition, \
         CASE r.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END AS enabled \
         FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE r.rulename <> '_RETURN' AND r.oid >= 16384"
            .into()
    },
    attributes: &[
        Attribute::altered(AttributeName::DEFINITION, ValueType::Expression, &REPLACE)
            .doc("Definition after the name, such as AS ON INSERT TO shop.v DO INSTEAD NOTHING."),
        Attribute::attached(AttributeName::ENABLED, ENABLED, &ENABLE).doc(
            "Sessions in which it applies, by session_replication_role: origin (and local), \
             replica, always; or disabled.",
        ),
        COMMENT,
    ],
    short_form: Some(AttributeName::DEFINITION),
    reference: |rule| sql!("RULE {} ON {}", Ident(rule.id.name()), rule.id.qualified_relation()),
    rename: Some(super::common::rename_on_relation),
    create: |rule, _| {
        let sql = sql!("CREATE RULE {}", Ident(rule.id.name()))
            .then(&Sql::trusted(rule.text(AttributeName::DEFINITION)));
        vec![Step::create(&rule.id, sql).lock(LockMode::AccessExclusive, rule.id.relation_text())]
    },
    drop: |rule, _| {
        let sql = sql!("DROP RULE {} ON {}", Ident(rule.id.name()), rule.id.qualified_relation());
        Some(Step::drop(&rule.id, sql).lock(LockMode::AccessExclusive, rule.id.relation_text()))
    },
    restricts_statements: |_| true,
    processes_changed_rows: true,
    rebuilt_by: &[TypeChange::Column, TypeChange::Replacement, TypeChange::ColumnToText],
    ..Kind::DEFAULT
};

static REPLACE: Alteration = Alteration {
    name: "replace",
    steps: |rule, _| {
        let head = sql!("CREATE OR REPLACE RULE {}", Ident(rule.after.id.name()));
        let sql = head.then(&Sql::trusted(rule.after.text(AttributeName::DEFINITION)));
        Some(vec![
            Step::alter(&rule.after.id, sql).lock(LockMode::AccessExclusive, rule.after.id.relation_text()),
        ])
    },
};

static ENABLE: Alteration = Alteration {
    name: "enable",
    steps: |rule, _| {
        let id = &rule.after.id;
        let sql =
            sql!("ALTER TABLE {} {} RULE {}", id.qualified_relation(), enable(rule.after), Ident(id.name()));
        Some(vec![Step::attach(id, sql).lock(LockMode::AccessExclusive, rule.after.id.relation_text())])
    },
};
