//! The command line.

use std::process::ExitCode;

use clap::Parser as _;
use schemadiff::cli::{Cli, Outcome};

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
