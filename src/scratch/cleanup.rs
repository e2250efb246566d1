//! Cleans up when a signal ends this process.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures_util::future::BoxFuture;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Error, Result};
use crate::files::temporary::remove_all_created;

/// A server, or databases on one, to be removed before this process ends.
pub(super) trait CleanUp: Send + Sync {
    /// Removes it.
    fn clean_up(self: Arc<Self>) -> BoxFuture<'static, ()>;
}

static REGISTERED: Mutex<Vec<Weak<dyn CleanUp>>> = Mutex::new(Vec::new());

/// Registers what a signal has to remove, as long as it exists.
pub(super) fn register(resource: &Arc<impl CleanUp + 'static>) {
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    registered.retain(|other| other.strong_count() > 0);
    let resource: Weak<dyn CleanUp> = Arc::downgrade(resource) as _;
    registered.push(resource);
}

/// The signals that end this process: SIGINT (Ctrl-C), SIGTERM and SIGHUP.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Installs the signal handlers.
    ///
    /// # Errors
    /// Returns an error if they cannot be installed.
    pub fn install() -> Result<Self> {
        let on = |kind| {
            signal(kind).map_err(|error| Error::Internal(format!("cannot install a signal handler: {error}")))
        };
        Ok(Self {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hangup: on(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal and returns its number. The exit code of the process is 128 plus this number.
    pub async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
            _ = self.hangup.recv() => 1,
        }
    }
}

/// Removes the scratch servers and databases of this process.
pub async fn clean_up() {
    let registered = std::mem::take(&mut *REGISTERED.lock().unwrap_or_else(PoisonError::into_inner));
    for resource in registered.iter().filter_map(Weak::upgrade) {
        resource.clean_up().await;
    }
    // The folders of embedded servers, which end with this process.
    let _ = tokio::task::spawn_blocking(remove_all_created).await;
}
