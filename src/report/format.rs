//! The two halves of a report: the document, and the format in which it is printed.

use serde_json::Value as Json;

use super::diagnostic::Colour;
use crate::error::Diagnostic;

/// The result of a command, ready to be printed in any format.
pub trait Report {
    /// The name of the command.
    fn command(&self) -> &'static str;

    /// Returns the report as human-readable text; empty if there is nothing to report.
    fn text(&self, colour: Colour) -> String;

    /// Returns the report as JSON.
    fn json(&self) -> Json;

    /// Returns the findings, for formats that print findings only.
    fn findings(&self) -> Vec<Diagnostic> {
        Vec::new()
    }
}

/// A format in which reports are printed.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The value of `--format`.
    pub name: &'static str,
    /// The description that `--help` shows.
    pub about: &'static str,
    /// Whether the format prints findings only.
    pub findings_only: bool,
    /// Prints a report.
    pub render: fn(&dyn Report, Colour) -> String,
}
