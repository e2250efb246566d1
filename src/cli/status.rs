//! `schemadiff status`: which revisions a database has.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::json;

use super::globals::Where;
use super::{Globals, Outcome};
use crate::db::Session;
use crate::error::Result;
use crate::migrate::{self, Line, RevisionStatus};
use crate::revision::Folder;

/// Lists the revisions and whether a database has them. Ends with 1 when some are pending or do not fit.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff status
  schemadiff status --env prod --format json")]
pub struct Args {
    #[command(flatten)]
    at: Where,
    /// The folder of migrations, instead of the one of the configuration.
    #[arg(long, value_name = "DIR")]
    migrations: Option<PathBuf>,
    /// How to tell it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How findings are told.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Runs it.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let database = globals.database(&args.at)?;
    let folder = Folder::open(args.migrations.as_deref().unwrap_or(&globals.config()?.migrations))?;
    let revisions = folder.revisions()?;
    let session = Session::connect(&database.target).await?;
    let lines = migrate::look(&session, &revisions).await;
    let parked = crate::catalog::parked(&session).await;
    session.close().await;
    let (lines, parked) = (lines?, parked?);
    super::print(&match args.format {
        Format::Text => text(&lines) + &aside(&parked),
        Format::Json => json(&database.name, &lines, &parked),
    });
    let done = lines.iter().all(|line| line.standing == RevisionStatus::Applied);
    Ok(if done { Outcome::Clean } else { Outcome::Findings })
}

fn text(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "no revisions\n".into();
    }
    let width = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for line in lines {
        let mut tail = String::new();
        if let Some(record) = &line.record {
            let _ = write!(tail, "  {} UTC by {}", record.applied_at, record.applied_by);
            if let Some(milliseconds) = record.milliseconds {
                let _ = write!(tail, ", {milliseconds} ms");
            }
        }
        let _ = writeln!(out, "{:width$}  {:12}{tail}", line.name, line.standing.word());
    }
    // The last column may be empty.
    let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// What is put aside, with when and until when.
fn aside(parked: &[(String, String)]) -> String {
    parked.iter().map(|(schema, words)| format!("{schema}: {words}\n")).collect()
}

fn json(database: &str, lines: &[Line], parked: &[(String, String)]) -> String {
    let revisions: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| {
            let record = line.record.as_ref();
            json!({
                "name": line.name,
                "standing": line.standing,
                "description": line.revision.as_ref().and_then(|r| r.head.as_ref()).map(|head| &head.description),
                "applied_at": record.map(|record| format!("{}Z", record.applied_at.replace(' ', "T"))),
                "applied_by": record.map(|record| &record.applied_by),
                "duration_ms": record.and_then(|record| record.milliseconds),
            })
        })
        .collect();
    let parked: Vec<_> =
        parked.iter().map(|(schema, words)| json!({"schema": schema, "comment": words})).collect();
    let done = lines.iter().all(|line| line.standing == RevisionStatus::Applied);
    format!(
        "{:#}\n",
        json!({"database": database, "up_to_date": done, "revisions": revisions, "parked": parked})
    )
}
