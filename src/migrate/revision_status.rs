//! The status of the revisions of a folder in a database.

use serde::Serialize;

use super::journal::{self, Entry};
use super::record::{self, Record};
use crate::db::Session;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::revision::{Revision, chain_breaks};

/// The status of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevisionStatus {
    /// Applied, and its file is unchanged.
    Applied,
    /// Not applied.
    Pending,
    /// Partly applied.
    Interrupted,
    /// Applied and partly rolled back.
    PartlyRolledBack,
    /// Applied, and its file was edited afterwards.
    Changed,
    /// Applied, and its file is missing.
    Missing,
    /// Not applied, but a later revision is.
    OutOfOrder,
}

impl RevisionStatus {
    /// The status in words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Interrupted => "half applied",
            Self::PartlyRolledBack => "half rolled back",
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::OutOfOrder => "out of order",
        }
    }
}

/// The status of a revision that the folder or the database has.
#[derive(Clone, Debug)]
pub struct StatusLine {
    /// The name of the revision.
    pub name: String,
    /// Its status.
    pub status: RevisionStatus,
    /// Its files; None if they are missing.
    pub revision: Option<Revision>,
    /// Its record; None if it is not applied.
    pub record: Option<Record>,
}

impl StatusLine {
    /// Returns true if the revision is not applied, but a part of it is.
    pub fn is_half_applied(&self) -> bool {
        self.record.is_none()
            && matches!(self.status, RevisionStatus::Interrupted | RevisionStatus::PartlyRolledBack)
    }
}

/// Compares the revisions of a folder with the records of a database. Lists first the revisions of the folder, in order,
/// and then those whose files are missing.
pub fn compare(revisions: &[Revision], records: &[Record]) -> Vec<StatusLine> {
    let record_of = |name: &str| records.iter().find(|record| record.name == name);
    let last = revisions.iter().rposition(|revision| record_of(&revision.name).is_some());
    let mut lines = Vec::new();
    for (i, revision) in revisions.iter().enumerate() {
        let record = record_of(&revision.name);
        let status = match record {
            Some(record) if record.checksum == revision.checksum() => RevisionStatus::Applied,
            Some(_) => RevisionStatus::Changed,
            None if last.is_some_and(|last| i < last) => RevisionStatus::OutOfOrder,
            None => RevisionStatus::Pending,
        };
        let (name, revision, record) = (revision.name.clone(), Some(revision.clone()), record.cloned());
        lines.push(StatusLine { name, status, revision, record });
    }
    for record in records {
        if !revisions.iter().any(|revision| revision.name == record.name) {
            let (name, status) = (record.name.clone(), RevisionStatus::Missing);
            lines.push(StatusLine { name, status, revision: None, record: Some(record.clone()) });
        }
    }
    lines
}

/// Returns the errors that prevent pending revisions from being applied.
pub fn status_errors(lines: &[StatusLine]) -> Vec<Diagnostic> {
    let last = lines
        .iter()
        .rfind(|line| matches!(line.status, RevisionStatus::Applied | RevisionStatus::Changed))
        .map_or("", |line| line.name.as_str());
    lines.iter().filter_map(|line| status_error(line, last)).collect()
}

