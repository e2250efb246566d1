//! What is asked of each mutation.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use schemadiff::declare::snapshot;
use schemadiff::declare::sql::{SourceFile, replay_files, roles_of};
use schemadiff::diff;
use schemadiff::drift::{DriftChange, drift};
use schemadiff::generate::{self, Proving};
use schemadiff::kinds::{Attribute, ChangeMethod, KindName};
use schemadiff::model::{Catalog, Change, Difference, Pair, Script};
use schemadiff::proof;
use schemadiff::proof::dump::{Dump, PgDump};
use schemadiff::report::diagnostic::{Colour, render};
use schemadiff::sandbox::State;
use schemadiff::sandbox::{self, LoadedState, Sandbox};
use schemadiff::scratch::RoleStub;
use schemadiff::{Error, drift::Drift};

use crate::file::{File, Mark, Mutation};

type Outcome<T = ()> = Result<T, String>;

/// What mutations need of the whole server.
const CLUSTER: [&str; 4] = [
    "SET allow_in_place_tablespaces = on",
    "CREATE TABLESPACE \"Lager 1\" LOCATION ''",
    "CREATE TABLESPACE \"Lager \"\"2\"\"\" LOCATION ''",
    // Only superusers own event triggers and foreign data wrappers.
    "CREATE ROLE \"Root 1\" SUPERUSER; CREATE ROLE \"Root 2\" SUPERUSER",
];

/// Gives a server what no database of its own can have.
pub(crate) async fn prepare(sandbox: &Sandbox) -> schemadiff::Result<()> {
    let database = sandbox.server().await?.database().await?;
    for statement in CLUSTER {
        database.session.run(statement).await?;
    }
    database.drop_now().await
}

/// The database of a kind comes out of nothing, and goes again.
pub(crate) async fn create_and_drop(file: &File, sandbox: &Sandbox) -> Outcome {
    let copy = start(file, "", sandbox).await?;
    let fresh = sandbox.empty_catalog().await.map_err(told)?.clone();
    let before = State::new(fresh, "nothing");
    // It is there for `pg_dump` to look at.
    let live = Some(copy.database.target().clone());
    let after = State { live, ..State::new(copy.catalog.clone(), "whole") };
    let sides = Pair { before: &before, after: &after };
    generate::migration(sandbox, sides, &Proving::Always.into()).await.map_err(told)?;
    copy.database.drop_now().await.map_err(told)
}

/// A mutation of the live database is seen as drift and as a difference of this attribute alone; the plan leads
/// back, there and back again; and what is mutated is created so from nothing, too.
pub(crate) async fn run(file: &File, mutation: &Mutation, sandbox: &Sandbox, pool: &Pool) -> Outcome {
    let kept = if mutation.start.is_empty() { pool.take(file.kind, sandbox).await? } else { None };
    let copy = match kept {
        Some(copy) => copy,
        None => start(file, &mutation.start, sandbox).await?,
    };
    let observer = PgDump::find(sandbox).await.map_err(told)?;
    let before = seen(&copy, &observer).await?;
    load(&copy, "mutation", &mutation.sql).await?;
    let mutated = seen(&copy, &observer).await?;

    let wanted = mutation.marks(file.kind);
    let sides = Pair { before: &before.state.catalog, after: &mutated.state.catalog };
    let changes = diff::diff(sides);
    expect("the difference", &wanted, &marks(&changes), &changes, sides)?;
    drifts(&wanted, sides, sandbox).await?;
    let states = Pair { before: &before.state, after: &mutated.state };
    let migration = generate::migration(sandbox, states, &Proving::Skipped.into()).await.map_err(told)?;
    for (script, goal) in
        [(&migration.rollback, &before), (&migration.up, &mutated), (&migration.rollback, &before)]
    {
        leads(script, goal, &copy, &observer, sandbox).await?;
    }
    // What only a new object can change, the plan has created already.
    let attribute = file.kind.get().attribute_named(&mutation.attribute).ok_or("it is an attribute")?;
    if !matches!(attribute.change_method, ChangeMethod::Replace) {
        anew(&mutated.state.catalog, sandbox).await?;
    }
    match mutation.start.is_empty() {
        true => pool.give(file.kind, sandbox, copy).await,
        false => copy.database.drop_now().await.map_err(told),
    }
}

/// A state as we and as `pg_dump` see it.
struct Seen {
    state: State,
    dump: Option<Dump>,
}

async fn seen(copy: &LoadedState, observer: &PgDump) -> Outcome<Seen> {
    let catalog = sandbox::read_catalog(&copy.database).await.map_err(told)?;
    let dump = observer.dump(copy.database.target()).await.map_err(told)?;
    Ok(Seen { state: State::new(catalog, "seen"), dump })
}

/// The script does something, and when it ran nothing is left to do.
async fn leads(
    script: &Script,
    goal: &Seen,
    copy: &LoadedState,
    observer: &PgDump,
    sandbox: &Sandbox,
) -> Outcome {
    if script.is_empty() {
        return Err("the plan is empty".into());
    }
    let why = |error: Error| format!("{}\n{}", told(error), script.render());
    sandbox::run_script(script, &copy.database).await.map_err(why)?;
    let reached = seen(copy, observer).await?;
    let sides = Pair { before: &reached.state, after: &goal.state };
    let rest = generate::migration(sandbox, sides, &Proving::Skipped.into()).await.map_err(told)?;
    if !rest.up.is_empty() {
        return Err(format!("{}\nleaves to be done:\n{}", script.render(), rest.up.render()));
    }
    match (&goal.dump, &reached.dump) {
        (Some(wanted), Some(found)) => {
            observer.compare(sandbox, wanted, found, "pg_dump sees another state").await.map_err(why)
        }
        _ => Ok(()),
    }
}

