//! Proves a migration by running it: on a copy of the start, up to the target and back again.

pub mod account;
pub mod dump;
pub mod phases;
pub mod rows;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use jiff::civil::DateTime;

use crate::db::{Session, Target};
use crate::diff::{self, Change, Difference};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::kinds::{How, KindName};
use crate::model::{Catalog, LockMode, Names, ObjectId, Pair, Rename};
use crate::park::{self, Drops};
use crate::plan::{Plan, plan};
use crate::recipes::{self, Circumstances, Policy, Probed, Sizes, Wishes};
use crate::rename;
use crate::scratch::{RoleStub, ScratchDatabase};
use crate::script::Script;
use crate::source::State;
use crate::source::bench::{self, Bench};
use crate::source::sql::SourceFile;

use rows::{Common, Side};

/// A migration with the proof that it works both ways.
#[derive(Clone, Debug)]
pub struct Migration {
    /// The way from the start to the target.
    pub up: Script,
    /// The way back.
    pub rollback: Script,
    /// What differs between the two, beside their names.
    pub changes: Vec<Change>,
    /// What has another name in the target.
    pub renames: Vec<Rename>,
    /// What it is recorded to have renamed although it made it so: nothing else could tell later.
    pub settled: Vec<Rename>,
    /// The names before and after, those that follow from others too.
    pub names: Names,
    /// The start under the names of the target, and the target with what it leaves to the start.
    pub sides: Pair<Catalog>,
    /// What is worth a word.
    pub notes: Vec<String>,
    /// What of it may hurt: on the way up, and on the way back.
    pub hazards: Pair<Vec<(ObjectId, crate::model::Hazard)>>,
    /// What proved it.
    pub proof: Proof,
}

impl Migration {
    /// The migration between two states that are the same.
    pub fn nothing(state: &Catalog) -> Self {
        Self {
            up: Script::default(),
            rollback: Script::default(),
            changes: Vec::new(),
            renames: Vec::new(),
            settled: Vec::new(),
            names: Names::default(),
            sides: Pair { before: state.clone(), after: state.clone() },
            notes: Vec::new(),
            hazards: Pair { before: Vec::new(), after: Vec::new() },
            proof: Proof::default(),
        }
    }
}

/// What was done to prove a migration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Whether it was run at all.
    pub ran: bool,
    /// In how many tables rows were made up, which survived.
    pub rows: usize,
    /// Whether `pg_dump` was at hand, and agreed.
    pub dump: bool,
    /// The locks that were seen on the way up and on the way back, a statement each.
    pub locks: Pair<Vec<Option<(LockMode, String)>>>,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.ran {
            return f.write_str("NONE: written with --no-verify");
        }
        f.write_str("run up and back on a scratch copy")?;
        if self.rows > 0 {
            write!(f, " with rows in {}", crate::report::diagnostic::count(self.rows, "table"))?;
        }
        f.write_str(if self.dump { "; pg_dump agrees" } else { "" })
    }
}

/// Whether a migration is proved before it is given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proving {
    /// It is.
    Always,
    /// The user took the risk.
    Skipped,
}

/// How a migration is made.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Whether it is proved.
    pub proving: Proving,
    /// How much care it takes.
    pub policy: Policy,
    /// How long a statement waits for a lock that others wait behind.
    pub lock_timeout: std::time::Duration,
    /// Whether it gives values to rows that are there, which else is a revision of its own.
    pub fills: bool,
    /// What becomes of tables that the target has no more.
    pub drops: Drops,
    /// The time that it carries, where it is known.
    pub at: Option<DateTime>,
    /// How large the tables are that it is for, where that was saved; else the start is asked, if it is a database.
    pub sizes: Option<Sizes>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            proving: Proving::Always,
            policy: Policy::default(),
            lock_timeout: crate::script::LOCK_TIMEOUT,
            fills: true,
            drops: Drops::default(),
            at: None,
            sizes: None,
        }
    }
}

impl From<Proving> for Terms {
    fn from(proving: Proving) -> Self {
        Self { proving, ..Self::default() }
    }
}

