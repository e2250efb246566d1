//! Runs the steps of a declared tree, whose objects know nothing of each other: what the server refuses is
//! tried again after the rest, until nothing moves.

use crate::db::Session;
use crate::declare::yaml::DeclaredSchema;
use crate::error::{Diagnostic, Error, Result, ServerError, codes};
use crate::model::Plan;
use crate::model::{ObjectId, Step};

/// Runs a plan's steps in an order that works, outside of a transaction.
pub(super) async fn run(plan: &Plan, declared: &DeclaredSchema, session: &Session) -> Result<()> {
    // A name without a schema is looked for where `psql` would.
    session.run("SET check_function_bodies = false; SET search_path = public").await?;
    let mut left: Vec<&Step> = plan.steps.iter().collect();
    loop {
        let (count, mut refused) = (left.len(), Vec::new());
        for step in left {
            match session.run(step.statement().as_str()).await {
                Ok(()) => {}
                Err(Error::Server(error)) => refused.push((step, error)),
                Err(other) => return Err(other),
            }
        }
        if refused.is_empty() {
            return session.restore_settings().await;
        }
        if refused.len() == count {
            let told = refused.iter().map(|(step, error)| tell(&step.object, error, declared));
            return Err(Error::Diagnostics(told.collect()));
        }
        left = refused.into_iter().map(|(step, _)| step).collect();
    }
}

/// What the server says of an object, at the place where it is declared.
fn tell(id: &ObjectId, error: &ServerError, declared: &DeclaredSchema) -> Diagnostic {
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
