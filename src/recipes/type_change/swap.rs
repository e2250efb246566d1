//! The short transaction in which the shadow column replaces the column.

use std::collections::BTreeSet;

use super::identity::move_identity;
use super::parts::Part;
use super::shadow::Shadow;
use crate::kinds::common::{self, attach_all, deferrability};
use crate::kinds::{Context, column};
use crate::model::AttributeName;
use crate::model::sql::{DollarQuoted, Expression, Ident, QualifiedName, Sql};
use crate::model::step::{Hazard, LockMode, Step};
use crate::model::version::PgVersion;
use crate::recipes::check::{add_not_valid, validate};
use crate::sql;

/// Returns the steps of the transaction.
pub(super) fn swap(shadow: &Shadow) -> Vec<Step> {
    let mut steps = lock_tables_and_drop_trigger(shadow);
    steps.extend(shadow.parts.iter().filter_map(|part| detach(shadow, part)));
    steps.extend(replace_column(shadow));
    let none = BTreeSet::new();
    let kind_context = Context { sides: shadow.context.sides, created: &none, dropped: &none };
    // Foreign keys of other tables need the key that they refer to.
    let (references, others): (Vec<_>, Vec<_>) =
        shadow.parts.iter().partition(|part| matches!(part, Part::Reference(_)));
    for part in others.into_iter().chain(references) {
        steps.push(attach(shadow, part));
        steps.extend(match part {
            Part::Index(object)
            | Part::Key(object, _)
            | Part::Constraint(object)
            | Part::Reference(object) => attach_all(object, &kind_context),
            Part::Sequence(_) => Vec::new(),
        });
    }
    // Storage and compression have steps of their own after a change of type.
    let mut after = shadow.after.clone();
    after.unset(AttributeName::STORAGE);
    after.unset(AttributeName::COMPRESSION);
    steps.extend(attach_all(&after, &kind_context));
    steps
}

fn lock_tables_and_drop_trigger(shadow: &Shadow) -> Vec<Step> {
    let context = shadow.context;
    let id = &context.step.object;
    let own_table = std::iter::once(sql!("{}", id.qualified_relation()));
    let tables: Vec<Sql> = own_table.chain(shadow.other_tables.iter().map(Sql::trusted)).collect();
    let lock = sql!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", Sql::join(&tables, ", "));
    let drop_trigger = sql!("DROP TRIGGER {} ON {}", Ident(&shadow.trigger), id.qualified_relation());
    let exclusive = |sql| Step::alter(id, sql).lock(LockMode::AccessExclusive, context.table());
    vec![
        exclusive(lock).reason("no scan from here on; the column becomes the last one of its table"),
        exclusive(drop_trigger),
        Step::alter(id, sql!("DROP FUNCTION {}()", shadow.function())),
    ]
}

/// Returns the step after which a part no longer depends on the column, if it would prevent the drop.
fn detach(shadow: &Shadow, part: &Part) -> Option<Step> {
    let id = &shadow.context.step.object;
    match part {
        Part::Sequence(sequence) => {
            let sql = sql!("ALTER SEQUENCE {} OWNED BY NONE", sequence.id.qualified());
            Some(Step::alter(id, sql))
        }
        Part::Reference(key) => {
            let sql =
                sql!("ALTER TABLE {} DROP CONSTRAINT {}", key.id.qualified_relation(), Ident(key.id.name()));
            Some(Step::alter(id, sql).lock(LockMode::AccessExclusive, common::table_of(&key.id)))
        }
        Part::Index(_) | Part::Key(..) | Part::Constraint(_) => None,
    }
}

/// Returns the steps that drop the column and give the shadow column its name.
fn replace_column(shadow: &Shadow) -> Vec<Step> {
    let context = shadow.context;
    let id = &context.step.object;
    let name = Ident(id.name());
    let mut drop = context.alter_table(id, &sql!("DROP COLUMN {}", name));
    let loses_data = |hazard: &&Hazard| matches!(hazard, Hazard::DataLoss(_));
    drop.hazards.extend(context.step.hazards.iter().filter(loses_data).cloned());
    let rename = sql!("RENAME COLUMN {} TO {}", Ident(shadow.column.id.name()), name);
    let rename = context.alter_table(id, &rename);
    let mut steps = if shadow.before.text(AttributeName::IDENTITY).is_empty() {
        vec![drop.reason("its values are in the shadow column"), rename]
    } else {
        let block = move_identity(shadow.after, &[drop.statement(), rename.statement()]);
        let reason = "its values are in the shadow column; the identity continues from its current value";
        vec![Step { sql: sql!("DO {}", DollarQuoted(&block)), ..drop }.reason(reason)]
    };
    if shadow.before.flag(AttributeName::NOT_NULL) && context.version() >= PgVersion::V18 {
        let (from, to) = (column::not_null_name(&shadow.column), column::not_null_name(shadow.after));
        steps.push(context.alter_table(id, &sql!("RENAME CONSTRAINT {} TO {}", Ident(&from), Ident(&to))));
    }
    steps
}

/// Returns the step that attaches a part to the new column.
fn attach(shadow: &Shadow, part: &Part) -> Step {
    let context = shadow.context;
    let id = &context.step.object;
    match part {
        Part::Index(object) => {
            let temporary = shadow.index_name(object);
            let index = QualifiedName { schema: &id.path()[0], name: &temporary };
            let rename = sql!("ALTER INDEX {} RENAME TO {}", index, Ident(object.id.name()));
            Step::alter(id, rename).lock(LockMode::AccessExclusive, context.table())
        }
        Part::Key(object, keyword) => {
            let mut add = sql!("ADD CONSTRAINT {} {}", Ident(object.id.name()), Sql::trusted(*keyword));
            add.push(&sql!("USING INDEX {}", Ident(&shadow.index_name(object))));
            add.push(&deferrability(object));
            context.alter_table(id, &add)
        }
        Part::Constraint(object) => context.alter_table(id, &add_not_valid(object)),
        Part::Reference(object) => {
            let add = sql!("ALTER TABLE {} {}", object.id.qualified_relation(), add_not_valid(object));
            Step::alter(id, add).lock(LockMode::ShareRowExclusive, common::table_of(&object.id))
        }
        Part::Sequence(sequence) => {
            let owner = Expression(sequence.text(AttributeName::OWNED_BY));
            Step::alter(id, sql!("ALTER SEQUENCE {} OWNED BY {}", sequence.id.qualified(), owner))
        }
    }
}

/// Returns the step that validates a constraint after the swap.
pub(super) fn validate_part(part: &Part) -> Option<Step> {
    match part {
        Part::Constraint(object) | Part::Reference(object)
            if !object.flag(AttributeName::NOT_VALID) && !object.flag(AttributeName::NOT_ENFORCED) =>
        {
            Some(validate(&object.id, object.id.name(), &common::table_of(&object.id)))
        }
        Part::Constraint(_) | Part::Reference(_) | Part::Index(_) | Part::Key(..) | Part::Sequence(_) => None,
    }
}
