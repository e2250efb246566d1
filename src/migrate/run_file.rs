//! Runs one file, a unit at a time, and resumes an interrupted one.
//!
//! A unit's transaction also marks its entry in the journal as finished, so that the journal is correct after a crash.
//! Only for a statement that cannot run in a transaction must the system catalogs be consulted.

use std::collections::BTreeSet;

use super::journal::{self, Entry};
use super::run_unit::{FileRun, UnitRun};
use super::unit::{Unit, UnitKind, units};
use super::worker::Worker;
use crate::db::PgVersion;
use crate::declare::sql::statement_error;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::sql::Sql;
use crate::sql;

impl Worker<'_> {
    /// Runs a file and returns the number of its statements. `record` is executed with the last unit.
    pub(super) async fn run_file(&self, file: FileRun<'_>, record: &Sql) -> Result<usize> {
        let units = units(file.file)?;
        let executed = self.executed_units(file, &units).await?;
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
            let result = match unit.kind {
                UnitKind::Session => {
                    let statement = &unit.statements[0];
                    self.send(statement.text_for(self.session), statement).await
                }
                UnitKind::Transaction | UnitKind::Single => match executed[number].as_ref() {
                    Some(entry) if entry.finished => continue,
                    entry => self.run_unit(run, entry).await,
                },
            };
            self.report_notices();
            if let Err(error) = result {
                let _ = self.session.run("ROLLBACK").await;
                return Err(failed(error, file, &units, number));
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
        let mut executed: Vec<Option<Entry>> = vec![None; units.len()];
        let mut not_executed = BTreeSet::new();
        for entry in journal::open_entries(self.session).await? {
            // A transaction that did not commit had no effect.
            if !entry.may_be_executed() {
                not_executed.insert(entry.revision);
                continue;
            }
            if !entry.is_part_of(file.revision, file.rollback) {
                return Err(entry.unfinished().into());
            }
            let unit = units.get(entry.unit).filter(|unit| unit.digest() == entry.digest);
            if unit.is_none() {
                let message =
                    format!("`{}` is half applied, and the applied part was edited", entry.revision);
                let help =
                    format!("restore the statement at line {}; later statements may be edited", entry.line);
                return Err(Diagnostic::new(codes::REVISION, message).help(help).into());
            }
            // A retried unit has several entries, of which the last one counts.
            let number = entry.unit;
            executed[number] = Some(entry);
        }
        for revision in not_executed {
            if !executed.iter().flatten().any(|entry| entry.revision == revision) {
                self.session.run(journal::close(&revision).as_str()).await?;
            }
        }
        if executed.iter().any(Option::is_some) {
            let done = executed.iter().flatten().filter(|entry| entry.finished).count();
            let (name, parts) = (file.revision, units.len());
            self.message(&format!("`{name}` was interrupted after {done} of {parts} parts; resuming"));
        }
        Ok(executed)
    }
}

/// Explains a failure: what was applied, and how to resume.
fn failed(error: Error, file: FileRun<'_>, units: &[Unit], number: usize) -> Error {
    let mut diagnostic = match error {
        Error::Server(error) => {
            let found = units[number].statements.iter().find(|statement| statement.text == error.sql);
            match found {
                Some(statement) => statement_error(statement, &error),
                None => Diagnostic::new(codes::APPLY, error.to_string()),
            }
        }
        Error::Diagnostics(mut all) if all.len() == 1 => all.remove(0),
        other => return other,
    };
    diagnostic.message = format!("`{}` failed: {}", file.revision, diagnostic.message);
    let command = if file.rollback { "rollback" } else { "migrate" };
    let fix = format!("fix the file or the database and run `schemadiff {command}` again");
    let line = units[number].line();
    let executed = units[..number].iter().any(|unit| unit.kind != UnitKind::Session);
    diagnostic
        .help(if executed {
            format!("the statements before line {line} are applied; {fix}; it resumes at line {line}")
        } else {
            format!("nothing of this file is applied; {fix}")
        })
        .into()
}
