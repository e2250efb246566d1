//! An open connection: its client, what the server reported about it, its notices, and how to cancel its statements.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{CancelToken, Client};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::Lost;
use crate::error::{Error, Result};
use crate::model::PgVersion;

/// A new connection.
pub(super) struct Connection {
    pub(super) client: Client,
    /// The task that reads from the socket.
    pub(super) task: JoinHandle<()>,
    pub(super) info: SessionInfo,
    pub(super) notices: Notices,
    pub(super) lost: Lost,
    pub(super) canceller: Canceller,
    /// Stops the embedded server of this connection on drop.
    pub(super) server: Option<Box<dyn Send + Sync>>,
}

/// What the server reported when the connection was opened.
#[derive(Clone, Debug)]
pub(super) struct SessionInfo {
    pub(super) version: PgVersion,
    pub(super) role: String,
    pub(super) database: String,
    pub(super) superuser: bool,
    /// The size of `pg_class` in bytes.
    pub(super) catalog_size: u64,
}

/// A notice or warning of the server.
#[derive(Clone, Debug)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, ...
    pub severity: String,
    /// SQLSTATE.
    pub code: String,
    /// The message.
    pub message: String,
}

/// The notices that have not been taken yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Notices(Arc<Mutex<Vec<Notice>>>);

impl Notices {
    /// Later notices are dropped, so that a loop that raises them does not exhaust the memory.
    const MAX_NOTICES: usize = 10_000;

    pub(super) fn push(&self, notice: Notice) {
        tracing::debug!(severity = notice.severity, code = notice.code, "{}", notice.message);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < Self::MAX_NOTICES {
            kept.push(notice);
        }
    }

    pub(super) fn take(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Cancels the running statement of a session, while the session waits for it.
#[derive(Clone)]
pub struct Canceller {
    pub(super) token: CancelToken,
    pub(super) tls: Option<MakeRustlsConnect>,
    /// False for the embedded server: it takes one connection at a time, so a cancel request would wait for the
    /// statement that it should cancel.
    pub(super) supported: bool,
}

impl Canceller {
    /// Sends a cancel request. The server may finish the statement all the same.
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached within five seconds.
    pub async fn cancel(&self) -> Result<()> {
        if !self.supported {
            return Ok(());
        }
        let request = async {
            match &self.tls {
                Some(tls) => self.token.cancel_query(tls.clone()).await,
                None => self.token.cancel_query(tokio_postgres::NoTls).await,
            }
        };
        match tokio::time::timeout(Duration::from_secs(5), request).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Lost::default().error(&error, "")),
            Err(_) => {
                Err(Error::Internal("the server did not answer the cancel request within 5 s".to_owned()))
            }
        }
    }
}
