//! Applies revisions to a database and rolls them back.

use std::time::Instant;

use super::expected::expected_after;
use super::file_run::{FileRun, RunDirection};
use super::interrupt::ActiveRun;
use super::lock::{self, Lock};
use super::options::Options;
use super::record::{self, Record};
use super::worker::Worker;
use super::{journal, tables, undo};
use crate::catalog;
use crate::db::{Session, Target};
use crate::declare::sql::SourceFile;
use crate::error::{Diagnostic, Result, codes};
use crate::model::{Catalog, Fingerprint};
use crate::revision::Revision;

/// A connection to a database whose migration lock is held.
pub struct Migrator {
    session: Session,
    /// The connection that holds the lock; None on the embedded server.
    lock_session: Option<Session>,
    /// The server process of `session`.
    process: i64,
    options: Options,
    /// None on the embedded server, which cannot cancel a statement.
    _active: Option<ActiveRun>,
}

/// The result of running a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunResult {
    /// The duration.
    pub milliseconds: u64,
    /// The number of statements in the file.
    pub statements: usize,
    /// The catalog afterwards.
    pub catalog: Catalog,
}

impl Migrator {
    /// Connects, acquires the lock and creates the tool's schema if it does not exist.
    ///
    /// # Errors
    /// Returns an error if another run holds the lock, or if the role may not create the schema.
    pub async fn open(target: &Target, options: Options) -> Result<Self> {
        let message = |line: &str| (options.messages)(line);
        // The embedded server accepts one connection, so it needs no lock.
        let lock_session = match target.folder() {
            Some(_) => None,
            None => Some(Session::connect(target).await?),
        };
        if let Some(session) = &lock_session {
            lock::acquire(session, Lock::Run, options.lock_wait, &message).await?;
        }
        let session = Session::connect(target).await?;
        lock::acquire(&session, Lock::Statements, options.lock_wait, &message).await?;
        tables::create(&session).await?;
        let rows = session.rows("SELECT pg_catalog.pg_backend_pid()").await?;
        let process = rows.first().and_then(|row| row.get(0)).and_then(|pid| pid.parse().ok()).unwrap_or(0);
        let active = lock_session.is_some().then(|| options.interrupt.run());
        Ok(Self { session, lock_session, process, options, _active: active })
    }

    /// The connection, with the settings for reading.
    ///
    /// # Errors
    /// Returns an error if the connection is lost.
    pub async fn session(&self) -> Result<&Session> {
        self.session.reset().await?;
        self.session.restore_settings().await?;
        Ok(&self.session)
    }

    /// The records of the applied revisions.
    ///
    /// # Errors
    /// Returns an error if they cannot be read.
    pub async fn records(&self) -> Result<Vec<Record>> {
        record::read(self.session().await?).await
    }

    /// The current catalog.
    ///
    /// # Errors
    /// Returns an error if it cannot be read.
    pub async fn catalog(&self) -> Result<Catalog> {
        catalog::read(self.session().await?).await
    }

    /// The catalog before a revision: the stored one if the revision is partly applied.
    ///
    /// # Errors
    /// Returns an error if it cannot be read.
    pub async fn before(&self, revision: &Revision) -> Result<Catalog> {
        let entries = journal::executed(self.session().await?).await?;
        if entries.iter().any(|entry| entry.is_part_of(&revision.name, false))
            && let Some(before) = record::catalog_before(&self.session, &revision.name).await?
        {
            return Ok(before);
        }
        self.catalog().await
    }

    /// The catalog that the last revision produced. If its run ended before the catalog was stored, stores the current
    /// one.
    ///
    /// # Errors
    /// Returns an error if it cannot be read or stored.
    pub async fn expected(&self, last: &Record) -> Result<Option<Catalog>> {
        if last.hash_after.is_none() {
            let catalog = self.catalog().await?;
            self.session.run(record::store_catalog_after(&last.name, &catalog, None).as_str()).await?;
            return Ok(Some(catalog));
        }
        record::catalog(self.session().await?, &last.name).await
    }

    /// Applies a revision and records it. `expected` is the catalog that the previous revision produced, and `before`
    /// the catalog before this one. A difference between the two that the revision does not touch is drift, and is not
    /// recorded as produced by the revision.
    ///
    /// # Errors
    /// Returns an error if a statement fails, saying which and what was applied.
    pub async fn apply(
        &self,
        revision: &Revision,
        expected: Option<&Catalog>,
        before: &Catalog,
    ) -> Result<RunResult> {
        let name = &revision.name;
        self.session().await?.run(record::store_catalog_before(name, before).as_str()).await?;
        let record = record::insert(name, &revision.checksum(), &Fingerprint::of(before).hash);
        let file = FileRun { revision: name, direction: RunDirection::Up, file: &revision.up };
        let started = Instant::now();
        let statements = self.worker().run_file(file, &record).await?;
        let milliseconds = milliseconds_since(started);
        let catalog = self.catalog().await?;
        let after = match expected {
            Some(expected) => expected_after(expected, before, &catalog),
            None => catalog.clone(),
        };
        self.session.run(record::store_catalog_after(name, &after, Some(milliseconds)).as_str()).await?;
        Ok(RunResult { milliseconds, statements, catalog })
    }

    /// Rolls a revision back and deletes its record.
    ///
    /// # Errors
    /// Returns an error if the revision has no rollback, or if a statement fails.
    pub async fn roll_back(&self, revision: &Revision) -> Result<RunResult> {
        let name = &revision.name;
        let Some(file) = &revision.rollback else {
            return Err(Diagnostic::new(codes::REVISION, format!("`{name}` has no rollback"))
                .help("restore the file of its rollback, or write one")
                .into());
        };
        let file = FileRun { revision: name, direction: RunDirection::Rollback, file };
        let started = Instant::now();
        let statements = self.worker().run_file(file, &record::delete(name)).await?;
        let milliseconds = milliseconds_since(started);
        Ok(RunResult { milliseconds, statements, catalog: self.catalog().await? })
    }

    /// The catalog before a half-applied revision.
    ///
    /// # Errors
    /// Returns an error if it is not stored or cannot be read.
    pub async fn start_of(&self, name: &str) -> Result<Catalog> {
        undo::start_of(self.session().await?, name).await
    }

    /// Removes what interrupted statements of a half-applied revision have left half done, before its undoing is planned.
    ///
    /// # Errors
    /// Returns an error if the server returns one, or the connection is lost.
    pub async fn clean_up(&self, name: &str) -> Result<()> {
        self.session().await?;
        self.worker().clean_up_interrupted(name).await
    }

    /// Undoes the executed part of a half-applied revision with a script that leads back to its start.
    ///
    /// # Errors
    /// Returns an error if a statement fails.
    pub async fn undo(&self, name: &str, script: &SourceFile) -> Result<RunResult> {
        self.session().await?;
        let started = Instant::now();
        let file = FileRun { revision: name, direction: RunDirection::Undo, file: script };
        let statements = self.worker().undo(file).await?;
        let milliseconds = milliseconds_since(started);
        Ok(RunResult { milliseconds, statements, catalog: self.catalog().await? })
    }

    fn worker(&self) -> Worker<'_> {
        Worker::new(&self.session, self.lock_session.as_ref(), self.process, &self.options)
    }

    /// Closes the connections, which releases the locks.
    pub async fn close(self) {
        self.session.close().await;
        if let Some(session) = self.lock_session {
            session.close().await;
        }
    }
}

fn milliseconds_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
