//! One run at a time: session-level advisory locks.
//!
//! The locks are polled, because a session that waits in `pg_advisory_lock` holds a snapshot, and CREATE INDEX
//! CONCURRENTLY in the session that holds the lock would wait for that snapshot. The server releases the locks of a
//! session when it ends.

use std::time::{Duration, Instant};

use crate::db::{Row, Session};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::sql;

/// The first key of the locks: `scdf` in ASCII.
const CLASS: i32 = 0x7363_6466;

/// The second key: which of the two locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// The lock of the run, held by a connection of its own.
    Run = 1,
    /// The lock of the connection that runs statements. If the program is killed, the server may still execute the
    /// current statement, and the next run must not start before it ends.
    Statements = 2,
}

/// Acquires a lock, polling until `wait` has passed. `message` receives the holder of the lock.
pub(super) async fn acquire(
    session: &Session,
    lock: Lock,
    wait: Duration,
    message: &dyn Fn(&str),
) -> Result<()> {
    let try_lock = sql!("SELECT pg_catalog.pg_try_advisory_lock({}, {})", CLASS, lock as i32);
    let deadline = Instant::now() + wait;
    let mut reported = false;
    loop {
        let rows = session.rows(try_lock.as_str()).await?;
        if rows.first().and_then(|row| row.get(0)) == Some("t") {
            return Ok(());
        }
        let holder = holder(session, lock).await?;
        if Instant::now() >= deadline {
            return Err(not_acquired(lock, holder.as_deref(), wait));
        }
        if !std::mem::replace(&mut reported, true) {
            match holder {
                Some(holder) => message(&format!("waiting for another run: {holder}")),
                None => message("waiting for another run"),
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Checks that the session still holds a lock, which is lost if the server restarts.
pub(super) async fn check_held(session: &Session, lock: Lock) -> Result<()> {
    let held = sql!(
        "SELECT 1 FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid() \
         AND classid = {} AND objid = {} AND objsubid = 2 AND granted",
        CLASS,
        lock as i32,
    );
    if session.rows(held.as_str()).await?.is_empty() {
        return Err(Diagnostic::new(
            codes::LOCK,
            "the migration lock was lost; another run may have started",
        )
        .help("run `schemadiff migrate` again; it resumes where this run stopped")
        .into());
    }
    Ok(())
}

async fn holder(session: &Session, lock: Lock) -> Result<Option<String>> {
    let select = sql!(
        "SELECT a.pid, a.usename, a.application_name, a.client_addr, to_char(a.backend_start, 'HH24:MI:SS') \
         FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.classid = {} AND l.objid = {} AND l.objsubid = 2 AND l.granted \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())",
        CLASS,
        lock as i32,
    );
    Ok(session.rows(select.as_str()).await?.first().map(describe))
}

fn describe(row: &Row) -> String {
    let text = |column| row.get(column).unwrap_or("?");
    let client =
        row.get(3).map_or_else(|| "a local connection".to_owned(), |address| format!("address {address}"));
    format!("process {} of `{}` ({}, from {client}, since {})", text(0), text(1), text(2), text(4))
}

fn not_acquired(lock: Lock, holder: Option<&str>, wait: Duration) -> Error {
    let holder = holder.unwrap_or("an unknown process");
    let wait = wait.as_secs();
    match lock {
        Lock::Run => Diagnostic::new(codes::LOCK, format!("another run holds the migration lock: {holder}"))
            .help(format!("the lock was not released within {wait} s; --lock-wait TIME waits longer")),
        Lock::Statements => Diagnostic::new(
            codes::LOCK,
            format!("a statement of an interrupted run is still executing: {holder}"),
        )
        .help("wait until it ends, or end it with pg_terminate_backend, then run `schemadiff migrate` again"),
    }
    .into()
}
