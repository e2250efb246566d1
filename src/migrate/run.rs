//! Runs one file: unit by unit, journalled, tried again where a lock could not be had.
//!
//! The journal's word that a unit is done is part of the unit's own transaction, so that after a crash there
//! is no doubt about it. Only what cannot be in a transaction leaves one, and then the catalog is asked.

mod report;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::record::{self, Entry};
use super::recovery::{StatementOutcome, settle};
use super::unit::{How, Unit, ends_transactions, units, words};
use super::{Options, lock};
use crate::db::{PgVersion, Session};
use crate::declare::sql::{SourceFile, Statement, statement_error};
use crate::error::{Diagnostic, Error, Result, ServerError, codes};
use crate::model::sql::Sql;
use crate::sql;

/// The connection that runs statements, and the one that holds the lock.
pub(super) struct Worker<'a> {
    pub(super) session: &'a Session,
    /// None where a server takes one connection.
    pub(super) guard: Option<&'a Session>,
    /// The server's process behind `session`.
    pub(super) process: i64,
    pub(super) options: &'a Options,
    /// Who was said to block.
    pub(super) blockers: RefCell<BTreeSet<String>>,
}

/// A file to run.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) revision: &'a str,
    pub(super) rollback: bool,
    pub(super) file: &'a SourceFile,
}

