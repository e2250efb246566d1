//! What `migrate` says if a database already has objects that revisions would create.

use super::project::Project;
use super::replayed;
use crate::catalog;
use crate::config::Database;
use crate::db::Session;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::kinds::KindName;
use crate::manage::ManagePolicy;
use crate::migrate::{self, Migrator, RevisionStatus};
use crate::model::{Catalog, Fingerprint, ObjectId, Pair};
use crate::revision::Revision;

/// Refuses a database in which no revision was ever recorded and which nevertheless has tables or other objects in
/// schemas. What `manage:` excludes does not count; nor do schemas, extensions and privileges, which often exist before
/// the first migration.
///
/// # Errors
/// Returns an error that names the commands with which such a database is adopted.
pub async fn refuse_unknown_database(project: &Project<'_>, database: &Database) -> Result<()> {
    let session = Session::connect(&database.target).await?;
    let read = async {
        if !migrate::has_no_history(&session).await? {
            return Ok::<_, Error>(None);
        }
        let live = catalog::read(&session).await?;
        // Another run may have started in between, and its objects are not of unknown origin.
        Ok(migrate::has_no_history(&session).await?.then_some(live))
    };
    let live = read.await;
    session.close().await;
    let Some(live) = live? else { return Ok(()) };
    let objects = managed_objects(project, &live);
    let Some(first) = objects.first() else { return Ok(()) };
    let (name, option) = (&database.name, database.option());
    let more = if objects.len() > 1 { format!(" and {} more", objects.len() - 1) } else { String::new() };
    let what = format!("{name} has objects, but no revision is recorded there: {first}{more}");
    Err(Diagnostic::new(codes::REVISION, what)
        .help(format!(
            "if it has what the revisions produce, compare and record them: `schemadiff baseline {option}`; \
             `schemadiff stamp {option} REVISION` records one without a comparison"
        ))
        .help("if the revisions do not describe it yet, start from it: `schemadiff init FOLDER --from URL`")
        .help("if the revisions are meant to run beside these objects, proceed with --allow existing")
        .into())
}

/// Returns the managed objects that are directly in a schema, in order.
fn managed_objects<'a>(project: &Project<'_>, live: &'a Catalog) -> Vec<&'a ObjectId> {
    let sides = Pair { before: live, after: live };
    let is_part = |id: &ObjectId| live.parent(id).is_some_and(|parent| parent.kind != KindName::Schema);
    let mut objects: Vec<&ObjectId> = live
        .objects
        .keys()
        .filter(|id| id.schema().is_some() && !is_part(id))
        .filter(|id| project.config.manage.policy(id, sides) == ManagePolicy::Manage)
        .collect();
    objects.sort();
    objects
}

/// Refuses to run revisions if the database has drifted to the state after one of them, according to its header: someone
/// made the change by hand and declared it afterwards.
///
/// # Errors
/// Returns an error that says how to record the revisions.
pub fn refuse_existing_state(database: &Database, pending: &[Revision], sides: Pair<&Catalog>) -> Result<()> {
    let (before, live) = (Fingerprint::of(sides.before), Fingerprint::of(sides.after));
    if before == live {
        return Ok(());
    }
    let to = |revision: &Revision| revision.header.as_ref().and_then(|header| header.to.clone());
    let Some(last) = pending.iter().rposition(|revision| to(revision).as_ref() == Some(&live)) else {
        return Ok(());
    };
    let what = format!("{} already has the schema that `{}` produces", database.name, pending[last].name);
    Err(Diagnostic::new(codes::REVISION, what).help(how_to_stamp(database, &pending[..=last])).into())
}

/// Adds to the failure of a revision that the database already has the schema that the revision produces, if so.
pub async fn explain_failure(
    project: &Project<'_>,
    database: &Database,
    migrator: &Migrator,
    revisions: &[Revision],
    failure: Error,
) -> Error {
    let Error::Diagnostics(mut diagnostics) = failure else { return failure };
    match failed_revision(project, database, migrator, revisions).await {
        Ok(Some(revision)) => {
            if let Some(first) = diagnostics.first_mut() {
                let stamp = how_to_stamp(database, std::slice::from_ref(revision));
                let (name, revision) = (&database.name, &revision.name);
                first.help.push(format!("{name} already has the schema that `{revision}` produces; {stamp}"));
            }
        }
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "cannot compare the database with the failed revision"),
    }
    Error::Diagnostics(diagnostics)
}

/// Returns the first revision that is not applied, if the database has the schema that it produces.
async fn failed_revision<'a>(
    project: &Project<'_>,
    database: &Database,
    migrator: &Migrator,
    revisions: &'a [Revision],
) -> Result<Option<&'a Revision>> {
    let lines = migrate::status(migrator.session().await?, revisions).await?;
    let is_pending = |revision: &Revision| {
        lines.iter().any(|line| line.name == revision.name && line.status != RevisionStatus::Applied)
    };
    let Some(failed) = revisions.iter().position(is_pending) else { return Ok(None) };
    let live = migrator.catalog().await?;
    let drift = replayed::compare(project, database, &revisions[..=failed], &live).await?;
    Ok(drift.differences.is_empty().then_some(&revisions[failed]))
}

fn how_to_stamp(database: &Database, revisions: &[Revision]) -> String {
    let names: Vec<&str> = revisions.iter().map(|revision| revision.name.as_str()).collect();
    format!("record it without running it: `schemadiff stamp {} {}`", database.option(), names.join(" "))
}
