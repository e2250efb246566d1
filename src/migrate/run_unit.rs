//! Runs one unit of a file, and retries it if it could not acquire its locks.

use std::fmt::Write as _;
use std::time::Duration;

use super::journal::{self, Entry};
use super::lock::{self, Lock};
use super::options::UnknownOutcome;
use super::recovery::{StatementOutcome, resolve_outcome};
use super::tokens::{ends_transactions, words};
use super::unit::{Unit, UnitKind};
use super::worker::Worker;
use crate::db::Session;
use crate::declare::sql::{SourceFile, Statement};
use crate::error::{Diagnostic, Error, Result, ServerError, codes};
use crate::model::sql::Sql;

/// The run of a file.
#[derive(Clone, Copy)]
pub(super) struct FileRun<'a> {
    pub(super) revision: &'a str,
    pub(super) rollback: bool,
    pub(super) file: &'a SourceFile,
}

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
            rollback: self.file.rollback,
            unit: self.number,
            line: self.unit.line(),
            digest: self.unit.digest(),
            finished: false,
            outside_transaction: false,
        }
    }
}

impl Worker<'_> {
    /// Runs a unit. `interrupted` is the journal entry of an earlier run that may have executed it.
    pub(super) async fn run_unit(&self, run: UnitRun<'_>, interrupted: Option<&Entry>) -> Result<()> {
        if let Some(session) = self.lock_session {
            lock::check_held(session, Lock::Run).await?;
        }
        let first = &run.unit.statements[0];
        let id = journal::begin(self.journal_session(), &run.new_entry(), &first.text).await?;
        if interrupted.is_some() && self.is_done(first).await? {
            return self.session.run(&run.finish(id, self.session)).await;
        }
        let mut retries = 0;
        loop {
            let result = match run.unit.kind {
                UnitKind::Transaction | UnitKind::Session => self.run_transaction(run, id).await,
                UnitKind::Single => self.run_single(run, id).await,
            };
            let Err(Error::Server(error)) = &result else { return result };
            if retries >= self.options.retries || !is_transient(error) {
                return result;
            }
            retries += 1;
            let _ = self.session.run("ROLLBACK").await;
            let delay = retry_delay(retries);
            let (line, message) = (run.unit.line(), &error.message);
            self.message(&format!(
                "line {line}: {message}; retrying in {:.1} s ({retries} of {})",
                delay.as_secs_f64(),
                self.options.retries
            ));
            self.report_old_transactions().await;
            tokio::time::sleep(delay).await;
        }
    }

    /// Returns true if an interrupted statement was executed.
    async fn is_done(&self, statement: &Statement) -> Result<bool> {
        let outcome = resolve_outcome(self.session, &statement.text, &|line| self.message(line)).await?;
        match (outcome, self.options.unknown_outcome) {
            (StatementOutcome::Done, _) | (StatementOutcome::Unknown, Some(UnknownOutcome::Done)) => Ok(true),
            (StatementOutcome::Again, _) | (StatementOutcome::Unknown, Some(UnknownOutcome::Again)) => {
                Ok(false)
            }
            (StatementOutcome::Unknown, None) => Err(unknown_outcome(statement).into()),
        }
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

    async fn run_single(&self, run: UnitRun<'_>, id: i64) -> Result<()> {
        let statement = &run.unit.statements[0];
        let words = words(&statement.text);
        let has = |word: &str| words.iter().any(|other| other == word);
        let outside_transaction =
            has("CONCURRENTLY") || statement.word == "VACUUM" || ends_transactions(&statement.text);
        if !outside_transaction {
            // Statements in one message are one transaction, so the journal is written with the statement.
            let message = format!("{};\n{}", statement.text, run.finish(id, self.session));
            match self.send(&message, statement).await {
                Err(Error::Server(error)) if matches!(error.code.as_str(), "25001" | "2D000") => {}
                result => return result,
            }
        }
        self.journal_session().run(journal::mark_outside_transaction(id).as_str()).await?;
        // Such a statement blocks no other session while it waits, except a DO block, which sets its own timeouts.
        if !run.sets_lock_timeout {
            self.session.run("SET lock_timeout = 0").await?;
        }
        self.send(&statement.text, statement).await?;
        if has("CREATE") && has("EXISTS") && has("CONCURRENTLY") {
            // IF NOT EXISTS accepts an invalid index.
            let message = |line: &str| self.message(line);
            if resolve_outcome(self.session, &statement.text, &message).await? == StatementOutcome::Again {
                self.send(&statement.text, statement).await?;
            }
        }
        if !run.sets_lock_timeout {
            let timeout = self.options.lock_timeout.as_millis();
            self.session.run(&format!("SET lock_timeout = {timeout}")).await?;
        }
        self.session.run(&run.finish(id, self.session)).await
    }
}

fn unknown_outcome(statement: &Statement) -> Diagnostic {
    let message = "this statement was interrupted, and whether it was executed cannot be determined";
    Diagnostic::new(codes::APPLY, message)
        .at(statement.place.clone())
        .help("check the database, then run with --in-doubt again or --in-doubt done")
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
