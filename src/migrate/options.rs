//! The options of a run.

use std::time::Duration;

use super::interrupt::Interrupt;
use crate::scratch::MessageSink;

/// The options of a run.
#[derive(Clone)]
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

/// How to treat an interrupted statement whose outcome cannot be determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownOutcome {
    /// Run it again.
    Again,
    /// Mark it as done.
    Done,
}