/// How many are kept: each holds a connection, of which a server has few, and the mutations of a kind come one
/// after the other.
const KEPT: usize = 12;

/// Databases that were led back to where they began: to create one takes longer than all else that a mutation
/// asks for.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Vec<(KindName, u32, LoadedState)>>);

impl Pool {
    async fn take(&self, kind: KindName, sandbox: &Sandbox) -> Outcome<Option<LoadedState>> {
        let major = sandbox.server().await.map_err(told)?.version().major();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(of, on, _)| (*of, *on) == (kind, major));
        Ok(place.map(|place| kept.remove(place).2))
    }

    async fn give(&self, kind: KindName, sandbox: &Sandbox, copy: LoadedState) -> Outcome {
        let major = sandbox.server().await.map_err(told)?.version().major();
        let old = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push((kind, major, copy));
            if kept.len() > KEPT { Some(kept.remove(0)) } else { None }
        };
        match old {
            Some((_, _, copy)) => copy.database.drop_now().await.map_err(told),
            None => Ok(()),
        }
    }
}

/// The error as a user reads it.
fn told(error: Error) -> String {
    match error {
        Error::Diagnostics(list) => render(&list, Colour::Never),
        other => format!("{other:#?}"),
    }
}

async fn start(file: &File, more: &str, sandbox: &Sandbox) -> Outcome<LoadedState> {
    let files = [SourceFile::new("base", format!("{}{more}", file.base))];
    sandbox.replay(&files).await.map_err(told)
}

async fn load(copy: &LoadedState, name: &str, sql: &str) -> Outcome {
    let files = [SourceFile::new(name, sql)];
    let roles: Vec<RoleStub> = roles_of(&files).into_iter().map(RoleStub::new).collect();
    copy.database.stub_roles(&roles).await.map_err(told)?;
    replay_files(&files, &copy.database.session).await.map_err(told).map(drop)
}

/// Every attribute that differs; objects that come or go have a mark that no file names.
fn marks(changes: &[Change]) -> BTreeSet<Mark> {
    let of = |change: &Change| -> Vec<Mark> {
        let names = match &change.what {
            Difference::Altered(names) => names.iter().map(|name| name.as_str()).collect(),
            Difference::Missing => vec!["is missing"],
            Difference::Added => vec!["is added"],
        };
        names.into_iter().map(|name| (change.id.kind, name.to_owned())).collect()
    };
    changes.iter().flat_map(of).collect()
}

fn expect(
    what: &str,
    wanted: &BTreeSet<Mark>,
    found: &BTreeSet<Mark>,
    changes: &[Change],
    sides: Pair<&Catalog>,
) -> Outcome {
    if wanted == found {
        return Ok(());
    }
    let list = |marks: &BTreeSet<Mark>| {
        let texts = marks.iter().map(|(kind, name)| format!("{}.{name}", kind.get().name));
        texts.collect::<Vec<_>>().join(", ")
    };
    let mut text = format!("{what} is [{}] in place of [{}]\n", list(found), list(wanted));
    for change in changes {
        let _ = writeln!(text, "{}", proof::first_difference(change, sides));
    }
    Err(text)
}

/// Drift against the snapshot that was taken of the start names the same attributes, and can be reverted.
async fn drifts(wanted: &BTreeSet<Mark>, sides: Pair<&Catalog>, sandbox: &Sandbox) -> Outcome {
    let text = snapshot::write(sides.before).into();
    let saved = snapshot::read("snapshot", &text).map_err(told)?;
    let sides = Pair { before: &saved, after: sides.after };
    let changes = diff::diff(sides);
    expect("the drift", wanted, &marks(&changes), &changes, sides)?;
    let deparsed = |(kind, name): &Mark| kind.get().attribute_named(name).is_some_and(Attribute::is_deparsed);
    if wanted.iter().any(deparsed) {
        // A server would print both sides anew, as it does for the plan.
        return Ok(());
    }
    let Drift { differences, revert, .. } = drift(sandbox, sides).await;
    let mut found = BTreeSet::new();
    for deviation in &differences {
        let kind = KindName::named(deviation.kind).ok_or("a deviation is of a kind")?;
        if deviation.change != DriftChange::Altered {
            found.insert((kind, format!("{:?}", deviation.change)));
        }
        found.extend(deviation.attributes.iter().map(|detail| (kind, detail.name.to_owned())));
    }
    expect("the drift", wanted, &found, &[], sides)?;
    if revert.map_err(told)?.is_empty() {
        return Err("the drift is reverted by nothing".into());
    }
    Ok(())
}

/// The mutated state, created from nothing.
async fn anew(mutated: &Catalog, sandbox: &Sandbox) -> Outcome {
    let built = sandbox.load_catalog(mutated).await.map_err(told)?;
    let mut wanted = mutated.clone();
    diff::inherit_unset(&mut wanted, &built.catalog);
    let sides = Pair { before: &wanted, after: &built.catalog };
    let (sides, changes) = proof::differences(sandbox, sides).await.map_err(told)?;
    built.database.drop_now().await.map_err(told)?;
    expect("what it lacks when it is new", &BTreeSet::new(), &marks(&changes), &changes, sides.as_ref())
}
