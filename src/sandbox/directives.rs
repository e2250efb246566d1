//! What a declaration says about the way to it, checked against what was declared.

use crate::db::Session;
use crate::declare::sql::DirectiveKind;
use crate::error::{Diagnostic, Error, Place, Result, codes};
use crate::kinds::KindName;
use crate::model::ObjectId;
use crate::model::sql::{Ident, Sql};
use crate::model::{Backfill, Directives};
use crate::sql;

/// The wishes, each with its object where one was found.
///
/// # Errors
/// Those that are beside nothing, or that the server does not understand.
pub(super) async fn read<'a>(
    directives: impl Iterator<Item = (Option<ObjectId>, &'a DirectiveKind, &'a Place)>,
    session: &Session,
) -> Result<Directives> {
    let mut found = Directives::default();
    let mut wrong = Vec::new();
    for (object, kind, place) in directives {
        let column = object.filter(|id| id.kind == KindName::Column);
        match (kind, column) {
            (DirectiveKind::Backfill { expression, condition, batch }, Some(column)) => {
                let backfill = Backfill {
                    expression: expression.clone(),
                    condition: condition.clone(),
                    batch: *batch,
                    place: place.clone(),
                };
                wrong.extend(refused(&column, &backfill, session).await?);
                found.backfills.insert(column, backfill);
            }
            (DirectiveKind::Using(expression), Some(column)) => {
                found.usings.insert(column, (expression.clone(), place.clone()));
            }
            (DirectiveKind::Backfill { .. } | DirectiveKind::Using(_), None) => wrong.push(
                Diagnostic::new(codes::INTENT, "this stands beside no column")
                    .at(place.clone())
                    .help("write it on the line of the column that it is about, or on the one before"),
            ),
            // Names have a reader of their own.
            (
                DirectiveKind::RenamedFrom(_)
                | DirectiveKind::RenamedValues(_)
                | DirectiveKind::DropConfirmed,
                _,
            ) => {}
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(Error::Diagnostics(wrong)) }
}

/// What the server says against a value, tried on the declared table, which has no rows.
async fn refused(column: &ObjectId, backfill: &Backfill, session: &Session) -> Result<Option<Diagnostic>> {
    let condition = backfill.condition.as_deref().unwrap_or("true");
    let update = sql!(
        "UPDATE ONLY {} SET {} = ({}) WHERE ({}) AND false",
        column.on(),
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
