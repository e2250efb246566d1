//! One database on a scratch server.

use std::sync::Arc;

use super::roles::RoleStub;
use super::server::Server;
use crate::db::{Session, Target};
use crate::error::Result;
use crate::model::sql::Ident;
use crate::sql;

/// A scratch database.
pub struct ScratchDatabase {
    /// A connection to it.
    pub session: Session,
    server: Arc<dyn Server>,
}

impl ScratchDatabase {
    pub(super) async fn create(server: &Arc<dyn Server>) -> Result<Self> {
        Ok(Self { session: server.create_database().await?, server: Arc::clone(server) })
    }

    /// The address of the database, for programs such as `pg_dump`. They cannot connect to the embedded server while
    /// the session is open.
    pub fn target(&self) -> &Target {
        self.session.target()
    }

    /// Opens another connection to the database.
    ///
    /// # Errors
    /// Returns an error on the embedded server, which accepts one connection.
    pub async fn another_session(&self) -> Result<Session> {
        self.server.connect(self.target()).await
    }

    /// Creates the roles that do not exist, without LOGIN. On a server that this process did not start, they are dropped
    /// at the end.
    ///
    /// # Errors
    /// Returns an error if the current role may not create roles.
    pub async fn stub_roles(&self, stubs: &[RoleStub]) -> Result<()> {
        self.server.create_roles(&self.session, stubs).await
    }

    /// Closes the connection and drops the database.
    ///
    /// # Errors
    /// Returns an error if the server refuses.
    pub async fn drop_now(self) -> Result<()> {
        let name = self.session.database().to_owned();
        // A database with subscriptions cannot be dropped. Those of a scratch database have no slot on their publisher.
        for row in self.session.rows(SUBSCRIPTIONS).await? {
            let name = Ident(row.get(0).unwrap_or_default());
            let sql = sql!("ALTER SUBSCRIPTION {} SET (slot_name = NONE); DROP SUBSCRIPTION {}", name, name);
            self.session.run(sql.as_str()).await?;
        }
        self.session.close().await;
        self.server.drop_database(&name).await
    }
}

const SUBSCRIPTIONS: &str = "SELECT subname FROM pg_catalog.pg_subscription \
    WHERE subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())";
