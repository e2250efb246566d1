//! Runs a migration on a copy of the start, up to the target and back again.

use std::collections::{BTreeMap, BTreeSet};

use super::agreement::agree;
use super::failure::BUG;
use super::plan_info::PlanInfo;
use super::preserved_rows::{PreservedRows, Side};
use super::{dump, observe, sample_rows};
use crate::declare::sql::SourceFile;
use crate::diff;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::kinds::KindName;
use crate::model::{Catalog, ObjectId, Pair, Proof, Script, Ways};
use crate::plan::plan;
use crate::sandbox::{self, LoadedState, Sandbox, State};
use crate::scratch::{RoleStub, ScratchDatabase};

/// The SQL of one direction of a migration.
#[derive(Clone, Copy, Debug)]
pub enum MigrationSql<'a> {
    /// A script that schemadiff made.
    Script(&'a Script),
    /// A file that the user wrote.
    File(&'a SourceFile),
}

impl MigrationSql<'_> {
    async fn run(self, database: &ScratchDatabase) -> Result<Vec<observe::ObservedLock>> {
        match self {
            Self::Script(script) => observe::run(script, database).await,
            Self::File(file) => {
                let files = std::slice::from_ref(file);
                crate::declare::sql::replay_files(files, &database.session).await.map(|_| Vec::new())
            }
        }
    }
}

/// Rehearses a migration on a copy of the start. It must produce the target, and its rollback must restore the start.
/// If the plans are known, sample rows are inserted first; those that the plans do not lose must survive.
///
/// # Errors
/// Returns an error if a direction fails, ends in another state, or changes rows without declaring it.
pub async fn prove(
    sandbox: &Sandbox,
    sql: Ways<MigrationSql<'_>>,
    sides: Pair<&Catalog>,
    target: &State,
    info: Option<PlanInfo<'_>>,
) -> Result<Proof> {
    let rehearsal = Rehearsal { sandbox, sql, sides, target, info };
    let mut tables = info.map(|info| sample_rows::tables(&info)).unwrap_or_default();
    // A partition gets rows through its partitioned table, too.
    let is_partition = |table: &ObjectId| sides.before.partition_bound(table).is_some();
    loop {
        match rehearsal.run(&tables).await? {
            Outcome::Proved(proof) => return Ok(proof),
            // The sample rows, not the migration, are at fault. Try again without those of this table.
            Outcome::RowsRejected(Some(table)) if !is_partition(&table) && tables.remove(&table) => {}
            Outcome::RowsRejected(_) => tables.clear(),
        }
    }
}

/// The rehearsal of a migration.
struct Rehearsal<'a> {
    sandbox: &'a Sandbox,
    sql: Ways<MigrationSql<'a>>,
    sides: Pair<&'a Catalog>,
    target: &'a State,
    info: Option<PlanInfo<'a>>,
}

/// The outcome of one run.
enum Outcome {
    /// The migration is proved.
    Proved(Proof),
    /// The server rejected a sample row, in this table if the error names one.
    RowsRejected(Option<ObjectId>),
}

/// The outcome of running one direction.
enum Run {
    /// It succeeded with these observed locks.
    Done(Vec<observe::ObservedLock>),
    /// The server rejected a sample row.
    RowsRejected(Option<ObjectId>),
}

/// Dumps of the start, the target and the start again, if `pg_dump` is available.
type Dumps = [Option<dump::Dump>; 3];

