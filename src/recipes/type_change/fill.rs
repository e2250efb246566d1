//! Steps that create the shadow column, its trigger and its indexes.

use super::parts::Part;
use super::shadow::Shadow;
use crate::kinds::{column, index};
use crate::model::AttributeName;
use crate::model::object::Object;
use crate::model::sql::{DollarQuoted, Ident, Sql};
use crate::model::step::{LockMode, Step, Transaction};
use crate::model::value::Value;
use crate::recipes::conversion::{
    converts_through_text, text_conversion_hazard, trigger_body, using_expression,
};
use crate::sql;

/// Returns the steps that add the shadow column with NULL, and the trigger that fills it in new rows.
pub(super) fn create(shadow: &Shadow) -> Option<Vec<Step>> {
    let context = shadow.context;
    let id = &context.step.object;
    let mut bare = shadow.column.clone();
    bare.unset(AttributeName::NOT_NULL_NAME);
    let add = context.alter_table(id, &sql!("ADD COLUMN {}", column::definition(&bare)));
    let body = trigger_body(context, shadow.column.id.name())?;
    let search_path = if using_expression(context).is_some() { "public" } else { "''" };
    let create = sql!(
        "CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql SET search_path = {} AS {}",
        shadow.function(),
        Sql::trusted(search_path),
        DollarQuoted(&body),
    );
    let trigger = sql!(
        "CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}()",
        Ident(&shadow.trigger),
        id.qualified_relation(),
        shadow.function(),
    );
    let mut trigger = Step::alter(id, trigger).lock(LockMode::ShareRowExclusive, context.table());
    if converts_through_text(context) {
        trigger.hazards.extend(context.after().map(text_conversion_hazard));
    }
    // Also for rows that a subscription writes.
    let enable =
        sql!("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}", id.qualified_relation(), Ident(&shadow.trigger));
    let enable = Step::alter(id, enable).lock(LockMode::ShareRowExclusive, context.table());
    Some(vec![
        add.reason("shadow column of the new type; it replaces the column at the end"),
        Step::alter(id, create).reason("fills the shadow column in rows that are written from now on"),
        trigger,
        enable,
    ])
}

/// Returns the step that builds an index on the shadow column, if the part has one.
pub(super) fn build_index(shadow: &Shadow, part: &Part) -> Option<Step> {
    let context = shadow.context;
    let (original, mut index, how) = match part {
        Part::Index(original) => {
            let index = context.facts.probes.shadow_index(&context.step.object, &original.id)?;
            (*original, index.clone(), index::BuildMode::Concurrent)
        }
        Part::Key(original, _) => {
            (*original, key_on_shadow(shadow, original), index::BuildMode::ConcurrentForKey)
        }
        Part::Constraint(_) | Part::Reference(_) | Part::Sequence(_) => return None,
    };
    index.id = original.id.renamed(&shadow.index_name(original));
    let step = Step::create(&original.id, index::statement(&index, how))
        .lock(LockMode::ShareUpdateExclusive, context.table())
        .transaction(Transaction::Outside);
    Some(step.reason(format!("replaces {} at the end", original.id)))
}

/// Returns a key with the shadow column in place of the column.
fn key_on_shadow(shadow: &Shadow, key: &Object) -> Object {
    let (column, shadow_column) = (shadow.context.step.object.name(), shadow.column.id.name());
    let mut copy = key.clone();
    for name in [AttributeName::COLUMNS, AttributeName::INCLUDE] {
        let replace = |other: &String| if other == column { shadow_column.to_owned() } else { other.clone() };
        copy.set(name, Value::List(key.list(name).iter().map(replace).collect()));
    }
    copy
}
