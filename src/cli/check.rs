//! `schemadiff check`: the pre-merge job.

use std::path::PathBuf;

use super::{Globals, Outcome};
use crate::check;
use crate::error::Result;
use crate::error::text::count;
use crate::report::diagnostic::Colour;
use crate::report::findings::{Format, tell};
use crate::revision::Folder;
use crate::sandbox::Source;

/// Checks the migrations: they run from nothing, each goes up, down and up again, the last leads to the target.
///
/// Needs no database but a scratch one. Ends with 1 when something is found.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff check
  schemadiff check --format github
  schemadiff check --format junit > schemadiff.xml")]
pub struct Args {
    /// The target, instead of the one of the configuration.
    target: Option<PathBuf>,
    /// The folder of migrations, instead of the one of the configuration.
    #[arg(long, value_name = "DIR")]
    migrations: Option<PathBuf>,
    /// How to tell it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Runs it.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let config = globals.config()?;
    let folder = Folder::open(args.migrations.as_deref().unwrap_or(&config.migrations))?;
    let targets = args.target.map_or_else(|| config.target.clone(), |target| vec![target]);
    let database = globals.database(&super::globals::Where::default()).ok();
    let mut needed = super::generate::extensions(&targets, globals)?;
    needed.extend(Source::Migrations(folder.history()?).extensions()?);
    let sandbox = globals.sandbox(None, database.as_ref(), needed)?;
    let result = async {
        let target = super::generate::target(&sandbox, &targets, globals).await?;
        globals.check_coverage(&target.name, &target.catalog)?;
        let manage = &globals.config()?.manage;
        check::check(&sandbox, &folder, Some((&target, manage))).await
    }
    .await;
    sandbox.stop().await;
    let report = result?;
    let colour = match args.format {
        Format::Text => globals.colour(),
        Format::Json | Format::Github | Format::Junit => Colour::Never,
    };
    super::print(&tell(&report.findings, args.format, "check", colour));
    let (revisions, findings) =
        (count(report.revisions, "revision"), count(report.findings.len(), "finding"));
    let dump = if report.dump { ", pg_dump looking on" } else { "" };
    globals.say(&format!("{revisions} up, down and up again{dump}: {findings}"));
    Ok(if report.findings.is_empty() { Outcome::Clean } else { Outcome::Findings })
}
