//! `schemadiff drift`: compares a live database with the state after its last migration.

use std::path::{Path, PathBuf};

use super::options::{DatabaseOptions, any_format};
use super::project::{Project, SandboxNeeds};
use super::target::Target;
use super::{Globals, Outcome};
use crate::catalog;
use crate::config::Database;
use crate::db::Session;
use crate::drift::{self, Drift};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::migrate::{self, Record, record};
use crate::model::{Catalog, Pair};
use crate::report::drift::{DriftReport, data_loss};
use crate::report::{Format, output};
use crate::sandbox::{Sandbox, State, installed_extensions};

/// Report schema changes made outside migrations.
///
/// Compares the database with the state after its last migration, which is stored in the database; pending migrations
/// are not drift. Reads only: the role needs the right to connect and to read the schema `schemadiff`.
/// Exits with 1 if there is drift.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff drift
  schemadiff drift --env prod --format json
  schemadiff drift --env prod --revert-to revert.sql")]
pub struct Args {
    #[command(flatten)]
    database: DatabaseOptions,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = any_format())]
    format: &'static Format,
    /// Write the SQL that reverts the changes to this file.
    #[arg(long, value_name = "FILE")]
    revert_to: Option<PathBuf>,
}

/// The state with which a database is compared.
struct Expected {
    catalog: Catalog,
    /// Its name in the report.
    name: String,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if the database cannot be read, or if a migration is half applied.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let project = Project::open(globals)?;
    let database = project.database(&args.database)?;
    let (live, stored) = read(&database, globals).await?;
    project.check_coverage(&database.name, &live)?;
    let mut extensions = installed_extensions(&live);
    match &stored {
        Some(stored) => extensions.extend(installed_extensions(&stored.catalog)),
        None => extensions.extend(Target::of(&project, None).extensions()?),
    }
    let major = Some(live.version.major());
    let needs = SandboxNeeds { major, database: Some(&database), extensions };
    let (expected, drift) = project
        .with_sandbox(needs, async |sandbox| compare(sandbox, &project, &database, live, stored).await)
        .await?;
    if let Some(path) = &args.revert_to {
        write_revert(path, &drift, globals)?;
    }
    let option = database.option();
    let report =
        DriftReport { database: &database.name, option: &option, expected: &expected, drift: &drift };
    output::print(&(args.format.render)(&report, globals.colour()));
    if drift.differences.is_empty() {
        globals.say(&format!("no drift: {} matches {expected}", database.name));
        return Ok(Outcome::Clean);
    }
    Ok(Outcome::Findings)
}

/// Reads the live schema and the state that the last migration left.
async fn read(database: &Database, globals: &Globals) -> Result<(Catalog, Option<Expected>)> {
    let session = Session::connect(&database.target).await?;
    let result = async {
        // A bug here must not change the database.
        session.run("SET default_transaction_read_only = on").await?;
        refuse_unfinished(&session).await?;
        let live = catalog::read(&session).await?;
        let stored = match record::read(&session).await {
            Ok(records) => stored(&session, globals, &records).await?,
            Err(error) => {
                for diagnostic in missing_privileges(error)? {
                    globals.say(&format!("note: {}; {}", diagnostic.message, diagnostic.help.join("; ")));
                }
                None
            }
        };
        Ok((live, stored))
    }
    .await;
    session.close().await;
    result
}

/// Fails if a migration or rollback is half applied: its changes cannot be distinguished from drift.
async fn refuse_unfinished(session: &Session) -> Result<()> {
    match migrate::unfinished(session).await {
        Ok(None) => Ok(()),
        Ok(Some(unfinished)) => {
            Err(unfinished.help("drift cannot be determined while a revision is half applied").into())
        }
        // `record::read` meets the same error, and it is reported there.
        Err(error) => missing_privileges(error).map(drop),
    }
}

/// Returns the diagnostics of an error that says only that privileges are missing.
fn missing_privileges(error: Error) -> Result<Vec<Diagnostic>> {
    match error {
        Error::Diagnostics(all) if all.iter().all(|one| one.code == codes::PRIVILEGE) => Ok(all),
        other => Err(other),
    }
}

/// Returns the state that was stored after the last revision.
async fn stored(session: &Session, globals: &Globals, records: &[Record]) -> Result<Option<Expected>> {
    let Some(last) = records.last() else { return Ok(None) };
    let catalog = record::catalog(session, &last.name).await?;
    if catalog.is_none() {
        globals.say(&format!("note: no state is stored for `{}`", last.name));
    }
    Ok(catalog.map(|catalog| Expected { catalog, name: format!("the state after `{}`", last.name) }))
}

/// Compares the live schema with the stored state, or with the target if no state is stored. Returns the name of the
/// expected state.
async fn compare(
    sandbox: &Sandbox,
    project: &Project<'_>,
    database: &Database,
    live: Catalog,
    stored: Option<Expected>,
) -> Result<(String, Drift)> {
    let (expected, name, live) = match stored {
        // The server was upgraded since: the scratch server prints both states.
        Some(stored) if stored.catalog.version.major() != live.version.major() => {
            let live = sandbox.normalize(State::new(live, &*database.name)).await?;
            let expected = sandbox.normalize(State::new(stored.catalog, &*stored.name)).await?;
            (expected.catalog, stored.name, live.catalog)
        }
        Some(stored) => (stored.catalog, stored.name, live),
        None => {
            project.globals.say("note: no state is stored; the database is compared with the target");
            let mut target = Target::of(project, None).read(sandbox).await?;
            let live = sandbox.normalize(State::new(live, &*database.name)).await?.catalog;
            crate::diff::inherit_unset(&mut target.catalog, &live);
            (target.catalog, format!("the target {}", target.name), live)
        }
    };
    let expected = project.apply_manage_rules(State::new(expected, &*name), &live).catalog;
    let drift = drift::drift(sandbox, Pair { before: &expected, after: &live }).await;
    Ok((name, drift))
}

fn write_revert(path: &Path, drift: &Drift, globals: &Globals) -> Result<()> {
    let Ok(revert) = &drift.revert else { return Ok(()) };
    if let Some(warning) = data_loss(drift) {
        globals.say(&format!("warning: {}: {warning}", path.display()));
    }
    crate::files::write(path, &revert.render())
}