/// Plans the way from one state to another and proves it.
///
/// # Errors
/// When it cannot be planned, or when the proof fails.
pub async fn migration(bench: &Bench, states: Pair<&State>, terms: &Terms) -> Result<Migration> {
    let renamed = rename::renamed(bench, states).await?;
    let mut target = states.after.catalog.clone();
    diff::adopt(&mut target, &renamed.middle);
    let (sides, changes) = differences(bench, Pair { before: &renamed.middle, after: &target }).await?;
    let (parking, kept) = match terms.drops {
        Drops::Park => park::parking(sides.as_ref(), terms.at),
        Drops::Delete => (None, Vec::new()),
    };
    let (mut up, mut back, parked) = match parking {
        None => {
            let (up, back) = safely(bench, states, sides.as_ref(), terms).await?;
            (up, back, Vec::new())
        }
        Some(parking) => {
            let there = Pair { before: &sides.before, after: &parking.bare };
            let (mut up, remade) = safely(bench, states, there, terms).await?;
            let on = Pair { before: &parking.rest, after: &sides.after };
            let (rest, mut back) = safely(bench, states, on, terms).await?;
            up.steps.extend(parking.steps.after.into_iter().chain(rest.steps));
            back.steps.extend(parking.steps.before.into_iter().chain(remade.steps));
            (up, back, parking.places)
        }
    };
    up.steps.splice(0..0, renamed.steps.after);
    back.steps.extend(renamed.steps.before);
    let hazards = Pair { before: back.hazards(), after: up.hazards() };
    let script = |plan| Script::waiting(plan, terms.lock_timeout);
    let scripts = Pair { before: script(&back), after: script(&up) };
    let mut migration = Migration {
        up: scripts.after,
        rollback: scripts.before,
        changes,
        renames: renamed.done,
        settled: renamed.settled,
        names: renamed.names,
        sides: Pair { before: renamed.middle, after: target },
        notes: renamed.notes.into_iter().chain(kept).collect(),
        hazards,
        proof: Proof::default(),
    };
    if terms.proving == Proving::Always && !migration.up.is_empty() {
        let ways = Pair { before: Way::Script(&migration.rollback), after: Way::Script(&migration.up) };
        migration.proof = {
            let plans = Pair { before: &back, after: &up };
            let known = Known {
                plans,
                middle: &sides.before,
                names: &migration.names,
                renames: &migration.renames,
                parked: &parked,
            };
            let whole = !migration.names.is_empty() || !migration.renames.is_empty();
            let start = if whole { &states.before.catalog } else { &sides.before };
            prove(bench, ways, Pair { before: start, after: &sides.after }, states.after, Some(known)).await?
        };
        migration.up.seen(&migration.proof.locks.after);
        migration.rollback.seen(&migration.proof.locks.before);
    }
    Ok(migration)
}

/// The way up and the way back, each with the care that is asked for.
async fn safely(
    bench: &Bench,
    states: Pair<&State>,
    sides: Pair<&Catalog>,
    terms: &Terms,
) -> Result<(Plan, Plan)> {
    let (up, back) = (plan(sides)?, plan(sides.swapped())?);
    let wishes = &states.after.wishes;
    let filled: Vec<&ObjectId> = wishes.backfills.keys().chain(wishes.usings.keys()).collect();
    let (there, trips) = match (&terms.sizes, &states.before.live) {
        (Some(saved), _) => (saved.clone(), None),
        (None, Some(target)) if up.locks() => {
            let session = Session::connect(target).await?;
            let sizes = Sizes::ask(&session, &up.locked(sides.before)).await?;
            let trips = recipes::ask(&session, &up, sides, &filled).await?;
            session.close().await;
            (sizes, Some(trips))
        }
        (None, _) => (Sizes::default(), None),
    };
    // What comes in between may have rows when it is taken back.
    let left = there.clone().in_part();
    let probed = Pair {
        // What the target asks for is about the way to it.
        before: Probed::ask(bench, &back, sides.swapped(), &left, &Wishes::default()).await?,
        after: Probed::ask(bench, &up, sides, &there, wishes).await?,
    };
    let known = |sizes, back: bool| Circumstances {
        policy: terms.policy,
        sizes,
        probed: if back { &probed.before } else { &probed.after },
        wishes,
        trips: trips.as_ref().filter(|_| !back),
        back,
    };
    let mut up = recipes::apply(up, sides, known(&there, false))?;
    up.steps.retain(|step| terms.fills || !step.fills());
    Ok((up, recipes::apply(back, sides.swapped(), known(&left, true))?))
}

