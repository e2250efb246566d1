//! Creates the objects of a target file, whose dependencies are not known: statements that fail are retried after the
//! others, until no retry succeeds.

use crate::db::Session;
use crate::declare::yaml::DeclaredSchema;
use crate::error::{Diagnostic, Error, Result, ServerError, codes};
use crate::model::{ObjectId, Plan, Step};

/// Runs the steps of a plan in an order that works, outside of a transaction.
///
/// # Errors
/// Returns the errors of the steps that cannot succeed, at the places of their objects.
pub(super) async fn run(plan: &Plan, declared: &DeclaredSchema, session: &Session) -> Result<()> {
    // Unqualified names are looked up as in psql.
    session.run("SET check_function_bodies = false; SET search_path = public").await?;
    let mut pending: Vec<&Step> = plan.steps.iter().collect();
    loop {
        let (count, mut failed) = (pending.len(), Vec::new());
        for step in pending {
            match session.run(step.statement().as_str()).await {
                Ok(()) => {}
                Err(Error::Server(error)) => failed.push((step, error)),
                Err(other) => return Err(other),
            }
        }
        if failed.is_empty() {
            return session.restore_settings().await;
        }
        if failed.len() == count {
            let diagnostics = failed.iter().map(|(step, error)| diagnostic(&step.object, error, declared));
            return Err(Error::Diagnostics(diagnostics.collect()));
        }
        pending = failed.into_iter().map(|(step, _)| step).collect();
    }
}

/// Makes a diagnostic with the server's message, at the place where the object or its parent is declared.
fn diagnostic(id: &ObjectId, error: &ServerError, declared: &DeclaredSchema) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(codes::DECLARATION, format!("{id}: {}", error.message));
    let place =
        declared.places.get(id).or_else(|| id.parents().find_map(|parent| declared.places.get(&parent)));
    if let Some(place) = place {
        diagnostic = diagnostic.at(place.clone());
    }
    for help in [&error.detail, &error.hint].into_iter().flatten() {
        diagnostic = diagnostic.help(help.clone());
    }
    diagnostic
}
