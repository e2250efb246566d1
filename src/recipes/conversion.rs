//! How the values of a column are converted when its type changes: by the directive `using`, else by a cast.

use super::columns::{changes_type, default_of};
use super::recipe::RecipeContext;
use crate::kinds::{KindName, column};
use crate::model::AttributeName;
use crate::model::object::{Object, Pair};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::step::{Action, Hazard, Step};
use crate::sql;

/// Returns the expression of the directive `using`, if the step changes a column's type and there is one.
pub(super) fn using_expression<'a>(context: &RecipeContext<'a>) -> Option<&'a str> {
    let using = context.facts.directives.usings.get(&context.step.object);
    using.filter(|_| changes_type(context.step)).map(|(expression, _)| expression.as_str())
}

/// Whether there is neither a cast nor a directive, so that values are converted through text. This is so for the
/// rollback of a change with a directive, for example.
pub(super) fn converts_through_text(context: &RecipeContext) -> bool {
    context.facts.probes.no_cast.contains(&context.step.object) && using_expression(context).is_none()
}

/// Returns the hazard of a conversion through text.
pub(super) fn text_conversion_hazard(column: &Object) -> Hazard {
    let (id, ty) = (&column.id, column.text(AttributeName::TYPE));
    Hazard::Violation(format!(
        "there is no cast to {ty}, so values of {id} are converted through text, which may fail"
    ))
}

/// Returns the steps for a planned step to which no recipe applies: the step, with the settings that its expressions
/// need.
pub(super) fn direct_steps(context: &RecipeContext, step: Step) -> Vec<Step> {
    if calls_function_for_existing_rows(context) {
        return with_public_in_search_path(step, "functions that the default calls are looked up in public");
    }
    let Some(column) = context.after().filter(|_| changes_type(&step)) else { return vec![step] };
    if let Some(expression) = using_expression(context) {
        let sql = column::change_type(column, &sql!("({})", Sql::trusted(expression)));
        let step = Step { sql, ..step };
        return with_public_in_search_path(step, "names in the expression are looked up in public");
    }
    if converts_through_text(context) {
        let value = cast_through_text(column, &sql!("{}", Ident(column.id.name())));
        let hazard = (!step.on_empty_table).then(|| text_conversion_hazard(column));
        let hazards = step.hazards.into_iter().chain(hazard).collect();
        return vec![Step { sql: column::change_type(column, &value), hazards, ..step }];
    }
    vec![step]
}

/// Whether a user-defined function computes a new column's value in existing rows. Its body may depend on the search
/// path.
fn calls_function_for_existing_rows(context: &RecipeContext) -> bool {
    let (step, catalog) = (context.step, context.sides.after);
    let adds_column =
        step.object.kind == KindName::Column && step.action == Action::Create && step.lock.is_some();
    let default = default_of(&step.object, catalog).map(|default| &default.id);
    let needed = catalog.dependencies_of(&step.object).map(|(id, _)| id);
    let domains = needed.filter(|id| id.kind == KindName::Domain);
    let mut sources = default.into_iter().chain(domains);
    adds_column && sources.any(|id| catalog.dependencies_of(id).any(|(id, _)| id.kind == KindName::Function))
}

/// Returns a step with unqualified names looked up in the schema `public`, as in most sessions.
fn with_public_in_search_path(step: Step, reason: &'static str) -> Vec<Step> {
    let set = |text: &str| Step::alter(&step.object, Sql::trusted(text));
    let open = set("SET LOCAL search_path = public").reason(reason);
    let close = set("SET LOCAL search_path = ''");
    vec![open, step, close]
}

/// Returns the body of a trigger function that writes the converted value of a row to the column `target`.
pub(super) fn trigger_body(context: &RecipeContext, target: &str) -> Option<String> {
    let value = match using_expression(context) {
        // The row has the table's name, so that the expression reads as in an UPDATE.
        Some(expression) => {
            let table = sql!("{}", Ident(&context.step.object.path()[1]));
            format!("(SELECT ({expression}) FROM (SELECT NEW.*) AS {table})")
        }
        None => cast_value(context, "NEW.")?.to_string(),
    };
    let target = sql!("{}", Ident(target));
    Some(format!(
        "\n#variable_conflict use_column\nBEGIN\n    NEW.{target} := {value};\n    RETURN NEW;\nEND\n"
    ))
}

/// Returns the converted value of the column as an expression over the columns of its table.
pub(super) fn converted_value(context: &RecipeContext) -> Option<Sql> {
    match using_expression(context) {
        Some(expression) => Some(Sql::trusted(expression)),
        None => cast_value(context, ""),
    }
}

/// Returns the value of the column, cast to its new type. `row` is the prefix for the column's name.
fn cast_value(context: &RecipeContext, row: &str) -> Option<Sql> {
    let column = Pair { before: context.before()?, after: context.after()? };
    let value = sql!("{}{}", Sql::trusted(row), Ident(column.after.id.name()));
    if converts_through_text(context) {
        return Some(cast_through_text(column.after, &value));
    }
    Some(column::cast(column, &value, context.sides).unwrap_or(value))
}

fn cast_through_text(column: &Object, value: &Sql) -> Sql {
    sql!("{}::text::{}", value, Expression(column.text(AttributeName::TYPE)))
}
