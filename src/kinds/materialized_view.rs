//! Materialized views (`pg_class`).

use super::common::{
    self, COMMENT, DEPENDS_ON_EXTENSIONS, GRANTS, OWNER, grants_column, option_steps, options, owner_column,
};
use super::table::{JOIN_TOAST, OPTIONS_WITH_TOAST, REPLICA_IDENTITY, REPLICA_IDENTITY_WORD};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Kind, Namespace, Presence, SystemCatalog, TypeChange, ValueType,
};
use crate::model::sql::{Expression, Ident};
use crate::model::{Hazard, LockMode, PgVersion, Step};
use crate::sql;

attribute_names! {
    UNPOPULATED = "unpopulated",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "materialized view",
    key: "materialized_views",
    namespaces: &[Namespace::Relations, Namespace::Types],
    catalog: Some(SystemCatalog::CLASS),
    presence: Presence::Relations("m"),
    query,
    attributes: &[
        Attribute::replaced(AttributeName::QUERY, ValueType::Expression).doc("Query (SELECT or VALUES)."),
        Attribute::altered(AttributeName::ACCESS_METHOD, ValueType::Name, &ACCESS_METHOD)
            .doc("USING: table access method; by default heap."),
        Attribute::altered(AttributeName::TABLESPACE, ValueType::Name, &TABLESPACE).doc("TABLESPACE."),
        Attribute::altered(AttributeName::OPTIONS, ValueType::Options, &OPTIONS)
            .doc("WITH: storage parameters; those of the TOAST table have the prefix `toast.`."),
        Attribute::attached(
            AttributeName::REPLICA_IDENTITY,
            ValueType::Word(&["default", "full", "nothing"]),
            &REPLICA_IDENTITY,
        )
        .doc("REPLICA IDENTITY; an index that identifies rows has its own replica_identity."),
        OWNER,
        GRANTS,
        COMMENT,
        DEPENDS_ON_EXTENSIONS,
        Attribute::attached(AttributeName::UNPOPULATED, ValueType::Flag, &POPULATE)
            .doc("WITH NO DATA: the view has never been populated."),
    ],
    short_form: Some(AttributeName::QUERY),
    reference: |view| sql!("MATERIALIZED VIEW {}", view.id.qualified()),
    rename: Some(super::common::rename_relation),
    create: |view, _| {
        let mut head = sql!("CREATE MATERIALIZED VIEW {}", view.id.qualified());
        if !view.text(AttributeName::ACCESS_METHOD).is_empty() {
            head.push(&sql!("USING {}", Ident(view.text(AttributeName::ACCESS_METHOD))));
        }
        if !view.map(AttributeName::OPTIONS).is_empty() {
            head.push(&sql!("WITH ({})", options(view.map(AttributeName::OPTIONS))));
        }
        if !view.text(AttributeName::TABLESPACE).is_empty() {
            head.push(&sql!("TABLESPACE {}", Ident(view.text(AttributeName::TABLESPACE))));
        }
        let query = Expression(view.text(AttributeName::QUERY).trim_end());
        let mut steps = vec![Step::create(&view.id, sql!("{} AS\n{}\n  WITH NO DATA", head, query))];
        if !view.flag(AttributeName::UNPOPULATED) {
            // The query runs with the privileges of the owner, so that everything else is created before.
            steps.push(Step::populate(&view.id, sql!("REFRESH MATERIALIZED VIEW {}", view.id.qualified())));
        }
        steps
    },
    drop: |view, _| {
        let step = Step::drop(&view.id, sql!("DROP MATERIALIZED VIEW {}", view.id.qualified()));
        Some(step.lock(LockMode::AccessExclusive, &view.id))
    },
    unrecorded_dependencies: |view, catalog| common::ordering_classes(&view.id, catalog),
    default_acl_class: Some("tables"),
    grant_reference: Some(|view| sql!("TABLE {}", view.id.qualified())),
    stores_rows: true,
    uses_named_columns: true,
    rebuilt_by: &[TypeChange::Column, TypeChange::Replacement, TypeChange::ColumnToText],
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    format!(
        "SELECT c.oid, n.nspname AS p1, c.relname AS p2, rtrim(pg_get_viewdef(c.oid), ';') AS query, \
         CASE WHEN a.amname <> 'heap' THEN a.amname END AS access_method, s.spcname AS tablespace, \
         {OPTIONS_WITH_TOAST} AS options, {REPLICA_IDENTITY_WORD} AS replica_identity, {} AS owner, {} AS grants, NOT c.relispopulated AS unpopulated \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         {JOIN_TOAST} LEFT JOIN pg_am a ON a.oid = c.relam LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace \
         WHERE c.relkind = 'm' AND c.oid >= 16384",
        owner_column("c.relowner"),
        grants_column("c.relacl", 'r', "c.relowner"),
    )
}

static ACCESS_METHOD: Alteration = Alteration {
    name: "access method",
    steps: |view, context| {
        if !context.version().since(15) {
            return None;
        }
        let name = view.after.text(AttributeName::ACCESS_METHOD);
        let name = if name.is_empty() { "heap" } else { name };
        let id = &view.after.id;
        let sql = sql!("ALTER MATERIALIZED VIEW {} SET ACCESS METHOD {}", id.qualified(), Ident(name));
        Some(vec![Step::alter(id, sql).hazard(Hazard::Rewrite(format!("rewrites {id}")))])
    },
};

static TABLESPACE: Alteration = Alteration {
    name: "tablespace",
    steps: |view, _| {
        let name = view.after.text(AttributeName::TABLESPACE);
        let name = if name.is_empty() { "pg_default" } else { name };
        let id = &view.after.id;
        let sql = sql!("ALTER MATERIALIZED VIEW {} SET TABLESPACE {}", id.qualified(), Ident(name));
        Some(vec![Step::alter(id, sql)])
    },
};

static OPTIONS: Alteration = Alteration {
    name: "options",
    steps: |view, _| {
        Some(option_steps(
            view,
            AttributeName::OPTIONS,
            &sql!("ALTER MATERIALIZED VIEW {}", view.after.id.qualified()),
        ))
    },
};

static POPULATE: Alteration = Alteration {
    name: "populate",
    steps: |view, context| {
        let id = &view.after.id;
        if context.is_new(id) {
            return Some(Vec::new());
        }
        let data = if view.after.flag(AttributeName::UNPOPULATED) { " WITH NO DATA" } else { "" };
        let sql =
            sql!("REFRESH MATERIALIZED VIEW {}{}", id.qualified(), crate::model::sql::Sql::trusted(data));
        Some(vec![Step::populate(id, sql).hazard(Hazard::Rewrite(format!("rewrites {id}")))])
    },
};
