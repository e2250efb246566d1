//! Compares states by what `pg_dump` prints of them. It shares no code with schemadiff's catalog reader, so that it finds
//! what the reader overlooks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokio::process::Command;

use super::failure::NOT_WRITTEN;
use crate::db::Target;
use crate::declare::sql::SourceFile;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::TrackingTable;
use crate::model::reserved::{GRAVEYARD, OWN_SCHEMA};
use crate::sandbox::{Sandbox, State};
use crate::sql;

/// The output of `pg_dump --schema-only`, by object.
#[derive(Clone, Debug)]
pub struct Dump {
    text: String,
    entries: BTreeMap<String, Vec<String>>,
}

/// `pg_dump`, if it is installed and can connect to the scratch server.
pub struct PgDump {
    program: Option<PathBuf>,
}

impl PgDump {
    /// Looks for `pg_dump`.
    ///
    /// # Errors
    /// Returns an error if the scratch server cannot be started.
    pub async fn find(sandbox: &Sandbox) -> Result<Self> {
        let scratch = sandbox.server().await?;
        let reachable = scratch.rung().name != "embedded";
        Ok(Self { program: if reachable { scratch.pg_dump() } else { None } })
    }

    /// Dumps a database. Returns `None` if `pg_dump` is not available.
    ///
    /// # Errors
    /// Returns an error if `pg_dump` fails.
    pub async fn dump(&self, target: &Target) -> Result<Option<Dump>> {
        self.dump_without(target, &[]).await
    }

    /// Dumps a database without the tables of other migration tools.
    async fn dump_without(&self, target: &Target, tables: &[TrackingTable]) -> Result<Option<Dump>> {
        let Some(program) = &self.program else { return Ok(None) };
        let mut command = Command::new(program);
        let own_schemas =
            [OWN_SCHEMA, &format!("{GRAVEYARD}*")].map(|schema| format!("--exclude-schema={schema}"));
        command.args(["--schema-only", "--no-owner", "--no-password"]).args(own_schemas).kill_on_drop(true);
        let relations = tables.iter().flat_map(|table| table.sequences.iter().chain([&table.table]));
        command.args(relations.map(|id| sql!("--exclude-table={}", id.qualified()).to_string()));
        command.envs(target.libpq_variables());
        let output = command.output().await.map_err(|source| Error::Io { path: program.clone(), source })?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let message = format!("pg_dump cannot read the database: {message}");
            return Err(Diagnostic::new(codes::VERIFY, message).help(NOT_WRITTEN).into());
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Some(Dump { entries: entries(&text), text }))
    }

    /// Dumps the target of a migration, if it is a database of the major version of the scratch server. Other versions
    /// print the same state differently.
    ///
    /// # Errors
    /// Returns an error if `pg_dump` fails.
    pub async fn dump_of_target(&self, sandbox: &Sandbox, state: &State) -> Result<Option<Dump>> {
        let Some(target) = state.live.as_ref().filter(|target| target.folder().is_none()) else {
            return Ok(None);
        };
        if state.catalog.version.major() != sandbox.server().await?.version().major() {
            return Ok(None);
        }
        self.dump_without(target, &state.catalog.tracking_tables).await
    }

    /// Checks that two dumps are equal. If they differ, they are compared again after both were loaded and dumped once
    /// more.
    ///
    /// # Errors
    /// Returns an error with the message and the first difference if the dumps differ.
    pub async fn compare(
        &self,
        sandbox: &Sandbox,
        expected: &Dump,
        found: &Dump,
        message: &str,
    ) -> Result<()> {
        let Some(text) = first_difference(expected, found) else { return Ok(()) };
        let reloaded = [self.reload(sandbox, expected).await?, self.reload(sandbox, found).await?];
        if let [Some(expected), Some(found)] = &reloaded
            && first_difference(expected, found).is_none()
        {
            return Ok(());
        }
        Err(Diagnostic::new(codes::VERIFY, message)
            .help(format!("the first difference (- expected, + found):\n{text}"))
            .help(NOT_WRITTEN)
            .into())
    }

    /// Loads a dump, and dumps it again.
    async fn reload(&self, sandbox: &Sandbox, dump: &Dump) -> Result<Option<Dump>> {
        let file = SourceFile::new("pg_dump", dump.text.as_str());
        let copy = sandbox.replay(&[file]).await?;
        let dump = self.dump(copy.database.target()).await?;
        copy.database.drop_now().await?;
        Ok(dump)
    }
}

/// Returns the first entry that differs, as lines that begin with `-` and `+`.
fn first_difference(expected: &Dump, found: &Dump) -> Option<String> {
    let names = expected.entries.keys().chain(found.entries.keys());
    let name = names.into_iter().find(|name| expected.entries.get(*name) != found.entries.get(*name))?;
    let lines = |dump: &Dump| dump.entries.get(name).map(|lines| lines.join("\n")).unwrap_or_default();
    let (expected, found) = (lines(expected), lines(found));
    let diff = similar::TextDiff::from_lines(&expected, &found);
    Some(format!("{name}\n{}", diff.unified_diff().context_radius(1)))
}

/// Splits a dump into entries by their headings. The lines of each are sorted, because the order of columns and of grants
/// is not compared.
fn entries(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut entries: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("-- Name: ") {
            heading.clone_into(&mut name);
            entries.entry(name.clone()).or_default();
        } else if !name.is_empty() && !is_noise(line) {
            entries.entry(name.clone()).or_default().push(line.trim_end_matches(',').to_owned());
        }
    }
    for lines in entries.values_mut() {
        lines.sort();
    }
    entries
}

/// Whether a line belongs to no entry.
fn is_noise(line: &str) -> bool {
    line.is_empty()
        || line == "--"
        || line.starts_with("-- PostgreSQL database dump")
        || line.starts_with("-- TOC entry")
        || line.starts_with("SET default_table")
        || line.starts_with("\\restrict")
        || line.starts_with("\\unrestrict")
}
