//! Whether a scratch server has the required extensions.

use super::options::{Protection, RequiredExtension, ScratchOptions};
use crate::db::{Session, embedded};
use crate::error::{Diagnostic, Error, Result, codes};

/// Checks that the required extensions are available. `server` names the server in the message.
pub(super) async fn check_available(admin: &Session, options: &ScratchOptions, server: &str) -> Result<()> {
    if options.extensions.is_empty() {
        return Ok(());
    }
    let rows = admin.rows("SELECT name FROM pg_catalog.pg_available_extensions").await?;
    let missing =
        |extension: &&RequiredExtension| !rows.iter().any(|row| row.get(0) == Some(&*extension.name));
    match options.extensions.iter().find(missing) {
        None => Ok(()),
        Some(extension) => Err(not_available(extension, server, options)),
    }
}

/// The error for an extension that is not available, with the servers that may have it.
pub(super) fn not_available(extension: &RequiredExtension, server: &str, options: &ScratchOptions) -> Error {
    let name = &extension.name;
    let mut diagnostic = Diagnostic::new(
        codes::EXTENSION,
        format!("the extension `{name}` is not available on the scratch server ({server})"),
    );
    diagnostic.place.clone_from(&extension.place);
    if server != "embedded" && embedded::has_extension(name) {
        diagnostic = diagnostic.help("the embedded server has it: --scratch embedded");
    }
    let open = |environment: &super::options::EnvironmentServer| environment.protection == Protection::Open;
    if server != "environment" && options.environment.as_ref().is_some_and(open) {
        diagnostic = diagnostic.help("the environment's own server may have it: --scratch environment");
    }
    diagnostic
        .help("install its package for the scratch server, or give a server that has it: --scratch URL")
        .into()
}
