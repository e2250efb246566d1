//! Annotations of GitHub Actions.

use std::fmt::Write as _;

use crate::error::Diagnostic;
use crate::report::diagnostic::plain;
use crate::report::format::Format;

pub(super) static FORMAT: Format = Format {
    name: "github",
    about: "Annotations of GitHub Actions",
    findings_only: true,
    render: |report, _| report.findings().iter().map(annotation).collect(),
};

/// A workflow command: `::error file=…,line=…,title=…::message`, with its delimiters escaped.
fn annotation(finding: &Diagnostic) -> String {
    let text = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |value: &str| text(value).replace(':', "%3A").replace(',', "%2C");
    let mut place = String::new();
    if let Some(at) = &finding.place {
        let (line, column) = at.line_column();
        let _ = write!(place, "file={},line={line},col={column},", property(&at.file));
    }
    let message = text(&plain(finding));
    format!("::error {place}title={}::{message}\n", finding.code)
}
