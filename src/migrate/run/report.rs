//! What a worker says while it runs: who is in its way, and what the server remarks.

use super::Worker;
use crate::sql;

impl Worker<'_> {
    /// Says a line.
    pub(super) fn say(&self, line: &str) {
        (self.options.messages)(line);
    }

    /// Who blocks the statement that runs.
    pub(super) async fn tell_blockers(&self) {
        let Some(guard) = self.guard else { return };
        let select = sql!(
            "SELECT DISTINCT coalesce(a.pid::text, 'a prepared transaction'), a.usename, a.state, \
             left(regexp_replace(a.query, '\\s+', ' ', 'g'), 60) \
             FROM unnest(pg_catalog.pg_blocking_pids({})) AS b (pid) \
             LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid",
            self.process,
        );
        for row in guard.rows(select.as_str()).await.unwrap_or_default() {
            let text = |column| row.get(column).unwrap_or("?");
            let who = format!("waiting for process {} of `{}` ({}): {}", text(0), text(1), text(2), text(3));
            if self.blockers.borrow_mut().insert(who.clone()) {
                self.say(&who);
            }
        }
    }

    /// Who may have been in the way, after a limit has ended the wait.
    pub(super) async fn tell_old_transactions(&self) {
        let select = "SELECT pid, usename, state, date_trunc('second', clock_timestamp() - xact_start)::text \
             FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND xact_start < clock_timestamp() - interval '1 second' ORDER BY xact_start LIMIT 3";
        for row in self.records().rows(select).await.unwrap_or_default() {
            let text = |column| row.get(column).unwrap_or("?");
            let who = format!("process {} of `{}` is in a transaction ({})", text(0), text(1), text(2));
            if self.blockers.borrow_mut().insert(who.clone()) {
                self.say(&format!("{who} since {}", text(3)));
            }
        }
    }

    /// What the server said beside its answers.
    pub(super) fn tell_notices(&self) {
        for notice in self.session.take_notices() {
            self.say(&format!("{}: {}", notice.severity.to_lowercase(), notice.message));
        }
    }
}
