//! `schemadiff diff`: what leads from one state to another, and back.

use std::path::{Path, PathBuf};

use super::{Globals, Outcome, PlanOptions};
use crate::error::Result;
use crate::generate::{self, MigrationOptions, Proving};
use crate::model::Migration;
use crate::model::Pair;
use crate::model::rename::AmbiguousRenames;
use crate::sandbox::{self, Sandbox, Source, State};

/// Shows the SQL that leads from one state to another, proved by running it up and back.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff diff prod schema.yaml
  schemadiff diff postgres://localhost/shop schema.sql --out migration/
  schemadiff diff before.sql after.sql
  schemadiff diff prod schema.yaml --renames drop      # two things, where it could be a rename
  schemadiff diff dev prod --renames detect            # renames, where one thing is like one other

A rename is written beside the new object: `renamed_from: NAME` in YAML, `-- schemadiff: renamed_from: NAME` in SQL.
Where something goes and something alike comes and nothing is written, a target that is declared is an error that
prints both answers. Between databases and snapshots, which nobody can annotate, the two are taken for two, with a
warning and the hazard DataLoss.")]
pub struct Args {
    /// Where it starts: a server, an environment, a .sql, .yaml or .json file, a folder, or `empty`.
    from: String,
    /// Where it leads.
    to: String,
    /// Write up.sql and rollback.sql to this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where something goes and something alike comes and nothing says that it is a rename: error, drop or detect.
    #[arg(long, value_name = "HOW", value_parser = super::globals::unanswered)]
    renames: Option<AmbiguousRenames>,
    /// Do not run the migration on a scratch copy first.
    #[arg(long)]
    no_verify: bool,
    #[command(flatten)]
    care: PlanOptions,
}

/// Runs it.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    if let Some(dir) = &args.out {
        crate::files::check_writable(dir, "choose another folder for up.sql and rollback.sql")?;
    }
    let sources = Pair { before: globals.source(&args.from)?, after: globals.source(&args.to)? };
    let terms = args.care.terms(globals, args.no_verify)?;
    let migration = between(&sources, globals, &terms, args.renames).await?;
    migration.notes.iter().for_each(|note| globals.say(note));
    if terms.proving == Proving::Skipped {
        globals.say("warning: --no-verify: nobody has run this migration, neither up nor back");
    }
    write(&migration, args.out.as_deref())
}

/// Plans and proves the way from one source to another.
pub async fn between(
    sources: &Pair<Source>,
    globals: &Globals,
    terms: &MigrationOptions,
    renames: Option<AmbiguousRenames>,
) -> Result<Migration> {
    // Databases are read first, both at once: they tell which server is wanted, and two that are the same
    // need none.
    let (before, after) = tokio::join!(sources.before.read_directly(), sources.after.read_directly());
    let (before, after) = (before.transpose()?, after.transpose()?);
    let covered = |state: &State| globals.check_coverage(&state.name, &state.catalog);
    [&before, &after].into_iter().flatten().try_for_each(covered)?;
    let mut wanted = globals.wanted(None)?;
    wanted.major =
        [&before, &after].iter().find_map(|state| state.as_ref().map(|s| s.catalog.version.major()));
    if let (Some(before), Some(after)) = (&before, &after)
        && before.catalog.version.major() == after.catalog.version.major()
        && crate::diff::diff(Pair { before: &before.catalog, after: &after.catalog }).is_empty()
    {
        return Ok(Migration::empty(&after.catalog));
    }
    for (source, state) in [(&sources.before, &before), (&sources.after, &after)] {
        wanted.extensions.extend(sandbox::required_extensions(source, state.as_ref())?);
    }
    let sandbox = Sandbox::new(wanted);
    let result = async {
        let before = state(&sandbox, &sources.before, before, globals).await?;
        let after = state(&sandbox, &sources.after, after, globals).await?;
        let mut after = globals.managed(after, &before.catalog)?;
        after.renames.ambiguous = renames.or(globals.config()?.renames);
        generate::migration(&sandbox, Pair { before: &before, after: &after }, terms).await
    }
    .await;
    sandbox.stop().await;
    result
}

async fn state(sandbox: &Sandbox, source: &Source, read: Option<State>, globals: &Globals) -> Result<State> {
    if let Some(state) = read {
        return sandbox.normalize(state).await;
    }
    let state = sandbox.read(source).await?;
    globals.check_coverage(&state.name, &state.catalog)?;
    Ok(state)
}

fn write(migration: &Migration, out: Option<&Path>) -> Result<Outcome> {
    if let Some(dir) = out {
        for (name, script) in [("up.sql", &migration.up), ("rollback.sql", &migration.rollback)] {
            crate::files::write(&dir.join(name), &script.render())?;
        }
    } else {
        super::print(&migration.up.render());
    }
    Ok(if migration.up.is_empty() { Outcome::Clean } else { Outcome::Findings })
}
