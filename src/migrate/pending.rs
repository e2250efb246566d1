//! Applies pending revisions, one after the other.

use super::expected::expected_after;
use super::migrator::{Migrator, RunResult};
use super::revision_status::{RevisionStatus, StatusLine, check_pending};
use crate::error::Result;
use crate::model::{Catalog, Pair};
use crate::revision::Revision;

/// Returns the revisions that are pending or partly applied, in order.
///
/// # Errors
/// Returns an error if the files and the records do not agree.
pub fn pending(lines: &[StatusLine], revisions: &[Revision]) -> Result<Vec<Revision>> {
    check_pending(lines, revisions)?;
    let pending = lines
        .iter()
        .filter(|line| matches!(line.status, RevisionStatus::Pending | RevisionStatus::Interrupted));
    Ok(pending.filter_map(|line| line.revision.clone()).collect())
}

impl Migrator {
    /// Applies revisions and records them. Before the first one, `check` gets the expected and the actual catalog, which
    /// differ if the database has drifted; after each one, `report` gets its result.
    ///
    /// # Errors
    /// Returns an error if `check` fails or a statement fails. Earlier revisions stay applied.
    pub async fn apply_all(
        &self,
        revisions: &[Revision],
        check: impl FnOnce(Pair<&Catalog>) -> Result<()>,
        mut report: impl FnMut(&Revision, &RunResult),
    ) -> Result<()> {
        // Also if nothing is pending: an interrupted run may have left the catalog of its revision to be stored.
        let mut expected = match self.records().await?.last() {
            Some(last) => self.expected(last).await?,
            None => None,
        };
        let Some(first) = revisions.first() else { return Ok(()) };
        let mut before = self.before(first).await?;
        if let Some(expected) = &expected {
            check(Pair { before: expected, after: &before })?;
        }
        for revision in revisions {
            let result = self.apply(revision, expected.as_ref(), &before).await?;
            report(revision, &result);
            expected = expected.map(|expected| expected_after(&expected, &before, &result.catalog));
            before = result.catalog;
        }
        Ok(())
    }
}
