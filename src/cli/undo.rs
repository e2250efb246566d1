//! Plans the undoing of a half-applied revision.

use super::project::{Project, SandboxNeeds};
use crate::config::Database;
use crate::declare::sql::SourceFile;
use crate::error::Result;
use crate::generate::{self, MigrationOptions};
use crate::migrate::StatusLine;
use crate::model::rename::{AmbiguousRenames, RequestedRename};
use crate::model::{Catalog, Hazard, Pair, Rename, Renames};
use crate::sandbox::{Sandbox, State, installed_extensions};

/// A script that undoes the executed part of a revision.
#[derive(Debug)]
pub struct Undo {
    /// The revision.
    pub revision: String,
    /// The script.
    pub file: SourceFile,
    /// The data that it loses.
    pub losses: Vec<String>,
}

/// Plans the way from the live catalog (`before`) to the catalog before the revision (`after`), and rehearses it.
///
/// # Errors
/// Returns an error if there is no plan, or if its proof fails.
pub async fn plan(
    project: &Project<'_>,
    database: &Database,
    line: &StatusLine,
    ends: Pair<Catalog>,
) -> Result<Undo> {
    let mut extensions = installed_extensions(&ends.before);
    extensions.extend(installed_extensions(&ends.after));
    let major = Some(ends.before.version.major());
    let needs = SandboxNeeds { major, database: Some(database), extensions };
    let options =
        MigrationOptions { lock_timeout: project.config.lock_timeout, ..MigrationOptions::default() };
    let migration = project
        .with_sandbox(needs, async |sandbox| {
            let states = states(sandbox, database, line, ends).await?;
            generate::migration(sandbox, states.as_ref(), &options).await
        })
        .await?;
    migration.notes.iter().for_each(|note| project.globals.say(note));
    let losses = migration.hazards.up.iter().filter(|(_, hazard)| matches!(hazard, Hazard::DataLoss(_)));
    let losses = losses.map(|(_, hazard)| hazard.detail().to_owned()).collect();
    let name = format!("rollback of the half-applied {}", line.name);
    Ok(Undo {
        revision: line.name.clone(),
        file: SourceFile::new(&name, migration.up.render().as_str()),
        losses,
    })
}

async fn states(
    sandbox: &Sandbox,
    database: &Database,
    line: &StatusLine,
    ends: Pair<Catalog>,
) -> Result<Pair<State>> {
    let is_upgraded = ends.before.version.major() != ends.after.version.major();
    let renames = renames(line, &ends);
    let mut live = State::new(ends.before, &*database.name);
    let mut start = State::new(ends.after, format!("the state before `{}`", line.name));
    if is_upgraded {
        live = sandbox.normalize(live).await?;
        start = sandbox.normalize(start).await?;
    }
    // The embedded server takes one connection, which the run has.
    live.live = database.target.folder().is_none().then(|| database.target.clone());
    start.renames = renames;
    Ok(Pair { before: live, after: start })
}

/// The renames that the revision has made, in reverse. Without a header they are detected.
fn renames(line: &StatusLine, ends: &Pair<Catalog>) -> Renames {
    let header = line.revision.as_ref().and_then(|revision| revision.header.as_ref());
    let Some(header) = header else {
        return Renames { ambiguous: Some(AmbiguousRenames::Detect), ..Renames::default() };
    };
    let is_done = |rename: &&Rename| {
        let Pair { before, after } = &rename.object;
        rename.value.is_none()
            && ends.before.contains(after)
            && !ends.before.contains(before)
            && ends.after.contains(before)
    };
    let place = crate::error::Place { file: line.name.clone(), text: "".into(), span: 0..0 };
    let requested = header.renamed.iter().filter(is_done).map(|rename| RequestedRename {
        object: rename.object.before.clone(),
        value: None,
        from: vec![rename.object.after.name().to_owned()],
        place: place.clone(),
    });
    Renames { requested: requested.collect(), ambiguous: Some(AmbiguousRenames::Drop), ..Renames::default() }
}
