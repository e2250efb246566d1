//! Views (`pg_class`, `pg_rewrite`).

use super::common::{self, COMMENT, GRANTS, OWNER, grants_column, option_steps, options, owner_column};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Context, Kind, Namespace, Presence, QueryCost, SystemCatalog,
    TypeChange, ValueType,
};
use crate::model::sql::{Expression, Sql};
use crate::model::{LockMode, Object, PgVersion, Phase, Step};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "view",
    key: "views",
    namespaces: &[Namespace::Relations, Namespace::Types],
    catalog: Some(SystemCatalog::CLASS),
    presence: Presence::Relations("v"),
    query,
    query_cost: QueryCost::High,
    attributes: &[
        Attribute::read_only(AttributeName::COLUMNS, ValueType::Texts)
            .doc("Names and types of the columns of the query."),
        Attribute::altered(AttributeName::QUERY, ValueType::Expression, &REPLACE)
            .doc("Query (SELECT or VALUES)."),
        Attribute::altered(AttributeName::OPTIONS, ValueType::Options, &OPTIONS)
            .doc("View options: security_barrier, security_invoker (15 or later), check_option."),
        OWNER,
        GRANTS,
        COMMENT,
    ],
    short_form: Some(AttributeName::QUERY),
    reference: |view| sql!("VIEW {}", view.id.qualified()),
    rename: Some(super::common::rename_relation),
    create,
    before_drop: |view, context| {
        if !context.sides.before.depends_on(&view.id, &view.id) {
            return Vec::new();
        }
        vec![
            Step::release(&view.id, stand_in(view, "CREATE OR REPLACE VIEW"))
                .lock(LockMode::AccessExclusive, &view.id),
        ]
    },
    drop: |view, _| {
        Some(
            Step::drop(&view.id, sql!("DROP VIEW {}", view.id.qualified()))
                .lock(LockMode::AccessExclusive, &view.id),
        )
    },
    unrecorded_dependencies: |view, catalog| common::ordering_classes(&view.id, catalog),
    default_acl_class: Some("tables"),
    grant_reference: Some(|view| sql!("TABLE {}", view.id.qualified())),
    uses_named_columns: true,
    rebuilt_by: &[TypeChange::Column, TypeChange::Replacement, TypeChange::ColumnToText],
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    format!(
        "SELECT c.oid, n.nspname AS p1, c.relname AS p2, rtrim(pg_get_viewdef(c.oid), ';') AS query, \
         (SELECT array_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) || \
         CASE WHEN a.attcollation <> 0 THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END ORDER BY a.attnum) \
         FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns, \
         c.reloptions AS options, {} AS owner, {} AS grants \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'v' AND c.relpersistence <> 't' AND c.oid >= 16384",
        owner_column("c.relowner"),
        grants_column("c.relacl", 'r', "c.relowner"),
    )
}

/// Creates the view. If views depend on each other, a stand-in without dependencies is created first.
fn create(view: &Object, context: &Context) -> Vec<Step> {
    if !context.sides.after.depends_on(&view.id, &view.id) {
        return vec![Step::create(&view.id, definition(view, "CREATE VIEW"))];
    }
    vec![
        Step::declare(&view.id, stand_in(view, "CREATE VIEW")),
        Step::create(&view.id, definition(view, "CREATE OR REPLACE VIEW")),
    ]
}

/// A view with the same columns and no rows.
fn stand_in(view: &Object, head: &str) -> Sql {
    let columns: Vec<Sql> =
        view.list(AttributeName::COLUMNS).iter().map(|column| sql!("{}", Expression(column))).collect();
    let (head, columns) = (Sql::trusted(head), Sql::join(&columns, ", "));
    sql!(
        "{} {} AS\nSELECT * FROM pg_catalog.json_to_record(NULL) AS no_rows ({})",
        head,
        view.id.qualified(),
        columns
    )
}

fn definition(view: &Object, head: &str) -> Sql {
    let mut sql = sql!("{} {}", Sql::trusted(head), view.id.qualified());
    if !view.map(AttributeName::OPTIONS).is_empty() {
        sql.push(&sql!("WITH ({})", options(view.map(AttributeName::OPTIONS))));
    }
    sql!("{} AS\n{}", sql, Expression(view.text(AttributeName::QUERY).trim_end()))
}

static REPLACE: Alteration = Alteration {
    name: "replace",
    steps: |view, context| {
        // CREATE OR REPLACE VIEW can only add columns at the end. It resets options that it does not repeat.
        if !view.after.list(AttributeName::COLUMNS).starts_with(view.before.list(AttributeName::COLUMNS)) {
            return None;
        }
        let id = &view.after.id;
        let mut steps = Vec::new();
        // Views that depend on each other may use a column that is added.
        if view.before.list(AttributeName::COLUMNS) != view.after.list(AttributeName::COLUMNS)
            && context.sides.after.depends_on(id, id)
        {
            steps.push(Step::declare(id, stand_in(view.after, "CREATE OR REPLACE VIEW")));
        }
        let sql = definition(view.after, "CREATE OR REPLACE VIEW");
        steps.push(Step::alter(id, sql).phase(Phase::Expand));
        Some(steps)
    },
};

static OPTIONS: Alteration = Alteration {
    name: "options",
    steps: |view, _| {
        if view.before.get(AttributeName::QUERY) != view.after.get(AttributeName::QUERY) {
            return Some(Vec::new());
        }
        Some(option_steps(view, AttributeName::OPTIONS, &sql!("ALTER VIEW {}", view.after.id.qualified())))
    },
};