/// The error of a revision. `last` is the last applied revision.
fn status_error(line: &StatusLine, last: &str) -> Option<Diagnostic> {
    let name = &line.name;
    let applied = line.record.as_ref().map_or("", |record| record.applied_at.as_str());
    let (message, help) = match line.status {
        RevisionStatus::Interrupted if line.revision.is_none() => {
            let message = format!("`{name}` is half applied, and its file is missing");
            let diagnostic = Diagnostic::new(codes::REVISION, message)
                .help(format!("restore the file `{name}.sql` and run `schemadiff migrate` to resume it"))
                .help("or undo what is applied with `schemadiff rollback`");
            return Some(diagnostic);
        }
        RevisionStatus::Applied | RevisionStatus::Pending | RevisionStatus::Interrupted => return None,
        RevisionStatus::PartlyRolledBack => {
            (format!("the rollback of `{name}` is unfinished"), "finish it first with `schemadiff rollback`")
        }
        RevisionStatus::Changed => (
            format!("`{name}` was edited after it was applied ({applied} UTC)"),
            "restore the file, and write further changes as a new revision",
        ),
        RevisionStatus::Missing => (
            format!("the file of `{name}` is missing, but it is applied ({applied} UTC)"),
            "restore it from version control, or update this checkout",
        ),
        RevisionStatus::OutOfOrder => (
            format!("`{name}` is not applied, but the later `{last}` is"),
            "if it came from a branch that was merged late, remove it and run `schemadiff generate` again, so that it comes last",
        ),
    };
    Some(Diagnostic::new(codes::REVISION, message).help(help))
}

/// Returns the status of the revisions in a database, without creating the tool's schema.
///
/// # Errors
/// Returns an error if the records cannot be read.
pub async fn status(session: &Session, revisions: &[Revision]) -> Result<Vec<StatusLine>> {
    let mut lines = compare(revisions, &record::read(session).await?);
    if !record::exists(session).await? {
        return Ok(lines);
    }
    let entries = journal::executed(session).await?;
    for entry in &entries {
        if !lines.iter().any(|line| line.name == entry.revision) {
            let (name, status) = (entry.revision.clone(), RevisionStatus::Interrupted);
            lines.push(StatusLine { name, status, revision: None, record: None });
        }
    }
    for line in &mut lines {
        let half = |rollback: bool| entries.iter().any(|entry| entry.is_part_of(&line.name, rollback));
        if half(true) {
            line.status = RevisionStatus::PartlyRolledBack;
        } else if line.record.is_none() && half(false) {
            line.status = RevisionStatus::Interrupted;
        }
    }
    Ok(lines)
}

/// Returns an error for a revision that is partly applied or partly rolled back.
///
/// # Errors
/// Returns an error if the records cannot be read.
pub async fn unfinished(session: &Session) -> Result<Option<Diagnostic>> {
    if !record::exists(session).await? {
        return Ok(None);
    }
    let entries = journal::executed(session).await?;
    Ok(entries.first().map(Entry::unfinished))
}

/// Checks that the pending revisions can be applied.
///
/// # Errors
/// Returns the errors of the revisions' status, and the breaks in the chain of pending revisions.
pub fn check_pending(lines: &[StatusLine], revisions: &[Revision]) -> Result<()> {
    let mut wrong = status_errors(lines);
    for found in chain_breaks(revisions) {
        let pending =
            lines.iter().any(|line| line.name == found.revision && line.status == RevisionStatus::Pending);
        if pending {
            wrong.push(found.diagnostic);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Diagnostics(wrong)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::sql::SourceFile;
    use crate::revision::Order;

    #[test]
    fn status_of_each_revision() {
        let revision = |name: &str| Revision {
            name: name.into(),
            order: Order::read(name).unwrap().0,
            up: SourceFile::new(name, "SELECT 1"),
            rollback: None,
            header: None,
        };
        let all: Vec<Revision> = ["1_a", "2_b", "3_c", "4_d"].map(revision).into();
        let record =
            |name: &str, checksum: String| Record { name: name.into(), checksum, ..Record::default() };
        let records =
            [record("0_z", String::new()), record("1_a", all[0].checksum()), record("3_c", "other".into())];
        let lines = compare(&all, &records);
        let statuses: Vec<String> =
            lines.iter().map(|line| format!("{} {}", line.name, line.status.word())).collect();
        assert_eq!(
            statuses,
            ["1_a applied", "2_b out of order", "3_c changed", "4_d pending", "0_z missing"]
        );
        assert_eq!(status_errors(&lines).len(), 3);
    }
}
