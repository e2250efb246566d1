//! The server inside this program: PostgreSQL 17 as WebAssembly, on a socket of its own, for as
//! long as a session lives.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::session::{Opened, Session};
use super::target::Target;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::files::temporary::TemporaryFolder;
use crate::model::PgVersion;

/// The version that is built in.
pub(crate) const VERSION: PgVersion = PgVersion::from_number(170_005);

/// Where a server works.
pub(crate) struct Place {
    /// The folder of its files.
    pub(crate) root: PathBuf,
    /// The folder of its socket.
    #[cfg_attr(not(feature = "embedded"), expect(dead_code, reason = "nothing is started"))]
    pub(crate) socket: PathBuf,
    /// What goes when the server has gone: the guard of a temporary folder.
    pub(crate) keep: Box<dyn Send + Sync>,
}

/// The session behind `embedded:DIR`.
pub(super) async fn open(folder: &Path, database: &str) -> Result<Opened> {
    let root = std::path::absolute(folder).map_err(|source| Error::Io { path: folder.to_owned(), source })?;
    // Not beside the files: a socket's path has at most 107 bytes.
    let socket = TemporaryFolder::create(&Environment::default().temporary())?;
    let place = Place { root, socket: socket.path().to_owned(), keep: Box::new(socket) };
    server::open(place, Vec::new(), database).await
}

/// A session on a new server, with the files of these extensions there and none created.
pub(crate) async fn session(place: Place, extensions: Vec<String>) -> Result<Session> {
    let target = Target::embedded(&place.root);
    let opened = server::open(place, extensions.clone(), target.database()).await?;
    let session = Session::from_opened(opened, target);
    for name in extensions.iter().rev() {
        // Asking for an extension's files creates it too, and the database shall be empty.
        let name = crate::model::sql::Ident(name);
        session.run(crate::sql!("DROP EXTENSION IF EXISTS {} CASCADE", name).as_str()).await?;
    }
    Ok(session)
}

pub(super) use server::ServerGuard;
pub(crate) use server::{BUILT_IN, has_extension};

#[cfg(not(feature = "embedded"))]
#[expect(clippy::unused_async, reason = "as the other one")]
mod server {
    use super::{Diagnostic, Opened, Place, Result, codes};

    /// Whether there is a server inside this program.
    pub(crate) const BUILT_IN: bool = false;

    /// Nothing is ever held.
    pub(in super::super) struct ServerGuard;

    impl ServerGuard {
        pub(in super::super) async fn stop(self) {}
    }

    pub(super) async fn open(place: Place, _extensions: Vec<String>, _database: &str) -> Result<Opened> {
        drop(place.keep);
        let missing = Diagnostic::new(codes::SCRATCH, "the embedded server is not built into this program");
        Err(missing.help("build it with the Cargo feature `embedded`, which is on by default").into())
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
    use super::super::settings::SessionKind;
    use super::{Diagnostic, Error, Opened, Place, Result, codes};

    /// Whether there is a server inside this program.
    pub(crate) const BUILT_IN: bool = true;

    /// As in a private cluster: any schema fits, and the system's own tables are not to be changed,
    /// which the crate allows.
    const SETTINGS: &[(&str, &str)] = &[
        ("max_locks_per_transaction", "1024"),
        ("wal_level", "logical"),
        ("allow_system_table_mods", "off"),
        ("jit", "off"),
    ];

    /// A running server with its one connection.
    pub(in super::super) struct ServerGuard {
        server: Option<(PgliteServer, Box<dyn Send + Sync>)>,
        socket: UnixStream,
    }

    impl ServerGuard {
        /// Ends the server and waits for it.
        pub(in super::super) async fn stop(self) {
            let _ = tokio::task::spawn_blocking(move || drop(self)).await;
        }
    }

    impl Drop for ServerGuard {
        fn drop(&mut self) {
            // The server's thread serves its connection until this ends; the task that would close
            // it may never run again.
            let _ = self.socket.shutdown(Shutdown::Both);
            let Some((server, keep)) = self.server.take() else { return };
            let (done, waiting) = mpsc::channel();
            std::thread::spawn(move || {
                drop(server);
                drop(keep);
                let _ = done.send(());
            });
            // A statement cannot be interrupted; a program that ends does not wait for a long one.
            let _ = waiting.recv_timeout(Duration::from_secs(3));
        }
    }

    pub(super) async fn open(place: Place, extensions: Vec<String>, database: &str) -> Result<Opened> {
        let root = place.root.clone();
        let path = place.socket.join(".s.PGSQL.5432");
        let started = tokio::task::spawn_blocking({
            let path = path.clone();
            move || {
                let found = extensions.iter().filter_map(|name| bundled::by_sql_name(name));
                PgliteServer::builder()
                    .path(&place.root)
                    .unix(&path)
                    .username("postgres")
                    .relaxed_durability(true)
                    .postgres_configs(SETTINGS.iter().copied())
                    .extensions(found)
                    .start()
                    .map(|server| (server, place.keep))
            }
        });
        let server = started
            .await
            .map_err(|error| Error::Internal(format!("the embedded server broke off: {error}")))?
            .map_err(|error| failed(&root, &format!("{error:#}")))?;
        let socket = UnixStream::connect(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        let io = |source| Error::Io { path: path.clone(), source };
        let ours = socket.try_clone().map_err(io)?;
        let held = ServerGuard { server: Some(server), socket };
        ours.set_nonblocking(true).map_err(io)?;
        let ours = tokio::net::UnixStream::from_std(ours).map_err(io)?;

        let mut config = Config::new();
        config.user("postgres").dbname(database).application_name("schemadiff").ssl_mode(SslMode::Disable);
        let (client, connection) = config
            .connect_raw(ours, NoTls)
            .await
            .map_err(|error| failed(&root, &super::super::failure::whole(&error)))?;
        let mut opened = connect::begin(client, connection, None, SessionKind::Any, "the embedded server")
            .await
            .map_err(|failure| Error::from(*failure.diagnostic))?;
        // The value to which `SET LOCAL` and a function's SET return.
        let login = opened.client.batch_execute("SET SESSION AUTHORIZATION postgres").await;
        login.map_err(|error| failed(&root, &super::super::failure::whole(&error)))?;
        opened.canceller.possible = false;
        opened.server = Some(held);
        Ok(opened)
    }

    fn failed(root: &Path, said: &str) -> Error {
        if said.contains("already in use") {
            let used = format!("the embedded database {} is in use", root.display());
            return Diagnostic::new(codes::CONNECTION, used)
                .help("it takes one connection of one program at a time: wait for the other to end")
                .into();
        }
        Diagnostic::new(
            codes::CONNECTION,
            format!("the embedded server did not start in {}: {said}", root.display()),
        )
        .into()
    }

    pub(crate) fn has_extension(name: &str) -> bool {
        bundled::by_sql_name(name).is_some()
    }
}
