//! `schemadiff check`: checks the migrations before they are merged.

use super::options::{FolderOptions, any_format};
use super::project::{Project, SandboxNeeds};
use super::target::Target;
use super::{Globals, Outcome};
use crate::check;
use crate::error::Result;
use crate::error::text::count;
use crate::report::{Format, output};
use crate::sandbox::Source;

/// Check the migrations, in CI or before a merge.
///
/// Rehearses each migration on a scratch server (apply, roll back, apply again), and compares the result with the target.
/// Needs no database. Exits with 1 if there are findings.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff check
  schemadiff check --format github
  schemadiff check --format junit > schemadiff.xml")]
pub struct Args {
    /// Target schema [default: that of the configuration].
    target: Option<String>,
    #[command(flatten)]
    folder: FolderOptions,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = any_format())]
    format: &'static Format,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if the check itself cannot be made, for example because there is no scratch server.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let project = Project::open(globals)?;
    let folder = project.folder(args.folder.migrations.as_ref())?;
    let target = Target::of(&project, args.target.as_deref());
    let database = project.default_database();
    let mut extensions = target.extensions()?;
    extensions.extend(Source::Migrations(folder.history()?).extensions()?);
    let needs = SandboxNeeds { major: None, database: database.as_ref(), extensions };
    let result = project
        .with_sandbox(needs, async |sandbox| {
            let target = target.read(sandbox).await?;
            project.check_coverage(&target.name, &target.catalog)?;
            check::check(sandbox, &folder, Some((&target, &project.config.manage))).await
        })
        .await?;
    output::print(&(args.format.render)(&result, globals.colour()));
    let (revisions, findings) =
        (count(result.revisions, "revision"), count(result.findings.len(), "finding"));
    let dump = if result.dump { ", compared with pg_dump too" } else { "" };
    globals.say(&format!("{revisions} rehearsed{dump}: {findings}"));
    Ok(if result.findings.is_empty() { Outcome::Clean } else { Outcome::Findings })
}
