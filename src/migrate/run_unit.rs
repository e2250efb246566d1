//! Runs one unit of a file, and retries it if it could not acquire its locks.

use std::fmt::Write as _;
use std::time::Duration;

use super::before::Before;
use super::failure::{Remains, UnitFailure};
use super::file_run::FileRun;
use super::interrupt::is_interruption;
use super::journal::{self, Entry, UnitState};
use super::lock::{self, Lock};
use super::options::UnknownOutcome;
use super::outside::OutsideStatement;
use super::recovery::{Attempt, Recovery, StatementOutcome};
use super::tokens::{ends_transactions, words};
use super::unit::{Unit, UnitKind};
use super::worker::Worker;
use crate::db::Session;
use crate::declare::sql::Statement;
use crate::error::{Diagnostic, Error, Result, ServerError, codes};
use crate::model::sql::Sql;

/// The run of a unit.
#[derive(Clone, Copy)]
pub(super) struct UnitRun<'a> {
    pub(super) file: FileRun<'a>,
    pub(super) number: usize,
    pub(super) unit: &'a Unit,
    /// The statements to execute with the last unit.
    pub(super) closing: Option<&'a Sql>,
    /// True if the file changes the current role.
    pub(super) sets_role: bool,
    /// True if the file sets `lock_timeout`.
    pub(super) sets_lock_timeout: bool,
}

impl UnitRun<'_> {
    /// The statements that record the unit as finished.
    fn finish(&self, id: i64, session: &Session) -> String {
        let mut text = String::new();
        if self.sets_role {
            let login = session.login();
            let _ = write!(text, "SET LOCAL SESSION AUTHORIZATION {login};\nSET LOCAL ROLE NONE;\n");
        }
        text.push_str(journal::finish(id).as_str());
        if let Some(closing) = self.closing {
            text.push_str(";\n");
            text.push_str(closing.as_str());
        }
        text
    }

    fn new_entry(&self) -> Entry {
        Entry {
            revision: self.file.revision.to_owned(),
            rollback: self.file.direction.is_rollback(),
            unit: self.number,
            line: self.unit.line(),
            digest: self.unit.digest(),
            statement: String::new(),
            state: UnitState::NotExecuted,
            before: None,
        }
    }
}

/// A statement that runs outside a transaction.
#[derive(Debug)]
struct OutsideRun {
    attempt: Attempt,
    /// The number of the session's last transaction before the statement.
    transaction: Option<u64>,
    /// Whether the statement was executed, so that only the record of it can fail.
    executed: bool,
}

