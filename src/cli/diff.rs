//! `schemadiff diff`: plans the migration between two schemas.

use std::path::{Path, PathBuf};

use super::input::Input;
use super::options::ambiguous_renames;
use super::plan_options::PlanOptions;
use super::project::{Project, SandboxNeeds};
use super::{Globals, Outcome};
use crate::error::Result;
use crate::generate::{self, MigrationOptions};
use crate::model::rename::AmbiguousRenames;
use crate::model::{Migration, Pair};
use crate::report::output;
use crate::sandbox::{Sandbox, Source, State};

/// Compare two schemas and print the migration SQL from one to the other.
///
/// The migration and its rollback are run on a scratch copy before they are printed. Exits with 1 if the schemas differ.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff diff prod schema.yaml
  schemadiff diff postgres://localhost/shop schema.sql --out migration/
  schemadiff diff before.sql after.sql
  schemadiff diff prod schema.yaml --renames drop      # possible renames are drops and adds
  schemadiff diff dev prod --renames detect            # similar objects are renamed

Declare a rename beside the new object:
  YAML: renamed_from: NAME
  SQL:  -- schemadiff: renamed_from: NAME
A possible rename that is not declared is an error if the target is YAML or SQL. Between databases
and snapshots it is treated as a drop and an add, with a warning and the hazard DataLoss.")]
pub struct Args {
    /// Schema to start from: an environment, a URL, a .sql, .yaml or .json file, a folder, or `empty`.
    from: String,
    /// Target schema.
    to: String,
    /// Write up.sql and rollback.sql to this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How to treat possible renames that are not declared: error, drop or detect.
    #[arg(long, value_name = "HOW", value_parser = ambiguous_renames)]
    renames: Option<AmbiguousRenames>,
    #[command(flatten)]
    plan: PlanOptions,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if a schema cannot be read, or the migration cannot be planned or proved.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let project = Project::open(globals)?;
    if let Some(folder) = &args.out {
        crate::files::check_writable(folder, "choose another folder for up.sql and rollback.sql")?;
    }
    let sources = Pair { before: project.source(&args.from)?, after: project.source(&args.to)? };
    let options = args.plan.resolve(&project)?;
    let migration = between(sources, &project, &options, args.renames).await?;
    migration.notes.iter().for_each(|note| globals.say(note));
    args.plan.warn_if_unproved(&project);
    write(&migration, args.out.as_deref())?;
    Ok(if migration.up.is_empty() { Outcome::Clean } else { Outcome::Findings })
}

/// Plans and proves the migration between two sources.
///
/// # Errors
/// Returns an error if a source cannot be read, or the migration cannot be planned or proved.
pub async fn between(
    sources: Pair<Source>,
    project: &Project<'_>,
    options: &MigrationOptions,
    renames: Option<AmbiguousRenames>,
) -> Result<Migration> {
    // Databases are read first and concurrently. They determine the scratch server, and two that are equal need none.
    let (before, after) = tokio::join!(Input::read(sources.before), Input::read(sources.after));
    let (before, after) = (before?, after?);
    for state in [&before.state, &after.state].into_iter().flatten() {
        project.check_coverage(&state.name, &state.catalog)?;
    }
    if let (Some(before), Some(after)) = (&before.state, &after.state)
        && before.catalog.version.major() == after.catalog.version.major()
        && crate::diff::diff(Pair { before: &before.catalog, after: &after.catalog }).is_empty()
    {
        return Ok(Migration::empty(&after.catalog));
    }
    let mut extensions = before.extensions()?;
    extensions.extend(after.extensions()?);
    let needs = SandboxNeeds { major: before.major().or(after.major()), database: None, extensions };
    project
        .with_sandbox(needs, async |sandbox| {
            let before = read(before, sandbox, project).await?;
            let after = read(after, sandbox, project).await?;
            let mut after = project.apply_manage_rules(after, &before.catalog);
            after.renames.ambiguous = renames.or(project.config.renames);
            generate::migration(sandbox, Pair { before: &before, after: &after }, options).await
        })
        .await
}

/// Reads a state, and reports the unsupported objects of a declared one. Those of a live one are reported already.
async fn read(input: Input, sandbox: &Sandbox, project: &Project<'_>) -> Result<State> {
    let declared = input.state.is_none();
    let state = input.into_state(sandbox).await?;
    if declared {
        project.check_coverage(&state.name, &state.catalog)?;
    }
    Ok(state)
}

fn write(migration: &Migration, folder: Option<&Path>) -> Result<()> {
    let Some(folder) = folder else {
        output::print(&migration.up.render());
        return Ok(());
    };
    for (name, script) in [("up.sql", &migration.up), ("rollback.sql", &migration.rollback)] {
        crate::files::write(&folder.join(name), &script.render())?;
    }
    Ok(())
}
