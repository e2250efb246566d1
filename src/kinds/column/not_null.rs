//! NOT NULL: a flag of the column, and since PostgreSQL 18 a constraint with a name.

use super::identity::drops_not_null_with_identity;
use super::inherited::{follows_parent, parent_columns};
use super::not_null_name::not_null_name;
use super::statement::alter_column;
use crate::kinds::common::{comment, table_of};
use crate::model::kind::{Alteration, AttributeName, Context, KindName};
use crate::model::sql::{Ident, Sql};
use crate::model::{Hazard, LockMode, Object, ObjectId, Pair, PgVersion, Phase, Step};
use crate::sql;

/// The constraint, its name, NO INHERIT and NOT VALID.
pub static NOT_NULL: Alteration =
    Alteration { name: "not null", steps: |column, context| Some(not_null_steps(column, context)) };

fn not_null_steps(column: Pair<&Object>, context: &Context) -> Vec<Step> {
    if follows_parent(column, AttributeName::NOT_NULL, context) {
        return Vec::new();
    }
    // The server adds and drops the constraint of a child table with that of its parent.
    let (before, after) = (column.before, column.after);
    let is_inherited = after.flag(AttributeName::NOT_NULL_INHERITED)
        || !after.flag(AttributeName::NOT_NULL) && before.flag(AttributeName::NOT_NULL_INHERITED);
    let partition = ObjectId::new(KindName::Partition, &after.id.path()[..2]);
    let is_moved = context.is_new(&partition) || context.dropped.contains(&partition);
    if is_inherited
        && !is_moved
        && (!before.flag(AttributeName::NOT_NULL) || before.flag(AttributeName::NOT_NULL_INHERITED))
    {
        // If the parent's constraint becomes NO INHERIT, that of the child remains as its own.
        let keeps = |id: &ObjectId| {
            context.sides.after.get(id).is_some_and(|parent| parent.flag(AttributeName::NOT_NULL))
        };
        let parent = parent_columns(after, context.sides.after).into_iter().find(keeps);
        let drop = |parent| alter_column(after, &sql!("DROP NOT NULL")).requires(parent).phase(Phase::Expand);
        return parent.filter(|_| !after.flag(AttributeName::NOT_NULL)).map(drop).into_iter().collect();
    }
    if drops_not_null_with_identity(column) {
        return Vec::new();
    }
    if column.before.flag(AttributeName::NOT_NULL) && column.after.flag(AttributeName::NOT_NULL) {
        return constraint_steps(column);
    }
    let options =
        [AttributeName::NOT_NULL_NAME, AttributeName::NOT_NULL_NO_INHERIT, AttributeName::NOT_NULL_NOT_VALID];
    if after.flag(AttributeName::NOT_NULL) && options.into_iter().any(|name| after.get(name).is_some()) {
        return vec![add_constraint(column.after)];
    }
    if column.after.flag(AttributeName::NOT_NULL) {
        let step = alter_column(column.after, &sql!("SET NOT NULL"));
        return vec![step.hazard(Hazard::Scan(format!("scans the table of {}", column.after.id)))];
    }
    vec![alter_column(column.after, &sql!("DROP NOT NULL")).phase(Phase::Expand)]
}

/// The comment on the constraint.
pub(super) static NOT_NULL_COMMENT: Alteration = Alteration {
    name: "not null comment",
    steps: |column, _| {
        // The comment is dropped with the constraint.
        let remains = column.after.flag(AttributeName::NOT_NULL);
        Some(if remains { vec![comment_on(column.after)] } else { Vec::new() })
    },
};

