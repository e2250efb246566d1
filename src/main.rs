//! The `schemadiff` program.

use std::process::ExitCode;

use clap::Parser as _;
use schemadiff::cli::{Cli, Globals, Outcome};
use schemadiff::error::Error;
use schemadiff::report::{diagnostic::render_error, output, progress};
use schemadiff::scratch::{Signals, clean_up};

// One thread decodes rows where they arrive, without waking a second core.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let globals = cli.globals();
    globals.show_progress();
    let mut signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => return report(&globals, &error, 2),
    };
    let mut run = Box::pin(cli.run(&globals));
    let (outcome, signal) = tokio::select! {
        outcome = &mut run => (outcome, None),
        number = signals.next() => {
            // A run on a database cancels its statement and records the outcome.
            if !globals.interrupt.request() {
                return end(number, "interrupted").await;
            }
            progress::message("interrupted: cancelling the current statement; interrupt again to end at once");
            tokio::select! {
                outcome = &mut run => (outcome, Some(number)),
                number = signals.next() => {
                    return end(number, "interrupted: the next `schemadiff migrate` resumes this migration").await;
                }
            }
        }
    };
    progress::stop();
    match outcome.and_then(|outcome| output::check_printed().map(|()| outcome)) {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(error) => report(&globals, &error, signal.map_or(2, |number| 128 + number)),
    }
}

/// Prints an error and returns the exit code.
fn report(globals: &Globals, error: &Error, code: u8) -> ExitCode {
    progress::message(render_error(error, globals.colour()).trim_end());
    ExitCode::from(code)
}

/// Removes scratch servers and databases after a signal, and returns the exit code.
async fn end(signal: u8, message: &str) -> ExitCode {
    clean_up().await;
    progress::stop();
    progress::message(message);
    ExitCode::from(128 + signal)
}
