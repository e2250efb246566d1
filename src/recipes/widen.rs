//! A type that leaves every value as it is, of a column that CHECK constraints name.

use std::collections::BTreeSet;

use super::check::{constraint, validate};
use super::{Placement, Recipe, RecipeContext, retype, scan, using};
use crate::kinds::Context;
use crate::kinds::common::attach_all;
use crate::model::sql::{Ident, Sql};
use crate::model::{Hazard, LockMode, Object, Step};
use crate::sql;

/// The constraints go and come back for new rows alone, and are looked for in old ones while work goes on.
pub(super) static RECIPE: Recipe = Recipe {
    name: "type changed apart from its constraints",
    refused: "ALTER COLUMN TYPE looks for the column's constraints in every row while nobody can use the table",
    always: false,
    turn: Placement::ReadyAtFirst,
    steps: |site| Ok(steps(site)),
};

fn steps(site: &RecipeContext) -> Option<Vec<Step>> {
    let id = &site.step.object;
    let probed = site.known.probed;
    let plain = using::changes_type(site.step) && !probed.rewrites(id) && !probed.reindexes(id);
    if !plain || using::wanted(site.step, &site.known).is_some() {
        return None;
    }
    let checks: Vec<&Object> = retype::checks(id, site.sides).collect();
    if checks.is_empty() || !checks.iter().all(|check| is_alone(check, site)) {
        return None;
    }
    let table = site.table();
    let alter = |what: &Sql| {
        Step::alter(id, sql!("ALTER TABLE {} {}", id.on(), what)).lock(LockMode::AccessExclusive, &table)
    };
    let none = BTreeSet::new();
    let context = Context { sides: site.sides, created: &none, dropped: &none };
    let mut steps = Vec::new();
    for check in &checks {
        let drop = alter(&sql!("DROP CONSTRAINT {}", Ident(check.id.name())));
        steps.push(drop.reason("comes back below, and holds for every row written meanwhile"));
    }
    let mut change = site.step.clone();
    change.hazards.retain(|hazard| !matches!(hazard, Hazard::Scan(_) | Hazard::Rewrite(_)));
    steps.push(change);
    for check in &checks {
        steps.push(alter(&constraint(check)));
        steps.extend(attach_all(check, &context));
    }
    steps.extend(checks.iter().map(|check| validate(&check.id, check.id.name(), &table)));
    let analyze = sql!("ANALYZE {} ({})", id.on(), Ident(id.name()));
    steps.push(
        scan(id, analyze, &table).reason("the server forgets what it knew of a column whose type changes"),
    );
    for step in &mut steps {
        step.object = id.clone();
    }
    Some(steps)
}

/// Whether nothing but its own table has the constraint, and the plan leaves it alone.
fn is_alone(check: &Object, site: &RecipeContext) -> bool {
    let sides = [site.sides.before, site.sides.after];
    !site.touched.contains(&check.id) && sides.iter().all(|side| side.is_plain_table(&site.table()))
}
