//! Requests to end the current run, such as Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use crate::error::{Diagnostic, Error, Result, codes};

/// A request to end the current run. The run cancels its statement on the server, records the outcome, and returns an
/// error.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    requested: watch::Sender<bool>,
    runs: AtomicUsize,
}

impl Interrupt {
    /// Requests the end of the current run. Returns false if there is none.
    pub fn request(&self) -> bool {
        self.0.requested.send_replace(true);
        self.0.runs.load(Ordering::Relaxed) > 0
    }

    /// Registers a run, as long as the result exists.
    pub(super) fn run(&self) -> ActiveRun {
        self.0.runs.fetch_add(1, Ordering::Relaxed);
        ActiveRun(self.clone())
    }

    /// Waits for a request.
    pub(super) async fn requested(&self) {
        // The sender lives as long as this handle.
        let _ = self.0.requested.subscribe().wait_for(|requested| *requested).await;
    }

    /// Returns an error if the end of the run is requested.
    pub(super) fn check(&self) -> Result<()> {
        if *self.0.requested.borrow() {
            return Err(Diagnostic::new(codes::INTERRUPTED, "interrupted").into());
        }
        Ok(())
    }
}

/// Returns true for the error of [`Interrupt::check`].
pub(super) fn is_interruption(error: &Error) -> bool {
    matches!(error, Error::Diagnostics(all) if all.iter().any(|one| one.code == codes::INTERRUPTED))
}

/// A run that a request ends.
#[derive(Debug)]
pub(super) struct ActiveRun(Interrupt);

impl Drop for ActiveRun {
    fn drop(&mut self) {
        self.0.0.runs.fetch_sub(1, Ordering::Relaxed);
    }
}
