//! `schemadiff verify`: proves a migration that somebody wrote.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Globals, Outcome};
use crate::declare::sql::SourceFile;
use crate::error::Result;
use crate::model::{Pair, Ways};
use crate::proof::{self, MigrationSql};
use crate::sandbox;

/// Proves a migration: runs it on a scratch copy, up to the target and back to the start.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff verify prod schema.yaml --up up.sql --rollback rollback.sql
  schemadiff verify before.sql after.sql --up up.sql --rollback rollback.sql")]
pub struct Args {
    /// Where the migration starts.
    from: String,
    /// Where it must lead.
    to: String,
    /// The migration.
    #[arg(long, value_name = "FILE")]
    up: PathBuf,
    /// Its rollback.
    #[arg(long, value_name = "FILE")]
    rollback: PathBuf,
}

/// Runs it.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let sources = Pair { before: globals.source(&args.from)?, after: globals.source(&args.to)? };
    let read = async |path: &PathBuf| -> Result<SourceFile> {
        Ok(SourceFile::new(path.display().to_string(), Arc::from(crate::files::read(path)?)))
    };
    let (up, rollback) = (read(&args.up).await?, read(&args.rollback).await?);
    let directly = sources.before.read_directly().await.transpose()?;
    let mut needed = sandbox::required_extensions(&sources.before, directly.as_ref())?;
    needed.extend(sources.after.extensions()?);
    let major = directly.as_ref().map(|state| state.catalog.version.major());
    let sandbox = globals.sandbox(major, None, needed)?;
    let result = async {
        let before = match directly {
            Some(state) => sandbox.normalize(state).await?,
            None => sandbox.read(&sources.before).await?,
        };
        let mut after = sandbox.read(&sources.after).await?;
        crate::diff::inherit_unset(&mut after.catalog, &before.catalog);
        let sql = Ways { up: MigrationSql::File(&up), rollback: MigrationSql::File(&rollback) };
        let sides = Pair { before: &before.catalog, after: &after.catalog };
        proof::prove(&sandbox, sql, sides, &after, None).await
    }
    .await;
    sandbox.stop().await;
    let proof = result?;
    let observer = if proof.dump { ", and pg_dump agrees" } else { " (pg_dump was not at hand)" };
    super::print(&format!("proved: up leads to the target, rollback leads back{observer}\n"));
    Ok(Outcome::Clean)
}
