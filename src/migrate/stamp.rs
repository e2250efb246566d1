//! Records revisions as applied, and forgets them, without running anything.

use super::migrator::Migrator;
use super::revision_status::{RevisionStatus, StatusLine};
use super::{journal, record};
use crate::db::Session;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::sql::{Literal, Sql};
use crate::model::{Catalog, Fingerprint};
use crate::revision::Revision;
use crate::sql;

impl Migrator {
    /// Records revisions as applied, in this order. `catalog` is the catalog after the last one; those of the others are
    /// not known. A revision that is half applied is finished by this.
    ///
    /// # Errors
    /// Returns an error if the records cannot be written; then none is.
    pub async fn stamp(&self, revisions: &[Revision], catalog: &Catalog) -> Result<()> {
        let hash = Fingerprint::of(catalog).hash;
        let mut statements = Vec::new();
        for revision in revisions {
            let name = &revision.name;
            statements.push(record::insert(name, &revision.checksum(), &hash));
            statements.push(sql!("DELETE FROM schemadiff.starts WHERE revision = {}", Literal(name)));
            statements.push(journal::close(name));
        }
        if let Some(last) = revisions.last() {
            statements.push(record::store_catalog_after(&last.name, catalog, None));
        }
        self.write(&statements).await
    }

    /// Deletes the records of revisions. A rollback that is half done is finished by this.
    ///
    /// # Errors
    /// Returns an error if the records cannot be deleted; then none is.
    pub async fn unstamp(&self, names: &[String]) -> Result<()> {
        let statements: Vec<Sql> =
            names.iter().flat_map(|name| [record::delete(name), journal::close(name)]).collect();
        self.write(&statements).await
    }

    /// Runs statements in one transaction.
    async fn write(&self, statements: &[Sql]) -> Result<()> {
        let session = self.session().await?;
        let written = session.run(sql!("BEGIN;\n{};\nCOMMIT", Sql::join(statements, ";\n")).as_str()).await;
        if written.is_err() {
            // The first error is reported, not that of the rollback.
            let _ = session.run("ROLLBACK").await;
        }
        written
    }
}

/// Returns true if no revision was ever applied, begun or recorded in the database.
///
/// # Errors
/// Returns an error if the records cannot be read.
pub async fn has_no_history(session: &Session) -> Result<bool> {
    if !record::exists(session).await? {
        return Ok(true);
    }
    let rows = session
        .rows(
            "SELECT FROM schemadiff.schema_migrations UNION ALL (SELECT FROM schemadiff.journal LIMIT 1) LIMIT 1",
        )
        .await
        .map_err(|error| super::tables::unreadable(error, session))?;
    Ok(rows.is_empty())
}

/// Returns the revisions of these names, in order, to be recorded as applied.
///
/// # Errors
/// Returns an error if one of them is applied already, or if an earlier revision is neither applied nor among them.
pub fn to_stamp(lines: &[StatusLine], names: &[String]) -> Result<Vec<Revision>> {
    let chosen = |line: &StatusLine| names.contains(&line.name);
    let last = lines.iter().rposition(chosen).unwrap_or(0);
    let mut wrong = Vec::new();
    let mut revisions = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let name = &line.name;
        match (line.status, &line.revision) {
            (RevisionStatus::PartlyRolledBack, _) => wrong.push(unfinished_rollback(line)),
            (RevisionStatus::Applied | RevisionStatus::Changed | RevisionStatus::Missing, _)
                if chosen(line) =>
            {
                wrong.push(already_applied(line));
            }
            (
                RevisionStatus::Pending | RevisionStatus::Interrupted | RevisionStatus::OutOfOrder,
                Some(revision),
            ) => {
                if chosen(line) {
                    revisions.push(revision.clone());
                } else if i < last {
                    wrong.push(earlier_is_pending(name, &lines[last].name));
                }
            }
            _ => {}
        }
    }
    if wrong.is_empty() { Ok(revisions) } else { Err(Error::Diagnostics(wrong)) }
}

