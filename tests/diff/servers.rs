//! A scratch server of each major version that is on this machine.

use std::sync::Arc;

use schemadiff::db::Environment;
use schemadiff::sandbox::Sandbox;
use schemadiff::scratch::{self, Choice, ScratchOptions};

/// A server that all fixtures share.
pub(crate) struct Server {
    /// Its major version.
    pub(crate) major: u32,
    /// Databases on it.
    pub(crate) sandbox: Sandbox,
    /// Extensions that it could create.
    pub(crate) extensions: Vec<String>,
    /// Whether its text is the expected one where no file is for its version alone.
    pub(crate) text: bool,
    /// Whether it is the one inside the program, which has no libraries beside it.
    pub(crate) embedded: bool,
}

/// Versions that are supported.
const MAJORS: std::ops::RangeInclusive<u32> = 14..=18;
/// The oldest that prints as the newer ones do, most of the time; 14 writes some expressions in other words.
const TEXT: u32 = 15;

/// The servers; says which versions are missing.
pub(crate) async fn find(variables: &Environment) -> Vec<Arc<Server>> {
    let wanted = |choice| ScratchOptions { choice, ..ScratchOptions::any(variables.clone()) };
    let installed = scratch::installed(variables);
    let mut choices: Vec<Choice> =
        installed.into_iter().map(|(_, folder)| Choice::Binaries(Some(folder))).collect();
    if choices.is_empty() {
        choices.push(Choice::Auto);
    }
    let mut servers: Vec<Arc<Server>> = Vec::new();
    for choice in choices {
        let sandbox = Sandbox::new(wanted(choice.clone()));
        match start(sandbox).await {
            Ok(server) => servers.push(Arc::new(server)),
            Err(error) => println!("skipped {choice:?}: {error}"),
        }
    }
    let here: Vec<u32> = servers.iter().map(|server| server.major).collect();
    let away: Vec<u32> = MAJORS.filter(|major| !here.contains(major)).collect();
    println!("PostgreSQL {here:?}; skipped for want of a server: {away:?}");
    if servers.iter().all(|server| !server.text) {
        println!("skipped: the expected texts that are those of PostgreSQL {TEXT}");
    }
    servers
}

async fn start(sandbox: Sandbox) -> schemadiff::Result<Server> {
    let scratch = sandbox.server().await?;
    let major = scratch.version().major();
    let database = scratch.database().await?;
    let rows = database.session.rows("SELECT name FROM pg_available_extensions").await?;
    let extensions = rows.iter().filter_map(|row| row.get(0)).map(str::to_owned).collect();
    database.drop_now().await?;
    let embedded = scratch.rung().name == "embedded";
    Ok(Server { major, sandbox, extensions, text: major == TEXT, embedded })
}
