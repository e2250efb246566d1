//! Another name for an object, or another schema.

use crate::model::kind::Namespace;
use crate::model::sql::Ident;
use crate::model::{Hazard, LockMode, Object, Step};
use crate::sql;

/// Another name for an object, which those who use it see.
pub fn rename(object: &Object, name: &str) -> Step {
    let step = rename_quietly(object, name);
    let id = &object.id;
    step.hazard(Hazard::BreaksClients(format!("{id} is called {} from then on", sql!("{}", Ident(name)))))
}

/// The same for a relation, which nobody can use meanwhile.
pub fn rename_relation(object: &Object, name: &str) -> Step {
    rename(object, name).lock(LockMode::AccessExclusive, &object.id)
}

/// The same for an object that nobody names but who changes the schema.
pub fn rename_quietly(object: &Object, name: &str) -> Step {
    let reference = (object.id.kind.get().reference)(object);
    Step::alter(&object.id, sql!("ALTER {} RENAME TO {}", reference, Ident(name)))
}

/// The same for what hangs off a relation.
pub fn rename_on_relation(object: &Object, name: &str) -> Step {
    rename_quietly(object, name).lock(LockMode::AccessExclusive, &object.id)
}

/// Another name for a constraint.
pub fn rename_constraint(constraint: &Object, name: &str) -> Step {
    let id = &constraint.id;
    let sql = sql!("ALTER TABLE {} RENAME CONSTRAINT {} TO {}", id.on(), Ident(id.name()), Ident(name));
    Step::alter(id, sql).lock(LockMode::AccessExclusive, id)
}

/// Another name for an index and for the constraint on it. `ALTER INDEX` lets everybody go on, which
/// `RENAME CONSTRAINT` does not (manual, `ALTER INDEX`).
pub fn rename_index(index: &Object, name: &str) -> Step {
    let id = &index.id;
    let old = sql!("{}.{}", Ident(&id.path()[0]), Ident(id.name()));
    let step = Step::alter(id, sql!("ALTER INDEX {} RENAME TO {}", old, Ident(name)));
    step.lock(LockMode::ShareUpdateExclusive, old.to_string())
}

/// Another schema for an object, which takes along what is part of it.
pub fn move_to(object: &Object, schema: &str) -> Step {
    let reference = (object.id.kind.get().reference)(object);
    let step = Step::alter(&object.id, sql!("ALTER {} SET SCHEMA {}", reference, Ident(schema)));
    let what = format!("{} is in schema {} from then on", object.id, sql!("{}", Ident(schema)));
    let step = step.hazard(Hazard::BreaksClients(what));
    let is_relation = object.id.kind.get().namespaces.contains(&Namespace::Relations);
    if is_relation { step.lock(LockMode::AccessExclusive, &object.id) } else { step }
}
