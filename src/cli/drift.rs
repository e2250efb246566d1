//! `schemadiff drift`: what a database is against what the last migration left.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::json;

use super::globals::Where;
use super::status::Format;
use super::{Globals, Outcome};
use crate::catalog;
use crate::config::Database;
use crate::db::Session;
use crate::drift::{self, Deviation, Drift, What};
use crate::error::text::count;
use crate::error::{Error, Result, codes};
use crate::migrate::{self, Record, record};
use crate::model::{Catalog, Pair};
use crate::sandbox::Sandbox;
use crate::sandbox::{self, State};

/// Tells what somebody changed in a database besides the migrations. Ends with 1 when there is something.
///
/// The state after each migration is kept with its record, so that what is pending is no drift. Reads only:
/// the right to connect, and to read the schema `schemadiff`, is all that it needs.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff drift
  schemadiff drift --env prod --format json
  schemadiff drift --env prod --revert-to revert.sql")]
pub struct Args {
    #[command(flatten)]
    at: Where,
    /// How to tell it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the SQL that takes the database back to this file.
    #[arg(long, value_name = "FILE")]
    revert_to: Option<PathBuf>,
}

/// What a database is compared with.
struct Expected {
    catalog: Catalog,
    /// What it is, for people.
    name: String,
}

/// Runs it.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let database = globals.database(&args.at)?;
    let session = Session::connect(&database.target).await?;
    // A mistake here must not be one there.
    session.run("SET default_transaction_read_only = on").await?;
    let result = read(&session, globals).await;
    session.close().await;
    let (live, stored) = result?;
    globals.check_coverage(&database.name, &live)?;
    let mut needed = sandbox::installed_extensions(&live);
    match &stored {
        Some(stored) => needed.extend(sandbox::installed_extensions(&stored.catalog)),
        None => needed.extend(super::generate::extensions(&globals.config()?.target, globals)?),
    }
    let sandbox = globals.sandbox(Some(live.version.major()), Some(&database), needed)?;
    let result = compare(&sandbox, globals, &database, live, stored).await;
    sandbox.stop().await;
    let (expected, drift) = result?;
    if let Some(path) = &args.revert_to
        && let Ok(revert) = &drift.revert
    {
        if !drift.losses.is_empty() {
            globals.say(&format!("warning: {} {}", path.display(), lost(&drift.losses)));
        }
        crate::files::write(path, &revert.render())?;
    }
    super::print(&match args.format {
        Format::Text => text(&database, &expected, &drift),
        Format::Json => json(&database, &expected, &drift),
    });
    if drift.differences.is_empty() {
        globals.say(&format!("no drift: {} is {expected}", database.name));
    }
    Ok(if drift.differences.is_empty() { Outcome::Clean } else { Outcome::Findings })
}

/// What the database is, and what its last migration left.
async fn read(session: &Session, globals: &Globals) -> Result<(Catalog, Option<Expected>)> {
    match migrate::unfinished(session).await {
        Ok(None) => {}
        // The role may not read it, which is told below.
        Err(Error::Diagnostics(wrong)) if wrong.iter().all(|one| one.code == codes::PRIVILEGE) => {}
        Ok(Some(begun)) => {
            return Err(begun
                .help("what it has done so far cannot be told from what somebody changed")
                .into());
        }
        Err(other) => return Err(other),
    }
    let live = catalog::read(session).await?;
    let stored = match record::read(session).await {
        Ok(records) => kept(session, globals, &records).await?,
        Err(Error::Diagnostics(wrong)) if wrong.iter().all(|one| one.code == codes::PRIVILEGE) => {
            for one in &wrong {
                globals.say(&format!("note: {}; {}", one.message, one.help.join("; ")));
            }
            None
        }
        Err(other) => return Err(other),
    };
    Ok((live, stored))
}

/// What the last revision left.
async fn kept(session: &Session, globals: &Globals, records: &[Record]) -> Result<Option<Expected>> {
    let Some(last) = records.last() else { return Ok(None) };
    let catalog = record::catalog(session, &last.name).await?;
    if catalog.is_none() {
        globals.say(&format!("note: the state that `{}` left is not on record", last.name));
    }
    Ok(catalog.map(|catalog| Expected { catalog, name: format!("what `{}` left", last.name) }))
}

async fn compare(
    sandbox: &Sandbox,
    globals: &Globals,
    database: &Database,
    live: Catalog,
    stored: Option<Expected>,
) -> Result<(String, Drift)> {
    let state = |catalog, name: &str| State::new(catalog, name);
    let (expected, name, live) = match stored {
        // Since then the server was upgraded: one server prints both.
        Some(stored) if stored.catalog.version.major() != live.version.major() => {
            let live = sandbox.normalize(state(live, &database.name)).await?;
            let stored_state = sandbox.normalize(state(stored.catalog, &stored.name)).await?;
            (stored_state.catalog, stored.name, live.catalog)
        }
        Some(stored) => (stored.catalog, stored.name, live),
        None => {
            globals.say("note: no state is on record; the database is compared with the target");
            let mut target = super::generate::target(sandbox, &globals.config()?.target, globals).await?;
            let live = sandbox.normalize(state(live, &database.name)).await?.catalog;
            crate::diff::inherit_unset(&mut target.catalog, &live);
            (target.catalog, format!("what {} declares", target.name), live)
        }
    };
    let expected = globals.managed(state(expected, &name), &live)?.catalog;
    let drift = drift::drift(sandbox, Pair { before: &expected, after: &live }).await;
    Ok((name, drift))
}

fn text(database: &Database, expected: &str, drift: &Drift) -> String {
    let mut out = String::new();
    if drift.differences.is_empty() {
        return out;
    }
    let differences = count(drift.differences.len(), "difference");
    let _ = writeln!(out, "{}: {differences} from {expected}\n", database.name);
    for Deviation { object, what, attributes, .. } in &drift.differences {
        let what = match what {
            What::Added => "is there and should not be",
            What::Missing => "is missing",
            What::Altered => "is another",
        };
        let _ = writeln!(out, "{object} {what}");
        for detail in attributes {
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
            let _ = writeln!(
                out,
                "    {}: {} should be {}",
                detail.name,
                indented(&value(&detail.found)),
                indented(&value(&detail.expected))
            );
        }
    }
    match &drift.revert {
        Ok(revert) => {
            let _ = writeln!(out, "\nTo take the database back:\n\n{}", revert.render());
            if !drift.losses.is_empty() {
                let _ = writeln!(out, "This {}\n", lost(&drift.losses));
            }
        }
        Err(error) => {
            let _ = writeln!(out, "\nThe way back cannot be planned: {error}\n");
        }
    }
    let _ = writeln!(
        out,
        "To keep it: declare it in the target and run `schemadiff generate`; `schemadiff introspect {}` prints what is there.",
        database.name
    );
    out
}

/// What to know before the way back is run.
fn lost(losses: &[String]) -> String {
    let losses = losses.join("; ");
    format!("LOSES DATA: {losses}. What somebody renamed by hand is renamed back by hand, and no row goes.")
}

/// Values of several lines stand below their name.
fn indented(text: &str) -> String {
    if text.contains('\n') {
        format!("\n        {}\n   ", text.trim_end().replace('\n', "\n        "))
    } else {
        text.to_owned()
    }
}

fn json(database: &Database, expected: &str, drift: &Drift) -> String {
    let revert = drift.revert.as_ref().map(crate::model::Script::render).ok();
    format!(
        "{:#}\n",
        json!({
            "database": database.name,
            "expected": expected,
            "differences": drift.differences,
            "revert": revert,
            "losses": drift.losses,
        })
    )
}