impl Rehearsal<'_> {
    async fn run(&self, tables: &BTreeSet<ObjectId>) -> Result<Outcome> {
        let Self { sandbox, sql, sides, .. } = *self;
        let copy = self.copy_of_start().await?;
        let database = &copy.database;
        let pg_dump = dump::PgDump::find(sandbox).await?;
        let start_dump = pg_dump.dump(database.target()).await?;
        self.create_roles(database).await?;
        let filled = sample_rows::insert_rows(&database.session, tables, sides.before).await?;
        let preserved = self.preserved_rows(&filled);
        let rows = Ways {
            up: preserved.up.read(&database.session, Side::Start).await?,
            rollback: preserved.rollback.read(&database.session, Side::Start).await?,
        };

        tracing::info!("rehearsing: up");
        let up = match self.direction(sql.up, database, &filled, "the migration fails").await? {
            Run::Done(locks) => locks,
            Run::RowsRejected(table) => return Ok(Outcome::RowsRejected(table)),
        };
        self.check_target(database).await?;
        let found = preserved.up.read(&database.session, Side::Target).await?;
        compare_rows(&rows.up, &found, "the migration")?;
        let target_dump = pg_dump.dump(database.target()).await?;

        tracing::info!("rehearsing: rollback");
        let rollback = match self.direction(sql.rollback, database, &filled, "the rollback fails").await? {
            Run::Done(locks) => locks,
            Run::RowsRejected(table) => return Ok(Outcome::RowsRejected(table)),
        };
        let returned = sandbox::read_catalog(database).await?;
        agree(sandbox, sides.before, &returned, "the rollback does not restore the start").await?;
        let found = preserved.rollback.read(&database.session, Side::Start).await?;
        compare_rows(&rows.rollback, &found, "the rollback")?;
        let end_dump = pg_dump.dump(database.target()).await?;
        copy.database.drop_now().await?;

        let dump = self.compare_dumps(&pg_dump, [start_dump, target_dump, end_dump]).await?;
        Ok(Outcome::Proved(Proof { ran: true, rows: filled.len(), dump, locks: Ways { up, rollback } }))
    }

    /// Builds the copy of the start, and checks that it equals the start.
    async fn copy_of_start(&self) -> Result<LoadedState> {
        tracing::info!("rehearsing: a copy of the start");
        let start = self.sides.before;
        let copy = self
            .sandbox
            .load_catalog(start)
            .await
            .map_err(|error| plan_error("a copy of the start cannot be created", error))?;
        agree(self.sandbox, start, &copy.catalog, "the copy of the start differs from the start").await?;
        Ok(copy)
    }

    /// Creates the roles that the target refers to.
    async fn create_roles(&self, database: &ScratchDatabase) -> Result<()> {
        let roles = self.sides.after.roles.iter();
        let roles = roles.map(|(name, facts)| RoleStub { name: name.clone(), superuser: facts.superuser });
        database.stub_roles(&roles.collect::<Vec<_>>()).await
    }

    /// Returns the queries whose results must not change: of the migration, and of both directions together.
    fn preserved_rows(&self, filled: &BTreeSet<ObjectId>) -> Ways<PreservedRows> {
        let Some(info) = &self.info else { return Ways::default() };
        let Ways { up, rollback } = info.plans;
        let of = |plans: &[_]| PreservedRows::of(info, self.sides.after, filled, plans);
        Ways { up: of(&[up]), rollback: of(&[up, rollback]) }
    }

    /// Runs one direction. An error about values means that a sample row does not fit, if there are any.
    async fn direction(
        &self,
        sql: MigrationSql<'_>,
        database: &ScratchDatabase,
        filled: &BTreeSet<ObjectId>,
        failure: &str,
    ) -> Result<Run> {
        match sql.run(database).await {
            Ok(locks) => Ok(Run::Done(locks)),
            Err(Error::Server(server)) if !filled.is_empty() && is_data_error(&server.code) => {
                let table = server.table.as_ref().map(|table| ObjectId::new(KindName::Table, table));
                // The error may use the name in the target.
                let table = table.map(|table| match self.info {
                    Some(info) if !filled.contains(&table) => info.names.old_id(&table),
                    _ => table,
                });
                tracing::debug!(?table, message = server.message, "sample rows are rejected");
                Ok(Run::RowsRejected(table))
            }
            Err(error) => Err(plan_error(failure, error)),
        }
    }

    /// Checks that the migration produced the target, and that a plan from there to the target is empty.
    async fn check_target(&self, database: &ScratchDatabase) -> Result<()> {
        let reached = sandbox::read_catalog(database).await?;
        let target = self.sides.after;
        agree(self.sandbox, target, &reached, "the migration does not produce the target").await?;
        let sides = Pair { before: &reached, after: target };
        if !plan(sides)?.steps.is_empty() && diff::diff(sides).is_empty() {
            return Err(Error::Internal("the plan between two equal states is not empty".into()));
        }
        Ok(())
    }

    /// Compares what `pg_dump` printed. Returns whether it was available.
    async fn compare_dumps(&self, pg_dump: &dump::PgDump, dumps: Dumps) -> Result<bool> {
        let [Some(start), Some(target), Some(end)] = dumps else { return Ok(false) };
        tracing::info!("rehearsing: comparing dumps");
        let message = "according to pg_dump, the rollback does not restore the start";
        pg_dump.compare(self.sandbox, &start, &end, message).await?;
        if let Some(declared) = pg_dump.dump_of_target(self.sandbox, self.target).await? {
            let message = "according to pg_dump, the migration does not produce the target";
            pg_dump.compare(self.sandbox, &declared, &target, message).await?;
        }
        Ok(true)
    }
}

/// Whether an error is about values: invalid data, a constraint violation, or an error that a user's function raises
/// (SQLSTATE classes, manual, appendix A).
fn is_data_error(code: &str) -> bool {
    ["22", "23", "P0"].iter().any(|class| code.starts_with(class))
}

/// Returns an error if rows changed that must be preserved.
fn compare_rows(
    expected: &BTreeMap<&str, Vec<String>>,
    found: &BTreeMap<&str, Vec<String>>,
    direction: &str,
) -> Result<()> {
    let Some((name, before)) = expected.iter().find(|(name, values)| found.get(*name) != Some(values)) else {
        return Ok(());
    };
    let after = found.get(name).map(|values| values.join(", ")).unwrap_or_default();
    let message = format!("{direction} changes the rows of {name}, but the plan does not declare it");
    Err(Diagnostic::new(codes::VERIFY, message)
        .help(format!("expected count and hash {}, found {after}", before.join(", ")))
        .help(BUG)
        .into())
}

/// Turns an error of the server into one that shows the statement.
fn plan_error(message: &str, error: Error) -> Error {
    match error {
        Error::Server(server) => Diagnostic::new(codes::VERIFY, format!("{message}: {}", server.message))
            .label(server.sql.clone())
            .help(format!("the statement was:\n{}", server.sql))
            .help(BUG)
            .into(),
        other => other,
    }
}
