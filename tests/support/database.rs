//! A database that a program under test can connect to.

use std::sync::{Arc, Mutex, PoisonError};

use postgres::{Client, NoTls, SimpleQueryMessage};
use schemadiff::db::{Environment, Session, Target};
use schemadiff::scratch::ScratchDatabase;

use super::Server;

/// A database and its address.
pub(crate) struct Database {
    server: Arc<Server>,
    address: String,
    place: Place,
}

enum Place {
    /// On an installed server, with a client that shares no code with the program under test.
    Installed { _database: Box<ScratchDatabase>, client: Box<Mutex<Client>> },
    /// The folder of an embedded database, which accepts one connection at a time.
    Embedded(tempfile::TempDir),
}

impl Database {
    /// A new database.
    pub(crate) fn new(server: &Arc<Server>) -> Self {
        let server = Arc::clone(server);
        if server.is_embedded() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let address = format!("embedded:{}", folder.path().join("db").display());
            return Self { server, address, place: Place::Embedded(folder) };
        }
        let database = Box::new(server.block_on(server.database()));
        let address = words(database.target());
        let client = Box::new(Mutex::new(client(&address)));
        Self { server, address, place: Place::Installed { _database: database, client } }
    }

    /// The address for `--url`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Whether it is on the embedded server.
    pub(crate) fn is_embedded(&self) -> bool {
        matches!(self.place, Place::Embedded(_))
    }

    /// A second connection, of an installed server.
    pub(crate) fn client(&self) -> Client {
        client(&self.address)
    }

    /// A connection of the library.
    pub(crate) fn session(&self) -> Session {
        let target = Target::parse(&self.address, &Environment::default()).expect("an address");
        self.server.block_on(Session::connect(&target)).expect("a connection")
    }

    /// Runs statements and returns the first column of their rows, separated by spaces.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let values = match &self.place {
            Place::Installed { client, .. } => {
                let mut client = client.lock().unwrap_or_else(PoisonError::into_inner);
                first_column(&mut client, sql)
            }
            Place::Embedded(_) => {
                let session = self.session();
                let rows = self.server.block_on(session.rows(sql));
                self.server.block_on(session.close());
                let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
                rows.iter().map(|row| row.get(0).unwrap_or("NULL").to_owned()).collect()
            }
        };
        values.join(" ")
    }
}

fn client(address: &str) -> Client {
    let mut client = Client::connect(address, NoTls).expect("a connection");
    client.batch_execute("SET search_path = ''").expect("a setting");
    client
}

fn first_column(client: &mut Client, sql: &str) -> Vec<String> {
    let messages = client.simple_query(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let value = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("NULL").to_owned()),
        _ => None,
    };
    messages.iter().filter_map(value).collect()
}

/// The address as a connection string.
fn words(target: &Target) -> String {
    let names = [("PGHOST", "host"), ("PGPORT", "port"), ("PGUSER", "user"), ("PGDATABASE", "dbname")];
    let variables = target.libpq_variables();
    let value = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    let pairs = names.iter().filter_map(|(name, word)| Some(format!("{word}={}", value(name)?)));
    pairs.collect::<Vec<_>>().join(" ")
}
