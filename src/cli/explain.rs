//! `schemadiff explain`: explains the statements of a migration, a code, or the coverage of the system catalogs.

use std::path::Path;

use super::input::Input;
use super::options::document_format;
use super::project::{Project, SandboxNeeds};
use super::{Globals, Outcome};
use crate::declare::sql::{self, SourceFile};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::Hazard;
use crate::proof::statements::describe;
use crate::report::coverage::CoverageReport;
use crate::report::explain::{CodeReport, FileReport};
use crate::report::{Format, Report, output};
use crate::revision::Folder;

/// Explain a migration, an error code or a hazard.
///
/// A migration is run on a scratch server, after the migrations before it or on the schema that `--from` names. The report
/// shows, for each statement, its purpose, the lock that it takes and the tables that it rewrites, as observed, and the
/// cost, the hazards and the avoided alternative that its comment states.
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
    /// File of a migration, code of an error (`SD022`) or code of a hazard (`DataLoss`).
    #[arg(required_unless_present = "coverage", conflicts_with = "coverage", value_name = "FILE|CODE")]
    subject: Option<String>,
    /// Schema on which the file runs: an environment, a URL, a file or a folder [default: the migrations before it].
    #[arg(long, value_name = "SOURCE", conflicts_with = "coverage")]
    from: Option<String>,
    /// List the columns of PostgreSQL's system catalogs: modelled, derived or ignored, and why.
    #[arg(long)]
    coverage: bool,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = document_format())]
    format: &'static Format,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if the code or file does not exist, or a statement of the file fails.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let report: Box<dyn Report> = match &args.subject {
        None => Box::new(CoverageReport),
        Some(subject) if is_file(subject) => {
            Box::new(explain_file(Path::new(subject), args.from.as_deref(), &Project::open(globals)?).await?)
        }
        Some(_) if args.from.is_some() => {
            return Err(Diagnostic::new(codes::USAGE, "`--from` requires a file")
                .help("name a .sql file, or remove `--from`")
                .into());
        }
        Some(code) => Box::new(find_code(code)?),
    };
    output::print(&(args.format.render)(report.as_ref(), globals.colour()));
    Ok(Outcome::Clean)
}

/// Whether an argument is a file, not a code.
fn is_file(argument: &str) -> bool {
    let path = Path::new(argument);
    path.is_file() || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}

/// Finds the meaning of a code, ignoring case.
fn find_code(word: &str) -> Result<CodeReport> {
    let errors = codes::ALL.iter().map(|(code, meaning)| (code.0, meaning.trim()));
    let mut all = errors.chain(Hazard::MEANINGS.iter().copied());
    let found = all.find(|(code, _)| code.eq_ignore_ascii_case(word));
    let (code, meaning) = found.ok_or_else(|| {
        let hazards: Vec<&str> = Hazard::MEANINGS.iter().map(|(code, _)| *code).collect();
        let last = codes::ALL.last().map_or("", |(code, _)| code.0);
        Diagnostic::new(codes::USAGE, format!("unknown code `{word}`")).help(format!(
            "codes of errors are SD001 to {last}, codes of hazards {}; the name of a file ends in .sql",
            hazards.join(", ")
        ))
    })?;
    Ok(CodeReport { code, meaning })
}

/// Runs a file on a scratch server and observes its statements.
async fn explain_file(path: &Path, from: Option<&str>, project: &Project<'_>) -> Result<FileReport> {
    let file = sql::read_files(path)?.pop().ok_or_else(|| Error::Internal("a path without a file".into()))?;
    let own_extensions = sql::extensions_of(std::slice::from_ref(&file));
    let statements = if let Some(argument) = from {
        let input = Input::read(project.source(argument)?).await?;
        let mut needs = input.needs()?;
        needs.extensions.extend(own_extensions);
        project
            .with_sandbox(needs, async |sandbox| {
                let start = input.load(sandbox).await?;
                describe(&file, &start.database).await
            })
            .await?
    } else {
        let earlier = earlier_files(path, &project.config.migrations)?;
        let mut extensions = own_extensions;
        extensions.extend(sql::extensions_of(&earlier));
        let database = project.default_database();
        let needs = SandboxNeeds { major: None, database: database.as_ref(), extensions };
        project
            .with_sandbox(needs, async |sandbox| {
                let start = sandbox.replay(&earlier).await?;
                describe(&file, &start.database).await
            })
            .await?
    };
    Ok(FileReport { file: file.name.clone(), statements })
}

/// Returns the files that run before a file of the folder of migrations: the earlier migrations, and before a rollback
/// its own migration too. A file outside the folder has none.
fn earlier_files(path: &Path, folder: &Path) -> Result<Vec<SourceFile>> {
    let canonical = |path: &Path| path.canonicalize().ok();
    let Some(file) = canonical(path) else { return Ok(Vec::new()) };
    if !canonical(folder).is_some_and(|folder| file.starts_with(folder)) {
        return Ok(Vec::new());
    }
    let is_it = |candidate: &SourceFile| canonical(Path::new(&candidate.name)).as_ref() == Some(&file);
    let mut earlier = Vec::new();
    for revision in Folder::open(folder)?.revisions()? {
        if is_it(&revision.up) {
            return Ok(earlier);
        }
        earlier.push(revision.up);
        if revision.rollback.as_ref().is_some_and(is_it) {
            return Ok(earlier);
        }
    }
    // The file is in the folder but is not a revision.
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_ignoring_case() {
        assert_eq!(find_code("sd022").ok().map(|found| found.code), Some("SD022"));
        assert_eq!(find_code("dataloss").ok().map(|found| found.code), Some("DataLoss"));
        assert!(find_code("SD999").is_err());
    }

    #[test]
    fn files_are_distinguished_from_codes() {
        assert!(is_file("nowhere/001_a.sql"));
        assert!(!is_file("SD022"));
    }

    #[test]
    fn earlier_files_of_migrations_and_rollbacks() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["001_a.sql", "002_b.sql", "002_b_rollback.sql", "003_c.sql"] {
            std::fs::write(folder.path().join(name), "SELECT 1;").unwrap();
        }
        let count = |name: &str| earlier_files(&folder.path().join(name), folder.path()).unwrap().len();
        assert_eq!(["001_a.sql", "002_b.sql", "002_b_rollback.sql", "003_c.sql"].map(count), [0, 1, 2, 2]);
        assert!(earlier_files(Path::new("Cargo.toml"), folder.path()).unwrap().is_empty());
    }
}
