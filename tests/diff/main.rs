//! Each folder of `fixtures/diff` is a test, on each installed major version of PostgreSQL, or on the embedded server
//! if none is installed.
//!
//! ```text
//! before.sql  after.sql      the start and the target; after.yaml tests the other reader
//! seed.sql                   rows that must survive
//! probe.sql                  statements that must work on the target
//! up.sql  rollback.sql       expected, rewritten by `cargo bless`; up.14.sql if a version's text differs
//! case.toml                  optional, see `case.rs`
//! ```
//!
//! `cargo test --test diff -- policy` runs those with the word in their names.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

mod case;
mod check;
mod rows;
mod servers;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use schemadiff::kinds::KindName;
use support::{MAJORS, Servers, ignored};

use case::Case;

/// The kinds that some case creates, drops or changes.
type Touched = Arc<Mutex<BTreeSet<KindName>>>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let bless = std::env::var_os("BLESS").is_some();
    let runtime = Arc::new(tokio::runtime::Runtime::new().expect("a runtime starts"));
    let servers = runtime.block_on(servers::start(&Servers::find(runtime.handle())));
    let touched = Touched::default();

    let mut trials = missing(&servers);
    for case in case::all() {
        let able: Vec<_> = servers.iter().filter(|server| case.runs_on(server)).collect();
        if able.is_empty() {
            trials.push(ignored(&case.name, &case.needs(), ""));
        }
        for server in able {
            let (case, server) = (Arc::clone(&case), Arc::clone(server));
            let (runtime, touched) = (Arc::clone(&runtime), Arc::clone(&touched));
            let (name, kind) = (case.name.clone(), server.name.clone());
            let trial = Trial::test(name, move || {
                let result = runtime.block_on(check::run(&case, &server, bless));
                outcome(&case, result, &touched)
            });
            trials.push(trial.with_kind(kind));
        }
    }
    let complete = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list;
    let installed = servers.iter().any(|server| !server.embedded);
    let conclusion = libtest_mimic::run(&arguments, trials);
    runtime.block_on(servers::stop(servers));
    if complete && installed && conclusion.num_passed > 0 {
        let touched = touched.lock().unwrap_or_else(PoisonError::into_inner);
        let untouched = KindName::ALL.iter().filter(|kind| !touched.contains(kind));
        let untouched: Vec<&str> = untouched.map(|kind| kind.get().name).collect();
        if !untouched.is_empty() {
            println!("no case touches: {}", untouched.join(", "));
            return ExitCode::FAILURE;
        }
    }
    conclusion.exit_code()
}

/// Tests that stand for what no server of this machine can check.
fn missing(servers: &[Arc<servers::Server>]) -> Vec<Trial> {
    let majors: Vec<u32> = servers.iter().map(|server| server.major).collect();
    let absent = MAJORS.filter(|major| !majors.contains(major));
    let mut trials: Vec<Trial> =
        absent.map(|major| ignored("all cases", &format!("PostgreSQL {major}"), "")).collect();
    if servers.iter().all(|server| !server.text) {
        trials.push(ignored("expected texts", &format!("PostgreSQL {}", servers::TEXT), ""));
    }
    trials
}

fn outcome(case: &Case, result: Result<BTreeSet<KindName>, String>, touched: &Touched) -> Result<(), Failed> {
    match (result, &case.settings.gap) {
        (Ok(kinds), None) => {
            touched.lock().unwrap_or_else(PoisonError::into_inner).extend(kinds);
            Ok(())
        }
        (Err(error), None) => Err(error.into()),
        (Ok(_), Some(gap)) => Err(format!("passes: remove `gap` from case.toml ({})", gap.reason).into()),
        (Err(error), Some(gap)) if error.contains(&gap.error) => Ok(()),
        (Err(error), Some(gap)) => {
            Err(format!("fails with another error than `{}`:\n{error}", gap.error).into())
        }
    }
}