impl Worker<'_> {
    /// Runs a file. `ending` goes with its last unit.
    pub(super) async fn file(&self, task: Task<'_>, ending: &Sql) -> Result<usize> {
        let units = units(task.file)?;
        let begun = self.begun(task, &units).await?;
        self.prepare().await?;
        let last = units.iter().rposition(|unit| unit.how != How::Session);
        let closing = sql!("{};\n{}", ending, record::close(task.revision));
        let roles = units.iter().any(Unit::is_role);
        let own_timeout = units.iter().any(Unit::sets_lock_timeout);
        for (i, unit) in units.iter().enumerate() {
            let closing = if Some(i) == last { Some(&closing) } else { None };
            tracing::info!("{}: part {} of {}, line {}", task.revision, i + 1, units.len(), unit.line());
            let run = Run { task, number: i, unit, closing, roles, own_timeout };
            let result = match unit.how {
                How::Session => {
                    self.send(unit.statements[0].text_for(self.session), &unit.statements[0]).await
                }
                How::Transaction | How::Single => match begun.get(i).and_then(Option::as_ref) {
                    Some(entry) if entry.finished => continue,
                    entry => self.unit(run, entry).await,
                },
            };
            self.tell_notices();
            if let Err(error) = result {
                let _ = self.session.run("ROLLBACK").await;
                return Err(failed(error, task, &units, i));
            }
        }
        if last.is_none() {
            self.session.run(&format!("BEGIN;\n{closing};\nCOMMIT")).await?;
        }
        Ok(units.iter().map(|unit| unit.statements.len()).sum())
    }

    /// A session as `psql` has it, with limits that a migration needs.
    async fn prepare(&self) -> Result<()> {
        self.session.reset().await?;
        let mut settings = format!(
            "SET lock_timeout = {}; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0",
            self.options.lock_timeout.as_millis()
        );
        if self.session.version() >= PgVersion::V17 {
            settings.push_str("; SET transaction_timeout = 0");
        }
        // A role of the tool's own name would find the tool's schema first, by "$user".
        settings.push_str(
            "; SELECT pg_catalog.set_config('search_path', pg_catalog.array_to_string(ARRAY( \
             SELECT pg_catalog.quote_ident(name) FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) AS of (name) \
             WHERE name <> 'schemadiff'), ', '), false) WHERE 'schemadiff' = ANY (pg_catalog.current_schemas(false))",
        );
        self.session.run(&settings).await
    }

    /// What of the file was run before, by unit.
    async fn begun(&self, task: Task<'_>, units: &[Unit]) -> Result<Vec<Option<Entry>>> {
        let entries = record::open_entries(self.session).await?;
        let mut begun: Vec<Option<Entry>> = vec![None; units.len()];
        let mut idle = BTreeSet::new();
        for entry in entries {
            // What was in a transaction and is not finished never happened.
            if !entry.is_half(&entry.revision, entry.rollback) {
                idle.insert(entry.revision);
                continue;
            }
            if entry.revision != task.revision || entry.rollback != task.rollback {
                return Err(under_way(&entry).into());
            }
            let unit = units.get(entry.unit).filter(|unit| unit.digest() == entry.digest);
            if unit.is_none() {
                return Err(Diagnostic::new(
                    codes::REVISION,
                    format!(
                        "`{}` is half applied, and what was applied of it was changed since",
                        entry.revision
                    ),
                )
                .help(format!(
                    "restore what stood at line {}; what comes after it may be changed",
                    entry.line
                ))
                .into());
            }
            // A unit that was tried again has several entries; the last that says something counts.
            let number = entry.unit;
            begun[number] = Some(entry);
        }
        for revision in idle {
            if !begun.iter().flatten().any(|entry| entry.revision == revision) {
                self.session.run(record::close(&revision).as_str()).await?;
            }
        }
        let done = begun.iter().flatten().filter(|entry| entry.finished).count();
        if begun.iter().any(Option::is_some) {
            let name = task.revision;
            self.say(&format!(
                "`{name}` was interrupted: {done} of its {} parts are done, going on",
                units.len()
            ));
        }
        Ok(begun)
    }

    /// Where the journal is written while the other connection is in a transaction or in another role.
    fn records(&self) -> &Session {
        self.guard.unwrap_or(self.session)
    }

    async fn unit(&self, run: Run<'_>, begun: Option<&Entry>) -> Result<()> {
        if let Some(guard) = self.guard {
            lock::check(guard, lock::Key::Run).await?;
        }
        let first = &run.unit.statements[0];
        let entry = Entry {
            revision: run.task.revision.to_owned(),
            rollback: run.task.rollback,
            unit: run.number,
            line: run.unit.line(),
            digest: run.unit.digest(),
            finished: false,
            alone: false,
        };
        let id = record::begin(self.records(), &entry, &first.text).await?;
        if begun.is_some() {
            match settle(self.session, &first.text, &|line| self.say(line)).await? {
                StatementOutcome::Done => return self.session.run(&run.finish(id, self.session)).await,
                StatementOutcome::Again => {}
                StatementOutcome::Unknown => match self.options.in_doubt {
                    Some(UnknownOutcome::Done) => {
                        return self.session.run(&run.finish(id, self.session)).await;
                    }
                    Some(UnknownOutcome::Again) => {}
                    None => return Err(in_doubt(first).into()),
                },
            }
        }
        let mut tries = 0;
        loop {
            let result = match run.unit.how {
                How::Transaction | How::Session => self.transaction(run, id).await,
                How::Single => self.single(run, id).await,
            };
            let Err(Error::Server(error)) = &result else { return result };
            if tries >= self.options.retries || !passes(error) {
                return result;
            }
            tries += 1;
            let _ = self.session.run("ROLLBACK").await;
            let pause = pause(tries);
            let (line, message) = (run.unit.line(), &error.message);
            self.say(&format!(
                "line {line}: {message}; again in {:.1} s ({tries} of {})",
                pause.as_secs_f64(),
                self.options.retries
            ));
            self.tell_old_transactions().await;
            tokio::time::sleep(pause).await;
        }
    }

    async fn transaction(&self, run: Run<'_>, id: i64) -> Result<()> {
        let statements = &run.unit.statements;
        let (end, before) = statements.split_last().ok_or_else(|| Error::Internal("an empty unit".into()))?;
        for statement in before {
            self.send(statement.text_for(self.session), statement).await?;
        }
        // A transaction that is taken back leaves nothing, its entry in the journal neither.
        if matches!(end.word.as_str(), "ROLLBACK" | "ABORT") {
            self.send(&end.text, end).await?;
            return self.session.run(&run.finish(id, self.session)).await;
        }
        self.session.run(&run.finish(id, self.session)).await?;
        self.send(&end.text, end).await
    }

    async fn single(&self, run: Run<'_>, id: i64) -> Result<()> {
        let statement = &run.unit.statements[0];
        let words = words(&statement.text);
        let has = |word: &str| words.iter().any(|other| other == word);
        let known = has("CONCURRENTLY") || statement.word == "VACUUM" || ends_transactions(&statement.text);
        if !known {
            // One message is one transaction, so that the journal goes with the statement.
            let message = format!("{};\n{}", statement.text, run.finish(id, self.session));
            match self.send(&message, statement).await {
                Err(Error::Server(error)) if matches!(error.code.as_str(), "25001" | "2D000") => {}
                result => return result,
            }
        }
        self.records().run(record::alone(id).as_str()).await?;
        // It blocks nobody while it waits (or is a block that sets its own limits).
        if !run.own_timeout {
            self.session.run("SET lock_timeout = 0").await?;
        }
        self.send(&statement.text, statement).await?;
        if has("CREATE") && has("EXISTS") && has("CONCURRENTLY") {
            // IF NOT EXISTS takes an invalid index for one that is there.
            let say = |line: &str| self.say(line);
            if settle(self.session, &statement.text, &say).await? == StatementOutcome::Again {
                self.send(&statement.text, statement).await?;
            }
        }
        if !run.own_timeout {
            let limit = self.options.lock_timeout.as_millis();
            self.session.run(&format!("SET lock_timeout = {limit}")).await?;
        }
        self.session.run(&run.finish(id, self.session)).await
    }

    /// Sends a statement and tells meanwhile who blocks it.
    async fn send(&self, message: &str, statement: &Statement) -> Result<()> {
        let work = self.session.run(message);
        tokio::pin!(work);
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                () = tokio::time::sleep(Duration::from_secs(1)) => self.tell_blockers().await,
            }
        };
        result.map_err(|error| match error {
            Error::Server(mut error) => {
                error.position = error.position.filter(|at| *at <= statement.text.len());
                error.sql.clone_from(&statement.text);
                Error::Server(error)
            }
            other => other,
        })
    }
}