impl Worker<'_> {
    /// Runs a unit. `interrupted` is the journal entry of an earlier run that may have executed it.
    pub(super) async fn run_unit(
        &self,
        run: UnitRun<'_>,
        interrupted: Option<&Entry>,
    ) -> Result<(), UnitFailure> {
        if let Some(session) = self.lock_session {
            lock::check_held(session, Lock::Run).await?;
        }
        let first = &run.unit.statements[0];
        let mut retries = 0;
        let is_done = match interrupted {
            Some(entry) => self.resolve(entry, run, &mut retries).await?,
            None => false,
        };
        let id = journal::begin(self.journal_session(), &run.new_entry(), &first.text).await?;
        if is_done {
            return Ok(self.session.run(&run.finish(id, self.session)).await?);
        }
        let mut outside = None;
        loop {
            let result = match run.unit.kind {
                UnitKind::Transaction | UnitKind::Session => self.run_transaction(run, id).await,
                UnitKind::Single => self.run_single(run, id, &mut outside).await,
            };
            let Err(error) = result else { return Ok(()) };
            let server = match &error {
                Error::Server(server) => Some(server),
                other if is_interruption(other) => None,
                _ => return Err(error.into()),
            };
            let committed = match &outside {
                Some(outside) if outside.executed => {
                    return Err(UnitFailure { error, remains: Remains::HalfDone });
                }
                Some(outside) => self.has_committed(outside).await?,
                None => false,
            };
            self.roll_back().await?;
            let may_retry = !committed || outside.as_ref().is_some_and(OutsideRun::is_repeatable);
            let retries = match server {
                Some(server) if may_retry => self.retries(run, server, &mut retries).await,
                _ => false,
            };
            if !retries {
                return self.give_up(run, id, error, outside.as_ref(), committed).await;
            }
        }
    }

    /// Waits before a retry. Returns false if the error is permanent or there were enough retries.
    async fn retries(&self, run: UnitRun<'_>, error: &ServerError, retries: &mut u32) -> bool {
        if *retries >= self.options.retries || !is_transient(error) {
            return false;
        }
        *retries += 1;
        let delay = retry_delay(*retries);
        let (line, message) = (run.unit.line(), &error.message);
        self.message(&format!(
            "line {line}: {message}; retrying in {:.1} s ({retries} of {})",
            delay.as_secs_f64(),
            self.options.retries
        ));
        self.report_old_transactions().await;
        tokio::select! {
            () = tokio::time::sleep(delay) => true,
            () = self.options.interrupt.requested() => false,
        }
    }

    /// Returns true if a unit was executed by an earlier run, after removing what it left if it was not.
    async fn resolve(&self, entry: &Entry, run: UnitRun<'_>, retries: &mut u32) -> Result<bool, UnitFailure> {
        loop {
            match self.is_done(entry, run).await {
                Err(Error::Server(error)) => {
                    self.roll_back().await?;
                    if !self.retries(run, &error, retries).await {
                        return Err(UnitFailure { error: Error::Server(error), remains: Remains::HalfDone });
                    }
                }
                Ok(None) => {
                    let error = unknown_outcome(entry, &run.unit.statements[0]).into();
                    return Err(UnitFailure { error, remains: Remains::Undecided });
                }
                Ok(Some(is_done)) => return Ok(is_done),
                Err(other) => return Err(other.into()),
            }
        }
    }

    /// Removes what a failed unit left, and records that it failed.
    async fn give_up(
        &self,
        run: UnitRun<'_>,
        id: i64,
        error: Error,
        outside: Option<&OutsideRun>,
        committed: bool,
    ) -> Result<(), UnitFailure> {
        let mut failure = UnitFailure { error, remains: Remains::Nothing };
        if let Some(outside) = outside {
            let timeout = self.options.lock_timeout.as_millis();
            self.session.run(&format!("SET lock_timeout = {timeout}")).await?;
            match self.recovery().clean_up(&outside.attempt).await {
                Ok(StatementOutcome::Done) => {
                    return Ok(self.session.run(&run.finish(id, self.session)).await?);
                }
                Ok(_) if committed && outside.is_repeatable() => failure.remains = Remains::Progress,
                Ok(_) if committed => failure.remains = Remains::Part,
                Ok(_) => {}
                // The journal still says that the outcome is unknown, so that the next run removes it.
                Err(error) => {
                    tracing::debug!(%error, "cannot remove what the statement has left");
                    failure.remains = Remains::HalfDone;
                    return Err(failure);
                }
            }
        }
        let state = if committed { UnitState::Partial } else { UnitState::NotExecuted };
        let fail = journal::fail(id, state, &failure.error.to_string());
        if let Err(error) = self.journal_session().run(fail.as_str()).await {
            tracing::warn!(%error, "cannot record the failure");
        }
        Err(failure)
    }

    /// Returns true if a unit was executed by an earlier run, which was interrupted, and None if that is unknown.
    async fn is_done(&self, entry: &Entry, run: UnitRun<'_>) -> Result<Option<bool>> {
        let attempt = Attempt {
            statement: OutsideStatement::read(&entry.statement),
            before: Before::parse(entry.before.as_deref()),
        };
        let outcome = match (entry.state, &attempt.statement) {
            (UnitState::Finished, _) => return Ok(Some(true)),
            (UnitState::NotExecuted, _) => return Ok(Some(false)),
            (UnitState::Partial, OutsideStatement::Block { repeatable: false }) => StatementOutcome::Unknown,
            (UnitState::Partial, _) => StatementOutcome::Again,
            (UnitState::Unknown, _) => self.recovery().outcome(&attempt).await?,
        };
        match (outcome, self.options.unknown_outcome) {
            (StatementOutcome::Done, _) if entry.digest != run.unit.digest() => Err(entry.edited().into()),
            (StatementOutcome::Done, _) | (StatementOutcome::Unknown, Some(UnknownOutcome::Done)) => {
                Ok(Some(true))
            }
            (StatementOutcome::Again, _) | (StatementOutcome::Unknown, Some(UnknownOutcome::Again)) => {
                Ok(Some(false))
            }
            (StatementOutcome::Unknown, None) => Ok(None),
        }
    }

    pub(super) fn recovery(&self) -> Recovery<'_> {
        Recovery { session: self.session, message: &*self.options.messages }
    }

    /// Ends the current transaction, if there is one.
    async fn roll_back(&self) -> Result<()> {
        self.report_notices();
        self.session.run("ROLLBACK").await?;
        // A warning if there is no transaction.
        drop(self.session.take_notices());
        Ok(())
    }

    async fn run_transaction(&self, run: UnitRun<'_>, id: i64) -> Result<()> {
        let statements = &run.unit.statements;
        let (end, before) = statements.split_last().ok_or_else(|| Error::Internal("an empty unit".into()))?;
        for statement in before {
            self.send(statement.text_for(self.session), statement).await?;
        }
        // A transaction that ends with ROLLBACK cannot write the journal.
        if matches!(end.word.as_str(), "ROLLBACK" | "ABORT") {
            self.send(&end.text, end).await?;
            return self.session.run(&run.finish(id, self.session)).await;
        }
        self.session.run(&run.finish(id, self.session)).await?;
        self.send(&end.text, end).await
    }

    /// Runs a single statement. `outside` is set if it runs outside a transaction, and is that of the last attempt.
    async fn run_single(&self, run: UnitRun<'_>, id: i64, outside: &mut Option<OutsideRun>) -> Result<()> {
        let statement = &run.unit.statements[0];
        if outside.is_none() && !needs_no_transaction(statement) {
            // Statements in one message are one transaction, so the journal is written with the statement.
            let message = format!("{};\n{}", statement.text, run.finish(id, self.session));
            match self.send(&message, statement).await {
                Err(Error::Server(error)) if matches!(error.code.as_str(), "25001" | "2D000") => {}
                result => return result,
            }
        }
        // Such a statement blocks no other session while it waits, except a DO block, which sets its own timeouts.
        if !run.sets_lock_timeout {
            self.session.run("SET lock_timeout = 0").await?;
        }
        let mut done = false;
        let current = if let Some(failed) = outside {
            done = self.recovery().clean_up(&failed.attempt).await? == StatementOutcome::Done;
            failed
        } else {
            let kind = OutsideStatement::read(&statement.text);
            let before = Before::read(self.session, &kind).await?;
            let mark = journal::mark_outside_transaction(id, &before.print()?);
            self.journal_session().run(mark.as_str()).await?;
            let attempt = Attempt { statement: kind, before: Some(before) };
            outside.insert(OutsideRun { attempt, transaction: None, executed: false })
        };
        current.transaction = self.last_transaction().await?;
        if !done {
            self.send(&statement.text, statement).await?;
        }
        if let OutsideStatement::CreateIndex(index) = &current.attempt.statement
            && self.recovery().drop_accepted_invalid_index(index).await?
        {
            self.send(&statement.text, statement).await?;
        }
        current.executed = true;
        let finish = run.finish(id, self.session);
        // A request to cancel the statement may arrive when it has ended.
        if let Err(Error::Server(_)) = self.session.run(&finish).await {
            self.roll_back().await?;
            self.session.run(&finish).await?;
        }
        if !run.sets_lock_timeout {
            let timeout = self.options.lock_timeout.as_millis();
            self.session.run(&format!("SET lock_timeout = {timeout}")).await?;
        }
        Ok(())
    }

    /// Returns true if a statement that failed had committed a transaction before.
    async fn has_committed(&self, outside: &OutsideRun) -> Result<bool> {
        if !matches!(outside.attempt.statement, OutsideStatement::Block { .. }) {
            return Ok(false);
        }
        let (before, now) = (outside.transaction, self.last_transaction().await?);
        // One transaction is the statement's own, and one that of the query.
        Ok(before.zip(now).is_none_or(|(before, now)| now > before + 2))
    }

    /// The number of the current transaction of the session, which counts them.
    async fn last_transaction(&self) -> Result<Option<u64>> {
        let select = "SELECT pg_catalog.split_part(virtualtransaction, '/', 2) FROM pg_catalog.pg_locks \
                      WHERE pid = pg_catalog.pg_backend_pid() AND virtualtransaction <> '' LIMIT 1";
        let rows = self.session.rows(select).await?;
        Ok(rows.first().and_then(|row| row.get(0)).and_then(|number| number.parse().ok()))
    }
}

