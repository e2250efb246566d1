//! Each folder of `fixtures/cli` is a command with its expected output.
//!
//! ```text
//! case.toml                the command, its exit code, and what precedes it: see `Settings`
//! project/                 files that are written to the project folder first
//! stdout.txt stderr.txt    expected, rewritten by `cargo bless`; no file if nothing is expected
//! ```
//!
//! A case may start from the project folder that another case leaves. Databases are embedded, and no server programs
//! are used, so that the output is the same on every machine. What varies between runs is replaced by a word in
//! brackets, such as `[PROJECT]`.
//!
//! `cargo test --test cli -- drift` runs those with the word in their names.

#![allow(clippy::disallowed_methods, reason = "a test is its own command line")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use schemadiff::db::{Environment, Session, Target};
use serde::Deserialize;
use snapbox::assert::{Action, Assert};
use snapbox::{Data, IntoData as _, Redactions};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// `case.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The arguments of the program, separated by spaces.
    command: String,
    /// The exit code.
    #[serde(default)]
    code: i32,
    /// The case in whose project folder this one starts; none for an empty folder.
    start: Option<String>,
    /// Steps before the command: `schemadiff ARGUMENTS`, `sql STATEMENTS` (in the database), `remove FILE`.
    #[serde(default)]
    setup: Vec<String>,
    /// Environment variables.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Whether another connection to the database is open while the command runs.
    #[serde(default)]
    in_use: bool,
}

/// A folder of `fixtures/cli`.
struct Case {
    name: String,
    folder: PathBuf,
    settings: Settings,
    /// The result, once a case has needed it.
    run: OnceLock<Result<Run, String>>,
}

/// A command that has run, and the project folder that it leaves.
struct Run {
    project: TempDir,
    output: Output,
}

/// All cases.
struct Cases {
    all: BTreeMap<String, Case>,
    runtime: Runtime,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let bless = std::env::var_os("BLESS").is_some();
    let cases = Arc::new(Cases::read());
    let trial = |name: &String| {
        let (cases, key) = (Arc::clone(&cases), name.clone());
        let test = move || Ok(cases.check(&key, bless)?);
        if cfg!(feature = "embedded") {
            Trial::test(name, test)
        } else {
            Trial::test(name, test).with_kind("needs embedded").with_ignored_flag(true)
        }
    };
    let mut trials: Vec<Trial> = cases.all.keys().map(trial).collect();
    trials.push(Trial::test("environment variables that are not UTF-8", variables_that_are_not_utf_8));
    libtest_mimic::run(&arguments, trials).exit_code()
}

impl Cases {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cli");
        let mut all = BTreeMap::new();
        for entry in fs::read_dir(root).expect("fixtures/cli exists") {
            let folder = entry.expect("a folder can be read").path();
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = fs::read_to_string(folder.join("case.toml")).expect("a case has a case.toml");
            let settings = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}/case.toml: {error}"));
            all.insert(name.clone(), Case { name, folder, settings, run: OnceLock::new() });
        }
        Self { all, runtime: Runtime::new().expect("a runtime starts") }
    }

    /// Compares the output of a case with what is expected.
    fn check(&self, name: &str, bless: bool) -> Result<(), String> {
        let case = self.all.get(name).ok_or_else(|| format!("no case `{name}`"))?;
        let run = self.run(name)?;
        let (out, err) = (&run.output.stdout, &run.output.stderr);
        compare(case, run, "stdout.txt", out, bless)?;
        compare(case, run, "stderr.txt", err, bless)?;
        match run.output.status.code() {
            Some(code) if code == case.settings.code => Ok(()),
            other => Err(format!("exit code {other:?}, expected {}", case.settings.code)),
        }
    }

    /// Runs a case, unless it has run already.
    fn run(&self, name: &str) -> Result<&Run, String> {
        let case = self.all.get(name).ok_or_else(|| format!("no case `{name}`"))?;
        case.run.get_or_init(|| self.prepare(case)).as_ref().map_err(Clone::clone)
    }

    fn prepare(&self, case: &Case) -> Result<Run, String> {
        let project = tempfile::tempdir().map_err(|error| error.to_string())?;
        if let Some(start) = &case.settings.start {
            copy(self.run(start)?.project.path(), project.path());
        }
        if case.folder.join("project").exists() {
            copy(&case.folder.join("project"), project.path());
        }
        for step in &case.settings.setup {
            self.step(case, project.path(), step)?;
        }
        let session = case.settings.in_use.then(|| self.runtime.block_on(connect(project.path())));
        let output = schemadiff(case, project.path(), &case.settings.command);
        if let Some(session) = session {
            self.runtime.block_on(session.close());
        }
        Ok(Run { project, output })
    }

    fn step(&self, case: &Case, project: &Path, step: &str) -> Result<(), String> {
        match step.split_once(' ') {
            Some(("schemadiff", words)) => {
                let output = schemadiff(case, project, words);
                match output.status.code() {
                    Some(0 | 1) => Ok(()),
                    _ => Err(format!("{}: {step}: {}", case.name, String::from_utf8_lossy(&output.stderr))),
                }
            }
            Some(("sql", sql)) => self.runtime.block_on(async {
                let session = connect(project).await;
                let result = session.run(sql).await;
                session.close().await;
                result.map_err(|error| format!("{}: {sql}: {error}", case.name))
            }),
            Some(("remove", file)) => fs::remove_file(project.join(file)).map_err(|error| error.to_string()),
            _ => Err(format!("{}: unknown step `{step}`", case.name)),
        }
    }
}

