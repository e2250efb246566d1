//! A database that a program under test can connect to.

use std::sync::Arc;

use schemadiff::db::{Environment, Session, Target};
use schemadiff::scratch::ScratchDatabase;

use super::Server;

/// A database and its address.
pub(crate) struct Database {
    address: String,
    target: Target,
    place: Place,
    /// The server stops after its last database.
    _server: Arc<Server>,
}

enum Place {
    Installed(Box<ScratchDatabase>),
    /// The folder of an embedded database, which takes one connection at a time.
    Embedded(tempfile::TempDir),
}

impl Database {
    /// A new database.
    pub(crate) async fn new(server: &Arc<Server>) -> Self {
        let (address, place) = if server.is_embedded() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            (format!("embedded:{}", folder.path().join("db").display()), Place::Embedded(folder))
        } else {
            let database = server.database().await;
            (words(database.target()), Place::Installed(Box::new(database)))
        };
        let target = Target::parse(&address, &Environment::default()).expect("an address");
        Self { address, target, place, _server: Arc::clone(server) }
    }

    /// The address for `--url`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The address as a target.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Whether it is on the embedded server.
    pub(crate) fn is_embedded(&self) -> bool {
        matches!(self.place, Place::Embedded(_))
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> Session {
        Session::connect(&self.target).await.expect("a connection")
    }

    /// Runs statements and returns the first column of their rows, separated by spaces.
    pub(crate) async fn sql(&self, sql: &str) -> String {
        let rows = match &self.place {
            Place::Installed(database) => database.session.rows(sql).await,
            Place::Embedded(_) => {
                let session = self.connect().await;
                let rows = session.rows(sql).await;
                session.close().await;
                rows
            }
        };
        let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.iter().map(|row| row.get(0).unwrap_or("NULL")).collect::<Vec<_>>().join(" ")
    }
}

/// The address as a connection string.
fn words(target: &Target) -> String {
    let names = [("PGHOST", "host"), ("PGPORT", "port"), ("PGUSER", "user"), ("PGDATABASE", "dbname")];
    let variables = target.libpq_variables();
    let value = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    let pairs = names.iter().filter_map(|(name, word)| Some(format!("{word}={}", value(name)?)));
    pairs.collect::<Vec<_>>().join(" ")
}
