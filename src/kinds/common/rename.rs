//! Statements that rename an object or move it to another schema.

use crate::model::kind::Namespace;
use crate::model::sql::Ident;
use crate::model::{Hazard, LockMode, Object, Step};
use crate::sql;

/// Renames an object that clients refer to.
pub fn rename(object: &Object, name: &str) -> Step {
    let step = rename_quietly(object, name);
    let id = &object.id;
    step.hazard(Hazard::BreaksClients(format!("renames {id} to {}", sql!("{}", Ident(name)))))
}

/// Renames a relation.
pub fn rename_relation(object: &Object, name: &str) -> Step {
    rename(object, name).lock(LockMode::AccessExclusive, &object.id)
}

/// Renames an object that only DDL statements refer to.
pub fn rename_quietly(object: &Object, name: &str) -> Step {
    let reference = (object.id.kind.get().reference)(object);
    Step::alter(&object.id, sql!("ALTER {} RENAME TO {}", reference, Ident(name)))
}

/// Renames an object on a relation, such as a trigger.
pub fn rename_on_relation(object: &Object, name: &str) -> Step {
    rename_quietly(object, name).lock(LockMode::AccessExclusive, &object.id)
}

/// Renames a constraint.
pub fn rename_constraint(constraint: &Object, name: &str) -> Step {
    let id = &constraint.id;
    let sql = sql!(
        "ALTER TABLE {} RENAME CONSTRAINT {} TO {}",
        id.qualified_relation(),
        Ident(id.name()),
        Ident(name)
    );
    Step::alter(id, sql).lock(LockMode::AccessExclusive, id)
}

/// Renames an index and the constraint that it belongs to. `ALTER INDEX` does not block reads and writes, unlike
/// `RENAME CONSTRAINT` (manual, `ALTER INDEX`).
pub fn rename_index(index: &Object, name: &str) -> Step {
    let id = &index.id;
    let old = sql!("{}.{}", Ident(&id.path()[0]), Ident(id.name()));
    let step = Step::alter(id, sql!("ALTER INDEX {} RENAME TO {}", old, Ident(name)));
    step.lock(LockMode::ShareUpdateExclusive, old.to_string())
}

/// Moves an object, with its parts, to another schema.
pub fn move_to(object: &Object, schema: &str) -> Step {
    let reference = (object.id.kind.get().reference)(object);
    let step = Step::alter(&object.id, sql!("ALTER {} SET SCHEMA {}", reference, Ident(schema)));
    let risk = format!("moves {} to schema {}", object.id, sql!("{}", Ident(schema)));
    let step = step.hazard(Hazard::BreaksClients(risk));
    let is_relation = object.id.kind.get().namespaces.contains(&Namespace::Relations);
    if is_relation { step.lock(LockMode::AccessExclusive, &object.id) } else { step }
}
