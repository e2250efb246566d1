//! Default values of columns of tables and views (`pg_attrdef`). The expression of a generated column belongs to the column.

use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, KindName, Presence, QueryCost, SystemCatalog,
    TypeChange, ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::step::Clause;
use crate::model::{LockMode, Object, ObjectId, Phase, Step};
use crate::sql;

attribute_names! {
    OF_VIEW = "of_view",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "default",
    key: "default",
    identity: Identity::OfColumn,
    parents: &[KindName::Column, KindName::ViewColumn],
    catalog: Some(SystemCatalog::ATTRDEF),
    presence: Presence::Rows(SystemCatalog::ATTRDEF),
    // A default refers to no column, so that pg_get_expr with relation 0 need not open the table.
    query: |_| {
        "SELECT d.oid, n.nspname AS p1, c.relname AS p2, a.attname AS p3, c.relkind = 'v' AS of_view, \
         pg_get_expr(d.adbin, 0) AS expression \
         FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum \
         WHERE a.attgenerated = '' AND c.relkind IN ('r', 'p', 'v', 'f') AND c.relpersistence <> 't' AND c.oid >= 16384"
            .into()
    },
    query_cost: QueryCost::High,
    attributes: &[
        Attribute::altered(AttributeName::EXPRESSION, ValueType::Expression, &SET).doc("DEFAULT expression."),
        Attribute::read_only(AttributeName::OF_VIEW, ValueType::Flag)
            .doc("Whether it is a column of a view."),
    ],
    short_form: Some(AttributeName::EXPRESSION),
    create: |default, _| {
        let column = ObjectId::new(KindName::Column, default.id.path());
        let clause = sql!("DEFAULT {}", Expression(default.text(AttributeName::EXPRESSION)));
        let step = Step::create(&default.id, alter(default, &sql!("SET {}", clause)));
        vec![
            step.lock(LockMode::AccessExclusive, default.id.relation_text())
                .folds(column, Clause::Suffix(clause)),
        ]
    },
    drop: |default, _| {
        let step = Step::drop(&default.id, alter(default, &sql!("DROP DEFAULT")));
        Some(step.lock(LockMode::AccessExclusive, default.id.relation_text()))
    },
    inherited_by_partitions: true,
    // The server cannot cast every default to the new type.
    rebuilt_by: &[TypeChange::Column, TypeChange::Replacement, TypeChange::ColumnToText],
    ..Kind::DEFAULT
};

/// `ALTER COLUMN … SET DEFAULT`.
pub fn set(default: &Object) -> Step {
    let action = sql!("SET DEFAULT {}", Expression(default.text(AttributeName::EXPRESSION)));
    Step::alter(&default.id, alter(default, &action))
}

/// `ALTER TABLE ONLY … ALTER COLUMN`, because child tables have defaults of their own.
fn alter(default: &Object, action: &Sql) -> Sql {
    let head =
        if default.flag(AttributeName::OF_VIEW) { sql!("ALTER VIEW") } else { sql!("ALTER TABLE ONLY") };
    sql!("{} {} ALTER COLUMN {} {}", head, default.id.qualified_relation(), Ident(default.id.name()), action)
}

static SET: Alteration = Alteration {
    name: "set default",
    steps: |default, _| {
        let step = set(default.after).lock(LockMode::AccessExclusive, default.after.id.relation_text());
        Some(vec![step.phase(Phase::Expand)])
    },
};
