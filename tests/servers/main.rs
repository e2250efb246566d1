//! Tests on servers: connections, readers and the runner.
//!
//! Each runs on the newest installed PostgreSQL, or on the embedded server if none is installed; some run on each
//! of them. Those that need an installed server are ignored without one.
//!
//! `cargo test --test servers -- runner` runs the tests of one file.

#![allow(clippy::disallowed_methods, reason = "a test is its own command line")]
#![allow(clippy::print_stdout, clippy::too_many_lines)]

mod adopting;
mod connections;
mod coverage;
mod declared_sql;
mod embedded;
mod failed_statements;
mod half_applied;
mod interrupted;
mod phases;
mod project;
mod queries;
mod reading;
mod runner;
#[path = "../support/mod.rs"]
mod support;
mod unmodelled;
mod writing;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = connections::child() {
        return code;
    }
    let mut suite = support::Suite::new();
    for add in [
        adopting::tests,
        connections::tests,
        coverage::tests,
        declared_sql::tests,
        embedded::tests,
        failed_statements::tests,
        half_applied::tests,
        interrupted::tests,
        phases::tests,
        queries::tests,
        reading::tests,
        runner::tests,
        unmodelled::tests,
        writing::tests,
    ] {
        add(&mut suite);
    }
    suite.run()
}
