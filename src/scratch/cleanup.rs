//! Cleans up when a signal ends this process.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures_util::future::BoxFuture;
use tokio::signal::unix::{SignalKind, signal};

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

/// Waits for SIGINT (Ctrl-C), SIGTERM or SIGHUP, then removes the scratch servers and databases of this process.
/// Returns the number of the signal; the exit code is 128 plus this number.
///
/// # Errors
/// Returns an error if the signal handlers cannot be installed.
pub async fn clean_up_on_signal() -> Result<i32> {
    let on = |kind| {
        signal(kind).map_err(|error| Error::Internal(format!("cannot install a signal handler: {error}")))
    };
    let (mut interrupt, mut terminate, mut hangup) =
        (on(SignalKind::interrupt())?, on(SignalKind::terminate())?, on(SignalKind::hangup())?);
    let number = tokio::select! {
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
        _ = hangup.recv() => 1,
    };
    clean_up_all().await;
    Ok(number)
}

async fn clean_up_all() {
    let registered = std::mem::take(&mut *REGISTERED.lock().unwrap_or_else(PoisonError::into_inner));
    for resource in registered.iter().filter_map(Weak::upgrade) {
        resource.clean_up().await;
    }
    // The folders of embedded servers, which end with this process.
    let _ = tokio::task::spawn_blocking(remove_all_created).await;
}
