//! `schemadiff generate`: writes the migration that produces the target, and its rollback.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::civil::DateTime;

use super::input::Input;
use super::options::{FolderOptions, NamingOptions, ambiguous_renames};
use super::plan_options::PlanOptions;
use super::project::{Project, SandboxNeeds};
use super::target::Target;
use super::{Globals, Outcome, replayed};
use crate::allow::Allowed;
use crate::config::Layout;
use crate::db::Session;
use crate::error::text::count;
use crate::error::{Diagnostic, Error, Result};
use crate::generate::{self, MigrationOptions, PhaseMigration, PhasedMigration};
use crate::model::rename::AmbiguousRenames;
use crate::model::{Fingerprint, Migration, Pair};
use crate::recipes::Policy;
use crate::report::output;
use crate::revision::{Draft, Folder, Order, Revision, chain_breaks, describe};
use crate::sandbox::{Sandbox, Source, State};

/// Generate a migration and its rollback from the target schema.
///
/// Compares the target with the schema that the existing migrations produce, and writes the difference as a new revision.
/// The migration and its rollback are run on a scratch copy before they are written.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff generate
  schemadiff generate --name 'add customer email'
  schemadiff generate --from prod --dry-run
  schemadiff generate schema.sql --allow DataLoss
  schemadiff generate --renames drop      # possible renames are drops and adds
  schemadiff generate --drop park         # keep the rows of dropped tables

Declare a rename beside the new object:
  YAML: renamed_from: NAME
  SQL:  -- schemadiff: renamed_from: NAME
It may stay there: the header of the migration records that the rename is done.")]
pub struct Args {
    /// Target schema [default: that of the configuration].
    target: Option<String>,
    /// Description of the migration [default: derived from the changes].
    #[arg(short, long, visible_alias = "message", value_name = "WORDS")]
    name: Option<String>,
    /// Start from this environment or database instead of the migrations.
    #[arg(long, value_name = "ENV|URL")]
    from: Option<String>,
    #[command(flatten)]
    folder: FolderOptions,
    #[command(flatten)]
    naming: NamingOptions,
    /// Proceed despite this hazard: `DataLoss`, `Rewrite`, `Scan`, `Violation`, or `all`.
    #[arg(long, value_name = "HAZARD", value_delimiter = ',')]
    allow: Vec<String>,
    /// How to treat possible renames that are not declared: error, drop or detect.
    #[arg(long, value_name = "HOW", value_parser = ambiguous_renames)]
    renames: Option<AmbiguousRenames>,
    /// Split the migration into expand, backfill and contract revisions, for zero-downtime deployments.
    ///
    /// Between the revisions, both the old and the new version of the application work with the database.
    #[arg(long)]
    phased: bool,
    /// Print the migration and write nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    plan: PlanOptions,
}

/// Where and how revisions are written.
struct Destination {
    folder: Folder,
    revisions: Vec<Revision>,
    layout: Layout,
    at: DateTime,
    phased: bool,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if the migration cannot be planned or proved, has a hazard that is not allowed, or cannot be written.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let project = Project::open(globals)?;
    let destination = destination(&args, &project)?;
    let allowed = Allowed::new(&args.allow, &project.config.allow)?;
    let options = MigrationOptions { at: Some(destination.at), ..args.plan.resolve(&project)? };
    let phased = args.phased || options.policy == Policy::Phased;
    let destination = Destination { phased, ..destination };
    let target = Target::of(&project, args.target.as_deref());
    target.check_exists()?;
    let mut plan = plan(&args, &project, &destination, &target, &options).await?;
    plan.phases.iter().flat_map(|phase| &phase.migration.notes).for_each(|note| globals.say(note));
    plan.phases.retain(|phase| !phase.migration.up.is_empty());
    if plan.phases.is_empty() {
        globals.say("nothing to do: the migrations produce the target");
        return Ok(Outcome::Clean);
    }
    let hazards: Vec<_> = plan.phases.iter().flat_map(|phase| phase.migration.hazards.up.clone()).collect();
    allowed.refuse(&hazards)?;
    args.plan.warn_if_unproved(&project);
    write(&args, &plan, &destination, globals)?;
    Ok(Outcome::Clean)
}

/// Opens the folder and checks what can be checked before a scratch server is started.
fn destination(args: &Args, project: &Project<'_>) -> Result<Destination> {
    let folder = project.folder(args.folder.migrations.as_ref())?;
    let layout = args.naming.layout(&project.config)?;
    let at = args.naming.time(project.globals)?;
    let revisions = folder.revisions()?;
    let problems: Vec<Diagnostic> =
        chain_breaks(&revisions).into_iter().map(|problem| problem.diagnostic).collect();
    if !problems.is_empty() {
        return Err(Error::Diagnostics(problems));
    }
    if !args.dry_run {
        folder.check_writable()?;
    }
    Ok(Destination { folder, revisions, layout, at, phased: args.phased })
}