/// The columns of a query for the NOT NULL constraint, and the join for it. Before PostgreSQL 18 there is no constraint.
pub(super) fn columns(version: PgVersion) -> (&'static str, &'static str) {
    if !version.since(18) {
        let none = "NULL::name AS not_null_name, false AS not_null_no_inherit, \
             false AS not_null_not_valid, false AS not_null_inherited, NULL::text AS not_null_comment";
        return (none, "");
    }
    // A name that was truncated is treated as a default name, unless a comment refers to it. So is a default name from before
    // the table or column was renamed, if there are child tables: their constraints may have other names, and then
    // `ALTER TABLE … RENAME CONSTRAINT`, which renames them by name, fails.
    (
        "CASE WHEN k.conislocal AND k.conname <> c.relname || '_' || a.attname || '_not_null' \
         AND (length(c.relname || a.attname) < 54 AND NOT (k.conname ~ '_not_null$' \
         AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid)) OR kd.description IS NOT NULL) THEN k.conname END AS not_null_name, \
         k.connoinherit AS not_null_no_inherit, NOT k.convalidated AND k.conislocal AS not_null_not_valid, \
         NOT k.conislocal AS not_null_inherited, kd.description AS not_null_comment",
        "LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'n' AND k.conkey[1] = a.attnum \
         LEFT JOIN pg_description kd ON kd.classoid = 'pg_constraint'::regclass AND kd.objoid = k.oid",
    )
}

/// Adds the NOT NULL constraint separately, because only `ADD CONSTRAINT` has `NOT VALID`.
pub(super) fn add_constraint(column: &Object) -> Step {
    let (table, name) = (column.id.qualified_relation(), not_null_name(column));
    let mut sql =
        sql!("ALTER TABLE {} ADD CONSTRAINT {} NOT NULL {}", table, Ident(&name), Ident(column.id.name()));
    for (flag, words) in
        [(AttributeName::NOT_NULL_NO_INHERIT, "NO INHERIT"), (AttributeName::NOT_NULL_NOT_VALID, "NOT VALID")]
    {
        if column.flag(flag) {
            sql.push(&Sql::trusted(words));
        }
    }
    Step::alter(&column.id, sql).lock(LockMode::AccessExclusive, table_of(&column.id))
}

/// The steps that change a NOT NULL constraint which exists on both sides.
fn constraint_steps(column: Pair<&Object>) -> Vec<Step> {
    let (old_name, name) = (not_null_name(column.before), not_null_name(column.after));
    let (before, after) = (column.before, column.after);
    let alter_table = |action: &Sql| {
        let sql = sql!("ALTER TABLE {} {}", after.id.qualified_relation(), action);
        Step::alter(&after.id, sql).lock(LockMode::AccessExclusive, table_of(&after.id))
    };
    if after.flag(AttributeName::NOT_NULL_NOT_VALID) && !before.flag(AttributeName::NOT_NULL_NOT_VALID) {
        let mut steps =
            vec![alter_table(&sql!("DROP CONSTRAINT {}", Ident(&old_name))), add_constraint(after)];
        if before.get(AttributeName::NOT_NULL_COMMENT).is_some()
            && before.get(AttributeName::NOT_NULL_COMMENT) == after.get(AttributeName::NOT_NULL_COMMENT)
        {
            steps.push(comment_on(after));
        }
        return steps;
    }
    let mut steps = Vec::new();
    if name != old_name {
        steps.push(alter_table(&sql!("RENAME CONSTRAINT {} TO {}", Ident(&old_name), Ident(&name))));
    }
    if before.flag(AttributeName::NOT_NULL_NO_INHERIT) != after.flag(AttributeName::NOT_NULL_NO_INHERIT) {
        let word = if after.flag(AttributeName::NOT_NULL_NO_INHERIT) { "NO INHERIT" } else { "INHERIT" };
        steps.push(alter_table(&sql!("ALTER CONSTRAINT {} {}", Ident(&name), Sql::trusted(word))));
    }
    if before.flag(AttributeName::NOT_NULL_NOT_VALID) && !after.flag(AttributeName::NOT_NULL_NOT_VALID) {
        let step = alter_table(&sql!("VALIDATE CONSTRAINT {}", Ident(&name)));
        steps.push(Step { lock: None, ..step }.lock(LockMode::ShareUpdateExclusive, table_of(&after.id)));
    }
    steps
}

fn comment_on(column: &Object) -> Step {
    let constraint =
        sql!("CONSTRAINT {} ON {}", Ident(&not_null_name(column)), column.id.qualified_relation());
    Step::attach(&column.id, comment(&constraint, column.text(AttributeName::NOT_NULL_COMMENT)))
}