/// Checks that the records of these revisions can be deleted.
///
/// # Errors
/// Returns an error if one of them is not applied, or if a later revision is applied and not among them.
pub fn check_unstamp(lines: &[StatusLine], names: &[String]) -> Result<()> {
    let chosen = |line: &StatusLine| names.contains(&line.name);
    let mut wrong = Vec::new();
    for line in lines.iter().filter(|line| chosen(line) && line.record.is_none()) {
        let what = format!("`{}` is not applied", line.name);
        wrong.push(
            Diagnostic::new(codes::REVISION, what)
                .help("list the applied revisions with `schemadiff status`"),
        );
    }
    // Revisions without files have no position.
    let in_folder = || lines.iter().filter(|line| line.revision.is_some() && line.record.is_some());
    if let Some(first) = in_folder().find(|line| chosen(line)) {
        let later = in_folder().skip_while(|line| line.name != first.name).filter(|line| !chosen(line));
        wrong.extend(later.map(|later| later_is_applied(&first.name, &later.name)));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Diagnostics(wrong)) }
}

fn already_applied(line: &StatusLine) -> Diagnostic {
    let name = &line.name;
    let at = line.record.as_ref().map_or("", |record| record.applied_at.as_str());
    Diagnostic::new(codes::REVISION, format!("`{name}` is already applied ({at} UTC)"))
        .help(format!("`schemadiff unstamp {name}` deletes its record"))
}

fn unfinished_rollback(line: &StatusLine) -> Diagnostic {
    let name = &line.name;
    let unfinished = Diagnostic::new(codes::REVISION, format!("the rollback of `{name}` is unfinished"))
        .help("finish it with `schemadiff rollback`");
    match line.record {
        Some(_) => unfinished
            .help(format!("or, if you finished it by hand, delete the record: `schemadiff unstamp {name}`")),
        None => unfinished,
    }
}

fn earlier_is_pending(earlier: &str, later: &str) -> Diagnostic {
    let what = format!("`{later}` cannot be recorded, because the earlier `{earlier}` is not applied");
    Diagnostic::new(codes::REVISION, what)
        .help(format!("apply it with `schemadiff migrate --to {earlier}`"))
        .help(format!("or record both: `schemadiff stamp {earlier} {later}`"))
}

fn later_is_applied(earlier: &str, later: &str) -> Diagnostic {
    let what = format!("the record of `{earlier}` cannot be deleted, because the later `{later}` is applied");
    Diagnostic::new(codes::REVISION, what)
        .help(format!("delete both: `schemadiff unstamp {earlier} {later}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::sql::SourceFile;
    use crate::migrate::{Record, compare};
    use crate::revision::Order;

    fn lines(applied: &[&str]) -> Vec<StatusLine> {
        let revision = |name: &str| Revision {
            name: name.into(),
            order: Order::read(name).unwrap().0,
            up: SourceFile::new(name, "SELECT 1"),
            rollback: None,
            header: None,
        };
        let all: Vec<Revision> = ["1_a", "2_b", "3_c"].map(revision).into();
        let record =
            |name: &&str| Record { name: (*name).into(), checksum: all[0].checksum(), ..Record::default() };
        compare(&all, &applied.iter().map(record).collect::<Vec<_>>())
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn revisions_to_stamp() {
        let stamped = |applied: &[&str], chosen: &[&str]| match to_stamp(&lines(applied), &names(chosen)) {
            Ok(revisions) => {
                revisions.into_iter().map(|revision| revision.name).collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(stamped(&[], &["2_b", "1_a"]), "1_a 2_b");
        assert_eq!(stamped(&["1_a", "3_c"], &["2_b"]), "2_b");
        assert!(stamped(&["1_a"], &["1_a"]).contains("`1_a` is already applied"));
        assert!(stamped(&["1_a"], &["3_c"]).contains("the earlier `2_b` is not applied"));
    }

    #[test]
    fn revisions_to_unstamp() {
        let result = |applied: &[&str], chosen: &[&str]| {
            check_unstamp(&lines(applied), &names(chosen))
                .map_or_else(|error| error.to_string(), |()| "ok".into())
        };
        assert_eq!(result(&["1_a", "2_b"], &["2_b"]), "ok");
        assert_eq!(result(&["1_a", "2_b"], &["1_a", "2_b"]), "ok");
        assert_eq!(result(&["1_a", "0_z"], &["0_z"]), "ok");
        assert!(result(&["1_a"], &["2_b"]).contains("`2_b` is not applied"));
        assert!(result(&["1_a", "2_b"], &["1_a"]).contains("the later `2_b` is applied"));
    }
}
