//! A column with CHECK constraints gets a type that keeps its values as they are.

use std::collections::BTreeSet;

use super::check::{add_not_valid, validate};
use super::columns::{changes_type, checks_on};
use super::conversion::using_expression;
use super::recipe::{Placement, Policies, Recipe, RecipeContext, scan};
use crate::kinds::Context;
use crate::kinds::common::attach_all;
use crate::model::object::Object;
use crate::model::sql::Ident;
use crate::model::step::{Hazard, Step};
use crate::sql;

/// The constraints are dropped, added again for new rows in the same transaction, and validated afterwards.
pub(super) static RECIPE: Recipe = Recipe {
    name: "type changed without its CHECK constraints",
    risk: "ALTER COLUMN TYPE checks the column's constraints for every row while reads and writes wait",
    policies: Policies::Safe,
    placement: Placement::AfterFirst,
    steps: |context| Ok(steps(context)),
};

fn steps(context: &RecipeContext) -> Option<Vec<Step>> {
    let id = &context.step.object;
    let keeps_values = changes_type(context.step) && !context.facts.probes.rewrites_or_reindexes(id);
    if !keeps_values || using_expression(context).is_some() {
        return None;
    }
    let checks: Vec<&Object> = checks_on(id, context.sides).collect();
    if checks.is_empty() || !checks.iter().all(|check| is_independent(check, context)) {
        return None;
    }
    let table = context.table();
    let none = BTreeSet::new();
    let kind_context = Context { sides: context.sides, created: &none, dropped: &none };
    let mut steps = Vec::new();
    for check in &checks {
        let drop = context.alter_table(id, &sql!("DROP CONSTRAINT {}", Ident(check.id.name())));
        steps.push(drop.reason("added again below, in the same transaction"));
    }
    let mut change = context.step.clone();
    change.hazards.retain(|hazard| !matches!(hazard, Hazard::Scan(_) | Hazard::Rewrite(_)));
    steps.push(change);
    for check in &checks {
        steps.push(context.alter_table(id, &add_not_valid(check)));
        steps.extend(attach_all(check, &kind_context));
    }
    steps.extend(checks.iter().map(|check| validate(&check.id, check.id.name(), &table)));
    let analyze = scan(id, sql!("ANALYZE {} ({})", id.qualified_relation(), Ident(id.name())), &table);
    steps.push(analyze.reason("a change of type discards the column's statistics"));
    for step in &mut steps {
        step.object = id.clone();
    }
    Some(steps)
}

/// Whether the plan does not change the constraint, and no parent or child of its table has it.
fn is_independent(check: &Object, context: &RecipeContext) -> bool {
    let sides = [context.sides.before, context.sides.after];
    !context.affected.changed.contains(&check.id)
        && sides.iter().all(|side| side.is_plain_table(&context.table()))
}
