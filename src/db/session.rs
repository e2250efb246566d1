//! One session on a server.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::connect;
use super::connection::{Canceller, Connection, Notice, Notices, SessionInfo};
use super::embedded::{self, ServerFolders};
use super::failure::Lost;
use super::read_settings::read_settings;
use super::row::{Batch, Message, Row};
use super::target::{Location, Target};
use crate::error::{Error, Result};
use crate::model::PgVersion;

/// A session with the settings for reading a catalog. Dropping it closes the connection; [`Session::close`] also waits.
pub struct Session {
    /// None once it is closed.
    client: Option<Client>,
    task: Option<JoinHandle<()>>,
    target: Target,
    info: SessionInfo,
    notices: Notices,
    lost: Lost,
    canceller: Canceller,
    /// Stops the embedded server of this session on drop.
    server: Option<Box<dyn Send + Sync>>,
}

impl Session {
    /// Connects and applies the settings for reading (see [`read_settings`]).
    ///
    /// # Errors
    /// Returns an error if no server of the target accepts the connection.
    pub async fn connect(target: &Target) -> Result<Self> {
        let connection = match &target.location {
            Location::Server(settings) => connect::open(settings).await?,
            Location::Embedded { folder, database } => embedded::open(folder, database).await?,
        };
        Ok(Self::new(connection, target.clone()))
    }

    /// Starts an embedded server with the files of these extensions, in a database without any of them, and connects.
    pub(crate) async fn start_embedded(folders: ServerFolders, extensions: &[String]) -> Result<Self> {
        let target = Target::embedded(&folders.root);
        let connection = embedded::open_empty(folders, extensions, target.database()).await?;
        Ok(Self::new(connection, target))
    }

    fn new(connection: Connection, target: Target) -> Self {
        let Connection { client, task, info, notices, lost, canceller, server } = connection;
        Self { client: Some(client), task: Some(task), target, info, notices, lost, canceller, server }
    }

    /// The server's version.
    pub fn version(&self) -> PgVersion {
        self.info.version
    }

    /// The current role.
    pub fn role(&self) -> &str {
        &self.info.role
    }

    /// The current database.
    pub fn database(&self) -> &str {
        &self.info.database
    }

    /// Returns true if the current role is a superuser.
    pub fn superuser(&self) -> bool {
        self.info.superuser
    }

    /// The size of `pg_class` in bytes when the session was opened: an estimate of the work of reading the catalogs.
    pub fn catalog_size(&self) -> u64 {
        self.info.catalog_size
    }

    /// The target of this session.
    pub fn target(&self) -> &Target {
        &self.target
    }

    fn client(&self) -> Result<&Client> {
        self.client.as_ref().ok_or_else(|| Error::Internal("the session is closed".to_owned()))
    }

    /// Runs a batch and returns the rows of all its statements.
    ///
    /// # Errors
    /// Returns an error if a statement fails or the connection is lost.
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

    /// Starts a batch; its results are read while the server runs it.
    ///
    /// # Errors
    /// Returns an error if the connection is lost.
    pub async fn stream(&self, sql: &str) -> Result<Batch> {
        let stream =
            self.client()?.simple_query_raw(sql).await.map_err(|error| self.lost.error(&error, sql))?;
        Ok(Batch::new(stream, sql, self.lost.clone()))
    }

    /// Runs a batch and discards its rows.
    ///
    /// # Errors
    /// Returns an error if a statement fails or the connection is lost.
    pub async fn run(&self, sql: &str) -> Result<()> {
        self.client()?.batch_execute(sql).await.map_err(|error| self.lost.error(&error, sql))
    }

    /// The session's login role, as an argument of `SET SESSION AUTHORIZATION`.
    ///
    /// The embedded server is a standalone backend without a login, so that `DEFAULT` and `RESET` have no effect there.
    pub fn login(&self) -> &'static str {
        if self.server.is_some() { "postgres" } else { "DEFAULT" }
    }

    /// The statement that restores the login role.
    pub fn reset_login(&self) -> &'static str {
        if self.server.is_some() {
            "SET SESSION AUTHORIZATION postgres"
        } else {
            "RESET SESSION AUTHORIZATION"
        }
    }

    /// Restores the role and the settings of a new connection.
    ///
    /// # Errors
    /// Returns an error if the connection is lost.
    pub async fn reset(&self) -> Result<()> {
        self.run(&format!("{}; RESET ROLE; RESET ALL", self.reset_login())).await
    }

    /// Applies the settings for reading again, after statements that may have changed them.
    ///
    /// # Errors
    /// Returns an error if the connection is lost.
    pub async fn restore_settings(&self) -> Result<()> {
        self.run(&read_settings(self.version())).await
    }

    /// Returns a handle that cancels this session's statements.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Returns the server's notices and warnings since the last call.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.notices.take()
    }

    /// Closes the connection, stops its embedded server if it has one, and waits for both.
    pub async fn close(mut self) {
        drop(self.client.take());
        if let Some(task) = self.task.take() {
            // A server that does not answer must not keep the program running.
            let _ = tokio::time::timeout(Duration::from_secs(2), task).await;
        }
        if let Some(server) = self.server.take() {
            let _ = tokio::task::spawn_blocking(move || drop(server)).await;
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.target)
    }
}
