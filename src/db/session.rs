//! One connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{CancelToken, Client};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connect;
use super::embedded;
use super::failure::Lost;
use super::row::{Batch, Message, Row};
use super::settings::read_settings;
use super::target::{Kind, Target};
use crate::error::{Error, Result};
use crate::model::PgVersion;

/// One connection, set up for reading. Dropping it closes it; [`Session::close`] also waits.
pub struct Session {
    /// None once it is closed.
    client: Option<Client>,
    task: Option<JoinHandle<()>>,
    target: Target,
    facts: Facts,
    notices: Notices,
    lost: Lost,
    canceller: Canceller,
    /// The server that lives as long as this session, behind `embedded:DIR`.
    server: Option<embedded::ServerGuard>,
}

/// What is asked once.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) version: PgVersion,
    pub(super) role: String,
    pub(super) database: String,
    pub(super) superuser: bool,
    pub(super) size: u64,
}

/// What connecting gives.
pub(super) struct Opened {
    pub(super) client: Client,
    pub(super) task: JoinHandle<()>,
    pub(super) facts: Facts,
    pub(super) notices: Notices,
    pub(super) lost: Lost,
    pub(super) canceller: Canceller,
    pub(super) server: Option<embedded::ServerGuard>,
}

/// A message that the server sent beside its answers.
#[derive(Clone, Debug)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, ...
    pub severity: String,
    /// SQLSTATE.
    pub code: String,
    /// The message.
    pub message: String,
}

/// Notices since they were last taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Notices(Arc<Mutex<Vec<Notice>>>);

impl Notices {
    /// More than anyone reads; a loop that raises them must not fill the memory.
    const MOST: usize = 10_000;

    pub(super) fn push(&self, notice: Notice) {
        tracing::debug!(severity = notice.severity, code = notice.code, "{}", notice.message);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < Self::MOST {
            kept.push(notice);
        }
    }
}

/// Cancels the statement that a session is waiting for; usable while the session is busy.
#[derive(Clone)]
pub struct Canceller {
    pub(super) token: CancelToken,
    pub(super) tls: Option<MakeRustlsConnect>,
    /// The embedded server takes one connection at a time, so that a request would wait for the
    /// statement that it shall cancel.
    pub(super) possible: bool,
}

impl Canceller {
    /// Asks the server to cancel. That it was asked does not mean that it did.
    pub async fn cancel(&self) -> Result<()> {
        if !self.possible {
            return Ok(());
        }
        let asked = async {
            match &self.tls {
                Some(tls) => self.token.cancel_query(tls.clone()).await,
                None => self.token.cancel_query(tokio_postgres::NoTls).await,
            }
        };
        match tokio::time::timeout(Duration::from_secs(5), asked).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Lost::default().error(&error, "")),
            Err(_) => Err(Error::Internal("the request to cancel was not answered within 5 s".to_owned())),
        }
    }
}

impl Session {
    /// Connects and sets the session up for reading (see [`read_settings`]).
    pub async fn connect(target: &Target) -> Result<Self> {
        let opened = match &target.kind {
            Kind::Server(settings) => connect::open(settings).await?,
            Kind::Embedded { folder, database } => embedded::open(folder, database).await?,
        };
        Ok(Self::from_opened(opened, target.clone()))
    }

    pub(super) fn from_opened(opened: Opened, target: Target) -> Self {
        let Opened { client, task, facts, notices, lost, canceller, server } = opened;
        Self { client: Some(client), task: Some(task), target, facts, notices, lost, canceller, server }
    }

    /// The server's version.
    pub fn version(&self) -> PgVersion {
        self.facts.version
    }

    /// The role that is logged in.
    pub fn role(&self) -> &str {
        &self.facts.role
    }

    /// The database.
    pub fn database(&self) -> &str {
        &self.facts.database
    }

    /// Whether the role is a superuser.
    pub fn superuser(&self) -> bool {
        self.facts.superuser
    }

    /// How many bytes `pg_class` had when the session began: what a reading has before it, roughly.
    pub fn size(&self) -> u64 {
        self.facts.size
    }

    /// Where this session is connected to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    fn client(&self) -> Result<&Client> {
        self.client.as_ref().ok_or_else(|| Error::Internal("the session is closed".to_owned()))
    }

    /// Runs a batch and gives its rows, those of all its statements.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Row>> {
        let mut batch = self.stream(sql).await?;
        let mut rows = Vec::new();
        while let Some(message) = batch.message().await? {
            if let Message::Row(row) = message {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// Begins a batch; what it gives is read while the server works on.
    pub async fn stream(&self, sql: &str) -> Result<Batch> {
        let stream =
            self.client()?.simple_query_raw(sql).await.map_err(|error| self.lost.error(&error, sql))?;
        Ok(Batch::new(stream, sql, self.lost.clone()))
    }

    /// Runs a batch for its effect.
    pub async fn run(&self, sql: &str) -> Result<()> {
        self.client()?.batch_execute(sql).await.map_err(|error| self.lost.error(&error, sql))
    }

    /// The role that logged in, as `SET SESSION AUTHORIZATION` takes it.
    ///
    /// The embedded server is a standalone backend, in which `DEFAULT` and `RESET` change nothing: only a login gives
    /// the parameter a value to return to.
    pub fn login(&self) -> &'static str {
        if self.server.is_some() { "postgres" } else { "DEFAULT" }
    }

    /// The statement that returns to the role that logged in.
    pub fn reset_login(&self) -> &'static str {
        if self.server.is_some() {
            "SET SESSION AUTHORIZATION postgres"
        } else {
            "RESET SESSION AUTHORIZATION"
        }
    }

    /// Returns to the role and the settings of a new connection.
    pub async fn reset(&self) -> Result<()> {
        self.run(&format!("{}; RESET ROLE; RESET ALL", self.reset_login())).await
    }

    /// Puts the settings for reading back, after statements that may have changed them.
    pub async fn restore_settings(&self) -> Result<()> {
        self.run(&read_settings(self.version())).await
    }

    /// What cancels this session's statements.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// The server's notices and warnings since this was last called.
    pub fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.notices.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Closes the connection and waits until it is.
    pub async fn close(mut self) {
        drop(self.client.take());
        if let Some(task) = self.task.take() {
            // A server that does not answer must not hold the program.
            let _ = tokio::time::timeout(Duration::from_secs(2), task).await;
        }
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.target)
    }
}
