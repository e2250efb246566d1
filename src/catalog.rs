//! Reads the catalog of a database: all kinds in one snapshot, with one query per kind and none per object.

mod acl;
mod address;
mod array;
mod assemble;
mod decode;
mod dependencies;
mod gather;
mod parallel;
mod parked;
mod present;
mod query;
mod raw;
mod roles;
mod tracking;
mod unmodelled;

pub use parked::parked;
pub use roles::roles_of;

use self::assemble::assemble;
use self::gather::{BEGIN, gather};
use self::parallel::ParallelConnection;
use self::present::PresentKinds;
use self::query::CatalogQuery;
use self::raw::RawCatalog;
use crate::db::Session;
use crate::error::{Error, Result};
use crate::model::Catalog;

/// Reads the catalog of a database. The settings of the session are those of [`crate::db::READ_SETTINGS`].
///
/// The catalog is read again, a few times, if the schema changes while it is read.
///
/// # Errors
/// Returns an error if the server rejects a query or the connection is lost.
pub async fn read(session: &Session) -> Result<Catalog> {
    const ATTEMPTS: usize = 3;
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let (catalog, fingerprint) = read_once(session).await?;
        // The functions that deparse expressions read the newest catalog whatever the snapshot, so a change in between
        // would mix two states.
        if fingerprint.is_unchanged(session).await? {
            return Ok(catalog);
        }
        last = Some(catalog);
    }
    last.ok_or_else(|| Error::Internal("no attempt was made".into()))
}

/// The state of the system catalogs in the snapshot in which they were read.
struct CatalogFingerprint {
    snapshot: Option<String>,
    hashes: Vec<Option<String>>,
}

/// The current snapshot. If it is the same, no transaction has ended.
const SNAPSHOT: &str = "pg_current_snapshot()";

/// Hashes that change if the schema changes.
const FINGERPRINT: &str = "SELECT (SELECT sum(hashint8(oid::bigint << 32 | xmin::text::bigint)) FROM pg_class), \
    (SELECT sum(hashint8(oid::bigint << 32 | xmin::text::bigint)) FROM pg_constraint), \
    (SELECT sum(hashint8(oid::bigint << 32 | xmin::text::bigint)) FROM pg_proc), \
    (SELECT sum(hashint8(oid::bigint << 32 | xmin::text::bigint)) FROM pg_rewrite), \
    (SELECT sum(hashint8(oid::bigint << 32 | xmin::text::bigint)) FROM pg_type)";

impl CatalogFingerprint {
    /// Ends the transaction in which the catalog was read, and returns whether the schema is still the same.
    async fn is_unchanged(&self, session: &Session) -> Result<bool> {
        let now = first_row(session, &format!("COMMIT; SELECT {SNAPSHOT}")).await?;
        Ok(self.snapshot == now.into_iter().next().flatten()
            || self.hashes == first_row(session, FINGERPRINT).await?)
    }
}

async fn first_row(session: &Session, query: &str) -> Result<Vec<Option<String>>> {
    let rows = session.rows(query).await?;
    Ok(rows
        .first()
        .map(|row| (0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect())
        .unwrap_or_default())
}

async fn read_once(session: &Session) -> Result<(Catalog, CatalogFingerprint)> {
    let read = read_in_transaction(session).await;
    if read.is_err() {
        // The first error is reported, not that of the rollback.
        let _ = session.run("ROLLBACK").await;
    }
    read
}

async fn read_in_transaction(session: &Session) -> Result<(Catalog, CatalogFingerprint)> {
    let early = ParallelConnection::early(session);
    let probe =
        format!("{BEGIN}; SELECT {}, {SNAPSHOT}, {}", present::columns(), parallel::snapshot(session));
    let rows = session.rows(&probe).await?;
    let [probe] = rows.as_slice() else {
        return Err(Error::Internal("the probe for kinds has one row".into()));
    };
    let queries = CatalogQuery::all(&PresentKinds::from(probe));
    let results = match probe.get(probe.len() - 1) {
        None => gather(session, &queries).await?,
        Some(snapshot) => {
            let second = early.unwrap_or_else(|| ParallelConnection::start(session));
            parallel::gather_shared(session, second, snapshot, &queries).await?
        }
    };
    let version = session.version();
    // The server computes the hashes while the catalog is assembled.
    let assembled = tokio::task::spawn_blocking(move || assemble(version, RawCatalog::join(results)));
    let (hashes, assembled) = tokio::join!(first_row(session, FINGERPRINT), assembled);
    let (mut catalog, unmodelled) = assembled.map_err(|error| Error::Internal(error.to_string()))?;
    catalog.unmodelled = unmodelled::names(session, &unmodelled).await?;
    let snapshot = probe.get(probe.len() - 2).map(str::to_owned);
    Ok((catalog, CatalogFingerprint { snapshot, hashes: hashes? }))
}
