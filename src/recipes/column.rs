//! A new column gets its value in existing rows without a rewrite of the table.

mod filler;
mod identity;

use super::backfill::{Backfill, null_rows};
use super::columns::{default_of, is_null_only};

use super::not_null::set_not_null;
use super::policy::Policy;
use super::recipe::{Placement, Policies, Recipe, RecipeContext};
use crate::error::{Diagnostic, Result, codes};
use crate::kinds::{KindName, column, column_default};
use crate::model::AttributeName;
use crate::model::direction::Direction;
use crate::model::directives;
use crate::model::object::Object;
use crate::model::step::{Action, Hazard, LockMode, Step};
use crate::sql;

use filler::Filler;
use identity::IdentitySequence;

/// The column is added with NULL, gets its default for new rows, is backfilled in batches, and gets its constraints last.
pub(super) static RECIPE: Recipe = Recipe {
    name: "column filled in batches",
    risk: "ADD COLUMN with this default rewrites the table while reads and writes wait",
    policies: Policies::All,
    placement: Placement::AfterFirst,
    steps: |context| {
        let adds = context.step.object.kind == KindName::Column && context.step.action == Action::Create;
        let Some(column) = context.after().filter(|_| adds) else { return Ok(None) };
        steps(context, column)
    },
};

fn steps(context: &RecipeContext, column: &Object) -> Result<Option<Vec<Step>>> {
    let directive = context.facts.directives.backfills.get(&column.id);
    if column.flag(AttributeName::INHERITED) || !column.text(AttributeName::GENERATED).is_empty() {
        return Ok(None);
    }
    if directive.is_none() {
        if context.options.policy == Policy::Direct {
            return Ok(None);
        }
        let after = context.sides.after;
        if is_null_only(&column.id, after) || !context.facts.probes.rewrites(&column.id) {
            let has_default = default_of(&column.id, after).is_some();
            return if column.flag(AttributeName::NOT_NULL) && !has_default {
                refuse_without_value(context, column)
            } else {
                Ok(None)
            };
        }
    }
    Ok(filled_in_batches(context, column, directive))
}

/// Returns the steps that add the column and fill it. `None` if there is no value to fill it with.
fn filled_in_batches(
    context: &RecipeContext,
    column: &Object,
    directive: Option<&directives::Backfill>,
) -> Option<Vec<Step>> {
    let id = &column.id;
    let default = default_of(id, context.sides.after);
    let is_identity = !column.text(AttributeName::IDENTITY).is_empty();
    let sequence = is_identity.then(|| IdentitySequence::of(context, column));
    let value = match (directive, &sequence, default) {
        (Some(directive), _, _) => directive.expression.clone(),
        (None, Some(sequence), _) => sequence.next_value().to_string(),
        (None, None, Some(default)) => default.text(AttributeName::EXPRESSION).to_owned(),
        // A domain that is NOT NULL and has no default of its own.
        (None, None, None) => return None,
    };
    let mut steps = vec![add_column(context, column)];
    if let Some(sequence) = &sequence {
        steps.extend(sequence.create(context));
    }
    if let Some(default) = default {
        let set = column_default::set(default).lock(LockMode::AccessExclusive, context.table());
        steps.push(set.reason("for new rows only"));
    }
    let needs_filler = directive.is_some() && default.is_none() && column.flag(AttributeName::NOT_NULL);
    let filler = needs_filler.then(|| Filler::of(context, column));
    if let Some(filler) = &filler {
        steps.extend(filler.create(context, &value));
    }
    let condition = null_rows(column, directive.and_then(|directive| directive.condition.as_deref()));
    let batch = directive.and_then(|directive| directive.batch);
    steps.extend(Backfill { column, shown_as: id, value, condition, batch }.steps(context));
    if column.flag(AttributeName::NOT_NULL) || is_identity {
        steps.extend(set_not_null(context, column));
    }
    if let Some(filler) = &filler {
        steps.extend(filler.drop(context));
        let breaks = format!("programs that insert rows without {id} fail from now on");
        if let Some(last) = steps.last_mut() {
            last.hazards.push(Hazard::BreaksClients(breaks));
        }
    }
    if let Some(sequence) = &sequence {
        steps.extend(sequence.replace_by_identity(context));
    }
    Some(steps)
}

/// Returns the step that adds the column without anything that needs a value in existing rows.
fn add_column(context: &RecipeContext, column: &Object) -> Step {
    let id = &column.id;
    let mut bare = column.clone();
    for name in [
        AttributeName::NOT_NULL,
        AttributeName::NOT_NULL_NAME,
        AttributeName::NOT_NULL_NO_INHERIT,
        AttributeName::NOT_NULL_NOT_VALID,
        AttributeName::IDENTITY,
        AttributeName::SEQUENCE,
    ] {
        bare.unset(name);
    }
    let sql = sql!("ALTER TABLE {} ADD COLUMN {}", id.qualified_relation(), column::definition(&bare));
    let step = Step::create(id, sql).lock(LockMode::AccessExclusive, context.table());
    step.reason("existing rows get NULL; no rewrite")
}

/// Fails for a column that is NOT NULL and has no value for existing rows.
fn refuse_without_value(context: &RecipeContext, column: &Object) -> Result<Option<Vec<Step>>> {
    let id = &column.id;
    let size = context.facts.sizes.total(&context.table(), context.sides.before);
    let Some(size) = size.filter(|size| !size.empty) else { return Ok(None) };
    // For a rollback, the user could not declare a value.
    if context.options.direction == Direction::Rollback {
        return Ok(None);
    }
    let rows = if size.rows > 0.0 {
        format!("about {:.0} existing rows", size.rows)
    } else {
        "existing rows".into()
    };
    let name = id.name();
    Err(Diagnostic::new(codes::REQUIRED, format!("{id} is NOT NULL but has no value for {rows}"))
        .help(format!(
            "add a backfill: in YAML `{name}: {{…, backfill: \"expression\"}}`, in SQL a comment \
             `-- schemadiff: backfill: expression` on the column's line"
        ))
        .help("or give the column a default, or let it be NULL")
        .into())
}
