//! The checks of a mutation.

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

/// What mutations need beyond their database.
const CLUSTER: [&str; 4] = [
    "SET allow_in_place_tablespaces = on",
    "CREATE TABLESPACE \"Lager 1\" LOCATION ''",
    "CREATE TABLESPACE \"Lager \"\"2\"\"\" LOCATION ''",
    // Only superusers own event triggers and foreign data wrappers.
    "CREATE ROLE \"Root 1\" SUPERUSER; CREATE ROLE \"Root 2\" SUPERUSER",
];

/// Creates on a server what does not belong to a database.
pub(crate) async fn prepare(sandbox: &Sandbox) -> schemadiff::Result<()> {
    let database = sandbox.server().await?.database().await?;
    for statement in CLUSTER {
        database.session.run(statement).await?;
    }
    database.drop_now().await
}

/// Creates everything of a kind's file from an empty database, and drops it again.
pub(crate) async fn create_and_drop(file: &File, sandbox: &Sandbox) -> Outcome {
    let copy = start(file, "", sandbox).await?;
    let fresh = sandbox.empty_catalog().await.map_err(rendered)?.clone();
    let before = State::new(fresh, "nothing");
    // For `pg_dump`.
    let live = Some(copy.database.target().clone());
    let after = State { live, ..State::new(copy.catalog.clone(), "whole") };
    let sides = Pair { before: &before, after: &after };
    generate::migration(sandbox, sides, &Proving::Always.into()).await.map_err(rendered)?;
    copy.database.drop_now().await.map_err(rendered)
}

/// Checks a mutation of a live database: it is a difference and drift of this attribute only; the plans lead back,
/// forth and back again; and the mutated state can be created from an empty database.
pub(crate) async fn run(file: &File, mutation: &Mutation, sandbox: &Sandbox, pool: &Pool) -> Outcome {
    let kept = if mutation.start.is_empty() { pool.take(file.kind, sandbox).await? } else { None };
    let copy = match kept {
        Some(copy) => copy,
        None => start(file, &mutation.start, sandbox).await?,
    };
    let observer = PgDump::find(sandbox).await.map_err(rendered)?;
    let before = observed(&copy, &observer).await?;
    load(&copy, "mutation", &mutation.sql).await?;
    let mutated = observed(&copy, &observer).await?;

    let expected = mutation.marks(file.kind);
    let sides = Pair { before: &before.state.catalog, after: &mutated.state.catalog };
    let changes = diff::diff(sides);
    expect("the difference", &expected, &marks(&changes), &changes, sides)?;
    check_drift(&expected, sides, sandbox).await?;
    let states = Pair { before: &before.state, after: &mutated.state };
    let migration = generate::migration(sandbox, states, &Proving::Skipped.into()).await.map_err(rendered)?;
    for (script, goal) in
        [(&migration.rollback, &before), (&migration.up, &mutated), (&migration.rollback, &before)]
    {
        reaches(script, goal, &copy, &observer, sandbox).await?;
    }
    // The plan has created a new object if the attribute cannot be altered.
    let attribute = file.kind.get().attribute_named(&mutation.attribute).ok_or("it is an attribute")?;
    if !matches!(attribute.change_method, ChangeMethod::Replace) {
        create_from_empty(&mutated.state.catalog, sandbox).await?;
    }
    match mutation.start.is_empty() {
        true => pool.give(file.kind, sandbox, copy).await,
        false => copy.database.drop_now().await.map_err(rendered),
    }
}

/// A state as schemadiff and as `pg_dump` read it.
struct Observed {
    state: State,
    dump: Option<Dump>,
}

async fn observed(copy: &LoadedState, observer: &PgDump) -> Outcome<Observed> {
    let catalog = sandbox::read_catalog(&copy.database).await.map_err(rendered)?;
    let dump = observer.dump(copy.database.target()).await.map_err(rendered)?;
    Ok(Observed { state: State::new(catalog, "observed"), dump })
}

/// Runs a script, which must not be empty, and checks that it reaches the goal.
async fn reaches(
    script: &Script,
    goal: &Observed,
    copy: &LoadedState,
    observer: &PgDump,
    sandbox: &Sandbox,
) -> Outcome {
    if script.is_empty() {
        return Err("the plan is empty".into());
    }
    let why = |error: Error| format!("{}\n{}", rendered(error), script.render());
    sandbox::run_script(script, &copy.database).await.map_err(why)?;
    let reached = observed(copy, observer).await?;
    let sides = Pair { before: &reached.state, after: &goal.state };
    let rest = generate::migration(sandbox, sides, &Proving::Skipped.into()).await.map_err(rendered)?;
    if !rest.up.is_empty() {
        return Err(format!("{}\nleaves differences:\n{}", script.render(), rest.up.render()));
    }
    match (&goal.dump, &reached.dump) {
        (Some(expected), Some(found)) => {
            observer.compare(sandbox, expected, found, "pg_dump finds a difference").await.map_err(why)
        }
        _ => Ok(()),
    }
}

