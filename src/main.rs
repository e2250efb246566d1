//! The command line.

use std::process::ExitCode;

use clap::Parser as _;
use schemadiff::cli::{Cli, Outcome};
use schemadiff::report::diagnostic::{Colour, render_error};

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(error) => {
            eprint!("{}", render_error(&error, Colour::Never));
            ExitCode::from(2)
        }
    }
}
