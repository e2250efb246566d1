//! Each folder of `fixtures/diff` is a test, on each major version of PostgreSQL that is here.
//!
//! ```text
//! before.sql  after.sql      where it starts and leads; after.yaml tests the other reader
//! seed.sql                   rows that must survive
//! probe.sql                  statements that the reached state must take
//! up.sql  rollback.sql       expected, rewritten by `cargo bless`; up.14.sql where a version's text differs
//! case.toml                  optional, see `case.rs`
//! ```
//!
//! `cargo test --test diff -- policy` runs those with the word in their names.

#![allow(clippy::print_stdout, clippy::exit, clippy::disallowed_methods)]

mod case;
mod check;
mod rows;
mod servers;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use schemadiff::db::Environment;
use schemadiff::kinds::KindName;

use case::Case;

/// Kinds that some fixture creates, drops or changes.
type Touched = Arc<Mutex<BTreeSet<KindName>>>;

fn main() {
    let arguments = Arguments::from_args();
    let variables = Environment::from_vars(std::env::vars_os());
    let bless = std::env::var_os("BLESS").is_some();
    let runtime = Arc::new(tokio::runtime::Runtime::new().expect("a runtime starts"));
    let servers = runtime.block_on(servers::find(&variables));
    let touched = Touched::default();
    let whole = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list;

    let real = servers.iter().any(|server| !server.embedded);

    let mut trials = Vec::new();
    for case in case::all() {
        for server in servers.iter().filter(|server| case.runs_on(server)) {
            let (case, server) = (Arc::clone(&case), Arc::clone(server));
            let (runtime, touched) = (Arc::clone(&runtime), Arc::clone(&touched));
            let (name, major) = (case.name.clone(), server.major.to_string());
            let trial = Trial::test(name, move || {
                let result = runtime.block_on(check::run(&case, &server, bless));
                outcome(&case, result, &touched)
            });
            trials.push(trial.with_kind(major));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let left: Vec<&str> = {
        let touched = touched.lock().unwrap_or_else(PoisonError::into_inner);
        KindName::ALL.iter().filter(|kind| !touched.contains(kind)).map(|kind| kind.get().name).collect()
    };
    for server in servers {
        if let Some(server) = Arc::into_inner(server) {
            runtime.block_on(server.sandbox.stop());
        }
    }
    if whole && real && conclusion.num_passed > 0 && !left.is_empty() {
        println!("no fixture touches: {}", left.join(", "));
        std::process::exit(101);
    }
    conclusion.exit();
}

fn outcome(case: &Case, result: Result<BTreeSet<KindName>, String>, touched: &Touched) -> Result<(), Failed> {
    match (result, &case.settings.gap) {
        (Ok(kinds), None) => {
            touched.lock().unwrap_or_else(PoisonError::into_inner).extend(kinds);
            Ok(())
        }
        (Err(why), None) => Err(why.into()),
        (Err(_), Some(_)) => Ok(()),
        (Ok(_), Some(gap)) => Err(format!("it works now: take `gap` out of case.toml ({gap})").into()),
    }
}
