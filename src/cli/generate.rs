//! `schemadiff generate`: writes the migration that leads to the target, and its rollback.

use std::path::{Path, PathBuf};

use jiff::civil::DateTime;

use super::{Globals, Outcome, PlanOptions};
use crate::allow::Allowed;
use crate::config::{Database, Layout};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::generate::{self, MigrationOptions, PhaseMigration, PhasedMigration, Proving};
use crate::model::rename::AmbiguousRenames;
use crate::model::{Fingerprint, Migration, Pair};
use crate::recipes::Policy;
use crate::revision::{self, Draft, Folder, Order, chain, describe};
use crate::sandbox::Sandbox;
use crate::sandbox::{self, Source, State};
use crate::scratch::RequiredExtension;

/// Writes the migration that leads from what the migrations make to the target, with its rollback.
///
/// Both are run on a scratch copy before they are written: up to the target, and back to the start.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff generate
  schemadiff generate --name 'add customer email'
  schemadiff generate --from prod --dry-run
  schemadiff generate schema.sql --allow DataLoss
  schemadiff generate --renames drop      # what could be a rename is none
  schemadiff generate --drop park         # tables that go are put aside, with their rows

A rename is written beside the new object: `renamed_from: NAME` in YAML, `-- schemadiff: renamed_from: NAME` in SQL.
It may stay there: the head of the migration records it.")]
pub struct Args {
    /// The target, instead of the one of the configuration.
    target: Option<String>,
    /// What the migration does, in a few words; from the changes when it is not said.
    #[arg(short, long, visible_alias = "message", value_name = "WORDS")]
    name: Option<String>,
    /// Start from this environment or database instead of the migrations.
    #[arg(long, value_name = "ENV|URL")]
    from: Option<String>,
    /// The folder of migrations, instead of the one of the configuration.
    #[arg(long, value_name = "DIR")]
    migrations: Option<PathBuf>,
    /// How revisions are named: timestamp, numbered or dated.
    #[arg(long, value_name = "LAYOUT")]
    layout: Option<String>,
    /// Write it although it hurts in this way: `DataLoss`, `Rewrite` and so on, or all.
    #[arg(long, value_name = "HAZARD", value_delimiter = ',')]
    allow: Vec<String>,
    /// Where something goes and something alike comes and nothing says that it is a rename: error, drop or detect.
    #[arg(long, value_name = "HOW", value_parser = super::globals::unanswered)]
    renames: Option<AmbiguousRenames>,
    /// The time that the revision carries, in UTC.
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime>,
    /// Write what adds, what fills and what takes away as revisions of their own: an old and a new program both
    /// work on the database between them.
    #[arg(long)]
    phased: bool,
    /// Print the migration and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not run the migration on a scratch copy first.
    #[arg(long)]
    no_verify: bool,
    #[command(flatten)]
    care: PlanOptions,
}