/// A unit of a file that is run.
#[derive(Clone, Copy)]
struct Run<'a> {
    task: Task<'a>,
    number: usize,
    unit: &'a Unit,
    closing: Option<&'a Sql>,
    /// The file becomes other roles.
    roles: bool,
    /// The file sets a `lock_timeout` of its own.
    own_timeout: bool,
}

impl Run<'_> {
    /// What is written when the unit is done.
    fn finish(&self, id: i64, session: &Session) -> String {
        let mut text = String::new();
        if self.roles {
            let login = session.login();
            let _ = write!(text, "SET LOCAL SESSION AUTHORIZATION {login};\nSET LOCAL ROLE NONE;\n");
        }
        text.push_str(record::finish(id).as_str());
        if let Some(closing) = self.closing {
            text.push_str(";\n");
            text.push_str(closing.as_str());
        }
        text
    }
}

/// What a failure leaves, and how to go on.
fn failed(error: Error, task: Task<'_>, units: &[Unit], at: usize) -> Error {
    let mut diagnostic = match error {
        Error::Server(error) => {
            let found = units[at].statements.iter().find(|statement| statement.text == error.sql);
            match found {
                Some(statement) => statement_error(statement, &error),
                None => Diagnostic::new(codes::APPLY, error.to_string()),
            }
        }
        Error::Diagnostics(mut all) if all.len() == 1 => all.remove(0),
        other => return other,
    };
    diagnostic.message = format!("`{}` failed: {}", task.revision, diagnostic.message);
    let done = units[..at].iter().filter(|unit| unit.how != How::Session).count();
    let kept = if done == 0 {
        "nothing of this file is applied".to_owned()
    } else {
        format!("what stands before line {} is applied", units[at].line())
    };
    let command = if task.rollback { "rollback" } else { "migrate" };
    diagnostic
        .help(format!(
            "{kept}; mend the file or the database, and run `schemadiff {command}` again: it goes on there"
        ))
        .into()
}

/// What to do with a statement of which the catalog does not tell whether it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownOutcome {
    /// Run it again.
    Again,
    /// Take it for done.
    Done,
}

fn in_doubt(statement: &Statement) -> Diagnostic {
    Diagnostic::new(
        codes::APPLY,
        "this statement was interrupted, and the catalog does not tell whether it happened",
    )
    .at(statement.place.clone())
    .help("look, and say it: --in-doubt again or --in-doubt done")
}

/// That it is begun and not finished, and how to go on.
pub(super) fn under_way(entry: &Entry) -> Diagnostic {
    let name = &entry.revision;
    let (what, command) = if entry.rollback {
        ("rollback", "schemadiff rollback")
    } else {
        ("migration", "schemadiff migrate")
    };
    Diagnostic::new(codes::REVISION, format!("the {what} of `{name}` was begun and is not finished"))
        .help(format!("finish it first: `{command}`, with its file as it was"))
}

/// Whether the same may succeed in a moment: lock not available, deadlock, serialization, and two that
/// change one catalog row.
fn passes(error: &ServerError) -> bool {
    matches!(error.code.as_str(), "55P03" | "40P01" | "40001")
        || error.code == "XX000" && error.message.contains("tuple concurrently updated")
}

/// Twice as long each time, and never the same twice, so that two that collide part.
fn pause(tries: u32) -> Duration {
    let base = 250 * 2_u64.saturating_pow(tries.min(6));
    let noise = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |time| u64::from(time.subsec_nanos()));
    Duration::from_millis(base + noise % base)
}
