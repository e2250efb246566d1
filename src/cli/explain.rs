//! `schemadiff explain`: what the statements of a file do, what a code means, and what is done with each column of
//! PostgreSQL's catalogs.

mod file;

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::status::Format;
use super::{Globals, Outcome};
use crate::coverage::{self, Column, Relation, Treatment};
use crate::error::{Diagnostic, Result, codes};
use crate::model::Hazard;

/// Explains the statements of a migration, a code of an error or hazard, or what of PostgreSQL's catalogs is covered.
///
/// A file is run on a scratch server, statement by statement, after the migrations before it (or on what `--from`
/// names): of each is told what it is for, the locks that it was seen to take, whether it wrote a table anew, and
/// what its comment says of costs, hazards and what was avoided.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff explain generated/20260210_143000_reviews_and_vouchers.sql
  schemadiff explain by_hand.sql --from prod
  schemadiff explain by_hand.sql --from schema.sql --format json
  schemadiff explain SD022
  schemadiff explain DataLoss
  schemadiff explain --coverage
  schemadiff explain --coverage --format json")]
pub struct Args {
    /// A migration's file; or a code: `SD022` of an error, `DataLoss` of a hazard.
    #[arg(required_unless_present = "coverage", conflicts_with = "coverage", value_name = "FILE|CODE")]
    what: Option<String>,
    /// Where the file starts: a file, a folder, a server or an environment; instead of the migrations before it.
    #[arg(long, value_name = "SOURCE", conflicts_with = "coverage")]
    from: Option<String>,
    /// Tell of each column of PostgreSQL's catalogs whether it is modelled, derived or ignored, and why.
    #[arg(long)]
    coverage: bool,
    /// How to tell it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Runs it.
///
/// # Errors
/// When there is no such code or file, or the file does not run.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let text = match (&args.what, args.format) {
        (None, Format::Text) => table(),
        (None, Format::Json) => json(),
        (Some(word), format) if file::is_one(word) => {
            file::explain(Path::new(word), args.from.as_deref(), format, globals).await?
        }
        (Some(_), _) if args.from.is_some() => {
            return Err(Diagnostic::new(codes::USAGE, "`--from` says where a file starts, and this is none")
                .help("name a .sql file, or leave it out")
                .into());
        }
        (Some(word), format) => {
            let (code, meaning) = find(word)?;
            match format {
                Format::Text => format!("{code}: {meaning}\n"),
                Format::Json => format!("{:#}\n", json!({ "code": code, "meaning": meaning })),
            }
        }
    };
    super::print(&text);
    Ok(Outcome::Clean)
}

/// A code as it is written, and what it means.
fn find(word: &str) -> Result<(&'static str, &'static str)> {
    let errors = codes::ALL.iter().map(|(code, meaning)| (code.0, meaning.trim()));
    let mut all = errors.chain(Hazard::MEANINGS.iter().copied());
    all.find(|(code, _)| code.eq_ignore_ascii_case(word)).ok_or_else(|| {
        let hazards: Vec<&str> = Hazard::MEANINGS.iter().map(|(code, _)| *code).collect();
        let last = codes::ALL.last().map_or("", |(code, _)| code.0);
        Diagnostic::new(codes::USAGE, format!("there is no code `{word}`"))
            .help(format!("errors have SD001 to {last}, hazards {}; a file ends in .sql", hazards.join(", ")))
            .into()
    })
}

/// A table for people, relation by relation.
fn table() -> String {
    let mut out = String::new();
    let mut numbers = [0; 4];
    for relation in coverage::relations() {
        let majors = relation.majors.to_string();
        let _ = writeln!(out, "{}{}", relation.name, in_brackets(&majors));
        for (column, treatment) in relation.treatments() {
            let name = column.map_or("(all)", |column| column.name);
            let majors = in_brackets(&column.map(|column| column.majors.to_string()).unwrap_or_default());
            let _ = writeln!(out, "  {name:<22} {:<9} {}{majors}", treatment.word(), treatment.text());
            numbers[place(treatment)] += 1;
        }
        out.push('\n');
    }
    let [modelled, derived, ignored, gaps] = numbers;
    let _ = writeln!(
        out,
        "{modelled} modelled, {derived} derived, {ignored} ignored, {gaps} gaps that are reported"
    );
    out
}

fn in_brackets(majors: &str) -> String {
    if majors.is_empty() { String::new() } else { format!(" ({majors})") }
}

fn place(treatment: Treatment) -> usize {
    match treatment {
        Treatment::Modelled(_) => 0,
        Treatment::Derived(_) => 1,
        Treatment::Ignored(_) => 2,
        Treatment::Gap(_) => 3,
    }
}

fn json() -> String {
    let entry = |relation: &Relation, column: Option<&Column>, treatment: Treatment| -> Json {
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
    };
    let columns: Vec<Json> = coverage::relations()
        .flat_map(|relation| relation.treatments().map(move |(column, one)| entry(relation, column, one)))
        .collect();
    format!("{:#}\n", json!({ "coverage": columns }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_errors_and_hazards_are_found_in_any_case() {
        assert_eq!(find("sd022").ok().map(|found| found.0), Some("SD022"));
        assert_eq!(find("dataloss").ok().map(|found| found.0), Some("DataLoss"));
        assert!(find("SD999").is_err());
    }

    #[test]
    fn coverage_is_told_for_people_and_programs() {
        let text = table();
        assert!(text.contains("pg_policy\n"), "{text}");
        assert!(text.contains("  polcmd                 modelled  policy.command\n"), "{text}");
        let json: Json = serde_json::from_str(&json()).expect("it is JSON");
        let columns = json["coverage"].as_array().map_or(0, Vec::len);
        assert!(columns > 500, "{columns}");
    }
}
