//! Sends statements, and reports what blocks them and what the server remarks.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use super::options::Options;
use crate::db::Session;
use crate::declare::sql::Statement;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::sql;

const QUERY_CANCELED: &str = "57014";

/// The connections of a run.
pub(super) struct Worker<'a> {
    /// The connection that runs statements.
    pub(super) session: &'a Session,
    /// The connection that holds the lock; None on the embedded server.
    pub(super) lock_session: Option<&'a Session>,
    /// The server process of `session`.
    process: i64,
    pub(super) options: &'a Options,
    /// The blocking processes that have been reported.
    reported: RefCell<BTreeSet<String>>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        session: &'a Session,
        lock_session: Option<&'a Session>,
        process: i64,
        options: &'a Options,
    ) -> Self {
        Self { session, lock_session, process, options, reported: RefCell::default() }
    }

    /// The connection that writes the journal while the other one is in a transaction or has another role.
    pub(super) fn journal_session(&self) -> &Session {
        self.lock_session.unwrap_or(self.session)
    }

    /// Shows a message to the user.
    pub(super) fn message(&self, line: &str) {
        (self.options.messages)(line);
    }

    /// Sends a statement, and reports every second what blocks it. Cancels it if the run is interrupted. `text` is the
    /// statement, possibly with others after it.
    pub(super) async fn send(&self, text: &str, statement: &Statement) -> Result<()> {
        let interrupt = &self.options.interrupt;
        interrupt.check()?;
        let running = self.session.run(text);
        tokio::pin!(running);
        let mut interrupted = false;
        let result = loop {
            tokio::select! {
                result = &mut running => break result,
                () = interrupt.requested(), if !interrupted => {
                    interrupted = true;
                    self.cancel().await;
                }
                () = tokio::time::sleep(Duration::from_secs(1)) => {
                    if interrupted {
                        self.cancel().await;
                    }
                    self.report_blockers().await;
                    self.report_notices();
                }
            }
        };
        result.map_err(|error| match error {
            Error::Server(error) if interrupted && error.code == QUERY_CANCELED => {
                let cancelled = Diagnostic::new(codes::INTERRUPTED, error.message);
                cancelled.at(statement.place.clone()).label("cancelled").into()
            }
            Error::Server(mut error) => {
                error.position = error.position.filter(|at| *at <= statement.text.len());
                error.sql.clone_from(&statement.text);
                Error::Server(error)
            }
            other => other,
        })
    }

    /// Cancels the current statement on the server.
    async fn cancel(&self) {
        if let Err(error) = self.session.canceller().cancel().await {
            self.message(&format!("the statement cannot be cancelled: {error}"));
        }
    }

    /// Reports the processes that block the current statement.
    async fn report_blockers(&self) {
        let Some(session) = self.lock_session else { return };
        let select = sql!(
            "SELECT DISTINCT coalesce(a.pid::text, 'a prepared transaction'), a.usename, a.state, \
             left(regexp_replace(a.query, '\\s+', ' ', 'g'), 60) \
             FROM unnest(pg_catalog.pg_blocking_pids({})) AS b (pid) \
             LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid",
            self.process,
        );
        let rows = match session.rows(select.as_str()).await {
            Ok(rows) => rows,
            Err(error) => return tracing::debug!(%error, "cannot read the blocking processes"),
        };
        for row in rows {
            let text = |column| row.get(column).unwrap_or("?");
            let blocker =
                format!("waiting for process {} of `{}` ({}): {}", text(0), text(1), text(2), text(3));
            if self.reported.borrow_mut().insert(blocker.clone()) {
                self.message(&blocker);
            }
        }
    }

    /// Reports the oldest transactions, which may have blocked a statement that ran into its `lock_timeout`.
    pub(super) async fn report_old_transactions(&self) {
        let select = "SELECT pid, usename, state, date_trunc('second', clock_timestamp() - xact_start)::text \
             FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND xact_start < clock_timestamp() - interval '1 second' ORDER BY xact_start LIMIT 3";
        let rows = match self.journal_session().rows(select).await {
            Ok(rows) => rows,
            Err(error) => return tracing::debug!(%error, "cannot read the oldest transactions"),
        };
        for row in rows {
            let text = |column| row.get(column).unwrap_or("?");
            let process = format!("process {} of `{}` ({})", text(0), text(1), text(2));
            if self.reported.borrow_mut().insert(process.clone()) {
                self.message(&format!("{process} has been in a transaction for {}", text(3)));
            }
        }
    }

    /// Shows the server's notices and warnings.
    pub(super) fn report_notices(&self) {
        for notice in self.session.take_notices() {
            self.message(&format!("{}: {}", notice.severity.to_lowercase(), notice.message));
        }
    }
}
