//! Changes one attribute at a time, of every kind, and checks that each change is found, planned and rolled back.
//!
//! ```text
//! fixtures/mutations/policy.sql     a database with everything that policies can have, under hostile names
//!     -- mutate: using, and check   DDL that changes only this attribute; words after a comma are for readers
//!     -- also: check                other attributes that change with it, `kind.attribute`
//!     -- from: 15                   the first and the last major version that can run it
//!     -- until: 17
//!     ALTER POLICY …
//!     -- then                       if there is one, the text before it belongs to the start
//! ```
//!
//! An attribute without a mutation fails the test, and so does a mutation that is not found. Each mutation runs on the
//! newest installed server that can run it; with `SCHEMADIFF_MUTATE=all` on all of them, with `SCHEMADIFF_MUTATE=15`
//! on that of a major version. `cargo test --test mutation -- policy` runs those of a kind.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

mod check;
mod file;
#[allow(dead_code, reason = "the suite of fixtures/diff uses the rest")]
#[path = "../diff/servers.rs"]
mod servers;
#[path = "../support/mod.rs"]
mod support;
mod tally;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use schemadiff::kinds::KindName;

use check::Pool;
use file::{File, Mutation};
use servers::Server;
use support::Servers;
use tally::Tally;

/// Why mutations do not run on the embedded server.
const INSTALLED: &str = "each of the 500 mutations creates several databases, which takes seconds on the embedded \
    server, and some need shared libraries";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let files: Vec<Arc<File>> = KindName::ALL.iter().map(|kind| Arc::new(File::read(*kind))).collect();
    let which = std::env::var("SCHEMADIFF_MUTATE").unwrap_or_default();
    let runtime = Arc::new(tokio::runtime::Runtime::new().expect("a runtime starts"));
    let mut found = Servers::find(runtime.handle());
    if let Ok(major) = which.parse::<u32>() {
        found.installed.retain(|server| server.major == major);
    }
    if found.installed.is_empty() {
        return without_servers(&arguments, &files);
    }
    let servers = runtime.block_on(servers::start(&found));
    for server in &servers {
        runtime
            .block_on(check::prepare(&server.sandbox))
            .expect("a server of ours takes roles and tablespaces");
    }
    let newest = which != "all";
    let (tally, pool) = (Arc::new(Tally::default()), Arc::new(Pool::default()));

    let mut trials = Vec::new();
    for file in &files {
        let able: Vec<&Arc<Server>> = servers.iter().filter(|server| file.runs_on(server)).collect();
        for server in chosen(&able, newest, |_| true) {
            let (runtime, file, server) = (Arc::clone(&runtime), Arc::clone(file), Arc::clone(server));
            let (name, kind) = (create_and_drop(&file), server.name.clone());
            let run = move || Ok(runtime.block_on(check::create_and_drop(&file, &server.sandbox))?);
            trials.push(Trial::test(name, run).with_kind(kind));
        }
        for (i, mutation) in file.mutations.iter().enumerate() {
            for server in chosen(&able, newest, |server| mutation.runs_on(server)) {
                let (runtime, file, server) = (Arc::clone(&runtime), Arc::clone(file), Arc::clone(server));
                let (name, kind) = (mutation.name(file.kind), server.name.clone());
                let (tally, pool) = (Arc::clone(&tally), Arc::clone(&pool));
                let mutate = move || {
                    let mutation: &Mutation = &file.mutations[i];
                    let outcome = runtime.block_on(check::run(&file, mutation, &server.sandbox, &pool));
                    tally.note(server.major, file.kind, &mutation.attribute, outcome.is_ok());
                    Ok(outcome?)
                };
                trials.push(Trial::test(name, mutate).with_kind(kind));
            }
        }
    }
    let complete = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(pool);
    runtime.block_on(servers::stop(servers));
    tally.print();
    let missing: Vec<String> = files.iter().flat_map(|file| file.missing()).collect();
    if complete && !missing.is_empty() {
        println!("no mutation of: {}", missing.join(", "));
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

/// Every test as ignored.
fn without_servers(arguments: &Arguments, files: &[Arc<File>]) -> ExitCode {
    let mut trials = Vec::new();
    for file in files {
        let names = file.mutations.iter().map(|mutation| mutation.name(file.kind));
        let names = [create_and_drop(file)].into_iter().chain(names);
        trials.extend(names.map(|name| support::ignored(name, "PostgreSQL", INSTALLED)));
    }
    libtest_mimic::run(arguments, trials).exit_code()
}

/// The name of the test that creates and drops everything of a kind.
fn create_and_drop(file: &File) -> String {
    format!("{}: create and drop", file.kind.get().name)
}

/// The servers on which something runs, from the oldest to the newest.
fn chosen<'a>(
    servers: &[&'a Arc<Server>],
    newest: bool,
    able: impl Fn(&Server) -> bool,
) -> impl Iterator<Item = &'a Arc<Server>> {
    let mut able: Vec<&Arc<Server>> = servers.iter().copied().filter(|server| able(server)).collect();
    able.sort_by_key(|server| server.major);
    let first = if newest { able.len().saturating_sub(1) } else { 0 };
    able.into_iter().skip(first)
}
