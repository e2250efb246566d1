//! The report of `schemadiff check`.

use serde_json::{Value as Json, json};

use super::Report;
use super::diagnostic::{Colour, render};
use crate::check::CheckResult;
use crate::error::Diagnostic;

impl Report for CheckResult {
    fn command(&self) -> &'static str {
        "check"
    }

    fn text(&self, colour: Colour) -> String {
        if self.findings.is_empty() {
            return String::new();
        }
        format!("{}\n", render(&self.findings, colour))
    }

    fn json(&self) -> Json {
        json!({ "findings": self.findings.iter().map(finding).collect::<Vec<_>>() })
    }

    fn findings(&self) -> Vec<Diagnostic> {
        self.findings.clone()
    }
}

fn finding(finding: &Diagnostic) -> Json {
    let place = finding.place.as_ref().map(|place| {
        let (line, column) = place.line_column();
        json!({ "file": place.file, "line": line, "column": column })
    });
    json!({ "code": finding.code.0, "message": finding.message, "place": place, "help": finding.help })
}
