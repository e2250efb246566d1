//! The header of a migration file: a comment with its name, the states before and after it, and its hazards.

use std::fmt::Write as _;

use jiff::civil::DateTime;

use super::rename_line;
use crate::model::{Fingerprint, Rename};

/// The header of a migration file. A file written by hand may have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The name of the revision.
    pub name: String,
    /// The time at which the file was written, in UTC.
    pub date: Option<DateTime>,
    /// A description in one line.
    pub description: String,
    /// The state before the migration.
    pub from: Option<Fingerprint>,
    /// The state after the migration.
    pub to: Option<Fingerprint>,
    /// The renames that the migration performs, so that their annotations are not applied again.
    pub renamed: Vec<Rename>,
    /// The hazards: their codes and details.
    pub hazards: Vec<(String, String)>,
    /// How the migration was rehearsed.
    pub proof: String,
    /// The program that wrote the file, with its version.
    pub tool: String,
}

const REVISION: &str = "Revision";
const ROLLBACK: &str = "Rollback of";

impl Header {
    /// Prints the header of a migration.
    pub fn print(&self) -> String {
        self.lines(REVISION)
    }

    /// Prints the header of a rollback.
    pub fn print_rollback(&self) -> String {
        self.lines(ROLLBACK)
    }

    fn lines(&self, first: &str) -> String {
        let mut text = String::new();
        let mut line = |key: &str, value: &str| {
            if !value.is_empty() {
                // A line break would end the comment.
                let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
                let _ = writeln!(text, "-- {key}: {value}");
            }
        };
        line(first, &self.name);
        line(
            "Date",
            &self.date.map(|date| date.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default(),
        );
        line("Description", &self.description);
        line("From", &self.from.as_ref().map(ToString::to_string).unwrap_or_default());
        line("To", &self.to.as_ref().map(ToString::to_string).unwrap_or_default());
        for rename in &self.renamed {
            line("Renamed", &rename_line::print(rename));
        }
        for (code, detail) in &self.hazards {
            line("Hazard", &format!("{code}: {detail}"));
        }
        line("Proof", &self.proof);
        line("Written by", &self.tool);
        text
    }

    /// Reads the header of a file. Returns None if its first comment is not a header.
    pub fn read(text: &str) -> Option<Self> {
        let mut header = Self::default();
        let mut found = false;
        for line in first_comment(text) {
            let Some((key, value)) = line.trim_start_matches("--").trim().split_once(": ") else { continue };
            let value = value.trim();
            match key {
                REVISION | ROLLBACK => {
                    found = true;
                    value.clone_into(&mut header.name);
                }
                "Date" => header.date = DateTime::strptime("%Y-%m-%d %H:%M:%S UTC", value).ok(),
                "Description" => value.clone_into(&mut header.description),
                "From" => header.from = Fingerprint::parse(value),
                "To" => header.to = Fingerprint::parse(value),
                "Renamed" => header.renamed.extend(rename_line::read(value)),
                "Hazard" => {
                    let (code, detail) = value.split_once(": ").unwrap_or((value, ""));
                    header.hazards.push((code.to_owned(), detail.to_owned()));
                }
                "Proof" => value.clone_into(&mut header.proof),
                "Written by" => value.clone_into(&mut header.tool),
                _ => {}
            }
        }
        found.then_some(header)
    }
}

/// The lines of the comment at the beginning of a file.
fn first_comment(text: &str) -> impl Iterator<Item = &str> {
    text.trim_start_matches('\u{feff}').lines().take_while(|line| line.starts_with("--"))
}

/// Returns the text of a file without its header, with normalized line ends. The checksum does not change if the header
/// is corrected, or if version control converts the line ends.
pub fn body(text: &str) -> String {
    let after: usize =
        text.split_inclusive('\n').take_while(|line| line.starts_with("--")).map(str::len).sum();
    let body = if Header::read(text).is_some() { &text[after..] } else { text };
    body.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_reads_back() {
        let print = |c: char, major| Fingerprint { hash: c.to_string().repeat(64), major };
        let header = Header {
            name: "20260101_120000_x".into(),
            date: "2026-01-01T12:00:00".parse().ok(),
            description: "adds x".into(),
            from: Some(print('a', 15)),
            to: Some(print('b', 15)),
            renamed: rename_line::read("column shop.\"a b\".c -> shop.d.e").into_iter().collect(),
            hazards: vec![("DataLoss".into(), "column s.t.a is dropped".into())],
            proof: "rehearsed up and back".into(),
            tool: "schemadiff 0.1.0".into(),
        };
        let text = format!("{}\nBEGIN;\r\nSELECT 1;  \nCOMMIT;\n", header.print());
        assert_eq!(Header::read(&text), Some(header.clone()));
        assert_eq!(body(&text), "BEGIN;\nSELECT 1;\nCOMMIT;");
        assert_eq!(Header::read(&header.print_rollback()), Some(header));
        assert_eq!(Header::read("-- a comment\nSELECT 1"), None);
        assert_eq!(body("-- a comment\nSELECT 1\n"), "-- a comment\nSELECT 1");
        assert!(print('a', 15).differs(&print('b', 15)) && !print('a', 15).differs(&print('b', 16)));
    }
}