/// The number of kept databases: each has a connection, and mutations of one kind follow each other.
const KEPT: usize = 12;

/// Databases that are back in their first state. To create one takes longer than all other work of a mutation.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Vec<(KindName, u32, LoadedState)>>);

impl Pool {
    async fn take(&self, kind: KindName, sandbox: &Sandbox) -> Outcome<Option<LoadedState>> {
        let major = sandbox.server().await.map_err(rendered)?.version().major();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(of, on, _)| (*of, *on) == (kind, major));
        Ok(place.map(|place| kept.remove(place).2))
    }

    async fn give(&self, kind: KindName, sandbox: &Sandbox, copy: LoadedState) -> Outcome {
        let major = sandbox.server().await.map_err(rendered)?.version().major();
        let old = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push((kind, major, copy));
            if kept.len() > KEPT { Some(kept.remove(0)) } else { None }
        };
        match old {
            Some((_, _, copy)) => copy.database.drop_now().await.map_err(rendered),
            None => Ok(()),
        }
    }
}

/// Returns the error as a user reads it.
fn rendered(error: Error) -> String {
    match error {
        Error::Diagnostics(list) => render(&list, Colour::Never),
        other => format!("{other:#?}"),
    }
}

async fn start(file: &File, more: &str, sandbox: &Sandbox) -> Outcome<LoadedState> {
    let files = [SourceFile::new("base", format!("{}{more}", file.base))];
    sandbox.replay(&files).await.map_err(rendered)
}

async fn load(copy: &LoadedState, name: &str, sql: &str) -> Outcome {
    let files = [SourceFile::new(name, sql)];
    let roles: Vec<RoleStub> = roles_of(&files).into_iter().map(RoleStub::new).collect();
    copy.database.stub_roles(&roles).await.map_err(rendered)?;
    replay_files(&files, &copy.database.session).await.map_err(rendered).map(drop)
}

/// Every attribute that differs. An object that is added or missing has a mark that no file names.
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
    expected: &BTreeSet<Mark>,
    found: &BTreeSet<Mark>,
    changes: &[Change],
    sides: Pair<&Catalog>,
) -> Outcome {
    if expected == found {
        return Ok(());
    }
    let list = |marks: &BTreeSet<Mark>| {
        let texts = marks.iter().map(|(kind, name)| format!("{}.{name}", kind.get().name));
        texts.collect::<Vec<_>>().join(", ")
    };
    let mut text = format!("{what} is [{}], expected [{}]\n", list(found), list(expected));
    for change in changes {
        let _ = writeln!(text, "{}", proof::first_difference(change, sides));
    }
    Err(text)
}

/// Checks that drift from a snapshot of the start names the same attributes, and can be reverted.
async fn check_drift(expected: &BTreeSet<Mark>, sides: Pair<&Catalog>, sandbox: &Sandbox) -> Outcome {
    let text = snapshot::write(sides.before).into();
    let saved = snapshot::read("snapshot", &text).map_err(rendered)?;
    let sides = Pair { before: &saved, after: sides.after };
    let changes = diff::diff(sides);
    expect("the drift", expected, &marks(&changes), &changes, sides)?;
    let deparsed = |(kind, name): &Mark| kind.get().attribute_named(name).is_some_and(Attribute::is_deparsed);
    if expected.iter().any(deparsed) {
        // `drift` would let a server deparse both sides first, as the plan does.
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
    expect("the drift", expected, &found, &[], sides)?;
    if revert.map_err(rendered)?.is_empty() {
        return Err("the script that reverts the drift is empty".into());
    }
    Ok(())
}

/// Creates the mutated state from an empty database.
async fn create_from_empty(mutated: &Catalog, sandbox: &Sandbox) -> Outcome {
    let built = sandbox.load_catalog(mutated).await.map_err(rendered)?;
    let mut expected = mutated.clone();
    diff::inherit_unset(&mut expected, &built.catalog);
    let sides = Pair { before: &expected, after: &built.catalog };
    let (sides, changes) = proof::differences(sandbox, sides).await.map_err(rendered)?;
    built.database.drop_now().await.map_err(rendered)?;
    expect("what differs after creating it", &BTreeSet::new(), &marks(&changes), &changes, sides.as_ref())
}
