//! Findings for people, programs and the services that review changes.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::diagnostic::{Colour, render};
use crate::error::Diagnostic;

/// How findings are told.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// Annotations of GitHub's.
    Github,
    /// What most services read as the result of tests.
    Junit,
}

/// Tells findings of `command`.
pub fn tell(findings: &[Diagnostic], format: Format, command: &str, colour: Colour) -> String {
    match format {
        Format::Text if findings.is_empty() => String::new(),
        Format::Text => format!("{}\n", render(findings, colour)),
        Format::Json => {
            format!("{:#}\n", json!({ "findings": findings.iter().map(json_of).collect::<Vec<_>>() }))
        }
        Format::Github => findings.iter().map(github).collect(),
        Format::Junit => junit(findings, command),
    }
}

fn json_of(finding: &Diagnostic) -> Json {
    let place = finding.place.as_ref().map(|place| {
        let (line, column) = place.line_column();
        json!({ "file": place.file, "line": line, "column": column })
    });
    json!({ "code": finding.code.0, "message": finding.message, "place": place, "help": finding.help })
}

/// `::error file=…,line=…,title=…::message`, with the signs escaped that end a part.
fn github(finding: &Diagnostic) -> String {
    let text = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |value: &str| text(value).replace(':', "%3A").replace(',', "%2C");
    let mut place = String::new();
    if let Some(at) = &finding.place {
        let (line, column) = at.line_column();
        let _ = write!(place, "file={},line={line},col={column},", property(&at.file));
    }
    let message = text(&body(finding));
    format!("::error {place}title={}::{message}\n", finding.code)
}

fn junit(findings: &[Diagnostic], command: &str) -> String {
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
    for finding in findings {
        let (class, name) = (finding.code.0, escaped(&finding.message));
        let _ = writeln!(out, "  <testcase classname=\"schemadiff.{class}\" name=\"{name}\">");
        let _ = writeln!(out, "    <failure message=\"{name}\">{}</failure>", escaped(&body(finding)));
        out.push_str("  </testcase>\n");
    }
    out.push_str("</testsuite>\n");
    out
}

fn body(finding: &Diagnostic) -> String {
    let mut lines = vec![finding.message.clone()];
    if let Some(place) = &finding.place {
        let (line, column) = place.line_column();
        lines.push(format!("{}:{line}:{column}", place.file));
    }
    lines.extend(finding.help.iter().map(|help| format!("help: {help}")));
    lines.join("\n")
}

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
            // XML has no other control characters.
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Place, codes};

    #[test]
    fn every_format() {
        let place = Place { file: "a,b.sql".into(), text: "x\ny".into(), span: 2..3 };
        let findings = [Diagnostic::new(codes::REVISION, "50% <of> \"it\"").at(place).help("do\nit")];
        let tell = |format| tell(&findings, format, "check", Colour::Never);
        assert_eq!(
            tell(Format::Github),
            "::error file=a%2Cb.sql,line=2,col=1,title=SD030::50%25 <of> \"it\"%0Aa,b.sql:2:1%0Ahelp: do%0Ait\n"
        );
        assert!(tell(Format::Junit).contains("name=\"50% &lt;of&gt; &quot;it&quot;\""));
        assert!(tell(Format::Json).contains("\"line\": 2"));
        assert!(tell(Format::Text).starts_with("error[SD030]: 50%"));
        assert!(
            super::tell(&[], Format::Junit, "check", Colour::Never).contains("tests=\"1\" failures=\"0\"")
        );
    }
}
