//! `schemadiff explain FILE`: what each statement of a migration is for, and what it does to those who work beside it.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::cli::Globals;
use crate::cli::globals::Where;
use crate::cli::status::Format;
use crate::declare::sql::{self, SourceFile};
use crate::error::{Error, Result};
use crate::proof::statements::{Observation, StatementReport, describe};
use crate::revision::Folder;
use crate::sandbox;

/// Whether a word on the command line is a file rather than a code.
pub(super) fn is_one(word: &str) -> bool {
    let path = Path::new(word);
    path.is_file() || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}

/// Explains a file.
pub(super) async fn explain(
    path: &Path,
    from: Option<&str>,
    format: Format,
    globals: &Globals,
) -> Result<String> {
    let file = sql::read_files(path)?.pop().ok_or_else(|| Error::Internal("a path without a file".into()))?;
    let mut needed = sql::extensions_of(std::slice::from_ref(&file));
    let told = match from {
        Some(word) => {
            let source = globals.source(word)?;
            let directly = source.read_directly().await.transpose()?;
            needed.extend(sandbox::required_extensions(&source, directly.as_ref())?);
            let major = directly.as_ref().map(|state| state.catalog.version.major());
            let sandbox = globals.sandbox(major, None, needed)?;
            let told = async {
                let copy = match directly {
                    Some(state) => sandbox.load_catalog(&sandbox.normalize(state).await?.catalog).await?,
                    None => sandbox.load(&source).await?,
                };
                describe(&file, &copy.database).await
            }
            .await;
            sandbox.stop().await;
            told?
        }
        None => {
            let before = before(path, Path::new(&globals.config()?.migrations))?;
            needed.extend(sql::extensions_of(&before));
            let database = globals.database(&Where::default()).ok();
            let sandbox = globals.sandbox(None, database.as_ref(), needed)?;
            let told = async { describe(&file, &sandbox.replay(&before).await?.database).await }.await;
            sandbox.stop().await;
            told?
        }
    };
    Ok(match format {
        Format::Text => text(&file, &told),
        Format::Json => format!("{:#}\n", json(&file, &told)),
    })
}

/// What runs before a file of a folder of migrations: those before it, and before a rollback its migration too.
/// Nothing where it is in no such folder.
fn before(path: &Path, folder: &Path) -> Result<Vec<SourceFile>> {
    let real = |path: &Path| path.canonicalize().ok();
    let Some(wanted) = real(path) else { return Ok(Vec::new()) };
    if !real(folder).is_some_and(|folder| wanted.starts_with(folder)) {
        return Ok(Vec::new());
    }
    let is_it = |file: &SourceFile| real(Path::new(&file.name)).as_ref() == Some(&wanted);
    let mut files = Vec::new();
    for revision in Folder::open(folder)?.revisions()? {
        if is_it(&revision.up) {
            return Ok(files);
        }
        files.push(revision.up);
        if revision.rollback.as_ref().is_some_and(is_it) {
            return Ok(files);
        }
    }
    // In the folder, and no revision of it.
    Ok(Vec::new())
}

fn text(file: &SourceFile, told: &[StatementReport]) -> String {
    let mut out = String::new();
    let mut framed = true;
    for one in told {
        let frame = one.observation == Observation::Frame;
        if !(frame && framed) {
            out.push('\n');
        }
        framed = frame;
        let head = format!("{}:{}  {}", file.name, one.line, shortened(&one.sql));
        if frame {
            let _ = writeln!(out, "{head}");
            continue;
        }
        let _ = write!(out, "{head}\n  for      {}\n  lock     {}\n", one.purpose, lock(one));
        if let Observation::Effects { rewritten, .. } = &one.observation
            && !rewritten.is_empty()
        {
            let _ = writeln!(out, "  rewrites {}", rewritten.join(", "));
        }
        let comment = &one.comment;
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
    out.trim_start().to_owned()
}

/// The lock, as it was seen or else as the comment says.
fn lock(told: &StatementReport) -> String {
    let said =
        || told.comment.lock.as_ref().map(|lock| format!("; its comment says {lock}")).unwrap_or_default();
    match &told.observation {
        Observation::Effects { lock: Some((mode, relation)), .. } => format!("{mode} on {relation}"),
        Observation::Effects { held: Some((mode, relation)), .. } => {
            format!("none beyond what its transaction holds: {mode} on {relation}")
        }
        Observation::Effects { .. } | Observation::Frame => "none on tables that were there".to_owned(),
        Observation::OutsideTransaction => format!("cannot be in a transaction: not observed{}", said()),
        Observation::NotRun => "not run: a scratch database shares roles and settings with others".to_owned(),
    }
}

/// The first line of a statement, where it is long a part of it.
fn shortened(sql: &str) -> String {
    const MOST: usize = 100;
    let line = sql.lines().next().unwrap_or_default().trim_end();
    let whole = line.len() == sql.len() && line.chars().count() <= MOST;
    let start: String = line.chars().take(MOST).collect();
    if whole { start } else { format!("{start} …") }
}

fn json(file: &SourceFile, told: &[StatementReport]) -> Json {
    let statement = |one: &StatementReport| {
        let (observed, lock, rewritten) = match &one.observation {
            Observation::Effects { lock, rewritten, .. } => (true, lock.as_ref(), rewritten.as_slice()),
            Observation::OutsideTransaction | Observation::Frame | Observation::NotRun => {
                (false, None, [].as_slice())
            }
        };
        let hazards = one.comment.hazards.iter();
        json!({
            "line": one.line,
            "statement": one.sql,
            "purpose": one.purpose,
            "observed": observed,
            "lock": lock.map(|(mode, relation)| json!({ "mode": mode.to_string(), "relation": relation })),
            "lock_said": one.comment.lock,
            "rewrites": rewritten,
            "cost": one.comment.cost,
            "hazards": hazards.map(|(code, detail)| json!({ "code": code, "detail": detail })).collect::<Vec<_>>(),
            "avoided": one.comment.avoided,
        })
    };
    json!({ "file": file.name, "statements": told.iter().map(statement).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_from_codes() {
        assert!(is_one("nowhere/001_a.sql"));
        assert!(!is_one("SD022"));
    }

    #[test]
    fn what_runs_before_a_file_is_found() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["001_a.sql", "002_b.sql", "002_b_rollback.sql", "003_c.sql"] {
            std::fs::write(folder.path().join(name), "SELECT 1;").unwrap();
        }
        let count = |name: &str| before(&folder.path().join(name), folder.path()).unwrap().len();
        assert_eq!(["001_a.sql", "002_b.sql", "002_b_rollback.sql", "003_c.sql"].map(count), [0, 1, 2, 2]);
        assert!(before(Path::new("Cargo.toml"), folder.path()).unwrap().is_empty());
    }

    #[test]
    fn long_statements_are_shortened() {
        assert_eq!(shortened("SELECT 1"), "SELECT 1");
        assert_eq!(shortened("CREATE TABLE t (\n    a int\n)"), "CREATE TABLE t ( …");
    }
}