/// Plans and proves the migration, or the migration of each phase.
async fn plan(
    args: &Args,
    project: &Project<'_>,
    destination: &Destination,
    target: &Target<'_>,
    options: &MigrationOptions,
) -> Result<PhasedMigration> {
    let start = match &args.from {
        Some(argument) => project.source(argument)?,
        None => Source::Migrations(destination.folder.history()?),
    };
    let start = Input::read(start).await?;
    let mut extensions = start.extensions()?;
    extensions.extend(target.extensions()?);
    let database = project.default_database();
    let major = match start.major() {
        Some(major) => Some(major),
        None => major_of_default_database(project).await,
    };
    let needs = SandboxNeeds { major, database: database.as_ref(), extensions };
    project
        .with_sandbox(needs, async |sandbox| {
            let before = start.into_state(sandbox).await?;
            project.check_coverage(&before.name, &before.catalog)?;
            match (&args.from, destination.revisions.last()) {
                (None, Some(last)) => warn_if_edited(last, &before, project.globals),
                (None, None) => {}
                (Some(_), _) => warn_if_not_consecutive(args, project, sandbox, destination, &before).await,
            }
            let target = target.read(sandbox).await?;
            let mut after = project.apply_manage_rules(target, &before.catalog);
            after.renames.ambiguous = args.renames.or(project.config.renames);
            project.check_coverage(&after.name, &after.catalog)?;
            migrations(sandbox, Pair { before, after }, destination.phased, options).await
        })
        .await
}

async fn migrations(
    sandbox: &Sandbox,
    states: Pair<State>,
    phased: bool,
    options: &MigrationOptions,
) -> Result<PhasedMigration> {
    if phased {
        return generate::phased(sandbox, states.as_ref(), options).await;
    }
    let migration = generate::migration(sandbox, states.as_ref(), options).await?;
    Ok(PhasedMigration::single(migration, states.before))
}

/// Returns the major version of the default environment's server, if it can be reached quickly.
async fn major_of_default_database(project: &Project<'_>) -> Option<u32> {
    let database = project.default_database().filter(|database| database.target.folder().is_none())?;
    let connecting = Session::connect(&database.target);
    let session = tokio::time::timeout(Duration::from_secs(3), connecting).await.ok()?.ok()?;
    let major = session.version().major();
    session.close().await;
    Some(major)
}

/// Warns if the migrations were edited after they were generated.
fn warn_if_edited(last: &Revision, state: &State, globals: &Globals) {
    let recorded = last.header.as_ref().and_then(|header| header.to.as_ref());
    if recorded.is_some_and(|recorded| recorded.differs(&Fingerprint::of(&state.catalog))) {
        globals.say(&format!(
            "warning: `{}` produces a schema that differs from its header: a migration was edited; if that is intended, \
             remove `From` and `To` from its header",
            last.name
        ));
    }
}

/// Warns if a migration from another start does not follow from the migrations of the folder.
async fn warn_if_not_consecutive(
    args: &Args,
    project: &Project<'_>,
    sandbox: &Sandbox,
    destination: &Destination,
    before: &State,
) {
    let folder = destination.folder.path().display().to_string();
    let history = replayed::history(&folder, &destination.revisions);
    let found = match replayed::compare_with(project, sandbox, history, &before.catalog).await {
        Ok(drift) if drift.differences.is_empty() => return,
        Ok(drift) => count(drift.differences.len(), "difference"),
        Err(error) => error.to_string(),
    };
    let name = &before.name;
    let environment = project.config.environments().find(|name| Some(*name) == args.from.as_deref());
    let option = environment.map_or_else(|| format!("--url {name}"), |name| format!("--env {name}"));
    project.globals.say(&format!(
        "warning: {name} differs from the state that the revisions in `{folder}` produce ({found}): the new revision does not \
         follow from them; see `schemadiff drift {option}`, or `schemadiff baseline {option}` if none is applied there"
    ));
}

/// Writes the revisions, or prints them with `--dry-run`.
fn write(args: &Args, plan: &PhasedMigration, destination: &Destination, globals: &Globals) -> Result<()> {
    let description = args.name.clone().unwrap_or_else(|| describe(&plan.changes, &plan.renames));
    for (phase, draft) in plan.phases.iter().zip(&drafts(&plan.phases, &description, destination)) {
        if args.dry_run {
            let [up, rollback] = draft.paths();
            output::print(&format!("-- {up}\n{}\n-- {rollback}\n{}", draft.up, draft.rollback));
            continue;
        }
        for path in destination.folder.write(draft)? {
            output::print(&format!("{}\n", path.display()));
        }
        summarize(&phase.migration, args.plan.is_proved(), globals);
    }
    Ok(())
}

/// Returns the revisions, in order.
fn drafts(phases: &[PhaseMigration], description: &str, destination: &Destination) -> Vec<Draft> {
    let mut last = destination.revisions.last().map(|revision| revision.order);
    let mut drafts = Vec::new();
    for (n, phase) in phases.iter().enumerate() {
        let fingerprints = Pair {
            before: Fingerprint::of(&phase.before.catalog),
            after: Fingerprint::of(&phase.migration.sides.after),
        };
        let description = match destination.phased {
            true => format!("{}: {description}", phase.phase),
            false => description.to_owned(),
        };
        let seconds = jiff::Span::new().seconds(i64::try_from(n).unwrap_or_default());
        let at = destination.at.saturating_add(seconds);
        let layout = (destination.layout, last);
        let draft = Draft::new(&phase.migration, &fingerprints, layout, Some(&description), at);
        last = Order::read(&draft.name).map(|(order, _)| order).or(last);
        drafts.push(draft);
    }
    drafts
}

/// Reports the number of changes, the proof and the hazards.
fn summarize(migration: &Migration, proved: bool, globals: &Globals) {
    let mut summary = count(migration.changes.len(), "change");
    if !migration.names.is_empty() || !migration.renames.is_empty() {
        let renames = count(migration.renames.len().max(1), "rename");
        summary = if migration.changes.is_empty() { renames } else { format!("{renames} and {summary}") };
    }
    if proved {
        let _ = write!(summary, "; {}", migration.proof);
    }
    globals.say(&summary);
    for (_, hazard) in &migration.hazards.up {
        globals.say(&format!("hazard {}: {}", hazard.code(), hazard.detail()));
    }
}
