//! How old values become values of a new type: as the user says, else by a cast.

use super::{PlanFacts, ProbeResults, RecipeContext};
use crate::db::{Row, Session};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::kinds::{KindName, column};
use crate::model::Directives;
use crate::model::sql::{Expression, Ident, Literal, Sql};
use crate::model::{Action, Catalog, Hazard, Object, ObjectId, Pair, Step};
use crate::plan::Plan;
use crate::recipes::probe::default_of;
use crate::sandbox::Sandbox;
use crate::sql;

/// The expression that the user wants for a step, where it changes a column's type on the way up.
pub(super) fn wanted<'a>(step: &Step, known: &PlanFacts<'a>) -> Option<&'a str> {
    let asked = changes_type(step) && !known.back;
    known.directives.usings.get(&step.object).filter(|_| asked).map(|(expression, _)| expression.as_str())
}

/// Whether the step is that which gives a column of a table its type.
pub(super) fn changes_type(step: &Step) -> bool {
    let of_column = step.object.kind == KindName::Column && step.lock.is_some();
    of_column && step.action == Action::Alter && step.alteration == Some("type")
}

/// A step, with names that it does not qualify looked up where most sessions do.
fn in_public(step: Step, why: &'static str) -> Vec<Step> {
    let own = |text: &str| Step::alter(&step.object, Sql::trusted(text));
    let (open, close) =
        (own("SET LOCAL search_path = public").reason(why), own("SET LOCAL search_path = ''"));
    vec![open, step, close]
}

/// Whether a new column's rows get what a function of the user's says, whose body may rest on the search path.
fn is_filled_by_a_function(step: &Step, catalog: &Catalog) -> bool {
    let comes = step.object.kind == KindName::Column && step.action == Action::Create && step.lock.is_some();
    let default = default_of(&step.object, catalog).map(|default| &default.id);
    let needed = catalog.dependencies_of(&step.object).map(|(id, _)| id);
    let domains = needed.filter(|id| id.kind == KindName::Domain);
    let mut fillers = default.into_iter().chain(domains);
    comes && fillers.any(|id| catalog.dependencies_of(id).any(|(id, _)| id.kind == KindName::Function))
}

/// The steps of a policy that takes the change as one statement.
pub(super) fn directly(site: &RecipeContext, step: Step) -> Vec<Step> {
    if is_filled_by_a_function(&step, site.sides.after) {
        return in_public(step, "what the default calls is looked up there");
    }
    let Some(after) = site.after().filter(|_| changes_type(&step)) else { return vec![step] };
    if let Some(expression) = wanted(&step, &site.known) {
        let sql = column::change_type(after, &sql!("({})", Sql::trusted(expression)));
        return in_public(Step { sql, ..step }, "names in the expression are looked up there");
    }
    if goes_through_text(site) {
        let sql = column::change_type(after, &through_text(after, &sql!("{}", Ident(after.id.name()))));
        let hazards = if step.quiet { None } else { Some(doubt(after)) };
        return vec![Step { sql, hazards: step.hazards.into_iter().chain(hazards).collect(), ..step }];
    }
    vec![step]
}

/// Whether there is no cast, and nobody says how old values become new ones: the way back of an expression of the
/// user's, say. Every type can be written and read.
pub(super) fn goes_through_text(site: &RecipeContext) -> bool {
    site.known.probed.has_no_cast(&site.step.object) && wanted(site.step, &site.known).is_none()
}

/// What may come of it.
pub(super) fn doubt(after: &Object) -> Hazard {
    let (id, ty) = (&after.id, after.text("type"));
    Hazard::Violation(format!(
        "no cast leads to {ty}: values of {id} are read from their text, which may fail"
    ))
}

fn through_text(after: &Object, value: &Sql) -> Sql {
    sql!("{}::text::{}", value, Expression(after.text("type")))
}

