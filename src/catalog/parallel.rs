//! A second connection, which reads a part of the catalog of a large database at the same time.

use std::cell::{Cell, RefCell};
use std::pin::pin;

use futures_util::future::{Either as Select, select};
use tokio::task::JoinHandle;

use super::gather::{BEGIN, gather};
use super::query::CatalogQuery;
use super::raw::RawCatalog;
use crate::db::Session;
use crate::error::{Error, Result};
use crate::model::kind::QueryCost;
use crate::model::sql::Literal;

/// The size of `pg_class` in bytes from which a second connection saves time: about thirty tables with their indexes.
/// In an empty database it is 115,000.
const LARGE: u64 = 160_000;

/// Returns a column that exports a snapshot for a second connection, or is NULL if that would not save time.
pub(super) fn snapshot(session: &Session) -> String {
    // An embedded server has one connection.
    if session.target().folder().is_some() {
        return "NULL".to_owned();
    }
    format!("CASE WHEN pg_relation_size('pg_class') >= {LARGE} THEN pg_export_snapshot() END")
}

/// A connection that is being made.
pub(super) struct ParallelConnection(JoinHandle<Result<Session>>);

impl ParallelConnection {
    /// Starts to connect if the size of the database is already known to be large.
    pub(super) fn early(session: &Session) -> Option<Self> {
        let is_large = session.target().folder().is_none() && session.catalog_size() >= LARGE;
        is_large.then(|| Self::start(session))
    }

    /// Starts to connect.
    pub(super) fn start(session: &Session) -> Self {
        let target = session.target().clone();
        Self(tokio::spawn(async move { Session::connect(&target).await }))
    }

    /// Returns the connection, with the snapshot of the first one. Returns `None` if the server accepts no more
    /// connections or another server answered.
    async fn with_snapshot(self, first: &Session, snapshot: &str) -> Option<Session> {
        let session = self.0.await.ok()?.ok()?;
        let begin = format!("{BEGIN}; SET TRANSACTION SNAPSHOT {}", crate::sql!("{}", Literal(snapshot)));
        let same = session.run(&begin).await.is_ok() && session.role() == first.role();
        same.then_some(session)
    }
}

/// The connection that runs a query.
enum Assignment {
    First,
    /// Only one connection should run queries that open relations to deparse expressions, because that is expensive
    /// once for each connection.
    Second,
    /// Whichever connection is free first.
    Either,
}

impl Assignment {
    fn of(query: CatalogQuery) -> Self {
        match query {
            CatalogQuery::Kind(kind) => match kind.get().query_cost {
                QueryCost::Low => Self::First,
                QueryCost::High => Self::Either,
                QueryCost::OpensRelations => Self::Second,
            },
            CatalogQuery::Dependencies => Self::Either,
            CatalogQuery::Comments | CatalogQuery::Roles | CatalogQuery::Features => Self::First,
        }
    }
}

/// Runs queries over two connections, or over the first alone if the second is not ready in time.
pub(super) async fn gather_shared(
    session: &Session,
    second: ParallelConnection,
    snapshot: &str,
    queries: &[CatalogQuery],
) -> Result<Vec<(CatalogQuery, RawCatalog)>> {
    let assigned = |to: fn(&Assignment) -> bool| -> Vec<CatalogQuery> {
        queries.iter().copied().filter(|query| to(&Assignment::of(*query))).collect()
    };
    let for_first = assigned(|to| matches!(to, Assignment::First));
    let for_second = RefCell::new(assigned(|to| matches!(to, Assignment::Second)));
    let for_either = RefCell::new(assigned(|to| matches!(to, Assignment::Either)));
    let second_started = Cell::new(false);
    let on_first = async {
        let mut results = gather_share(session, &for_first, &for_either).await?;
        // A connection pool may not grant the second connection until the first is closed.
        results.extend(gather(session, &for_second.take()).await?);
        Ok::<_, Error>(results)
    };
    let on_second = async {
        let second = second.with_snapshot(session, snapshot).await?;
        second_started.set(true);
        let results = gather_share(&second, &for_second.take(), &for_either).await;
        second.close().await;
        Some(results)
    };
    let (first, second) = match select(pin!(on_first), pin!(on_second)).await {
        Select::Left((first, on_second)) => {
            (first, if second_started.get() { on_second.await } else { None })
        }
        Select::Right((second, on_first)) => (on_first.await, second),
    };
    let mut results = first?;
    results.extend(second.transpose()?.into_iter().flatten());
    // Restore the order of the queries.
    results.sort_by_key(|(query, _)| queries.iter().position(|other| other == query));
    Ok(results)
}

/// Runs the queries of one connection in one batch, and then those for either connection that the other has not
/// started.
async fn gather_share(
    session: &Session,
    own: &[CatalogQuery],
    either: &RefCell<Vec<CatalogQuery>>,
) -> Result<Vec<(CatalogQuery, RawCatalog)>> {
    let mut results = gather(session, own).await?;
    loop {
        let Some(query) = either.borrow_mut().pop() else { return Ok(results) };
        results.extend(gather(session, &[query]).await?);
    }
}
