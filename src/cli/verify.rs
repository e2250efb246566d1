//! `schemadiff verify`: rehearses a migration that was written by hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::input::Input;
use super::project::Project;
use super::{Globals, Outcome};
use crate::declare::sql::SourceFile;
use crate::error::Result;
use crate::model::{Pair, Ways};
use crate::proof::{self, MigrationSql};
use crate::report::output;

/// Rehearse a hand-written migration on a scratch copy.
///
/// Runs the migration and its rollback, and compares the results with the expected schemas.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff verify prod schema.yaml --up up.sql --rollback rollback.sql
  schemadiff verify before.sql after.sql --up up.sql --rollback rollback.sql")]
pub struct Args {
    /// Schema before the migration: an environment, a URL, a .sql, .yaml or .json file, a folder, or `empty`.
    from: String,
    /// Schema after the migration.
    to: String,
    /// Migration.
    #[arg(long, value_name = "FILE")]
    up: PathBuf,
    /// Rollback.
    #[arg(long, value_name = "FILE")]
    rollback: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if a statement fails or the result differs from the expected schema.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let project = Project::open(globals)?;
    let (from, to) = (project.source(&args.from)?, project.source(&args.to)?);
    let (up, rollback) = (read(&args.up)?, read(&args.rollback)?);
    let from = Input::read(from).await?;
    let mut needs = from.needs()?;
    needs.extensions.extend(to.extensions()?);
    let proof = project
        .with_sandbox(needs, async |sandbox| {
            let before = from.into_state(sandbox).await?;
            let mut after = sandbox.read(&to).await?;
            crate::diff::inherit_unset(&mut after.catalog, &before.catalog);
            let sql = Ways { up: MigrationSql::File(&up), rollback: MigrationSql::File(&rollback) };
            let sides = Pair { before: &before.catalog, after: &after.catalog };
            proof::prove(sandbox, sql, sides, &after, None).await
        })
        .await?;
    let dump = if proof.dump { "; pg_dump agrees" } else { "; pg_dump is not available" };
    output::print(&format!(
        "proved: the migration produces the target, the rollback restores the start{dump}\n"
    ));
    Ok(Outcome::Clean)
}

fn read(path: &Path) -> Result<SourceFile> {
    Ok(SourceFile::new(path.display().to_string(), Arc::from(crate::files::read(path)?)))
}
