//! Standard output.

use std::io::{ErrorKind, Write as _};
use std::sync::OnceLock;

use super::progress;
use crate::error::{Diagnostic, Result, codes};

/// The first error met while printing.
static FAILURE: OnceLock<String> = OnceLock::new();

/// Prints to stdout. A closed pipe is not an error: `schemadiff status | head -1` reads only the first line.
pub fn print(text: &str) {
    progress::suspend(|| {
        let mut out = std::io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
        {
            let _ = FAILURE.set(error.to_string());
        }
    });
}

/// Checks that everything was printed.
///
/// # Errors
/// Returns an error if stdout could not be written, for example because the disk is full.
pub fn check_printed() -> Result<()> {
    match FAILURE.get() {
        None => Ok(()),
        Some(error) => Err(Diagnostic::new(codes::FILE, format!("cannot write to stdout: {error}")).into()),
    }
}
