//! `pg_dump` as an observer of the proof: it shares no code with our reader, so that it sees what we are blind to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokio::process::Command;

use crate::db::Target;
use crate::declare::sql::SourceFile;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::reserved::{GRAVEYARD, OWN_SCHEMA};
use crate::sandbox::Sandbox;
use crate::sandbox::State;

/// What `pg_dump --schema-only` printed, by object.
#[derive(Clone, Debug)]
pub struct Dump {
    text: String,
    entries: BTreeMap<String, Vec<String>>,
}

/// `pg_dump`, where it is at hand and can reach the scratch server.
pub struct Observer {
    program: Option<PathBuf>,
}

impl Observer {
    /// Looks for the program.
    pub async fn find(sandbox: &Sandbox) -> Result<Self> {
        let scratch = sandbox.server().await?;
        let reachable = scratch.rung().name != "embedded";
        Ok(Self { program: if reachable { scratch.pg_dump() } else { None } })
    }

    /// What it prints of a database.
    pub async fn look(&self, target: &Target) -> Result<Option<Dump>> {
        let Some(program) = &self.program else { return Ok(None) };
        let mut command = Command::new(program);
        // What no catalog shows is not compared here either.
        let own = [OWN_SCHEMA, &format!("{GRAVEYARD}*")].map(|schema| format!("--exclude-schema={schema}"));
        command.args(["--schema-only", "--no-owner", "--no-password"]).args(own).kill_on_drop(true);
        command.envs(target.libpq_variables());
        let output = command.output().await.map_err(|source| Error::Io { path: program.clone(), source })?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Diagnostic::new(
                codes::VERIFY,
                format!("pg_dump cannot read the database: {message}"),
            )
            .help("nothing was written; `--no-verify` writes it without this proof")
            .into());
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Some(Dump { entries: entries(&text), text }))
    }

    /// What it prints of the target itself, where that is a database.
    pub async fn target(&self, sandbox: &Sandbox, state: &State) -> Result<Option<Dump>> {
        let Some(target) = observable(state) else { return Ok(None) };
        // A server of another major version is printed in other words.
        if state.catalog.version.major() != sandbox.server().await?.version().major() {
            return Ok(None);
        }
        self.look(target).await
    }

    /// Fails unless two dumps say the same, if need be after a server has read both once more.
    pub async fn same(&self, sandbox: &Sandbox, wanted: &Dump, found: &Dump, what: &str) -> Result<()> {
        let Some(text) = difference(wanted, found) else { return Ok(()) };
        let again = [reloaded(self, sandbox, wanted).await?, reloaded(self, sandbox, found).await?];
        if let [Some(wanted), Some(found)] = &again
            && difference(wanted, found).is_none()
        {
            return Ok(());
        }
        Err(failure(what, &text))
    }
}

/// Where a state can be seen by a program of its own.
fn observable(state: &State) -> Option<&Target> {
    state.live.as_ref().filter(|target| target.folder().is_none())
}

fn failure(what: &str, text: &str) -> Error {
    Diagnostic::new(codes::VERIFY, what)
        .help(format!("the first difference:\n{text}"))
        .help("nothing was written; `--no-verify` writes it without this proof")
        .into()
}

/// A dump, loaded and dumped again.
async fn reloaded(observer: &Observer, sandbox: &Sandbox, dump: &Dump) -> Result<Option<Dump>> {
    let file = SourceFile::new("pg_dump", dump.text.as_str());
    let copy = sandbox.replay(&[file]).await?;
    let dump = observer.look(copy.database.target()).await?;
    copy.database.drop_now().await?;
    Ok(dump)
}

/// The first entry that differs, as lines with `-` and `+`.
fn difference(wanted: &Dump, found: &Dump) -> Option<String> {
    let names = wanted.entries.keys().chain(found.entries.keys());
    let name = names.into_iter().find(|name| wanted.entries.get(*name) != found.entries.get(*name))?;
    let lines = |dump: &Dump| dump.entries.get(name).map(|lines| lines.join("\n")).unwrap_or_default();
    let (wanted, found) = (lines(wanted), lines(found));
    let diff = similar::TextDiff::from_lines(&wanted, &found);
    Some(format!("{name}\n{}", diff.unified_diff().context_radius(1)))
}

/// The entries of a dump by their heads, each with its lines sorted: the order of columns and of grants
/// cannot always be reached, and is compared nowhere.
fn entries(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut entries: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("-- Name: ") {
            head.clone_into(&mut name);
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

/// Lines that frame entries and belong to none.
fn is_noise(line: &str) -> bool {
    line.is_empty()
        || line == "--"
        || line.starts_with("-- PostgreSQL database dump")
        || line.starts_with("-- TOC entry")
        || line.starts_with("SET default_table")
        || line.starts_with("\\restrict")
        || line.starts_with("\\unrestrict")
}
