//! The reports of `schemadiff explain FILE` and `schemadiff explain CODE`.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::Report;
use super::diagnostic::Colour;
use crate::proof::statements::{Observation, StatementReport};

/// The meaning of a code.
#[derive(Debug)]
pub struct CodeReport {
    /// The code, such as `SD022` or `DataLoss`.
    pub code: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
}

impl Report for CodeReport {
    fn command(&self) -> &'static str {
        "explain"
    }

    fn text(&self, _: Colour) -> String {
        format!("{}: {}\n", self.code, self.meaning)
    }

    fn json(&self) -> Json {
        json!({ "code": self.code, "meaning": self.meaning })
    }
}

/// The statements of a file, with their purposes, locks and hazards.
#[derive(Debug)]
pub struct FileReport {
    /// The name of the file.
    pub file: String,
    /// The statements.
    pub statements: Vec<StatementReport>,
}

impl Report for FileReport {
    fn command(&self) -> &'static str {
        "explain"
    }

    fn text(&self, _: Colour) -> String {
        let mut out = String::new();
        // Settings and transaction control take one line each and form groups.
        let mut after_control = true;
        for statement in &self.statements {
            let control = statement.observation == Observation::Frame;
            if !(control && after_control) {
                out.push('\n');
            }
            after_control = control;
            let headline = format!("{}:{}  {}", self.file, statement.line, first_line(&statement.sql));
            let _ = writeln!(out, "{headline}");
            if !control {
                details(&mut out, statement);
            }
        }
        out.trim_start().to_owned()
    }

    fn json(&self) -> Json {
        let statements: Vec<Json> = self.statements.iter().map(statement).collect();
        json!({ "file": self.file, "statements": statements })
    }
}

fn details(out: &mut String, statement: &StatementReport) {
    let comment = &statement.comment;
    let _ = writeln!(out, "  purpose  {}", statement.purpose);
    let _ = writeln!(out, "  lock     {}", lock(statement));
    if let Observation::Effects { rewritten, .. } = &statement.observation
        && !rewritten.is_empty()
    {
        let _ = writeln!(out, "  rewrites {}", rewritten.join(", "));
    }
    if let Some(cost) = &comment.cost {
        let _ = writeln!(out, "  cost     {cost}");
    }
    for (code, detail) in &comment.hazards {
        let _ = writeln!(out, "  hazard   {code}: {detail}");
    }
    if let Some(avoided) = &comment.avoided {
        let _ = writeln!(out, "  avoided  {avoided}");
    }
}

/// Describes the lock that was observed, or else the one that the comment above the statement names.
fn lock(statement: &StatementReport) -> String {
    match &statement.observation {
        Observation::Effects { lock: Some((mode, relation)), .. } => format!("{mode} on {relation}"),
        Observation::Effects { held: Some((mode, relation)), .. } => {
            format!("none in addition to {mode} on {relation}, which its transaction already holds")
        }
        Observation::Effects { .. } | Observation::Frame => "none on existing tables".to_owned(),
        Observation::OutsideTransaction => {
            let named = statement.comment.lock.as_ref();
            let named = named.map(|lock| format!("; its comment states {lock}")).unwrap_or_default();
            format!("not observed, because the statement cannot run in a transaction{named}")
        }
        Observation::NotRun => {
            "not run, because it affects roles or settings of the entire scratch server".to_owned()
        }
    }
}

/// The first line of a statement, shortened if it is long.
fn first_line(sql: &str) -> String {
    const MAX_CHARACTERS: usize = 100;
    let line = sql.lines().next().unwrap_or_default().trim_end();
    let complete = line.len() == sql.len() && line.chars().count() <= MAX_CHARACTERS;
    let start: String = line.chars().take(MAX_CHARACTERS).collect();
    if complete { start } else { format!("{start} …") }
}

fn statement(statement: &StatementReport) -> Json {
    let (observed, lock, rewritten) = match &statement.observation {
        Observation::Effects { lock, rewritten, .. } => (true, lock.as_ref(), rewritten.as_slice()),
        Observation::OutsideTransaction | Observation::Frame | Observation::NotRun => {
            (false, None, [].as_slice())
        }
    };
    let hazards = statement.comment.hazards.iter();
    let hazards: Vec<Json> =
        hazards.map(|(code, detail)| json!({ "code": code, "detail": detail })).collect();
    json!({
        "line": statement.line,
        "statement": statement.sql,
        "purpose": statement.purpose,
        "observed": observed,
        "lock": lock.map(|(mode, relation)| json!({ "mode": mode.to_string(), "relation": relation })),
        "lock_said": statement.comment.lock,
        "rewrites": rewritten,
        "cost": statement.comment.cost,
        "hazards": hazards,
        "avoided": statement.comment.avoided,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_statements_are_shortened() {
        assert_eq!(first_line("SELECT 1"), "SELECT 1");
        assert_eq!(first_line("CREATE TABLE t (\n    a int\n)"), "CREATE TABLE t ( …");
    }
}