/// A connection to the project's database.
async fn connect(project: &Path) -> Session {
    let address = format!("embedded:{}", project.join("db").display());
    let target = Target::parse(&address, &Environment::default()).expect("an address");
    Session::connect(&target).await.expect("the embedded server starts")
}

/// Runs the program in a project folder.
fn schemadiff(case: &Case, project: &Path, words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schemadiff"));
    command.args(words.split_whitespace()).current_dir(project).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("PG") || text.starts_with("SCHEMADIFF_") {
            command.env_remove(&name);
        }
    }
    command.env("SCHEMADIFF_PG_BINDIRS", "none").envs(&case.settings.env);
    command.output().expect("the program runs")
}

fn variables_that_are_not_utf_8() -> Result<(), Failed> {
    let run = |words: &str, name: &[u8]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_schemadiff"));
        command.args(words.split(' ')).env(OsStr::from_bytes(name), OsStr::from_bytes(b"/nowhere/\xff"));
        command.output().expect("the program runs")
    };
    // One that is used as a path, one that is not used, and one whose name is not UTF-8.
    for name in [&b"HOME"[..], b"ODD", b"\xff"] {
        let output = run("explain SD001", name);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let output = run("status --url postgresql://ann@127.0.0.1:1/shop", b"PGPASSWORD");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("error[SD001]") && message.contains("PGPASSWORD"), "{message}");
    Ok(())
}

/// Copies the files of a folder into another.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status();
    assert!(status.is_ok_and(|status| status.success()), "{} is copied", from.display());
}

/// Compares one stream with the expected file.
fn compare(case: &Case, run: &Run, file: &str, found: &[u8], bless: bool) -> Result<(), String> {
    let path = case.folder.join(file);
    let found = String::from_utf8_lossy(found).into_owned();
    if bless && found.is_empty() {
        let _ = fs::remove_file(&path);
        return Ok(());
    }
    let action = if bless { Action::Overwrite } else { Action::Verify };
    let assert =
        Assert::new().action(action).normalize_paths(false).redact_with(redactions(run.project.path()));
    let expected = if bless || path.exists() { Data::read_from(&path, None) } else { Data::text("") };
    assert.try_eq(Some(&file), found.into_data(), expected).map_err(|error| error.to_string())
}

/// What varies between runs. The dates of the cases are of 2001.
const VARYING: &[(&str, &str)] = &[
    ("[DURATION]", r"(?m), (?<redacted>\d+ ms)\)?$"),
    ("[DURATION]", r#""duration_ms": (?<redacted>\d+)"#),
    ("[TIME]", r"20[2-9]\d-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?"),
    ("[TIME]", r"20[2-9]\d{5}_\d{6}"),
    ("[HASH]", r"\b[0-9a-f]{64}\b"),
];

/// Replaces what varies between runs.
fn redactions(project: &Path) -> Redactions {
    let mut redactions = Redactions::new();
    let real = fs::canonicalize(project).expect("the project exists");
    redactions.insert("[PROJECT]", real.display().to_string()).expect("a name in brackets");
    redactions.insert("[VERSION]", env!("CARGO_PKG_VERSION")).expect("a name in brackets");
    for (name, pattern) in VARYING {
        let pattern = regex::Regex::new(pattern).expect("a regular expression");
        redactions.insert(name, pattern).expect("a name in brackets");
    }
    redactions
}
