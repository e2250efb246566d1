//! The report of `schemadiff drift`.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::Report;
use super::diagnostic::Colour;
use crate::drift::{AttributeDeviation, Deviation, Drift, DriftChange};
use crate::error::text::count;
use crate::error::{Diagnostic, codes};
use crate::kinds::{KindName, ValueType};
use crate::model::Script;

/// The drift of one database.
#[derive(Debug)]
pub struct DriftReport<'a> {
    /// The name of the database.
    pub database: &'a str,
    /// The option that names the database on the command line, such as `--env prod`.
    pub option: &'a str,
    /// The name of the expected state, such as ``the state after `001_a` ``.
    pub expected: &'a str,
    /// The differences.
    pub drift: &'a Drift,
}

impl Report for DriftReport<'_> {
    fn command(&self) -> &'static str {
        "drift"
    }

    fn text(&self, _: Colour) -> String {
        if self.drift.differences.is_empty() {
            return String::new();
        }
        let (mut out, option) = (self.differences(), self.option);
        out.push_str(&self.revert("To revert:"));
        let _ = writeln!(
            out,
            "To keep the changes: declare them in the target, run `schemadiff generate`, and record the new revision here,\n\
             where its changes exist already: `schemadiff stamp {option} REVISION`.\n`schemadiff introspect {}` prints the \
             live schema.",
            self.database
        );
        out
    }

    fn json(&self) -> Json {
        json!({
            "database": self.database,
            "expected": self.expected,
            "differences": self.drift.differences,
            "revert": self.drift.revert.as_ref().map(Script::render).ok(),
            "losses": self.drift.losses,
        })
    }

    fn findings(&self) -> Vec<Diagnostic> {
        let finding = |deviation: &Deviation| {
            let finding =
                Diagnostic::new(codes::DRIFT, format!("{}: {}", self.database, headline(deviation)));
            let lines = deviation.attributes.iter().map(|attribute| attribute_line(deviation, attribute));
            lines.fold(finding, Diagnostic::help)
        };
        self.drift.differences.iter().map(finding).collect()
    }
}

impl DriftReport<'_> {
    /// Lists the differences.
    pub fn differences(&self) -> String {
        let differences = count(self.drift.differences.len(), "difference");
        let mut out = format!("{}: {differences} from {}\n\n", self.database, self.expected);
        for deviation in &self.drift.differences {
            let _ = writeln!(out, "{}", headline(deviation));
            for attribute in &deviation.attributes {
                let _ = writeln!(out, "    {}", attribute_line(deviation, attribute));
            }
        }
        out
    }

    /// Prints the script that reverts the differences, below a title.
    pub fn revert(&self, title: &str) -> String {
        let mut out = String::new();
        match &self.drift.revert {
            Ok(revert) => {
                let _ = writeln!(out, "\n{title}\n\n{}", revert.render());
                if let Some(warning) = data_loss(self.drift) {
                    let _ = writeln!(out, "{warning}\n");
                }
            }
            Err(error) => {
                let _ = writeln!(out, "\nNo plan reverts this drift: {error}\n");
            }
        }
        out
    }
}

/// Returns the warning about the data that the reverting script loses.
pub fn data_loss(drift: &Drift) -> Option<String> {
    let losses = drift.losses.join("; ");
    (!losses.is_empty()).then(|| {
        format!(
            "Reverting LOSES DATA: {losses}. If someone renamed an object by hand, rename it back; that keeps the rows."
        )
    })
}

fn headline(deviation: &Deviation) -> String {
    let object = &deviation.object;
    match deviation.change {
        DriftChange::Added => format!("{object} is not expected"),
        DriftChange::Missing => format!("{object} is missing"),
        DriftChange::Altered => format!("{object} differs"),
    }
}

/// `not_null: expected true, is false`.
fn attribute_line(deviation: &Deviation, attribute: &AttributeDeviation) -> String {
    let value = |value: &Option<String>| {
        let value = value.clone().unwrap_or_else(|| unset(deviation.kind, attribute.name).to_owned());
        on_lines_of_its_own(&value)
    };
    format!("{}: expected {}, is {}", attribute.name, value(&attribute.expected), value(&attribute.found))
}

/// Returns the value that an unset attribute has.
fn unset(kind: &str, attribute: &str) -> &'static str {
    let attribute = KindName::named(kind).and_then(|kind| kind.get().attribute_named(attribute));
    match attribute.map(|attribute| attribute.value_type) {
        Some(ValueType::Flag) => "false",
        Some(ValueType::Word(words)) => words.first().filter(|word| !word.is_empty()).unwrap_or(&"none"),
        _ => "none",
    }
}

/// Puts a value of several lines below the name of its attribute.
fn on_lines_of_its_own(text: &str) -> String {
    if text.contains('\n') {
        format!("\n        {}\n   ", text.trim_end().replace('\n', "\n        "))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_attributes_have_their_default_value() {
        assert_eq!(unset("column", "not_null"), "false");
        assert_eq!(unset("trigger", "enabled"), "origin");
        assert_eq!(unset("column", "comment"), "none");
    }

    #[test]
    fn an_altered_column() {
        let attributes =
            vec![AttributeDeviation { name: "not_null", expected: Some("true".into()), found: None }];
        let differences = vec![Deviation {
            kind: "column",
            object: "column shop.customer.email".into(),
            change: DriftChange::Altered,
            attributes,
        }];
        let drift = Drift { differences, revert: Ok(Script::default()), losses: vec!["a note".into()] };
        let report = DriftReport {
            database: "prod",
            option: "--env prod",
            expected: "the state after `001_a`",
            drift: &drift,
        };
        let text = report.text(Colour::Never);
        assert!(
            text.starts_with(
                "prod: 1 difference from the state after `001_a`\n\n\
                 column shop.customer.email differs\n    not_null: expected true, is false\n"
            ),
            "{text}"
        );
        assert!(text.contains("\nTo revert:\n") && text.contains("Reverting LOSES DATA: a note."), "{text}");
        let findings = report.findings();
        assert_eq!(findings[0].message, "prod: column shop.customer.email differs");
    }
}
