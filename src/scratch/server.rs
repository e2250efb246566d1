//! A running scratch server.

use futures_util::future::BoxFuture;

use super::roles::RoleStub;
use crate::db::{PgVersion, Session, Target};
use crate::error::Result;

/// A server on which scratch databases are created.
pub(super) trait Server: Send + Sync {
    /// The server's version.
    fn version(&self) -> PgVersion;

    /// Creates an empty database and connects to it.
    fn create_database(&self) -> BoxFuture<'_, Result<Session>>;

    /// Opens another connection to one of the databases.
    fn connect<'a>(&'a self, database: &'a Target) -> BoxFuture<'a, Result<Session>> {
        Box::pin(Session::connect(database))
    }

    /// Creates the roles that do not exist. `session` is connected to a database of this server.
    fn create_roles<'a>(&'a self, session: &'a Session, stubs: &'a [RoleStub]) -> BoxFuture<'a, Result<()>>;

    /// Drops a database whose session is closed.
    fn drop_database<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Removes what was created, and stops the server if this process started it.
    fn stop(&self) -> BoxFuture<'_, ()>;
}