/// Runs it.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let config = globals.config()?;
    let folder = Folder::open(args.migrations.as_deref().unwrap_or(&config.migrations))?;
    let layout = layout(args.layout.as_deref(), config.layout)?;
    let at = time(args.at, globals)?;
    let allowed = Allowed::new(&args.allow, &config.allow)?;
    let terms = MigrationOptions { at: Some(at), ..args.care.terms(globals, args.no_verify)? };
    let phased = args.phased || terms.policy == Policy::Phased;
    // What cannot end well is told before any server starts.
    let revisions = folder.revisions()?;
    let doubts: Vec<Diagnostic> = chain(&revisions).into_iter().map(|doubt| doubt.diagnostic).collect();
    if !doubts.is_empty() {
        return Err(Error::Diagnostics(doubts));
    }
    if !args.dry_run {
        folder.check_writable()?;
    }
    let targets = match &args.target {
        Some(target) => vec![PathBuf::from(target)],
        None => config.target.clone(),
    };
    check_targets(&targets, globals)?;
    let start = match &args.from {
        Some(word) => globals.source(word)?,
        None => Source::Migrations(folder.history()?),
    };
    let directly = start.read_directly().await.transpose()?;
    let mut needed = sandbox::required_extensions(&start, directly.as_ref())?;
    needed.extend(extensions(&targets, globals)?);
    let major = major(directly.as_ref(), globals).await;
    let sandbox = globals.sandbox(major, default_database(globals).as_ref(), needed)?;
    let result = async {
        let before = match directly {
            Some(state) => sandbox.normalize(state).await?,
            None => sandbox.read(&start).await?,
        };
        globals.check_coverage(&before.name, &before.catalog)?;
        if let (None, Some(last)) = (&args.from, revisions.last()) {
            warn_if_edited(last, &before, globals);
        }
        let mut after = globals.managed(target(&sandbox, &targets, globals).await?, &before.catalog)?;
        after.renames.unanswered = args.renames.or(config.renames);
        globals.check_coverage(&after.name, &after.catalog)?;
        let states = Pair { before, after };
        if phased {
            return generate::phased(&sandbox, states.as_ref(), &terms).await;
        }
        let migration = generate::migration(&sandbox, states.as_ref(), &terms).await?;
        Ok::<_, Error>(PhasedMigration::single(migration, states.before))
    }
    .await;
    sandbox.stop().await;
    let PhasedMigration { phases: mut parts, changes, renames } = result?;
    parts.iter().flat_map(|part| &part.migration.notes).for_each(|note| globals.say(note));
    parts.retain(|part| !part.migration.up.is_empty());
    if parts.is_empty() {
        globals.say("nothing to do: the migrations lead to the target");
        return Ok(Outcome::Clean);
    }
    let hazards: Vec<_> = parts.iter().flat_map(|part| part.migration.hazards.up.clone()).collect();
    allowed.refuse(&hazards)?;
    let words = args.name.clone().unwrap_or_else(|| describe(&changes, &renames));
    let last = revisions.last().map(|revision| revision.order);
    let drafts = drafts(&parts, &words, phased, (layout, last), at);
    if terms.proving == Proving::Skipped {
        globals.say("warning: --no-verify: nobody has run this migration, neither up nor back");
    }
    for (draft, part) in drafts.iter().zip(&parts) {
        if args.dry_run {
            let [up, rollback] = draft.paths();
            super::print(&format!("-- {up}\n{}\n-- {rollback}\n{}", draft.up, draft.rollback));
            continue;
        }
        for path in folder.write(draft)? {
            super::print(&format!("{}\n", path.display()));
        }
        tell(&part.migration, globals);
    }
    Ok(Outcome::Clean)
}

/// The revisions of the parts, one after the other.
fn drafts(
    parts: &[PhaseMigration],
    words: &str,
    phased: bool,
    (layout, mut last): (Layout, Option<Order>),
    at: DateTime,
) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        let prints = Pair {
            before: Fingerprint::of(&part.before.catalog),
            after: Fingerprint::of(&part.migration.sides.after),
        };
        let words = if phased { format!("{}: {words}", part.phase) } else { words.to_owned() };
        let at = at.saturating_add(jiff::Span::new().seconds(i64::try_from(n).unwrap_or_default()));
        let draft = Draft::new(&part.migration, &prints, (layout, last), Some(&words), at);
        last = Order::read(&draft.name).map(|(order, _)| order).or(last);
        drafts.push(draft);
    }
    drafts
}

/// `--layout`, or what is configured.
pub(super) fn layout(name: Option<&str>, configured: Layout) -> Result<Layout> {
    let Some(name) = name else { return Ok(configured) };
    Layout::named(name).ok_or_else(|| {
        Diagnostic::new(codes::USAGE, format!("`{name}` is no layout"))
            .help(format!("it is {}", Layout::NAMES.join(", ")))
            .into()
    })
}

/// `--at`, or `SOURCE_DATE_EPOCH` as builds that repeat themselves set it, or now.
pub(super) fn time(at: Option<DateTime>, globals: &Globals) -> Result<DateTime> {
    if let Some(at) = at {
        return Ok(at);
    }
    let now = match globals.variable("SOURCE_DATE_EPOCH") {
        None => jiff::Timestamp::now(),
        Some(text) => text
            .parse()
            .ok()
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            .ok_or_else(|| {
                Diagnostic::new(codes::USAGE, format!("SOURCE_DATE_EPOCH is no number of seconds: `{text}`"))
            })?,
    };
    Ok(now.to_zoned(jiff::tz::TimeZone::UTC).datetime())
}

