//! Creates and drops databases.

use std::time::Duration;

use crate::db::Session;
use crate::error::{Error, Result, ServerError};
use crate::model::sql::{Ident, Literal, Sql};
use crate::sql;

/// Creates an empty database with the same encoding and collation on every server.
pub(super) async fn create_database(admin: &Session, name: &str) -> Result<()> {
    let statement = |locale: Sql| {
        sql!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE {}", Ident(name), locale)
    };
    match admin.run(statement(sql!("'C.UTF-8'")).as_str()).await {
        // Some systems, such as macOS, do not have C.UTF-8.
        Err(Error::Server(error)) if is_unknown_locale(&error) => {
            admin.run(statement(sql!("'C'")).as_str()).await
        }
        other => other,
    }
}

fn is_unknown_locale(error: &ServerError) -> bool {
    matches!(error.code.as_str(), "42809" | "22023") && error.message.contains("locale")
}

/// Drops a database.
pub(super) async fn drop_database(admin: &Session, name: &str) -> Result<()> {
    // A server process ends a moment after its connection. DROP DATABASE sleeps for 100 ms if it finds one, so wait for
    // it here.
    let connected = sql!("SELECT 1 FROM pg_catalog.pg_stat_activity WHERE datname = {}", Literal(name));
    for _ in 0..20 {
        if admin.rows(connected.as_str()).await?.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let drop = sql!("DROP DATABASE IF EXISTS {} WITH (FORCE)", Ident(name));
    admin.run(drop.as_str()).await
}
