//! The report of `schemadiff baseline`, if the database differs from the revisions.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::Report;
use super::diagnostic::Colour;
use super::drift::DriftReport;
use crate::error::Diagnostic;

/// The comparison of one database with the revisions.
#[derive(Debug)]
pub struct BaselineReport<'a> {
    /// The comparison.
    pub comparison: DriftReport<'a>,
    /// The name of another revision that produces the state of the database, if there is one.
    pub earlier: Option<&'a str>,
}

impl Report for BaselineReport<'_> {
    fn command(&self) -> &'static str {
        "baseline"
    }

    fn text(&self, _: Colour) -> String {
        if self.comparison.drift.differences.is_empty() {
            return String::new();
        }
        let DriftReport { database, option, .. } = self.comparison;
        let mut out = self.comparison.differences();
        out.push_str(&self.comparison.revert("To give the database the schema of the revisions:"));
        out.push_str("No revision is recorded. What you can do:\n\n");
        if let Some(name) = self.earlier {
            let _ = writeln!(
                out,
                "- The schema of {database} is that of `{name}`:\n  schemadiff baseline {option} --to {name}"
            );
        } else {
            let _ = writeln!(
                out,
                "- If the database has fewer revisions, name the last one:\n  schemadiff baseline {option} --to REVISION"
            );
        }
        let _ = writeln!(
            out,
            "- If the database is right, declare the differences in the target, run `schemadiff generate`, and repeat:\n  \
             schemadiff baseline {option}\n  `schemadiff introspect {database}` prints the live schema.\n\
             - If the revisions are right, run the statements above, and repeat.\n\
             - If some objects are managed elsewhere, exclude them with `manage:` in the configuration, and repeat.\n\
             - To record revisions without a comparison:\n  schemadiff stamp {option} REVISION .."
        );
        out
    }

    fn json(&self) -> Json {
        let mut json = self.comparison.json();
        json["matching_revision"] = self.earlier.into();
        json
    }

    fn findings(&self) -> Vec<Diagnostic> {
        self.comparison.findings()
    }
}
