//! How the revisions of a folder stand to what a database has recorded.

use serde::Serialize;

use super::record::Record;
use crate::error::{Diagnostic, codes};
use crate::revision::Revision;

/// How one revision stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevisionStatus {
    /// Applied as it is on disk.
    Applied,
    /// Not applied yet.
    Pending,
    /// Begun, and some of it applied.
    Interrupted,
    /// Applied, and its rollback was begun and is not finished.
    TakenBackInPart,
    /// Applied, and its file was changed since.
    Changed,
    /// Applied, and its file is gone.
    Missing,
    /// Not applied, and a later one is.
    OutOfOrder,
}

impl RevisionStatus {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Interrupted => "half applied",
            Self::TakenBackInPart => "half rolled back",
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::OutOfOrder => "out of order",
        }
    }
}

/// A revision of either side.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub standing: RevisionStatus,
    /// Its files, where they are.
    pub revision: Option<Revision>,
    /// What the database knows of it.
    pub record: Option<Record>,
}

/// Compares folder and database: first what the folder has, in order, then what is missing there.
pub fn compare(revisions: &[Revision], records: &[Record]) -> Vec<Line> {
    let record_of = |name: &str| records.iter().find(|record| record.name == name);
    let last = revisions.iter().rposition(|revision| record_of(&revision.name).is_some());
    let mut lines = Vec::new();
    for (i, revision) in revisions.iter().enumerate() {
        let record = record_of(&revision.name);
        let standing = match record {
            Some(record) if record.checksum == revision.checksum() => RevisionStatus::Applied,
            Some(_) => RevisionStatus::Changed,
            None if last.is_some_and(|last| i < last) => RevisionStatus::OutOfOrder,
            None => RevisionStatus::Pending,
        };
        let (name, revision, record) = (revision.name.clone(), Some(revision.clone()), record.cloned());
        lines.push(Line { name, standing, revision, record });
    }
    for record in records {
        if !revisions.iter().any(|revision| revision.name == record.name) {
            let (name, standing) = (record.name.clone(), RevisionStatus::Missing);
            lines.push(Line { name, standing, revision: None, record: Some(record.clone()) });
        }
    }
    lines
}

/// What keeps the folder from being run against the database.
pub fn doubts(lines: &[Line]) -> Vec<Diagnostic> {
    let last =
        lines.iter().rfind(|line| matches!(line.standing, RevisionStatus::Applied | RevisionStatus::Changed));
    let last = last.map_or("", |line| line.name.as_str());
    lines
        .iter()
        .filter_map(|line| {
            let name = &line.name;
            let applied = line.record.as_ref().map_or("", |record| record.applied_at.as_str());
            Some(match line.standing {
                RevisionStatus::Applied | RevisionStatus::Pending | RevisionStatus::Interrupted => return None,
                RevisionStatus::TakenBackInPart => Diagnostic::new(
                    codes::REVISION,
                    format!("the rollback of `{name}` was begun and is not finished"),
                )
                .help("finish it first: `schemadiff rollback`, with its file as it was"),
                RevisionStatus::Changed => Diagnostic::new(
                    codes::REVISION,
                    format!("`{name}` was changed after it was applied ({applied} UTC)"),
                )
                .help("restore the file as it was, and write what it shall do besides as a new revision"),
                RevisionStatus::Missing => Diagnostic::new(
                    codes::REVISION,
                    format!("`{name}` is applied ({applied} UTC), and its file is gone"),
                )
                .help("restore it from version control, or update this checkout"),
                RevisionStatus::OutOfOrder => Diagnostic::new(
                    codes::REVISION,
                    format!("`{name}` is not applied, and the later `{last}` is"),
                )
                .help("it came from a branch that was merged late: remove it and run `schemadiff generate` again, so that it comes last"),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::sql::SourceFile;
    use crate::revision::Order;

    #[test]
    fn every_standing() {
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
        let told: Vec<String> =
            lines.iter().map(|line| format!("{} {}", line.name, line.standing.word())).collect();
        assert_eq!(told, ["1_a applied", "2_b out of order", "3_c changed", "4_d pending", "0_z missing"]);
        assert_eq!(doubts(&lines).len(), 3);
    }
}
