//! CHECK constraints of domains (`pg_constraint`).

use super::common::COMMENT;
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, KindName, Namespace, Presence, QueryCost,
    SystemCatalog, TypeChange, ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::step::Clause;
use crate::model::{ObjectId, Step};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "domain constraint",
    key: "constraints",
    identity: Identity::OnRelation,
    namespaces: &[Namespace::Constraints],
    parents: &[KindName::Domain],
    catalog: Some(SystemCatalog::CONSTRAINT),
    presence: Presence::Types("d"),
    query: |_| {
        "SELECT k.oid, n.nspname AS p1, t.typname AS p2, k.conname AS p3, \
         pg_get_expr(k.conbin, 0) AS expression, NOT k.convalidated AS not_valid \
         FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid JOIN pg_namespace n ON n.oid = t.typnamespace \
         WHERE k.contype = 'c' AND k.oid >= 16384"
            .into()
    },
    query_cost: QueryCost::OpensRelations,
    attributes: &[
        Attribute::replaced(AttributeName::EXPRESSION, ValueType::Expression)
            .doc("CHECK expression on VALUE."),
        Attribute::altered(AttributeName::NOT_VALID, ValueType::Flag, &VALIDATE)
            .doc("NOT VALID: existing values have not been checked."),
        COMMENT,
    ],
    short_form: Some(AttributeName::EXPRESSION),
    reference: |check| {
        sql!("CONSTRAINT {} ON DOMAIN {}", Ident(check.id.name()), check.id.qualified_relation())
    },
    rename: Some(|check, name| {
        let (domain, old) = (check.id.qualified_relation(), Ident(check.id.name()));
        Step::alter(&check.id, sql!("ALTER DOMAIN {} RENAME CONSTRAINT {} TO {}", domain, old, Ident(name)))
    }),
    matched_by_definition: true,
    create: |check, context| {
        let clause = sql!(
            "CONSTRAINT {} CHECK ({})",
            Ident(check.id.name()),
            Expression(check.text(AttributeName::EXPRESSION))
        );
        let not_valid = check.flag(AttributeName::NOT_VALID);
        let tail = Sql::trusted(if not_valid { " NOT VALID" } else { "" });
        let step = Step::create(
            &check.id,
            sql!("ALTER DOMAIN {} ADD {}{}", check.id.qualified_relation(), clause, tail),
        );
        let domain = ObjectId::new(KindName::Domain, &check.id.path()[..2]);
        if not_valid {
            return vec![step];
        }
        let hazard = super::domain::scan_of_columns(&domain, context);
        let mut step = step.folds(domain, Clause::Suffix(clause));
        step.hazards.extend(hazard);
        vec![step]
    },
    drop: |check, _| {
        let sql =
            sql!("ALTER DOMAIN {} DROP CONSTRAINT {}", check.id.qualified_relation(), Ident(check.id.name()));
        Some(Step::drop(&check.id, sql))
    },
    restricts_statements: |_| true,
    rebuilt_by: &[TypeChange::Replacement],
    ..Kind::DEFAULT
};

static VALIDATE: Alteration = Alteration {
    name: "validate",
    steps: |check, _| {
        if check.after.flag(AttributeName::NOT_VALID) {
            return None;
        }
        let id = &check.after.id;
        let sql = sql!("ALTER DOMAIN {} VALIDATE CONSTRAINT {}", id.qualified_relation(), Ident(id.name()));
        Some(vec![Step::alter(id, sql)])
    },
};
