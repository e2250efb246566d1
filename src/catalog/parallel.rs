//! A second connection, which reads a part of a large database meanwhile.

use std::cell::{Cell, RefCell};
use std::pin::pin;

use futures_util::future::{Either as Select, select};
use tokio::task::JoinHandle;

use super::{BEGIN, Gathered, Part, gather};
use crate::db::Session;
use crate::error::{Error, Result};
use crate::model::kind::QueryCost;
use crate::model::sql::Literal;

/// How many bytes of `pg_class` make a database one for which a second connection pays: some thirty tables, with
/// their indexes. One in which nothing was created has 115,000.
const LARGE: u64 = 160_000;

/// A column of a query: the name of a snapshot for another connection, where one would pay.
pub(super) fn snapshot(session: &Session) -> String {
    // An embedded server has one connection.
    if session.target().folder().is_some() {
        return "NULL".to_owned();
    }
    format!("CASE WHEN pg_relation_size('pg_class') >= {LARGE} THEN pg_export_snapshot() END")
}

/// A connection in the making.
pub(super) struct ParallelConnection(JoinHandle<Result<Session>>);

impl ParallelConnection {
    /// Begins to connect, where it was seen already that it pays.
    pub(super) fn early(session: &Session) -> Option<Self> {
        let pays = session.target().folder().is_none() && session.catalog_size() >= LARGE;
        pays.then(|| Self::begin(session))
    }

    pub(super) fn begin(session: &Session) -> Self {
        let target = session.target().clone();
        Self(tokio::spawn(async move { Session::connect(&target).await }))
    }

    /// The connection, which sees what the first one sees. None where there is no such one: a server has no more
    /// connections to give, or another server answered.
    async fn with(self, first: &Session, snapshot: &str) -> Option<Session> {
        let session = self.0.await.ok()?.ok()?;
        let begin = format!("{BEGIN}; SET TRANSACTION SNAPSHOT {}", crate::sql!("{}", Literal(snapshot)));
        let same = session.run(&begin).await.is_ok() && session.role() == first.role();
        same.then_some(session)
    }
}

/// Who reads a part.
enum Reader {
    First,
    /// What opens each table to print an expression, which is dear once for each connection.
    ParallelConnection,
    /// Who is done first.
    Either,
}

impl Reader {
    fn of(part: Part) -> Self {
        match part {
            Part::Kind(kind) => match kind.get().query_cost {
                QueryCost::Low => Self::First,
                QueryCost::High => Self::Either,
                QueryCost::OpensRelations => Self::ParallelConnection,
            },
            Part::Dependencies => Self::Either,
            Part::Comments | Part::Roles | Part::Features => Self::First,
        }
    }
}

/// Reads the parts over both connections, the first alone where the other does not come about in time.
pub(super) async fn shared(
    session: &Session,
    second: ParallelConnection,
    snapshot: &str,
    parts: &[Part],
) -> Result<Gathered> {
    let of = |reader: fn(&Reader) -> bool| -> Vec<Part> {
        parts.iter().copied().filter(|part| reader(&Reader::of(*part))).collect()
    };
    let ours = of(|reader| matches!(reader, Reader::First));
    let others = RefCell::new(of(|reader| matches!(reader, Reader::ParallelConnection)));
    let either = RefCell::new(of(|reader| matches!(reader, Reader::Either)));
    let at_work = Cell::new(false);
    let here = async {
        let mut all = share(session, &ours, &either).await?;
        // A pool may keep the second waiting for as long as the first lasts.
        all.extend(gather(session, &others.take()).await?);
        Ok::<_, Error>(all)
    };
    let beside = async {
        let second = second.with(session, snapshot).await?;
        at_work.set(true);
        let read = share(&second, &others.take(), &either).await;
        second.close().await;
        Some(read)
    };
    let (ours, others) = match select(pin!(here), pin!(beside)).await {
        Select::Left((ours, beside)) => (ours, if at_work.get() { beside.await } else { None }),
        Select::Right((others, here)) => (here.await, others),
    };
    let mut all = ours?;
    all.extend(others.transpose()?.into_iter().flatten());
    // In the order of the parts, whoever read them.
    all.sort_by_key(|(part, _)| parts.iter().position(|other| other == part));
    Ok(all)
}

/// Reads one's own parts in one go, and then those that the other has not begun either.
async fn share(session: &Session, own: &[Part], either: &RefCell<Vec<Part>>) -> Result<Gathered> {
    let mut all = gather(session, own).await?;
    loop {
        let Some(part) = either.borrow_mut().pop() else { return Ok(all) };
        all.extend(gather(session, &[part]).await?);
    }
}
