//! The options of a run.

use std::sync::Arc;
use std::time::Duration;

use super::interrupt::Interrupt;
use crate::scratch::MessageSink;

/// The options of a run.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// How long to wait for another run.
    pub lock_wait: Duration,
    /// How long a statement waits for a lock, unless its file sets `lock_timeout`.
    pub lock_timeout: Duration,
    /// How often a transaction is retried that could not acquire its locks.
    pub retries: u32,
    /// How to treat an interrupted statement whose outcome cannot be determined; None reports an error.
    pub unknown_outcome: Option<UnknownOutcome>,
    /// Ends the run on request.
    pub interrupt: Interrupt,
    /// Receives messages for the user.
    pub messages: MessageSink,
}

impl Default for Options {
    /// The defaults of `schemadiff migrate`, without messages.
    fn default() -> Self {
        Self {
            lock_wait: Duration::from_mins(1),
            lock_timeout: Duration::from_secs(5),
            retries: 5,
            unknown_outcome: None,
            interrupt: Interrupt::default(),
            messages: Arc::new(|_| {}),
        }
    }
}

/// How to treat an interrupted statement whose outcome cannot be determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownOutcome {
    /// Run it again.
    Again,
    /// Mark it as done.
    Done,
}
