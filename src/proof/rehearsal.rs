//! Runs a migration on a copy of the start, up to the target and back again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::agreement::agree;
use super::rows::{self, Common, Side};
use super::{dump, observe};
use crate::declare::sql::SourceFile;
use crate::diff;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::kinds::KindName;
use crate::model::{Catalog, LockMode, Names, ObjectId, Pair, Rename};
use crate::plan::{Plan, plan};
use crate::sandbox::State;
use crate::sandbox::{self, Sandbox};
use crate::scratch::{RoleStub, ScratchDatabase};
use crate::script::Script;

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
            write!(f, " with rows in {}", crate::error::text::count(self.rows, "table"))?;
        }
        f.write_str(if self.dump { "; pg_dump agrees" } else { "" })
    }
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
    async fn run(self, database: &ScratchDatabase) -> Result<Vec<observe::Seen>> {
        match self {
            Self::Script(script) => observe::run(script, database).await,
            Self::File(file) => {
                let files = std::slice::from_ref(file);
                crate::declare::sql::replay_files(files, &database.session).await.map(|_| Vec::new())
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
    sandbox: &Sandbox,
    ways: Pair<Way<'_>>,
    sides: Pair<&Catalog>,
    target: &State,
    known: Option<Known<'_>>,
) -> Result<Proof> {
    let rehearsal = Rehearsal { sandbox, ways, sides, target, known };
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
    sandbox: &'a Sandbox,
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
        let Self { sandbox, ways, sides, target, known } = *self;
        tracing::info!("proving: a copy of the start");
        let copy = sandbox
            .load_catalog(sides.before)
            .await
            .map_err(|error| wrap("the start cannot be built anew", error))?;
        let database = &copy.database;
        agree(sandbox, sides.before, &copy.catalog, "the copy of the start differs from the start").await?;
        let observer = dump::Observer::find(sandbox).await?;
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
        let reached = sandbox::read_catalog(database).await?;
        agree(sandbox, sides.after, &reached, "the migration does not lead to the target").await?;
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
        let returned = sandbox::read_catalog(database).await?;
        agree(sandbox, sides.before, &returned, "the rollback does not lead back to the start").await?;
        same_rows(&had.before, &stay.before.look(&database.session, Side::Start).await?, "the rollback")?;
        let back = observer.look(database.target()).await?;
        copy.database.drop_now().await?;
        tracing::info!("proving: pg_dump");

        let locks = Pair { before: locks_back, after: locks_up };
        let mut proof = Proof { ran: true, rows: held.len(), dump: false, locks };
        if let (Some(before), Some(after), Some(back)) = (before, after, back) {
            let what = "pg_dump sees the rollback end elsewhere than it began";
            observer.same(sandbox, &before, &back, what).await?;
            if let Some(target) = observer.target(sandbox, target).await? {
                let what = "pg_dump sees the migration end elsewhere than in the target";
                observer.same(sandbox, &target, &after, what).await?;
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