impl OutsideRun {
    fn is_repeatable(&self) -> bool {
        !matches!(self.attempt.statement, OutsideStatement::Block { repeatable: false })
    }
}

/// Returns true if a statement is known to run outside a transaction only.
fn needs_no_transaction(statement: &Statement) -> bool {
    let words = words(&statement.text);
    words.iter().any(|word| word == "CONCURRENTLY")
        || statement.word == "VACUUM"
        || ends_transactions(&statement.text)
}

fn unknown_outcome(entry: &Entry, statement: &Statement) -> Diagnostic {
    let message = if entry.state == UnitState::Partial {
        "this statement failed after it had committed a part of its work"
    } else {
        "this statement was interrupted, and whether it was executed cannot be determined"
    };
    Diagnostic::new(codes::APPLY, message)
        .at(statement.place.clone())
        .help("check the database, then run with --in-doubt again to run it from its start, or with --in-doubt done to continue after it")
}

/// Returns true if a statement may succeed when it is retried: lock not available, deadlock, serialization failure, and
/// concurrent updates of a row of a system catalog.
fn is_transient(error: &ServerError) -> bool {
    matches!(error.code.as_str(), "55P03" | "40P01" | "40001")
        || error.code == "XX000" && error.message.contains("tuple concurrently updated")
}

/// The delay before a retry. It doubles each time, with a random part, so that two runs that block each other do not
/// retry at the same time.
fn retry_delay(retries: u32) -> Duration {
    let base = 250 * 2_u64.saturating_pow(retries.min(6));
    let noise = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |time| u64::from(time.subsec_nanos()));
    Duration::from_millis(base + noise % base)
}
