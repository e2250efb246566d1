//! The servers on which cases run: each installed major version, or the embedded server if none is installed.

use std::sync::Arc;

use schemadiff::sandbox::Sandbox;

use crate::support::{self, Servers};

/// A server that all cases share.
pub(crate) struct Server {
    /// Its major version.
    pub(crate) major: u32,
    /// Its name in the list of tests.
    pub(crate) name: String,
    /// Databases on it.
    pub(crate) sandbox: Sandbox,
    /// The extensions that it can create.
    pub(crate) extensions: Vec<String>,
    /// Whether expected texts without a version in their names are those of this server.
    pub(crate) text: bool,
    /// Whether it is the embedded server, which has no shared libraries beside it.
    pub(crate) embedded: bool,
}

/// The major version whose texts are expected. 14 prints some expressions in other words.
pub(crate) const TEXT: u32 = 15;

/// Starts the servers.
pub(crate) async fn start(servers: &Servers) -> Vec<Arc<Server>> {
    let chosen: Vec<&Arc<support::Server>> = match servers.installed.is_empty() {
        true => servers.embedded.iter().collect(),
        false => servers.installed.iter().collect(),
    };
    let mut started = Vec::new();
    for server in chosen {
        let sandbox = Sandbox::new(server.options());
        let extensions = extensions(&sandbox).await.expect("the server starts");
        let (major, name, embedded) = (server.major, server.name(), server.is_embedded());
        let text = major == TEXT;
        started.push(Arc::new(Server { major, name, sandbox, extensions, text, embedded }));
    }
    started
}

async fn extensions(sandbox: &Sandbox) -> schemadiff::Result<Vec<String>> {
    let database = sandbox.server().await?.database().await?;
    let rows = database.session.rows("SELECT name FROM pg_available_extensions").await?;
    database.drop_now().await?;
    Ok(rows.iter().filter_map(|row| row.get(0)).map(str::to_owned).collect())
}

/// Stops the servers.
pub(crate) async fn stop(servers: Vec<Arc<Server>>) {
    for server in servers {
        if let Some(server) = Arc::into_inner(server) {
            server.sandbox.stop().await;
        }
    }
}
