//! Foreign tables (`pg_foreign_table`). Their columns and constraints are objects of their own.

use super::common::{COMMENT, GRANTS, OWNER, expressions, grants_column, owner_column};
use super::{foreign_options, table};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Kind, Namespace, Presence, SystemCatalog, ValueType,
};
use crate::model::sql::{Ident, Sql};
use crate::model::{LockMode, Object, PgVersion, Phase, Step};
use crate::sql;

attribute_names! {
    SERVER = "server",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "foreign table",
    key: "foreign_tables",
    namespaces: &[Namespace::Relations, Namespace::Types],
    catalog: Some(SystemCatalog::CLASS),
    presence: Presence::Relations("f"),
    query,
    attributes: &[
        Attribute::replaced(AttributeName::SERVER, ValueType::Name).doc("SERVER."),
        Attribute::altered(AttributeName::INHERITS, ValueType::QualifiedNames, &INHERITS)
            .doc("INHERITS: parent tables."),
        foreign_options::attribute(&OPTIONS),
        OWNER,
        GRANTS,
        COMMENT,
    ],
    reference: |table| sql!("FOREIGN TABLE {}", table.id.qualified()),
    rename: Some(super::common::rename_relation),
    create: |table, _| {
        let mut tail = Sql::default();
        if !table.list(AttributeName::INHERITS).is_empty() {
            tail.push(&sql!("INHERITS ({})", expressions(table.list(AttributeName::INHERITS))));
        }
        tail.push(&sql!("SERVER {}", Ident(table.text(AttributeName::SERVER))));
        tail.push(&foreign_options::clause(table.map(AttributeName::OPTIONS)));
        vec![Step::create(&table.id, sql!("CREATE FOREIGN TABLE {}", table.id.qualified())).entries(tail)]
    },
    drop: |table, _| {
        let step = Step::drop(&table.id, sql!("DROP FOREIGN TABLE {}", table.id.qualified()));
        Some(step.lock(LockMode::AccessExclusive, &table.id))
    },
    default_acl_class: Some("tables"),
    grant_reference: Some(|table| sql!("TABLE {}", table.id.qualified())),
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    format!(
        "SELECT c.oid, n.nspname AS p1, c.relname AS p2, s.srvname AS server, f.ftoptions AS options, \
         CASE WHEN NOT c.relispartition THEN i.parents END AS inherits, {} AS owner, {} AS grants \
         FROM pg_class c JOIN pg_foreign_table f ON f.ftrelid = c.oid JOIN pg_foreign_server s ON s.oid = f.ftserver \
         JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN {} i ON i.inhrelid = c.oid \
         WHERE c.relkind = 'f' AND c.oid >= 16384",
        owner_column("c.relowner"),
        grants_column("c.relacl", 'r', "c.relowner"),
        table::PARENTS,
    )
}

fn alter(table: &Object, action: &Sql) -> Step {
    Step::alter(&table.id, sql!("ALTER FOREIGN TABLE {} {}", table.id.qualified(), action))
        .lock(LockMode::AccessExclusive, &table.id)
}

static INHERITS: Alteration = Alteration {
    name: "inherits",
    steps: |table, _| {
        let changes = table::parent_changes(table);
        Some(changes.iter().map(|action| alter(table.after, action)).collect())
    },
};

static OPTIONS: Alteration = Alteration {
    name: "options",
    steps: |table, _| {
        let changes = foreign_options::changes(table, AttributeName::OPTIONS);
        Some(changes.iter().map(|action| alter(table.after, action).phase(Phase::Expand)).collect())
    },
};
