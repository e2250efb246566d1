//! Runs one file, a unit at a time, and resumes an interrupted one.
//!
//! A unit's transaction also marks its entry in the journal as finished, so that the journal is correct after a crash.
//! Only for a statement that cannot run in a transaction must the system catalogs be consulted.

use super::failure::UnitFailure;
use super::file_run::FileRun;
use super::journal::{self, Entry, UnitState};
use super::run_unit::UnitRun;
use super::unit::{Unit, UnitKind, units};
use super::worker::Worker;
use crate::db::PgVersion;
use crate::error::Result;
use crate::model::sql::Sql;
use crate::sql;

impl Worker<'_> {
    /// Runs a file and returns the number of its statements. `record` is executed with the last unit.
    pub(super) async fn run_file(&self, file: FileRun<'_>, record: &Sql) -> Result<usize> {
        let units = units(file.file)?;
        let executed = self.executed_units(file, &units).await?;
        self.run_units(file, &units, &executed, record).await
    }

    /// Runs the units that are not executed, and returns the number of statements. `record` is executed with the last unit.
    pub(super) async fn run_units(
        &self,
        file: FileRun<'_>,
        units: &[Unit],
        executed: &[Option<Entry>],
        record: &Sql,
    ) -> Result<usize> {
        self.prepare().await?;
        let last = units.iter().rposition(|unit| unit.kind != UnitKind::Session);
        let closing = sql!("{};\n{}", record, journal::close(file.revision));
        let sets_role = units.iter().any(Unit::sets_role);
        let sets_lock_timeout = units.iter().any(Unit::sets_lock_timeout);
        for (number, unit) in units.iter().enumerate() {
            let closing = (Some(number) == last).then_some(&closing);
            let (part, parts, line) = (number + 1, units.len(), unit.line());
            tracing::info!("{}: part {part} of {parts}, line {line}", file.revision);
            let run = UnitRun { file, number, unit, closing, sets_role, sets_lock_timeout };
            self.options
                .interrupt
                .check()
                .map_err(|error| UnitFailure::from(error).explain(file, units, number))?;
            let result = match unit.kind {
                UnitKind::Session => {
                    let statement = &unit.statements[0];
                    self.send(statement.text_for(self.session), statement).await.map_err(UnitFailure::from)
                }
                UnitKind::Transaction | UnitKind::Single => match executed[number].as_ref() {
                    Some(entry) if entry.state == UnitState::Finished => continue,
                    entry => self.run_unit(run, entry).await,
                },
            };
            self.report_notices();
            if let Err(failure) = result {
                return Err(failure.explain(file, units, number));
            }
        }
        if last.is_none() {
            self.session.run(&format!("BEGIN;\n{closing};\nCOMMIT")).await?;
        }
        Ok(units.iter().map(|unit| unit.statements.len()).sum())
    }

    /// Gives the session the settings of a new connection, with the timeouts of a migration.
    async fn prepare(&self) -> Result<()> {
        self.session.reset().await?;
        let mut settings = format!(
            "SET lock_timeout = {}; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0",
            self.options.lock_timeout.as_millis()
        );
        if self.session.version() >= PgVersion::V17 {
            settings.push_str("; SET transaction_timeout = 0");
        }
        // For a role named `schemadiff`, "$user" in the search path would be the tool's own schema.
        settings.push_str(
            "; SELECT pg_catalog.set_config('search_path', pg_catalog.array_to_string(ARRAY( \
             SELECT pg_catalog.quote_ident(name) FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) AS of (name) \
             WHERE name <> 'schemadiff'), ', '), false) WHERE 'schemadiff' = ANY (pg_catalog.current_schemas(false))",
        );
        self.session.run(&settings).await
    }

    /// Returns, for each unit, the journal entry of an interrupted run that executed it or may have done so.
    ///
    /// # Errors
    /// Returns an error if another file is unfinished, or if the executed part of this one was edited.
    async fn executed_units(&self, file: FileRun<'_>, units: &[Unit]) -> Result<Vec<Option<Entry>>> {
        journal::close_not_executed(self.session).await?;
        let mut executed: Vec<Option<Entry>> = vec![None; units.len()];
        for entry in journal::executed(self.session).await? {
            if !entry.is_part_of(file.revision, file.direction.is_rollback()) {
                return Err(entry.unfinished().into());
            }
            let unit = units.get(entry.unit);
            let is_same = unit.is_some_and(|unit| unit.digest() == entry.digest);
            // What failed may be edited, and whether it failed is determined when it is its turn.
            if unit.is_none() || !is_same && entry.state == UnitState::Finished {
                return Err(entry.edited().into());
            }
            let number = entry.unit;
            executed[number] = Some(entry);
        }
        if executed.iter().any(Option::is_some) {
            let is_finished = |entry: &&Entry| entry.state == UnitState::Finished;
            let done = executed.iter().flatten().filter(is_finished).count();
            let (name, parts) = (file.revision, units.len());
            self.message(&format!("`{name}` was interrupted after {done} of {parts} parts; resuming"));
        }
        Ok(executed)
    }
}