/// What differs between two states. Where an expression does, the server prints both states anew first, for
/// it prints some in another way after it has read its own print once; the states are given back so printed.
///
/// # Errors
/// When a state cannot be built on the bench.
pub async fn differences(bench: &Bench, sides: Pair<&Catalog>) -> Result<(Pair<Catalog>, Vec<Change>)> {
    let changes = diff::diff(sides);
    if !only_spelling(&changes) {
        return Ok((Pair { before: sides.before.clone(), after: sides.after.clone() }, changes));
    }
    let mut sides =
        Pair { before: respelled(bench, sides.before).await?, after: respelled(bench, sides.after).await? };
    diff::adopt(&mut sides.after, &sides.before);
    let changes = diff::diff(sides.as_ref());
    Ok((sides, changes))
}

/// Whether nothing differs but how expressions are printed.
fn only_spelling(changes: &[Change]) -> bool {
    changes.iter().any(|change| match &change.what {
        Difference::Altered(names) => names.iter().any(|name| {
            change.id.kind.get().attribute(name).is_some_and(crate::kinds::Attribute::is_deparsed)
        }),
        Difference::Missing | Difference::Added => false,
    })
}

/// A catalog as the bench's server prints it after reading it.
async fn respelled(bench: &Bench, catalog: &Catalog) -> Result<Catalog> {
    let copy = bench.build(catalog).await?;
    copy.database.drop_now().await?;
    let mut respelled = copy.catalog;
    diff::adopt(&mut respelled, catalog);
    respelled.roles.clone_from(&catalog.roles);
    Ok(respelled)
}

/// A way from one state to another: a script of ours, or a file of the user's.
#[derive(Clone, Copy, Debug)]
pub enum Way<'a> {
    /// A script.
    Script(&'a Script),
    /// A file.
    File(&'a SourceFile),
}

impl Way<'_> {
    async fn run(self, database: &ScratchDatabase) -> Result<Vec<watch::Seen>> {
        match self {
            Self::Script(script) => watch::run(script, database).await,
            Self::File(file) => {
                let files = std::slice::from_ref(file);
                crate::source::sql::load_replay(files, &database.session).await.map(|_| Vec::new())
            }
        }
    }
}

/// What is known of a migration that we planned.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The plans of both ways.
    pub plans: Pair<&'a Plan>,
    /// The start under the names that things have in the end.
    pub middle: &'a Catalog,
    /// The names.
    pub names: &'a Names,
    /// What was asked for of them, and of values of enums.
    pub renames: &'a [Rename],
    /// What is put aside, with where it is meanwhile.
    pub parked: &'a [Pair<ObjectId>],
}

/// Runs a migration up and back on a copy of the start. `ways.after` leads to the target, `ways.before`
/// back to the start. Where plans tell what is lost, rows are made up first, and the others must survive.
///
/// # Errors
/// When it does not.
pub async fn prove(
    bench: &Bench,
    ways: Pair<Way<'_>>,
    sides: Pair<&Catalog>,
    target: &State,
    known: Option<Known<'_>>,
) -> Result<Proof> {
    let rehearsal = Rehearsal { bench, ways, sides, target, known };
    let mut tables = known.map(|known| rows::touched(&known)).unwrap_or_default();
    // The rows of a partition come by its root too.
    let alone =
        |table: &ObjectId| !sides.before.children(table).any(|part| part.id.kind == KindName::Partition);
    loop {
        match rehearsal.run(&tables).await? {
            Run::Proved(proof) => return Ok(proof),
            // The structure is right, and these rows are not what it asks for: without them.
            Run::Refused(Some(table)) if alone(&table) && tables.remove(&table) => {}
            Run::Refused(_) => tables.clear(),
        }
    }
}