/// What the server says of the expressions, tried on tables like those that are there. Tells which of them write
/// the table anew.
///
/// # Errors
/// Those that the server refuses.
pub(super) async fn try_out(
    sandbox: &Sandbox,
    plan: &Plan,
    sides: Pair<&Catalog>,
    directives: &Directives,
    probed: &mut ProbeResults,
) -> Result<()> {
    let steps = plan.steps.iter().filter(|step| changes_type(step));
    let asked = steps.filter_map(|step| Some((&step.object, directives.usings.get(&step.object)?)));
    let asked: Vec<_> = asked.collect();
    if asked.is_empty() {
        return Ok(());
    }
    let copy = sandbox.load_catalog(sides.before).await?;
    let session = &copy.database.session;
    let mut wrong = Vec::new();
    for (id, (expression, place)) in asked {
        let Some(after) = sides.after.get(id) else { continue };
        match attempt(session, id, after, expression).await? {
            Ok(rewrites) => probed.told(id, rewrites),
            Err(message) => wrong.push(
                Diagnostic::new(codes::INTENT, format!("the new values of {id} cannot be computed: {message}"))
                    .at(place.clone())
                    .help(
                        "`using` is an expression over the columns of the row as it is before the change; names are \
                         looked up in the schema `public`",
                    ),
            ),
        }
    }
    copy.database.drop_now().await?;
    if wrong.is_empty() { Ok(()) } else { Err(Error::Diagnostics(wrong)) }
}

/// Whether the table is written anew, or what the server has against it.
async fn attempt(
    session: &Session,
    id: &ObjectId,
    after: &Object,
    expression: &str,
) -> Result<std::result::Result<bool, String>> {
    let table = Ident(&id.path()[1]);
    let begin = sql!("BEGIN; SET LOCAL search_path = public; CREATE TEMP TABLE {} (LIKE {})", table, id.on());
    let mut change = after.clone();
    change.id = ObjectId::new(KindName::Column, &["pg_temp", &id.path()[1], id.name()]);
    let change = column::change_type(&change, &sql!("({})", Sql::trusted(expression)));
    let node = sql!(
        "SELECT pg_catalog.pg_relation_filenode({}::pg_catalog.regclass)",
        Literal(&sql!("pg_temp.{}", table).to_string())
    );
    let told = async {
        session.run(begin.as_str()).await?;
        let one = |rows: Vec<Row>| rows.first().and_then(|row| row.get(0)).map(str::to_owned);
        let was = one(session.rows(node.as_str()).await?);
        session.run(change.as_str()).await?;
        Ok::<_, Error>(was != one(session.rows(node.as_str()).await?))
    }
    .await;
    session.run("ROLLBACK").await?;
    match told {
        Ok(rewrites) => Ok(Ok(rewrites)),
        // A type that the plan brings.
        Err(Error::Server(error)) if error.code == "42704" => Ok(Ok(true)),
        Err(Error::Server(error)) => Ok(Err(error.message)),
        Err(other) => Err(other),
    }
}

/// The body of a trigger's function that gives a column of each row the new value.
pub(super) fn body(site: &RecipeContext, target: &str) -> Option<String> {
    let value = match wanted(site.step, &site.known) {
        // The row goes by the table's name, so that the expression reads as in an UPDATE.
        Some(expression) => {
            let table = sql!("{}", Ident(&site.step.object.path()[1]));
            format!("(SELECT ({expression}) FROM (SELECT NEW.*) AS {table})")
        }
        None => derived(site, "NEW.")?.to_string(),
    };
    let target = sql!("{}", Ident(target));
    Some(format!(
        "\n#variable_conflict use_column\nBEGIN\n    NEW.{target} := {value};\n    RETURN NEW;\nEND\n"
    ))
}

/// The new value of the step's column.
pub(super) fn value(site: &RecipeContext) -> Option<Sql> {
    match wanted(site.step, &site.known) {
        Some(expression) => Some(Sql::trusted(expression)),
        None => derived(site, ""),
    }
}

/// The new value where the user says none, of the column of a row.
fn derived(site: &RecipeContext, row: &str) -> Option<Sql> {
    let column = Pair { before: site.before()?, after: site.after()? };
    let value = sql!("{}{}", Sql::trusted(row), Ident(column.after.id.name()));
    let through = goes_through_text(site);
    let cast = || column::cast(column, &value, site.sides).unwrap_or_else(|| value.clone());
    Some(if through { through_text(column.after, &value) } else { cast() })
}
