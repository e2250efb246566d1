//! Runs catalog queries on one connection.

use super::decode::Decoder;
use super::query::CatalogQuery;
use super::raw::RawCatalog;
use crate::db::{Message, Session};
use crate::error::Result;

/// Begins a transaction in which all queries see one snapshot, with enough memory to sort the rows of a large catalog.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL work_mem = '64MB'";

/// Runs queries as one batch, and decodes rows while the server runs the next query.
pub(super) async fn gather(
    session: &Session,
    queries: &[CatalogQuery],
) -> Result<Vec<(CatalogQuery, RawCatalog)>> {
    if queries.is_empty() {
        return Ok(Vec::new());
    }
    let texts: Vec<String> = queries.iter().map(|query| query.sql(session.version())).collect();
    let mut stream = session.stream(&texts.join(";\n")).await?;
    let mut results: Vec<(CatalogQuery, RawCatalog)> = Vec::with_capacity(queries.len());
    let mut decoder = None;
    while let Some(message) = stream.message().await? {
        match message {
            Message::Columns(columns) => {
                let Some(query) = queries.get(results.len()) else { continue };
                decoder = match query {
                    CatalogQuery::Kind(kind) => Some(Decoder::new(*kind, &columns)),
                    CatalogQuery::Comments
                    | CatalogQuery::Roles
                    | CatalogQuery::Dependencies
                    | CatalogQuery::Features => None,
                };
                results.push((*query, RawCatalog::default()));
            }
            Message::Row(row) => match (results.last_mut(), &decoder) {
                (Some((_, result)), Some(decoder)) => decoder.add_row(&row, result),
                (Some((query, result)), None) => result.add_row(*query, &row),
                (None, _) => {}
            },
            Message::Done(_) => {}
        }
    }
    Ok(results)
}
