//! Tries the expressions of the directive `using`.

use crate::db::{Row, Session};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::kinds::{KindName, column};
use crate::model::Plan;
use crate::model::sql::{Ident, Literal, Sql};
use crate::model::{Catalog, Directives, Object, ObjectId, Pair};
use crate::recipes::{ProbeResults, changes_type};
use crate::sandbox::Sandbox;
use crate::sql;

/// `undefined_object`: a type does not exist (manual, appendix A).
const UNDEFINED_OBJECT: &str = "42704";

/// Tries the expressions on copies of the tables, and records which of them do not rewrite the table.
///
/// # Errors
/// Returns an error for each expression that the server refuses.
pub(super) async fn probe_expressions(
    sandbox: &Sandbox,
    plan: &Plan,
    sides: Pair<&Catalog>,
    directives: &Directives,
    results: &mut ProbeResults,
) -> Result<()> {
    let steps = plan.steps.iter().filter(|step| changes_type(step));
    let usings: Vec<_> =
        steps.filter_map(|step| Some((&step.object, directives.usings.get(&step.object)?))).collect();
    if usings.is_empty() {
        return Ok(());
    }
    let copy = sandbox.load_catalog(sides.before).await?;
    let session = &copy.database.session;
    let mut errors = Vec::new();
    for (id, (expression, place)) in usings {
        let Some(after) = sides.after.get(id) else { continue };
        match probe_expression(session, after, expression).await? {
            Ok(Rewrite::No) => drop(results.no_rewrite.insert(id.clone())),
            Ok(Rewrite::Yes) => {}
            Err(message) => errors.push(
                Diagnostic::new(codes::INTENT, format!("`using` of {id} cannot be evaluated: {message}"))
                    .at(place.clone())
                    .help(
                        "`using` is an expression over the columns of the row before the change; names are looked up \
                         in the schema `public`",
                    ),
            ),
        }
    }
    copy.database.drop_now().await?;
    if errors.is_empty() { Ok(()) } else { Err(Error::Diagnostics(errors)) }
}

/// Whether a change rewrites the table.
enum Rewrite {
    No,
    Yes,
}

/// Tries one expression. The inner error is the server's message about it.
async fn probe_expression(
    session: &Session,
    after: &Object,
    expression: &str,
) -> Result<std::result::Result<Rewrite, String>> {
    let id = &after.id;
    let table = Ident(&id.path()[1]);
    let begin = sql!(
        "BEGIN; SET LOCAL search_path = public; CREATE TEMP TABLE {} (LIKE {})",
        table,
        id.qualified_relation()
    );
    let mut change = after.clone();
    change.id = ObjectId::new(KindName::Column, &["pg_temp", &id.path()[1], id.name()]);
    let change = column::change_type(&change, &sql!("({})", Sql::trusted(expression)));
    let file = sql!(
        "SELECT pg_catalog.pg_relation_filenode({}::pg_catalog.regclass)",
        Literal(&sql!("pg_temp.{}", table).to_string())
    );
    let outcome = async {
        session.run(begin.as_str()).await?;
        let value = |rows: Vec<Row>| rows.first().and_then(|row| row.get(0)).map(str::to_owned);
        let before = value(session.rows(file.as_str()).await?);
        session.run(change.as_str()).await?;
        let after = value(session.rows(file.as_str()).await?);
        Ok::<_, Error>(if before == after { Rewrite::No } else { Rewrite::Yes })
    }
    .await;
    session.run("ROLLBACK").await?;
    match outcome {
        Ok(rewrite) => Ok(Ok(rewrite)),
        // A type that the plan creates.
        Err(Error::Server(error)) if error.code == UNDEFINED_OBJECT => Ok(Ok(Rewrite::Yes)),
        Err(Error::Server(error)) => Ok(Err(error.message)),
        Err(other) => Err(other),
    }
}
