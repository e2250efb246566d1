//! Constraints of tables.

use super::table_of;
use crate::model::sql::{Ident, Sql};
use crate::model::step::Clause;
use crate::model::{AttributeName, LockMode, Object, Step};
use crate::sql;

/// A constraint as `COMMENT ON` refers to it.
pub fn constraint_reference(constraint: &Object) -> Sql {
    sql!("CONSTRAINT {} ON {}", Ident(constraint.id.name()), constraint.id.qualified_relation())
}

/// `ALTER TABLE … ADD CONSTRAINT`. If `folds`, `CREATE TABLE` of a new table can include the constraint.
pub fn add_constraint(constraint: &Object, definition: &Sql, folds: bool) -> Step {
    let id = &constraint.id;
    let clause = sql!("CONSTRAINT {} {}", Ident(id.name()), definition);
    let step = Step::create(id, sql!("ALTER TABLE {} ADD {}", id.qualified_relation(), clause));
    let step = step.lock(LockMode::AccessExclusive, table_of(id));
    if folds { step.folds(table_of(id), Clause::Entry(clause)) } else { step }
}

/// `ALTER TABLE … DROP CONSTRAINT`.
pub fn drop_constraint(constraint: &Object) -> Step {
    let id = &constraint.id;
    let sql = sql!("ALTER TABLE {} DROP CONSTRAINT {}", id.qualified_relation(), Ident(id.name()));
    Step::drop(id, sql).lock(LockMode::AccessExclusive, table_of(id))
}

/// `DEFERRABLE` and `INITIALLY DEFERRED`, or nothing.
pub fn deferrability(constraint: &Object) -> Sql {
    let mut sql = Sql::default();
    if constraint.flag(AttributeName::DEFERRABLE) {
        sql.push(&sql!("DEFERRABLE"));
    }
    if constraint.flag(AttributeName::INITIALLY_DEFERRED) {
        sql.push(&sql!("INITIALLY DEFERRED"));
    }
    sql
}
