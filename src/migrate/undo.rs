//! Undoes the executed part of a half-applied revision.
//!
//! The script is planned from the live catalog, so that it is never resumed: if it fails, the next one is planned from
//! the state that it has reached. A marker in the journal shows that the migration can no longer be resumed.

use super::before::Before;
use super::file_run::FileRun;
use super::journal::{self, Entry, UnitState};
use super::outside::OutsideStatement;
use super::record;
use super::recovery::Attempt;
use super::unit::units;
use super::worker::Worker;
use crate::db::Session;
use crate::error::{Diagnostic, Result, codes};
use crate::model::Catalog;

/// The number of the marker. No file has so many units.
const MARKER: usize = 2_147_483_647;

/// Returns the catalog before a half-applied revision.
///
/// # Errors
/// Returns an error if it is not stored or cannot be read.
pub async fn start_of(session: &Session, name: &str) -> Result<Catalog> {
    let start = record::catalog_before(session, name).await?;
    start.ok_or_else(|| {
        Diagnostic::new(
            codes::REVISION,
            format!("the catalog before `{name}` is not stored, so that it cannot be undone"),
        )
        .help("fix the file and resume it with `schemadiff migrate`")
        .into()
    })
}

impl Worker<'_> {
    /// Removes what interrupted statements of a revision have left half done.
    pub(super) async fn clean_up_interrupted(&self, revision: &str) -> Result<()> {
        let timeout = self.options.lock_timeout.as_millis();
        self.session.run(&format!("SET lock_timeout = {timeout}")).await?;
        for entry in journal::executed(self.session).await? {
            if entry.revision == revision && entry.state == UnitState::Unknown && entry.unit != MARKER {
                let statement = OutsideStatement::read(&entry.statement);
                let before = Before::parse(entry.before.as_deref());
                self.recovery().outcome(&Attempt { statement, before }).await?;
            }
        }
        Ok(())
    }

    /// Runs the script that undoes a revision, and returns the number of its statements.
    pub(super) async fn undo(&self, file: FileRun<'_>) -> Result<usize> {
        let is_other = |entry: &Entry| entry.revision != file.revision;
        if let Some(other) = journal::executed(self.session).await?.iter().find(|entry| is_other(entry)) {
            return Err(other.unfinished().into());
        }
        let marker = Entry {
            revision: file.revision.to_owned(),
            rollback: true,
            unit: MARKER,
            line: 1,
            digest: String::new(),
            statement: String::new(),
            state: UnitState::Unknown,
            before: None,
        };
        let id = journal::begin(self.session, &marker, "undo").await?;
        self.session.run(journal::mark_outside_transaction(id, "").as_str()).await?;
        let units = units(file.file)?;
        let executed = vec![None; units.len()];
        let result =
            self.run_units(file, &units, &executed, &record::delete_catalog_before(file.revision)).await;
        if result.is_err() {
            let entries = journal::executed(self.session).await;
            let begun =
                entries.map(|entries| entries.iter().any(|entry| entry.rollback && entry.unit != MARKER));
            // The migration can still be resumed.
            if matches!(begun, Ok(false)) {
                let fail = journal::fail(id, UnitState::NotExecuted, "nothing was undone");
                self.session.run(fail.as_str()).await?;
            }
        }
        result
    }
}
