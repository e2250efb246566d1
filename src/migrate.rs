//! Runs revisions on a database and records them there.

mod carry;
mod lock;
pub mod record;
mod recovery;
mod revision_status;
mod run;
mod unit;

use std::cell::RefCell;
use std::time::{Duration, Instant};

pub use carry::carry;
pub use record::Record;
pub use revision_status::{Line, RevisionStatus, compare, doubts};
pub use run::UnknownOutcome;

use crate::catalog;
use crate::db::{Session, Target};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::{Catalog, Fingerprint};
use crate::revision::Revision;
use crate::scratch::MessageSink;

/// How to run.
#[derive(Clone)]
pub struct Options {
    /// How long another run is waited for.
    pub lock_wait: Duration,
    /// How long a statement waits for a lock on a relation, where the file says nothing.
    pub lock_timeout: Duration,
    /// How often a transaction that could not have its locks is tried again.
    pub retries: u32,
    /// What to do with statements of which nobody knows whether they happened.
    pub in_doubt: Option<UnknownOutcome>,
    /// Takes lines for people.
    pub messages: MessageSink,
}

/// A database whose migration lock is held.
pub struct Migrator {
    session: Session,
    guard: Option<Session>,
    process: i64,
    options: Options,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Done {
    /// How long it took.
    pub milliseconds: u64,
    /// How many statements the file has.
    pub statements: usize,
    /// The catalog after it.
    pub catalog: Catalog,
}

impl Migrator {
    /// Connects, takes the lock and creates the tool's schema where it is missing.
    ///
    /// # Errors
    /// When another run holds the lock, or the role may not.
    pub async fn open(target: &Target, options: Options) -> Result<Self> {
        let say = |line: &str| (options.messages)(line);
        // The embedded server takes one connection, which is a lock in itself.
        let guard = match target.folder() {
            Some(_) => None,
            None => Some(Session::connect(target).await?),
        };
        if let Some(guard) = &guard {
            lock::take(guard, lock::Key::Run, options.lock_wait, &say).await?;
        }
        let session = Session::connect(target).await?;
        lock::take(&session, lock::Key::Work, options.lock_wait, &say).await?;
        record::ensure(&session).await?;
        let rows = session.rows("SELECT pg_catalog.pg_backend_pid()").await?;
        let process = rows.first().and_then(|row| row.get(0)).and_then(|pid| pid.parse().ok()).unwrap_or(0);
        Ok(Self { session, guard, process, options })
    }

    /// The connection, set up for reading.
    pub async fn session(&self) -> Result<&Session> {
        self.session.reset().await?;
        self.session.restore_settings().await?;
        Ok(&self.session)
    }

    /// What is applied.
    pub async fn records(&self) -> Result<Vec<Record>> {
        record::read(self.session().await?).await
    }

    /// The catalog as it is now.
    pub async fn catalog(&self) -> Result<Catalog> {
        catalog::read(self.session().await?).await
    }

    /// The catalog before a revision: as it was kept, where the revision is half applied.
    pub async fn before(&self, revision: &Revision) -> Result<Catalog> {
        let begun = record::open_entries(self.session().await?).await?;
        if begun.iter().any(|entry| entry.is_half(&revision.name, false))
            && let Some(start) = record::start(&self.session, &revision.name).await?
        {
            return Ok(start);
        }
        self.catalog().await
    }

    /// The catalog that the last revision left. Where a run ended between its last statement and the keeping
    /// of its catalog, what is there now is kept.
    pub async fn expected(&self, last: &Record) -> Result<Option<Catalog>> {
        if last.hash_after.is_none() {
            let catalog = self.catalog().await?;
            self.session.run(record::keep(&last.name, &catalog, None).as_str()).await?;
            return Ok(Some(catalog));
        }
        record::catalog(self.session().await?, &last.name).await
    }

    /// Applies a revision and records it. `expected` is what the revision before it left, `before` what was
    /// there: what differs between them and is not touched stays drift.
    ///
    /// # Errors
    /// The statement that failed, and what is applied.
    pub async fn apply(
        &self,
        revision: &Revision,
        expected: Option<&Catalog>,
        before: &Catalog,
    ) -> Result<Done> {
        self.session().await?.run(record::keep_start(&revision.name, before).as_str()).await?;
        let record = record::insert(&revision.name, &revision.checksum(), &Fingerprint::of(before).hash);
        let task = run::Task { revision: &revision.name, rollback: false, file: &revision.up };
        let started = Instant::now();
        let statements = self.worker().file(task, &record).await?;
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let catalog = self.catalog().await?;
        let kept = match expected {
            Some(expected) => carry(expected, before, &catalog),
            None => catalog.clone(),
        };
        self.session.run(record::keep(&revision.name, &kept, Some(milliseconds)).as_str()).await?;
        Ok(Done { milliseconds, statements, catalog })
    }

    /// Takes a revision back and forgets it.
    ///
    /// # Errors
    /// When it has no rollback, or the statement that failed.
    pub async fn roll_back(&self, revision: &Revision) -> Result<Done> {
        let Some(file) = &revision.rollback else {
            return Err(Diagnostic::new(codes::REVISION, format!("`{}` has no rollback", revision.name))
                .help("restore its file, or write one")
                .into());
        };
        let task = run::Task { revision: &revision.name, rollback: true, file };
        let started = Instant::now();
        let statements = self.worker().file(task, &record::delete(&revision.name)).await?;
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Done { milliseconds, statements, catalog: self.catalog().await? })
    }

    fn worker(&self) -> run::Worker<'_> {
        run::Worker {
            session: &self.session,
            guard: self.guard.as_ref(),
            process: self.process,
            options: &self.options,
            blockers: RefCell::default(),
        }
    }

    /// Closes the connections, and with them the locks.
    pub async fn close(self) {
        self.session.close().await;
        if let Some(guard) = self.guard {
            guard.close().await;
        }
    }
}

/// How the folder stands to a database, read without leaving a trace.
///
/// # Errors
/// When the database cannot be read.
pub async fn look(session: &Session, revisions: &[Revision]) -> Result<Vec<Line>> {
    let mut lines = compare(revisions, &record::read(session).await?);
    if record::exists(session).await? {
        let begun = record::open_entries(session).await?;
        for line in &mut lines {
            let half = |back: bool| begun.iter().any(|entry| entry.is_half(&line.name, back));
            if line.standing == RevisionStatus::Pending && half(false) {
                line.standing = RevisionStatus::Interrupted;
            } else if line.record.is_some() && half(true) {
                line.standing = RevisionStatus::TakenBackInPart;
            }
        }
    }
    Ok(lines)
}

/// What was begun in a database and is not finished, in either direction: it is neither before it nor after it.
///
/// # Errors
/// When the database cannot be read.
pub async fn unfinished(session: &Session) -> Result<Option<Diagnostic>> {
    if !record::exists(session).await? {
        return Ok(None);
    }
    let begun = record::open_entries(session).await?;
    Ok(begun.iter().find(|entry| entry.is_half(&entry.revision, entry.rollback)).map(run::under_way))
}

/// What keeps pending revisions from being run: the folder against the record, and the chain among those
/// that are to be run.
pub fn obstacles(lines: &[Line], revisions: &[Revision]) -> Result<()> {
    let mut wrong = doubts(lines);
    for doubt in crate::revision::chain_breaks(revisions) {
        let pending =
            lines.iter().any(|line| line.name == doubt.revision && line.standing == RevisionStatus::Pending);
        if pending {
            wrong.push(doubt.diagnostic);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Diagnostics(wrong)) }
}
