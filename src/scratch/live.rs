//! What this process has running, for the moment when it is told to end.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::signal::unix::{SignalKind, signal};

use super::borrowed::Borrowed;
use super::cluster::Cluster;
use crate::error::{Error, Result};
use crate::files::temporary::remove_all_created;

#[derive(Default)]
struct Live {
    clusters: Vec<Weak<Cluster>>,
    borrowed: Vec<Weak<Borrowed>>,
}

static LIVE: Mutex<Live> = Mutex::new(Live { clusters: Vec::new(), borrowed: Vec::new() });

pub(super) fn register(cluster: &Arc<Cluster>) {
    let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
    live.clusters.retain(|cluster| cluster.strong_count() > 0);
    live.clusters.push(Arc::downgrade(cluster));
}

pub(super) fn register_borrowed(borrowed: &Arc<Borrowed>) {
    let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
    live.borrowed.retain(|borrowed| borrowed.strong_count() > 0);
    live.borrowed.push(Arc::downgrade(borrowed));
}

/// Waits for Ctrl-C, SIGTERM or SIGHUP, then removes every scratch server and database of this
/// process. Gives the signal's number, so that the caller can end with 128 and it.
pub async fn sweep_on_signal() -> Result<i32> {
    let on = |kind| signal(kind).map_err(|error| Error::Internal(format!("no signal handler: {error}")));
    let (mut interrupt, mut terminate, mut hangup) =
        (on(SignalKind::interrupt())?, on(SignalKind::terminate())?, on(SignalKind::hangup())?);
    let number = tokio::select! {
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
        _ = hangup.recv() => 1,
    };
    sweep_all().await;
    Ok(number)
}

/// Removes every scratch server and database of this process.
async fn sweep_all() {
    let live = std::mem::take(&mut *LIVE.lock().unwrap_or_else(PoisonError::into_inner));
    for borrowed in live.borrowed.iter().filter_map(Weak::upgrade) {
        borrowed.clean().await;
    }
    let clusters: Vec<_> = live.clusters.iter().filter_map(Weak::upgrade).collect();
    let stopped = tokio::task::spawn_blocking(move || {
        for cluster in &clusters {
            cluster.stop();
        }
        // Those of embedded servers, which end with the process.
        remove_all_created();
    });
    let _ = stopped.await;
}
