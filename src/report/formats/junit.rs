//! `JUnit` XML, which most CI services read as test results.

use std::fmt::Write as _;

use crate::report::diagnostic::{Colour, plain};
use crate::report::format::{Format, Report};

pub(super) static FORMAT: Format = Format {
    name: "junit",
    about: "JUnit XML, for test reports of CI services",
    findings_only: true,
    render,
};

fn render(report: &dyn Report, _: Colour) -> String {
    let (command, findings) = (report.command(), report.findings());
    let failures = findings.len();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuite name=\"schemadiff {command}\" tests=\"{}\" failures=\"{failures}\">",
        failures.max(1)
    );
    if findings.is_empty() {
        let _ = writeln!(out, "  <testcase classname=\"schemadiff\" name=\"{command}\"/>");
    }
    for finding in &findings {
        let (class, name) = (finding.code.0, escaped(&finding.message));
        let _ = writeln!(out, "  <testcase classname=\"schemadiff.{class}\" name=\"{name}\">");
        let _ = writeln!(out, "    <failure message=\"{name}\">{}</failure>", escaped(&plain(finding)));
        out.push_str("  </testcase>\n");
    }
    out.push_str("</testsuite>\n");
    out
}

/// Escapes text for an attribute or an element.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push(letter),
            // XML 1.0 has no other control characters.
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    out
}
