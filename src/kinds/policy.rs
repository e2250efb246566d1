//! Row-level security policies (`pg_policy`).

use super::common::COMMENT;
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, KindName, Presence, QueryCost, SystemCatalog,
    TypeChange, ValueType,
};
use crate::model::sql::{Commas, Expression, Ident, RoleName, Sql};
use crate::model::{LockMode, Object, Step};
use crate::sql;

attribute_names! {
    COMMAND = "command",
    RESTRICTIVE = "restrictive",
    ROLES = "roles",
    USING = "using",
    CHECK = "check",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "policy",
    key: "policies",
    identity: Identity::OnRelation,
    parents: &[KindName::Table],
    catalog: Some(SystemCatalog::POLICY),
    presence: Presence::Rows(SystemCatalog::POLICY),
    query: |_| {
        "SELECT p.oid, n.nspname AS p1, c.relname AS p2, p.polname AS p3, \
         CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' END AS command, \
         NOT p.polpermissive AS restrictive, \
         CASE WHEN p.polroles <> '{0}' THEN ARRAY(SELECT CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r)::text END \
         FROM unnest(p.polroles) AS r ORDER BY 1) END AS roles, \
         pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS check \
         FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            .into()
    },
    query_cost: QueryCost::OpensRelations,
    attributes: &[
        Attribute::replaced(
            AttributeName::COMMAND,
            ValueType::Word(&["all", "select", "insert", "update", "delete"]),
        )
        .doc("Command that the policy applies to: all, select, insert, update or delete."),
        Attribute::replaced(AttributeName::RESTRICTIVE, ValueType::Flag).doc("AS RESTRICTIVE."),
        Attribute::altered(AttributeName::ROLES, ValueType::Roles, &ALTER)
            .doc("TO: roles that the policy applies to; by default PUBLIC."),
        Attribute::altered(AttributeName::USING, ValueType::Expression, &ALTER)
            .doc("USING expression: rows that are visible."),
        Attribute::altered(AttributeName::CHECK, ValueType::Expression, &ALTER)
            .doc("WITH CHECK expression: rows that may be inserted or written by an update."),
        COMMENT,
    ],
    reference: |policy| sql!("POLICY {} ON {}", Ident(policy.id.name()), policy.id.qualified_relation()),
    rename: Some(super::common::rename_on_relation),
    create: |policy, _| {
        let mut sql = sql!("CREATE POLICY {} ON {}", Ident(policy.id.name()), policy.id.qualified_relation());
        if policy.flag(AttributeName::RESTRICTIVE) {
            sql.push(&sql!("AS RESTRICTIVE"));
        }
        if !policy.text(AttributeName::COMMAND).is_empty() {
            sql.push(&sql!("FOR {}", Sql::trusted(policy.text(AttributeName::COMMAND).to_uppercase())));
        }
        if !policy.list(AttributeName::ROLES).is_empty() {
            sql.push(&sql!("TO {}", roles(policy)));
        }
        sql.push(&clauses(policy));
        vec![Step::create(&policy.id, sql).lock(LockMode::AccessExclusive, policy.id.relation_text())]
    },
    drop: |policy, _| {
        let sql = sql!("DROP POLICY {} ON {}", Ident(policy.id.name()), policy.id.qualified_relation());
        Some(Step::drop(&policy.id, sql).lock(LockMode::AccessExclusive, policy.id.relation_text()))
    },
    restricts_statements: |_| true,
    uses_named_columns: true,
    rebuilt_by: &[TypeChange::Column, TypeChange::Replacement, TypeChange::ColumnToText],
    ..Kind::DEFAULT
};

fn roles(policy: &Object) -> Commas<RoleName<'_>> {
    let list = policy.list(AttributeName::ROLES);
    if list.is_empty() {
        return Commas(vec![RoleName(RoleName::PUBLIC)]);
    }
    Commas(list.iter().map(|role| RoleName(role)).collect())
}

fn clauses(policy: &Object) -> Sql {
    let mut sql = Sql::default();
    if !policy.text(AttributeName::USING).is_empty() {
        sql.push(&sql!("USING ({})", Expression(policy.text(AttributeName::USING))));
    }
    if !policy.text(AttributeName::CHECK).is_empty() {
        sql.push(&sql!("WITH CHECK ({})", Expression(policy.text(AttributeName::CHECK))));
    }
    sql
}

static ALTER: Alteration = Alteration {
    name: "alter",
    steps: |policy, _| {
        // ALTER POLICY can change a clause but not remove it.
        let removes =
            |name: AttributeName| policy.before.get(name).is_some() && policy.after.get(name).is_none();
        if removes(AttributeName::USING) || removes(AttributeName::CHECK) {
            return None;
        }
        let id = &policy.after.id;
        let mut sql = sql!("ALTER POLICY {} ON {}", Ident(id.name()), id.qualified_relation());
        if policy.before.get(AttributeName::ROLES) != policy.after.get(AttributeName::ROLES) {
            sql.push(&sql!("TO {}", roles(policy.after)));
        }
        sql.push(&clauses(policy.after));
        Some(vec![Step::alter(id, sql).lock(LockMode::AccessExclusive, policy.after.id.relation_text())])
    },
};
