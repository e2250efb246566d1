//! CHECK constraints of tables (`pg_constraint`). Inherited ones belong to the parent table.

use super::common::{COMMENT, add_constraint, constraint_reference, drop_constraint, table_of};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Context, Identity, Kind, KindName, Namespace, Presence, QueryCost,
    SystemCatalog, TypeChange, ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Hazard, LockMode, Object, ObjectId, PgVersion, Step};
use crate::sql;

attribute_names! {
    NO_INHERIT = "no_inherit",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "check constraint",
    key: "checks",
    identity: Identity::OnRelation,
    namespaces: &[Namespace::Constraints],
    parents: &[KindName::Table, KindName::ForeignTable],
    catalog: Some(SystemCatalog::CONSTRAINT),
    presence: Presence::Constraints("c"),
    query: |version: PgVersion| {
        let not_enforced = if version.since(18) { "NOT k.conenforced" } else { "false" };
        format!(
            "SELECT k.oid, n.nspname AS p1, c.relname AS p2, k.conname AS p3, \
             pg_get_expr(k.conbin, k.conrelid) AS expression, k.connoinherit AS no_inherit, \
             NOT k.convalidated AS not_valid, {not_enforced} AS not_enforced, NOT k.conislocal AS inherited \
             FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE k.contype = 'c' AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND k.oid >= 16384"
        )
    },
    query_cost: QueryCost::OpensRelations,
    attributes: &[
        Attribute::replaced(AttributeName::EXPRESSION, ValueType::Expression).doc("CHECK expression."),
        Attribute::replaced(AttributeName::NO_INHERIT, ValueType::Flag)
            .doc("NO INHERIT: child tables do not inherit the constraint."),
        Attribute::altered(AttributeName::NOT_VALID, ValueType::Flag, &VALIDATE)
            .doc("NOT VALID: existing rows have not been checked."),
        Attribute::replaced(AttributeName::NOT_ENFORCED, ValueType::Flag).doc("NOT ENFORCED (18 or later)."),
        Attribute::read_only(AttributeName::INHERITED, ValueType::Flag)
            .doc("Whether the constraint is only inherited from a parent table."),
        COMMENT,
    ],
    short_form: Some(AttributeName::EXPRESSION),
    reference: constraint_reference,
    rename: Some(super::common::rename_constraint),
    matched_by_definition: true,
    create,
    drop: |check, _| Some(drop_constraint(check)),
    unrecorded_dependencies: |check, catalog| {
        if !check.flag(AttributeName::INHERITED) {
            return Vec::new();
        }
        let parent_check = |parent: &ObjectId| {
            ObjectId::new(KindName::Check, &[&parent.path()[0], &parent.path()[1], &check.id.path()[2]])
        };
        catalog
            .dependencies_of(&catalog.parent(&check.id).unwrap_or_else(|| table_of(&check.id)))
            .filter(|(parent, _)| matches!(parent.kind, KindName::Table | KindName::ForeignTable))
            .map(|(parent, _)| (parent_check(parent), crate::model::DependencyKind::Auto))
            .collect()
    },
    default_name_suffix: Some("check"),
    restricts_statements: |_| true,
    inherited_by_partitions: true,
    rebuilt_by: &[TypeChange::Replacement, TypeChange::ColumnToText],
    ..Kind::DEFAULT
};

fn create(check: &Object, context: &Context) -> Vec<Step> {
    let table = super::common::relation_of(&check.id, context);
    let partition = ObjectId::new(KindName::Partition, table.path());
    let new = context.is_new(&table) || context.is_new(&partition);
    let attached_later = new && context.sides.after.contains(&partition);
    // A child table inherits the constraint, but a new partition must have it before it is attached.
    if check.flag(AttributeName::INHERITED) && !attached_later {
        return Vec::new();
    }
    let definition = definition(check);
    // CREATE TABLE ignores NOT VALID.
    let mut step = add_constraint(
        check,
        &definition,
        !check.flag(AttributeName::NOT_VALID) || check.flag(AttributeName::NOT_ENFORCED),
    );
    if !check.flag(AttributeName::NOT_VALID) && !check.flag(AttributeName::NOT_ENFORCED) {
        let risk = format!("scans the table for {} while reads and writes wait", check.id);
        step.hazards.push(Hazard::Scan(risk));
    }
    if let Some(fold) = &mut step.fold {
        fold.into = table;
    }
    vec![step]
}

/// The definition after the name.
pub fn definition(check: &Object) -> Sql {
    let mut definition = sql!("CHECK ({})", Expression(check.text(AttributeName::EXPRESSION)));
    for (flag, words) in [
        (AttributeName::NO_INHERIT, "NO INHERIT"),
        (AttributeName::NOT_ENFORCED, "NOT ENFORCED"),
        (AttributeName::NOT_VALID, "NOT VALID"),
    ] {
        // NOT ENFORCED implies NOT VALID.
        if check.flag(flag) && !(flag == AttributeName::NOT_VALID && check.flag(AttributeName::NOT_ENFORCED))
        {
            definition.push(&Sql::trusted(words));
        }
    }
    definition
}

static VALIDATE: Alteration = Alteration {
    name: "validate",
    steps: |check, _| {
        if check.after.flag(AttributeName::INHERITED) {
            return Some(Vec::new());
        }
        if check.after.flag(AttributeName::NOT_VALID) {
            return None;
        }
        let id = &check.after.id;
        let sql = sql!("ALTER TABLE {} VALIDATE CONSTRAINT {}", id.qualified_relation(), Ident(id.name()));
        Some(vec![Step::alter(id, sql).lock(LockMode::ShareUpdateExclusive, table_of(id))])
    },
};
