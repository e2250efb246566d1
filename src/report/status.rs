//! The report of `schemadiff status`.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::Report;
use super::diagnostic::Colour;
use crate::migrate::{RevisionStatus, StatusLine};

/// The revisions of one database.
#[derive(Debug)]
pub struct StatusReport<'a> {
    /// The name of the database.
    pub database: &'a str,
    /// The revisions.
    pub revisions: &'a [StatusLine],
    /// The parking schemas with their comments.
    pub parked: &'a [(String, String)],
}

impl StatusReport<'_> {
    /// Whether every revision is applied as it is on disk.
    pub fn up_to_date(&self) -> bool {
        self.revisions.iter().all(|line| line.status == RevisionStatus::Applied)
    }
}

impl Report for StatusReport<'_> {
    fn command(&self) -> &'static str {
        "status"
    }

    fn text(&self, _: Colour) -> String {
        let mut out = revisions(self.revisions);
        for (schema, comment) in self.parked {
            let _ = writeln!(out, "{schema}: {comment}");
        }
        out
    }

    fn json(&self) -> Json {
        let parked: Vec<Json> = self
            .parked
            .iter()
            .map(|(schema, comment)| json!({ "schema": schema, "comment": comment }))
            .collect();
        json!({
            "database": self.database,
            "up_to_date": self.up_to_date(),
            "revisions": self.revisions.iter().map(revision).collect::<Vec<_>>(),
            "parked": parked,
        })
    }
}

fn revisions(lines: &[StatusLine]) -> String {
    if lines.is_empty() {
        return "no revisions\n".into();
    }
    let width = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for line in lines {
        let mut row = format!("{:width$}  {:12}", line.name, line.status.word());
        if let Some(record) = &line.record {
            let _ = write!(row, "  {} UTC by {}", record.applied_at, record.applied_by);
            if let Some(milliseconds) = record.milliseconds {
                let _ = write!(row, ", {milliseconds} ms");
            }
        }
        let _ = writeln!(out, "{}", row.trim_end());
    }
    out
}

fn revision(line: &StatusLine) -> Json {
    let record = line.record.as_ref();
    let header = line.revision.as_ref().and_then(|revision| revision.header.as_ref());
    json!({
        "name": line.name,
        "standing": line.status,
        "description": header.map(|header| &header.description),
        "applied_at": record.map(|record| format!("{}Z", record.applied_at.replace(' ', "T"))),
        "applied_by": record.map(|record| &record.applied_by),
        "duration_ms": record.and_then(|record| record.milliseconds),
    })
}