/// The environment that is worked on when none is named; its server may be tried on.
fn default_database(globals: &Globals) -> Option<Database> {
    globals.database(&super::globals::Where::default()).ok()
}

/// The major version that the migration is for: that of the start, else of the default environment, where it
/// can be reached without more ado.
async fn major(start: Option<&State>, globals: &Globals) -> Option<u32> {
    if let Some(state) = start {
        return Some(state.catalog.version.major());
    }
    let database = default_database(globals).filter(|database| database.target.folder().is_none())?;
    let connecting = crate::db::Session::connect(&database.target);
    let session = tokio::time::timeout(std::time::Duration::from_secs(3), connecting).await.ok()?.ok()?;
    let major = session.version().major();
    session.close().await;
    Some(major)
}

fn check_targets(targets: &[PathBuf], globals: &Globals) -> Result<()> {
    for target in targets {
        if globals.options.config.is_none()
            && globals.config()?.file.is_none()
            && !target.exists()
            && targets.len() == 1
        {
            let word = target.display().to_string();
            if revision::source::parse(&word, &globals.environment).is_err() {
                return Err(Diagnostic::new(codes::FILE, format!("there is no target `{word}`"))
                    .help("`schemadiff init` writes one, and `schemadiff introspect URL > schema.yaml` one of a database")
                    .into());
            }
        }
    }
    Ok(())
}

/// The extensions that the target declares.
pub(super) fn extensions(targets: &[PathBuf], globals: &Globals) -> Result<Vec<RequiredExtension>> {
    let mut needed = Vec::new();
    for path in targets {
        needed.extend(globals.source(&path.display().to_string())?.extensions()?);
    }
    Ok(needed)
}

/// The state that the target declares.
///
/// # Errors
/// When it cannot be read, or several files are not all SQL.
pub(super) async fn target(sandbox: &Sandbox, targets: &[PathBuf], globals: &Globals) -> Result<State> {
    if let [one] = targets {
        let source = globals.source(&one.display().to_string())?;
        return sandbox.read(&source).await;
    }
    let mut files = Vec::new();
    for path in targets {
        if !is_sql(path) {
            let what =
                format!("`{}` is one of several targets, and only SQL can be in several", path.display());
            return Err(Diagnostic::new(codes::USAGE, what).help("name one .yaml file").into());
        }
        files.append(&mut crate::declare::sql::read_files(path)?);
    }
    let copy = sandbox.load_sql(&files).await?;
    copy.database.drop_now().await?;
    let names: Vec<String> = targets.iter().map(|path| path.display().to_string()).collect();
    Ok(State {
        renames: copy.renames,
        directives: copy.directives,
        ..State::of(copy.catalog, names.join(", "))
    })
}

fn is_sql(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}

fn warn_if_edited(last: &crate::revision::Revision, state: &State, globals: &Globals) {
    let reached = last.head.as_ref().and_then(|head| head.to.as_ref());
    if reached.is_some_and(|reached| reached.differs(&Fingerprint::of(&state.catalog))) {
        globals.say(&format!(
            "warning: `{}` leads to another state than its head says: it was edited; remove `From` and `To` from its head",
            last.name
        ));
    }
}

fn tell(migration: &Migration, globals: &Globals) {
    let count = crate::error::text::count;
    let mut done = count(migration.changes.len(), "change");
    if !migration.names.is_empty() || !migration.renames.is_empty() {
        let renames = count(migration.renames.len().max(1), "rename");
        done = if migration.changes.is_empty() { renames } else { format!("{renames} and {done}") };
    }
    globals.say(&format!("{done}; {}", migration.proof));
    for (_, hazard) in &migration.hazards.up {
        globals.say(&format!("hazard {}: {}", hazard.code(), hazard.detail()));
    }
}
