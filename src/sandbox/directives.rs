//! Checks the directives of a target against the declared columns.

use crate::db::Session;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::kinds::KindName;
use crate::model::sql::{Ident, Sql};
use crate::model::{Backfill, Directive, DirectiveKind, Directives, ObjectId};
use crate::sql;

/// Reads directives, each with its object if that was found.
///
/// # Errors
/// Returns an error if a directive does not belong to a column, or if the server rejects its expression.
pub(super) async fn read<'a>(
    directives: impl Iterator<Item = (Option<ObjectId>, &'a Directive)>,
    session: &Session,
) -> Result<Directives> {
    let mut found = Directives::default();
    let mut errors = Vec::new();
    for (object, Directive { kind, place }) in directives {
        let column = object.filter(|id| id.kind == KindName::Column);
        match (kind, column) {
            (DirectiveKind::Backfill { expression, condition, batch }, Some(column)) => {
                let backfill = Backfill {
                    expression: expression.clone(),
                    condition: condition.clone(),
                    batch: *batch,
                    place: place.clone(),
                };
                errors.extend(check_backfill(&column, &backfill, session).await?);
                found.backfills.insert(column, backfill);
            }
            (DirectiveKind::Using(expression), Some(column)) => {
                found.usings.insert(column, (expression.clone(), place.clone()));
            }
            (DirectiveKind::Backfill { .. } | DirectiveKind::Using(_), None) => errors.push(
                Diagnostic::new(codes::INTENT, "this directive does not belong to a column")
                    .at(place.clone())
                    .help("write it on the line of the column that it is about, or on the line above"),
            ),
            // These are read by `declare::renames`.
            (
                DirectiveKind::RenamedFrom(_)
                | DirectiveKind::RenamedValues(_)
                | DirectiveKind::DropConfirmed,
                _,
            ) => {}
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(Error::Diagnostics(errors)) }
}

/// Tries a backfill on the declared table, which has no rows, and returns the server's error.
async fn check_backfill(
    column: &ObjectId,
    backfill: &Backfill,
    session: &Session,
) -> Result<Option<Diagnostic>> {
    let condition = backfill.condition.as_deref().unwrap_or("true");
    let update = sql!(
        "UPDATE ONLY {} SET {} = ({}) WHERE ({}) AND false",
        column.qualified_relation(),
        Ident(column.name()),
        Sql::trusted(&backfill.expression),
        Sql::trusted(condition),
    );
    let text = format!("BEGIN; SET LOCAL search_path = public; {update}; ROLLBACK");
    match session.run(&text).await {
        Ok(()) => Ok(None),
        Err(Error::Server(error)) => {
            session.run("ROLLBACK").await?;
            let message = format!("the backfill of {column} cannot be computed: {}", error.message);
            Ok(Some(Diagnostic::new(codes::INTENT, message).at(backfill.place.clone()).help(
                "it is an expression over the columns of the row; names are looked up in the schema `public`",
            )))
        }
        Err(other) => Err(other),
    }
}
