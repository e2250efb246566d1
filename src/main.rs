//! The `schemadiff` program.

use std::process::ExitCode;

use clap::Parser as _;
use schemadiff::cli::{Cli, Outcome};
use schemadiff::report::{diagnostic::render_error, output, progress};
use schemadiff::scratch::clean_up_on_signal;

// One thread decodes rows where they arrive, without waking a second core.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let globals = cli.globals();
    globals.show_progress();
    let outcome = tokio::select! {
        outcome = cli.run(&globals) => outcome,
        // Scratch servers and databases are removed when this returns.
        signal = clean_up_on_signal() => match signal {
            Ok(number) => {
                progress::stop();
                progress::message("interrupted: scratch servers are removed; the next `schemadiff migrate` resumes a running migration");
                return ExitCode::from(u8::try_from(128 + number).unwrap_or(2));
            }
            Err(error) => Err(error),
        },
    };
    progress::stop();
    match outcome.and_then(|outcome| output::check_printed().map(|()| outcome)) {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(error) => {
            progress::message(render_error(&error, globals.colour()).trim_end());
            ExitCode::from(2)
        }
    }
}
