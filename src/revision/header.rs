//! The comment at the head of a revision: what it is, which state it starts from and leads to, what may hurt.

use std::fmt::Write as _;

use jiff::civil::DateTime;

use super::record;
use crate::model::{Fingerprint, Rename};

/// What the head of a file says. A file that somebody wrote need say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The revision's name.
    pub name: String,
    /// When it was written, in UTC.
    pub date: Option<DateTime>,
    /// What it does, in a line.
    pub description: String,
    /// The state that it starts from.
    pub from: Option<Fingerprint>,
    /// The state that it leads to.
    pub to: Option<Fingerprint>,
    /// What it renames, so that the annotations for it are known to be done.
    pub renamed: Vec<Rename>,
    /// What may hurt: the code and the words.
    pub hazards: Vec<(String, String)>,
    /// How it was proved.
    pub proof: String,
    /// What wrote it.
    pub tool: String,
}

const REVISION: &str = "Revision";
const ROLLBACK: &str = "Rollback of";

impl Header {
    /// The head of a migration's file.
    pub fn print(&self) -> String {
        self.lines(REVISION)
    }

    /// The head of the rollback's file; its hashes and hazards are those of the way back.
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
            line("Renamed", &record::print(rename));
        }
        for (code, detail) in &self.hazards {
            line("Hazard", &format!("{code}: {detail}"));
        }
        line("Proof", &self.proof);
        line("Written by", &self.tool);
        text
    }

    /// Reads the comment at the head of a file; none where it says nothing of ours.
    pub fn read(text: &str) -> Option<Self> {
        let mut head = Self::default();
        let mut ours = false;
        for line in head_lines(text) {
            let Some((key, value)) = line.trim_start_matches("--").trim().split_once(": ") else { continue };
            let value = value.trim();
            match key {
                REVISION | ROLLBACK => {
                    ours = true;
                    value.clone_into(&mut head.name);
                }
                "Date" => head.date = DateTime::strptime("%Y-%m-%d %H:%M:%S UTC", value).ok(),
                "Description" => value.clone_into(&mut head.description),
                "From" => head.from = Fingerprint::parse(value),
                "To" => head.to = Fingerprint::parse(value),
                "Renamed" => head.renamed.extend(record::read(value)),
                "Hazard" => {
                    let (code, detail) = value.split_once(": ").unwrap_or((value, ""));
                    head.hazards.push((code.to_owned(), detail.to_owned()));
                }
                "Proof" => value.clone_into(&mut head.proof),
                "Written by" => value.clone_into(&mut head.tool),
                _ => {}
            }
        }
        ours.then_some(head)
    }
}

/// The lines of the comment that a file begins with.
fn head_lines(text: &str) -> impl Iterator<Item = &str> {
    text.trim_start_matches('\u{feff}').lines().take_while(|line| line.starts_with("--"))
}

/// What is run of a file: all but its head, whatever the line ends. Its head may be corrected, and version
/// control may change line ends, without it being another migration.
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
    fn a_head_reads_back() {
        let print = |c: char, major| Fingerprint { hash: c.to_string().repeat(64), major };
        let head = Header {
            name: "20260101_120000_x".into(),
            date: "2026-01-01T12:00:00".parse().ok(),
            description: "adds x".into(),
            from: Some(print('a', 15)),
            to: Some(print('b', 15)),
            renamed: record::read("column shop.\"a b\".c -> shop.d.e").into_iter().collect(),
            hazards: vec![("DataLoss".into(), "column s.t.a goes: with its rows".into())],
            proof: "run up and back".into(),
            tool: "schemadiff 0.1.0".into(),
        };
        let text = format!("{}\nBEGIN;\r\nSELECT 1;  \nCOMMIT;\n", head.print());
        assert_eq!(Header::read(&text), Some(head.clone()));
        assert_eq!(body(&text), "BEGIN;\nSELECT 1;\nCOMMIT;");
        assert_eq!(Header::read(&head.print_rollback()), Some(head));
        assert_eq!(Header::read("-- nothing of ours\nSELECT 1"), None);
        assert_eq!(body("-- nothing of ours\nSELECT 1\n"), "-- nothing of ours\nSELECT 1");
        assert!(print('a', 15).differs(&print('b', 15)) && !print('a', 15).differs(&print('b', 16)));
    }
}
