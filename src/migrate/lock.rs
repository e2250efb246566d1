//! One run at a time: session advisory locks, polled and never waited on.
//!
//! A session that waits inside `pg_advisory_lock` holds a snapshot, for which the holder's CREATE INDEX
//! CONCURRENTLY would wait in turn. A lock of a session needs no cleaning up after a crash.

use std::time::{Duration, Instant};

use crate::db::{Row, Session};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::sql;

/// The first half of the key: `scdf`, as bytes.
const SPACE: i32 = 0x7363_6466;

/// What is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The run. Held by a connection that does nothing else.
    Run = 1,
    /// The connection that runs statements: when the program dies, the server may go on with the statement in
    /// hand for a while, and nobody may look at its work before it ends.
    Work = 2,
}

/// Takes a lock, asking again until the time is over. `say` hears who holds it.
pub(super) async fn take(session: &Session, key: Key, wait: Duration, say: &dyn Fn(&str)) -> Result<()> {
    let ask = sql!("SELECT pg_catalog.pg_try_advisory_lock({}, {})", SPACE, key as i32);
    let until = Instant::now() + wait;
    let mut told = false;
    loop {
        let rows = session.rows(ask.as_str()).await?;
        if rows.first().and_then(|row| row.get(0)) == Some("t") {
            return Ok(());
        }
        let who = holder(session, key).await?;
        if Instant::now() >= until {
            return Err(held(key, who.as_deref(), wait));
        }
        if !std::mem::replace(&mut told, true) {
            let who = who.unwrap_or_else(|| "another run".into());
            say(&format!("waiting for another run to end: {who}"));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Fails unless the lock is still held: a server that restarted has forgotten it.
pub(super) async fn check(session: &Session, key: Key) -> Result<()> {
    let held = sql!(
        "SELECT 1 FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid() \
         AND classid = {} AND objid = {} AND objsubid = 2 AND granted",
        SPACE,
        key as i32,
    );
    if session.rows(held.as_str()).await?.is_empty() {
        return Err(Diagnostic::new(
            codes::LOCK,
            "the migration lock was lost, and another run may have begun",
        )
        .help("run `schemadiff migrate` again: it goes on where this run ended")
        .into());
    }
    Ok(())
}

async fn holder(session: &Session, key: Key) -> Result<Option<String>> {
    let select = sql!(
        "SELECT a.pid, a.usename, a.application_name, a.client_addr, to_char(a.backend_start, 'HH24:MI:SS') \
         FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.classid = {} AND l.objid = {} AND l.objsubid = 2 AND l.granted \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())",
        SPACE,
        key as i32,
    );
    Ok(session.rows(select.as_str()).await?.first().map(describe))
}

fn describe(row: &Row) -> String {
    let text = |column| row.get(column).unwrap_or("?");
    let from = row.get(3).map_or_else(|| "this machine".to_owned(), |address| format!("address {address}"));
    format!("process {} of `{}` ({}, from {from}, since {})", text(0), text(1), text(2), text(4))
}

fn held(key: Key, who: Option<&str>, wait: Duration) -> Error {
    let who = who.unwrap_or("another run");
    match key {
        Key::Run => Diagnostic::new(codes::LOCK, format!("another run holds the migration lock: {who}"))
            .help(format!("it was waited for during {wait:?}; --lock-wait TIME waits longer")),
        Key::Work => Diagnostic::new(
            codes::LOCK,
            format!("a run that is gone has left a statement that the server still works on: {who}"),
        )
        .help("wait for its end, or end it with pg_terminate_backend, and run `schemadiff migrate` again"),
    }
    .into()
}