/// One run of a migration, up and back.
struct Rehearsal<'a> {
    bench: &'a Bench,
    ways: Pair<Way<'a>>,
    sides: Pair<&'a Catalog>,
    target: &'a State,
    known: Option<Known<'a>>,
}

/// How it ended.
enum Run {
    Proved(Proof),
    /// The server refused a row that was made up, of this table where it tells.
    Refused(Option<ObjectId>),
}

impl Rehearsal<'_> {
    async fn run(&self, tables: &BTreeSet<ObjectId>) -> Result<Run> {
        let Self { bench, ways, sides, target, known } = *self;
        tracing::info!("proving: a copy of the start");
        let copy =
            bench.build(sides.before).await.map_err(|error| wrap("the start cannot be built anew", error))?;
        let database = &copy.database;
        agree(bench, sides.before, &copy.catalog, "the copy of the start differs from the start").await?;
        let observer = dump::Observer::find(bench).await?;
        let before = observer.look(database.target()).await?;
        let roles = sides.after.roles.iter();
        let stubs = roles.map(|(name, facts)| RoleStub { name: name.clone(), superuser: facts.superuser });
        database.stub_roles(&stubs.collect::<Vec<_>>()).await?;
        let held = rows::seed(&database.session, tables, sides.before).await?;
        let stay = Pair {
            after: known.map(|known| Common::of(&known, sides.after, &held, &[known.plans.after])),
            before: known.map(|known| {
                Common::of(&known, sides.after, &held, &[known.plans.after, known.plans.before])
            }),
        };
        let stay = Pair { before: stay.before.unwrap_or_default(), after: stay.after.unwrap_or_default() };
        let had = Pair {
            after: stay.after.look(&database.session, Side::Start).await?,
            before: stay.before.look(&database.session, Side::Start).await?,
        };

        tracing::info!("proving: up");
        let locks_up = match ways.after.run(database).await {
            Ok(seen) => seen,
            Err(error) => return refused(error, &held, known, "the migration fails"),
        };
        let reached = bench::read(database).await?;
        agree(bench, sides.after, &reached, "the migration does not lead to the target").await?;
        same_rows(&had.after, &stay.after.look(&database.session, Side::Target).await?, "the migration")?;
        let after = observer.look(database.target()).await?;
        let again = plan(Pair { before: &reached, after: sides.after })?;
        if !again.steps.is_empty() && diff::diff(Pair { before: &reached, after: sides.after }).is_empty() {
            return Err(Error::Internal("a plan between two states that are the same is not empty".into()));
        }
        tracing::info!("proving: back");
        let locks_back = match ways.before.run(database).await {
            Ok(seen) => seen,
            Err(error) => return refused(error, &held, known, "the rollback fails"),
        };
        let returned = bench::read(database).await?;
        agree(bench, sides.before, &returned, "the rollback does not lead back to the start").await?;
        same_rows(&had.before, &stay.before.look(&database.session, Side::Start).await?, "the rollback")?;
        let back = observer.look(database.target()).await?;
        copy.database.drop_now().await?;
        tracing::info!("proving: pg_dump");

        let locks = Pair { before: locks_back, after: locks_up };
        let mut proof = Proof { ran: true, rows: held.len(), dump: false, locks };
        if let (Some(before), Some(after), Some(back)) = (before, after, back) {
            let what = "pg_dump sees the rollback end elsewhere than it began";
            observer.same(bench, &before, &back, what).await?;
            if let Some(target) = observer.target(bench, target).await? {
                let what = "pg_dump sees the migration end elsewhere than in the target";
                observer.same(bench, &target, &after, what).await?;
            }
            proof.dump = true;
        }
        Ok(Run::Proved(proof))
    }
}

/// Whether an error is about values: a bad one, a constraint's, or one that a function of the user's raises
/// (SQLSTATE, manual, appendix A).
fn of_data(code: &str) -> bool {
    ["22", "23", "P0"].iter().any(|class| code.starts_with(class))
}

