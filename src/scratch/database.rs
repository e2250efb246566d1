//! One database on a scratch server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::borrowed::Borrowed;
use super::cluster::Cluster;
use super::embedded::Embedded;
use super::roles::{self, RoleStub};
use crate::db::{PgVersion, Session, Target};
use crate::error::{Diagnostic, Result, ServerError, codes};
use crate::model::sql::{Ident, Literal, Sql};
use crate::sql;

/// An empty database to try something in.
pub struct ScratchDatabase {
    /// A connection to it.
    pub session: Session,
    origin: Origin,
}

enum Origin {
    Cluster {
        admin: Arc<Session>,
        _cluster: Arc<Cluster>,
    },
    Borrowed(Arc<Borrowed>),
    /// The session owns its server.
    Embedded,
}

impl ScratchDatabase {
    pub(super) async fn in_cluster(cluster: &Arc<Cluster>, admin: &Arc<Session>) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("scratch_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        // The cluster's only template, with the encoding and locale that we gave it. Copying it through
        // the log, the default from 15 on, takes ten times as long.
        let mut create = sql!("CREATE DATABASE {} TEMPLATE template1", Ident(&name));
        if admin.version() >= PgVersion::V15 {
            create.push(&sql!("STRATEGY file_copy"));
        }
        admin.run(create.as_str()).await?;
        let session = Session::connect(&cluster.target(&name)?).await?;
        let origin = Origin::Cluster { admin: Arc::clone(admin), _cluster: Arc::clone(cluster) };
        Ok(Self { session, origin })
    }

    pub(super) async fn borrowed(borrowed: &Arc<Borrowed>) -> Result<Self> {
        let name = borrowed.create_database().await?;
        let session = Session::connect(&borrowed.target(&name)).await?;
        Ok(Self { session, origin: Origin::Borrowed(Arc::clone(borrowed)) })
    }

    pub(super) async fn embedded(embedded: &Embedded) -> Result<Self> {
        Ok(Self { session: embedded.session().await?, origin: Origin::Embedded })
    }

    /// Where the database is, for programs such as `pg_dump`. The embedded server cannot be
    /// reached by a second program while the session lives.
    pub fn target(&self) -> &Target {
        self.session.target()
    }

    /// Another connection to it. The embedded server has only one.
    pub async fn another_session(&self) -> Result<Session> {
        match &self.origin {
            Origin::Cluster { .. } | Origin::Borrowed(_) => Session::connect(self.target()).await,
            Origin::Embedded => {
                Err(Diagnostic::new(codes::SCRATCH, "the embedded server takes one connection at a time")
                    .help("choose another scratch server: --scratch binaries")
                    .into())
            }
        }
    }

    /// Creates the roles that are missing, without login. Existing roles are left alone; on a
    /// server that is not ours the created ones are dropped at the end.
    pub async fn stub_roles(&self, wanted: &[RoleStub]) -> Result<()> {
        match &self.origin {
            Origin::Cluster { .. } | Origin::Embedded => {
                roles::create(&self.session, wanted, None).await.map(drop)
            }
            Origin::Borrowed(borrowed) => borrowed.create_roles(wanted).await,
        }
    }

    /// Closes the connection and drops the database.
    pub async fn drop_now(self) -> Result<()> {
        let name = self.session.database().to_owned();
        // The server keeps a database with subscriptions. Those made here have no slot anywhere.
        for row in self.session.rows(SUBSCRIPTIONS).await? {
            let name = Ident(row.get(0).unwrap_or_default());
            let sql = sql!("ALTER SUBSCRIPTION {} SET (slot_name = NONE); DROP SUBSCRIPTION {}", name, name);
            self.session.run(sql.as_str()).await?;
        }
        self.session.close().await;
        match self.origin {
            Origin::Cluster { admin, .. } => drop_database(&admin, &name).await,
            Origin::Borrowed(borrowed) => borrowed.drop_database(&name).await,
            Origin::Embedded => Ok(()),
        }
    }
}

const SUBSCRIPTIONS: &str = "SELECT subname FROM pg_catalog.pg_subscription \
    WHERE subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())";

/// Creates a database that is the same on every server.
pub(super) async fn create(admin: &Session, name: &str) -> Result<()> {
    let statement = |locale: Sql| {
        sql!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE {}", Ident(name), locale)
    };
    match admin.run(statement(sql!("'C.UTF-8'")).as_str()).await {
        // Not every system has C.UTF-8.
        Err(crate::Error::Server(error)) if is_locale(&error) => {
            admin.run(statement(sql!("'C'")).as_str()).await
        }
        other => other,
    }
}

fn is_locale(error: &ServerError) -> bool {
    matches!(error.code.as_str(), "42809" | "22023") && error.message.contains("locale")
}

pub(super) async fn drop_database(admin: &Session, name: &str) -> Result<()> {
    // The server's processes end a moment after our connections. A DROP that finds one still there
    // sleeps for 100 ms before it looks again, so that we look first.
    let used = sql!("SELECT 1 FROM pg_catalog.pg_stat_activity WHERE datname = {}", Literal(name));
    for _ in 0..20 {
        if admin.rows(used.as_str()).await?.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    admin.run(sql!("DROP DATABASE IF EXISTS {} WITH (FORCE)", Ident(name)).as_str()).await
}
