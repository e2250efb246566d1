//! The report of `schemadiff explain --coverage`.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::Report;
use super::diagnostic::Colour;
use crate::coverage::{self, Column, Relation, Treatment};

/// Which columns of PostgreSQL's system catalogs schemadiff reads, and why it ignores the others.
#[derive(Debug)]
pub struct CoverageReport;

impl Report for CoverageReport {
    fn command(&self) -> &'static str {
        "explain"
    }

    fn text(&self, _: Colour) -> String {
        let mut out = String::new();
        let mut totals = [0; 4];
        for relation in coverage::relations() {
            let majors = relation.majors.to_string();
            let _ = writeln!(out, "{}{}", relation.name, in_parentheses(&majors));
            for (column, treatment) in relation.treatments() {
                let name = column.map_or("(all)", |column| column.name);
                let majors =
                    in_parentheses(&column.map(|column| column.majors.to_string()).unwrap_or_default());
                let _ = writeln!(out, "  {name:<22} {:<9} {}{majors}", treatment.word(), treatment.text());
                totals[total(treatment)] += 1;
            }
            out.push('\n');
        }
        let [modelled, derived, ignored, gaps] = totals;
        let _ = writeln!(
            out,
            "{modelled} modelled, {derived} derived, {ignored} ignored, {gaps} reported as gaps"
        );
        out
    }

    fn json(&self) -> Json {
        let columns: Vec<Json> = coverage::relations()
            .flat_map(|relation| {
                relation.treatments().map(move |(column, treatment)| entry(relation, column, treatment))
            })
            .collect();
        json!({ "coverage": columns })
    }
}

fn entry(relation: &Relation, column: Option<&Column>, treatment: Treatment) -> Json {
    let majors = column.map_or(relation.majors, |column| column.majors);
    let attributes: Vec<Json> = treatment
        .attributes()
        .map(|(kind, attribute)| json!({ "kind": kind, "attribute": attribute }))
        .collect();
    let reason = if attributes.is_empty() { Some(treatment.text()) } else { None };
    json!({
        "relation": relation.name,
        "column": column.map(|column| column.name),
        "majors": [relation.majors.first.max(majors.first), majors.last],
        "treatment": treatment.word(),
        "attributes": attributes,
        "reason": reason,
    })
}

fn in_parentheses(majors: &str) -> String {
    if majors.is_empty() { String::new() } else { format!(" ({majors})") }
}

/// Returns the index of the total that counts a treatment.
fn total(treatment: Treatment) -> usize {
    match treatment {
        Treatment::Modelled(_) => 0,
        Treatment::Derived(_) => 1,
        Treatment::Ignored(_) => 2,
        Treatment::Gap(_) => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_in_text_and_json() {
        let text = CoverageReport.text(Colour::Never);
        assert!(text.contains("pg_policy\n"), "{text}");
        assert!(text.contains("  polcmd                 modelled  policy.command\n"), "{text}");
        let columns = CoverageReport.json()["coverage"].as_array().map_or(0, Vec::len);
        assert!(columns > 500, "{columns}");
    }
}