/// Whether a statement failed for its own sake, or because of rows that were made up.
fn refused(error: Error, held: &BTreeSet<ObjectId>, known: Option<Known<'_>>, what: &str) -> Result<Run> {
    match &error {
        Error::Server(server) if !held.is_empty() && of_data(&server.code) => {
            let table = server.table.as_ref().map(|table| ObjectId::new(KindName::Table, table));
            // By the name that it had at the start, whichever it has when it fails.
            let table = table.map(|table| match known {
                Some(known) if !held.contains(&table) => known.names.was(&table),
                _ => table,
            });
            tracing::debug!(?table, message = server.message, "rows that were made up are refused");
            Ok(Run::Refused(table))
        }
        _ => Err(wrap(what, error)),
    }
}

/// Fails where rows did not survive that nothing said would go.
fn same_rows(had: &BTreeMap<&str, Vec<String>>, has: &BTreeMap<&str, Vec<String>>, what: &str) -> Result<()> {
    let Some((name, before)) = had.iter().find(|(name, values)| has.get(*name) != Some(values)) else {
        return Ok(());
    };
    let after = has.get(name).map(|values| values.join(", ")).unwrap_or_default();
    Err(Diagnostic::new(codes::VERIFY, format!("{what} changes the rows of {name}, and does not say so"))
        .help(format!("count and hash were {}, and are {after}", before.join(", ")))
        .help("this is a fault of the plan, and nothing was written")
        .into())
}

fn wrap(what: &str, error: Error) -> Error {
    match error {
        Error::Server(server) => Diagnostic::new(codes::VERIFY, format!("{what}: {}", server.message))
            .label(server.sql.clone())
            .help(format!(
                "this is a fault of the plan, and nothing was written; the statement was:\n{}",
                server.sql
            ))
            .into(),
        other => other,
    }
}

/// Fails with the first difference unless the two are the same, if need be after one more reading of what
/// the server prints.
async fn agree(bench: &Bench, wanted: &Catalog, found: &Catalog, what: &str) -> Result<()> {
    let mut wanted = wanted.clone();
    diff::adopt(&mut wanted, found);
    let changes = diff::diff(Pair { before: &wanted, after: found });
    if changes.is_empty() {
        return Ok(());
    }
    if only_spelling(&changes) {
        let (again, other) = (respelled(bench, &wanted).await?, respelled(bench, found).await?);
        if diff::diff(Pair { before: &again, after: &other }).is_empty() {
            return Ok(());
        }
    }
    Err(Diagnostic::new(codes::VERIFY, format!("{what}: {}", summary(&changes)))
        .help(format!(
            "the first difference:\n{}",
            first_difference(&changes[0], Pair { before: &wanted, after: found })
        ))
        .help("nothing was written; `--no-verify` writes it without this proof")
        .into())
}

fn summary(changes: &[Change]) -> String {
    let names: Vec<String> = changes.iter().take(3).map(|change| change.id.to_string()).collect();
    let more = changes.len().saturating_sub(names.len());
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{tail}", names.join(", "))
}

/// One difference as lines with `-` and `+`.
pub fn first_difference(change: &Change, sides: Pair<&Catalog>) -> String {
    let mut text = format!("{}\n", change.id);
    let (before, after) = (sides.before.get(&change.id), sides.after.get(&change.id));
    let names: Vec<&str> = match &change.what {
        Difference::Altered(names) => names.clone(),
        Difference::Missing | Difference::Added => {
            let attributes = change.id.kind.get().attributes.iter();
            attributes.filter(|a| !matches!(a.how, How::Note)).map(|a| a.name).collect()
        }
    };
    match change.what {
        Difference::Missing => text.push_str("- it is missing\n"),
        Difference::Added => text.push_str("+ it should not be there\n"),
        Difference::Altered(_) => {}
    }
    for name in names {
        let value =
            |side: Option<&crate::model::Object>| side.and_then(|o| o.get(name)).map(ToString::to_string);
        for (sign, value) in [('-', value(before)), ('+', value(after))] {
            if let Some(value) = value {
                let _ = writeln!(text, "{sign} {name}: {value}");
            }
        }
    }
    text
}

/// Where a state can be seen by a program of its own.
pub(crate) fn observable(state: &State) -> Option<&Target> {
    state.live.as_ref().filter(|target| target.folder().is_none())
}
