//! The embedded server: PostgreSQL 17 compiled to WebAssembly, on a socket of its own, running as long as its session.
//!
//! This is the only module that names the crate of the embedded server.

use std::path::{Path, PathBuf};

use super::connection::Connection;
use super::environment::Environment;
use crate::error::{Error, Result};
use crate::files::temporary::TemporaryFolder;
use crate::model::PgVersion;
use crate::model::sql::Ident;
use crate::sql;

/// The version of the embedded server.
pub(crate) const VERSION: PgVersion = PgVersion::from_number(170_005);

/// The folders of an embedded server.
pub(crate) struct ServerFolders {
    /// The folder of its files.
    pub(crate) root: PathBuf,
    /// The folder of its socket.
    #[cfg_attr(not(feature = "embedded"), expect(dead_code, reason = "no server is started"))]
    pub(crate) socket: PathBuf,
    /// Dropped after the server has stopped: the guard of a temporary folder.
    pub(crate) guard: Box<dyn Send + Sync>,
}

/// Connects to the database `embedded:FOLDER`.
pub(super) async fn open(folder: &Path, database: &str) -> Result<Connection> {
    let root = std::path::absolute(folder).map_err(|source| Error::Io { path: folder.to_owned(), source })?;
    // Not next to the files: the path of a socket has at most 107 bytes.
    let socket = TemporaryFolder::create(&Environment::default().temporary())?;
    let folders = ServerFolders { root, socket: socket.path().to_owned(), guard: Box::new(socket) };
    server::open(folders, Vec::new(), database).await
}

/// Starts a new server with the files of these extensions, none of which is created in its database.
pub(super) async fn open_empty(
    folders: ServerFolders,
    extensions: &[String],
    database: &str,
) -> Result<Connection> {
    let connection = server::open(folders, extensions.to_vec(), database).await?;
    for name in extensions.iter().rev() {
        // The server creates every extension whose files it is given.
        let drop = sql!("DROP EXTENSION IF EXISTS {} CASCADE", Ident(name));
        let dropped = connection.client.batch_execute(drop.as_str()).await;
        dropped.map_err(|error| connection.lost.error(&error, drop.as_str()))?;
    }
    Ok(connection)
}

pub(crate) use server::{BUILT_IN, has_extension};

#[cfg(not(feature = "embedded"))]
#[expect(clippy::unused_async, reason = "the other variant awaits")]
mod server {
    use super::{Connection, ServerFolders};
    use crate::error::{Diagnostic, Result, codes};

    /// True if this program contains the embedded server.
    pub(crate) const BUILT_IN: bool = false;

    pub(super) async fn open(
        folders: ServerFolders,
        _extensions: Vec<String>,
        _database: &str,
    ) -> Result<Connection> {
        drop(folders.guard);
        Err(Diagnostic::new(codes::SCRATCH, "this program was built without the embedded server")
            .help("build it with the Cargo feature `embedded`, which is on by default")
            .into())
    }

    pub(crate) fn has_extension(_name: &str) -> bool {
        false
    }
}

#[cfg(feature = "embedded")]
mod server {
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;
    use std::path::Path;
    use std::sync::mpsc;
    use std::time::Duration;

    use pglite_oxide::{PgliteServer, extensions as bundled};
    use tokio_postgres::config::SslMode;
    use tokio_postgres::{Config, NoTls};

    use super::super::connect;
    use super::super::failure::with_sources;
    use super::super::settings::SessionKind;
    use super::{Connection, ServerFolders};
    use crate::error::{Diagnostic, Error, Result, codes};

    /// True if this program contains the embedded server.
    pub(crate) const BUILT_IN: bool = true;

    /// Settings as in a private cluster, so that any schema fits. The crate's default would allow changes to the system
    /// catalogs.
    const SETTINGS: &[(&str, &str)] = &[
        ("max_locks_per_transaction", "1024"),
        ("wal_level", "logical"),
        ("allow_system_table_mods", "off"),
        ("jit", "off"),
    ];

    /// A running server with its one connection.
    struct RunningServer {
        server: Option<(PgliteServer, Box<dyn Send + Sync>)>,
        socket: UnixStream,
    }

    impl Drop for RunningServer {
        fn drop(&mut self) {
            // The server's thread serves its connection until this ends; the task that would close it may never run
            // again.
            let _ = self.socket.shutdown(Shutdown::Both);
            let Some((server, guard)) = self.server.take() else { return };
            let (done, stopped) = mpsc::channel();
            std::thread::spawn(move || {
                drop(server);
                drop(guard);
                let _ = done.send(());
            });
            // A statement cannot be interrupted; a program that ends does not wait for a long one.
            let _ = stopped.recv_timeout(Duration::from_secs(3));
        }
    }

    /// Starts the server and connects to it.
    pub(super) async fn open(
        folders: ServerFolders,
        extensions: Vec<String>,
        database: &str,
    ) -> Result<Connection> {
        let root = folders.root.clone();
        let path = folders.socket.join(".s.PGSQL.5432");
        let io = |source| Error::Io { path: path.clone(), source };
        let server = start(folders, extensions, path.clone()).await?;
        let socket = UnixStream::connect(&path).map_err(io)?;
        let ours = socket.try_clone().map_err(io)?;
        let running = RunningServer { server: Some(server), socket };
        ours.set_nonblocking(true).map_err(io)?;
        let ours = tokio::net::UnixStream::from_std(ours).map_err(io)?;

        let mut config = Config::new();
        config.user("postgres").dbname(database).application_name("schemadiff").ssl_mode(SslMode::Disable);
        let (client, connection) = config
            .connect_raw(ours, NoTls)
            .await
            .map_err(|error| not_started(&root, &with_sources(&error)))?;
        let mut connection =
            connect::set_up(client, connection, None, SessionKind::Any, "the embedded server")
                .await
                .map_err(|failure| Error::from(*failure.diagnostic))?;
        // The value that `SET LOCAL` and the SET clause of a function restore.
        let login = connection.client.batch_execute("SET SESSION AUTHORIZATION postgres").await;
        login.map_err(|error| not_started(&root, &with_sources(&error)))?;
        connection.canceller.supported = false;
        connection.server = Some(Box::new(running));
        Ok(connection)
    }

    async fn start(
        folders: ServerFolders,
        extensions: Vec<String>,
        socket: std::path::PathBuf,
    ) -> Result<(PgliteServer, Box<dyn Send + Sync>)> {
        let root = folders.root.clone();
        let started = tokio::task::spawn_blocking(move || {
            let files = extensions.iter().filter_map(|name| bundled::by_sql_name(name));
            PgliteServer::builder()
                .path(&folders.root)
                .unix(&socket)
                .username("postgres")
                .relaxed_durability(true)
                .postgres_configs(SETTINGS.iter().copied())
                .extensions(files)
                .start()
                .map(|server| (server, folders.guard))
        });
        started
            .await
            .map_err(|error| Error::Internal(format!("the embedded server crashed: {error}")))?
            .map_err(|error| not_started(&root, &format!("{error:#}")))
    }

    fn not_started(root: &Path, cause: &str) -> Error {
        if cause.contains("already in use") {
            let used = format!("the embedded database {} is in use", root.display());
            return Diagnostic::new(codes::CONNECTION, used)
                .help("it accepts one connection at a time: wait until the other program has ended")
                .into();
        }
        let message = format!("the embedded server did not start in {}: {cause}", root.display());
        Diagnostic::new(codes::CONNECTION, message).into()
    }

    pub(crate) fn has_extension(name: &str) -> bool {
        bundled::by_sql_name(name).is_some()
    }
}
