//! Changes one attribute at a time, of every kind, and asks that each change is seen, made and unmade.
//!
//! ```text
//! fixtures/mutations/policy.sql     a database with everything that policies can have, under hostile names
//!     -- mutate: using, and check   DDL that changes this attribute alone; words after a comma are for people
//!     -- also: check                other attributes that cannot but change with it, `kind.attribute`
//!     -- from: 15                   the first and the last major version that can take it
//!     -- until: 17
//!     ALTER POLICY …
//!     -- then                       where one stands, what is before it belongs to the start
//! ```
//!
//! An attribute without a mutation fails the test, and so does one whose mutation survives. Each mutation runs on
//! the newest server that is here and can take it; with `SCHEMADIFF_MUTATE=all` on all of them, with
//! `SCHEMADIFF_MUTATE=15` on that of a major version. `cargo test --test mutation -- policy` runs those of a kind.

#![allow(clippy::print_stdout, clippy::exit, clippy::disallowed_methods)]

mod check;
mod file;
#[path = "../diff/servers.rs"]
mod servers;
mod tally;

use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use schemadiff::db::Environment;
use schemadiff::kinds::KindName;

use check::Pool;
use file::{File, Mutation};
use servers::Server;
use tally::Tally;

fn main() {
    let arguments = Arguments::from_args();
    let variables = Environment::from_vars(std::env::vars_os());
    let which = std::env::var("SCHEMADIFF_MUTATE").unwrap_or_default();
    let runtime = Arc::new(tokio::runtime::Runtime::new().expect("a runtime starts"));
    let files: Vec<Arc<File>> = KindName::ALL.iter().map(|kind| Arc::new(File::read(*kind))).collect();
    let mut servers = runtime.block_on(servers::find(&variables));
    if let Ok(major) = which.parse::<u32>() {
        servers.retain(|server| server.major == major);
    }
    // Each mutation takes databases of its own, and some take libraries that the embedded server has not.
    servers.retain(|server| !server.embedded);
    if servers.is_empty() {
        println!("skipped: every mutation, for want of a real server");
        return;
    }
    let newest = which != "all";
    for server in &servers {
        runtime
            .block_on(check::prepare(&server.sandbox))
            .expect("a server of ours takes roles and tablespaces");
    }
    let (tally, pool) = (Arc::new(Tally::default()), Arc::new(Pool::default()));

    let mut trials = Vec::new();
    for file in &files {
        let able: Vec<&Arc<Server>> = servers.iter().filter(|server| file.runs_on(server)).collect();
        for server in chosen(&able, newest, |_| true) {
            let (runtime, file, server) = (Arc::clone(&runtime), Arc::clone(file), Arc::clone(server));
            let (name, major) = (format!("{}: whole", file.kind.get().name), server.major.to_string());
            let whole = move || Ok(runtime.block_on(check::whole(&file, &server.sandbox))?);
            trials.push(Trial::test(name, whole).with_kind(major));
        }
        for (i, mutation) in file.mutations.iter().enumerate() {
            for server in chosen(&able, newest, |server| mutation.runs_on(server)) {
                let (runtime, file, server) = (Arc::clone(&runtime), Arc::clone(file), Arc::clone(server));
                let (name, major) = (mutation.name(file.kind), server.major);
                let (tally, pool) = (Arc::clone(&tally), Arc::clone(&pool));
                let mutate = move || {
                    let mutation: &Mutation = &file.mutations[i];
                    let outcome = runtime.block_on(check::run(&file, mutation, &server.sandbox, &pool));
                    tally.note(server.major, file.kind, &mutation.attribute, outcome.is_ok());
                    Ok(outcome?)
                };
                trials.push(Trial::test(name, mutate).with_kind(major.to_string()));
            }
        }
    }
    let whole = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(pool);
    for server in servers {
        if let Some(server) = Arc::into_inner(server) {
            runtime.block_on(server.sandbox.stop());
        }
    }
    tally.print();
    let missing: Vec<String> = files.iter().flat_map(|file| file.missing()).collect();
    if whole && !missing.is_empty() {
        println!("no mutation of: {}", missing.join(", "));
        std::process::exit(101);
    }
    conclusion.exit();
}

/// Those of the servers, from the oldest to the newest, on which something runs.
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
