//! The command line.

use std::process::ExitCode;

use clap::Parser as _;
use schemadiff::cli::{Cli, Outcome};
use schemadiff::report::{diagnostic::render_error, progress};
use schemadiff::scratch::clean_up_on_signal;

// One thread: what is read is decoded where it arrives, and no wake-up crosses a core.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let globals = cli.globals();
    globals.show_progress();
    let outcome = tokio::select! {
        outcome = cli.run(&globals) => outcome,
        // What was begun on scratch servers is gone when this returns.
        signal = clean_up_on_signal() => match signal {
            Ok(number) => {
                progress::stop();
                progress::complain("interrupted; scratch servers are gone, and a migration under way is taken up by the next run");
                return ExitCode::from(u8::try_from(128 + number).unwrap_or(2));
            }
            Err(error) => Err(error),
        },
    };
    progress::stop();
    match outcome.and_then(|outcome| schemadiff::cli::printed().map(|()| outcome)) {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(error) => {
            progress::complain(render_error(&error, globals.colour()).trim_end());
            ExitCode::from(2)
        }
    }
}
