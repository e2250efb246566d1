//! The pre-merge job: the folder of migrations by itself, all on scratch databases.

use crate::declare::sql::{SourceFile, replay_files, roles_of};
use crate::diff;
use crate::error::text::count;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::manage::Manage;
use crate::model::{Catalog, Difference, Fingerprint, Pair};
use crate::proof::{self, dump};
use crate::revision::{Folder, Order, Revision, chain, slug};
use crate::sandbox::State;
use crate::sandbox::{self, Sandbox};
use crate::scratch::{RoleStub, ScratchDatabase};

/// What was looked at.
#[derive(Debug)]
pub struct Report {
    /// What is wrong; nothing when all is well.
    pub findings: Vec<Diagnostic>,
    /// How many revisions went up, down and up again.
    pub revisions: usize,
    /// Whether `pg_dump` looked too.
    pub dump: bool,
}

/// Checks a folder: names, heads and rollbacks; every revision up, down and up again from nothing; that the
/// last leads to the target, where one is given.
///
/// # Errors
/// What keeps the check itself from being made.
pub async fn check(sandbox: &Sandbox, folder: &Folder, target: Option<(&State, &Manage)>) -> Result<Report> {
    let mut report = Report { findings: Vec::new(), revisions: 0, dump: false };
    let revisions = match folder.revisions() {
        Ok(revisions) => revisions,
        Err(Error::Diagnostics(wrong)) => return Ok(Report { findings: wrong, ..report }),
        Err(other) => return Err(other),
    };
    report.findings.extend(chain(&revisions).into_iter().map(|doubt| doubt.diagnostic));
    report.findings.extend(revisions.iter().flat_map(files));
    let Some(reached) = replay(sandbox, &revisions, &mut report).await? else { return Ok(report) };
    if let Some((target, manage)) = target {
        let (target, _) = manage.apply(&target.catalog, &reached);
        let finding = leads_elsewhere(sandbox, &reached, target).await?;
        report.findings.extend(finding);
    }
    Ok(report)
}

/// What a revision's files tell by themselves.
fn files(revision: &Revision) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    let name = &revision.name;
    let at = |diagnostic: Diagnostic| diagnostic.at(revision.up.place(0..0));
    if revision.rollback.is_none() {
        let missing = Diagnostic::new(codes::REVISION, format!("`{name}` has no rollback"));
        wrong.push(at(missing.help("write one, so that it can be taken back")));
    }
    if let Some((_, words)) = Order::read(name)
        && slug(words) != words
    {
        let odd = Diagnostic::new(codes::REVISION, format!("`{name}` is not named as revisions are"));
        wrong.push(at(odd.help(format!("lower-case letters, digits and `_`: {}", slug(words)))));
    }
    if let Some(head) = &revision.head
        && head.name != *name
    {
        let other = format!("`{name}` calls itself `{}` in its head", head.name);
        wrong.push(at(
            Diagnostic::new(codes::REVISION, other).help("it was renamed: write its name into its head")
        ));
    }
    if let Some(head) = &revision.head
        && head.proof.starts_with("NONE")
    {
        let unproved = Diagnostic::new(codes::VERIFY, format!("`{name}` was written with --no-verify"));
        wrong.push(at(
            unproved.help("generate it again without, or remove the line `Proof` once you have tried it")
        ));
    }
    wrong
}

/// A scratch database on which revisions go up and down, and who looks at it.
struct Track<'a> {
    sandbox: &'a Sandbox,
    database: ScratchDatabase,
    observer: dump::PgDump,
}

/// What was seen of it at one point.
struct Seen {
    catalog: Catalog,
    dump: Option<dump::Dump>,
}

impl Track<'_> {
    async fn run(&self, file: &SourceFile) -> Result<()> {
        replay_files(std::slice::from_ref(file), &self.database.session).await.map(drop)
    }

    async fn look(&self) -> Result<Seen> {
        let catalog = sandbox::read_catalog(&self.database).await?;
        Ok(Seen { catalog, dump: self.observer.dump(self.database.target()).await? })
    }

    /// What differs between two points, in words.
    async fn difference(&self, wanted: &Seen, found: &Seen) -> Result<Option<String>> {
        let sides = Pair { before: &wanted.catalog, after: &found.catalog };
        if !diff::diff(sides).is_empty() {
            let (sides, changes) = proof::differences(self.sandbox, sides).await?;
            if let Some(first) = changes.first() {
                let more = changes.len() - 1;
                let more = if more > 0 {
                    format!("and {}\n", count(more, "more difference"))
                } else {
                    String::new()
                };
                return Ok(Some(format!("{}{more}", proof::first_difference(first, sides.as_ref()))));
            }
        }
        let (Some(wanted), Some(found)) = (&wanted.dump, &found.dump) else { return Ok(None) };
        match self.observer.compare(self.sandbox, wanted, found, "pg_dump sees a difference").await {
            Ok(()) => Ok(None),
            Err(Error::Diagnostics(wrong)) => {
                Ok(wrong.first().map(|one| one.help.first().cloned().unwrap_or_default()))
            }
            Err(other) => Err(other),
        }
    }
}

/// Every revision up, down and up again. Gives the state that they lead to; none where one cannot be run.
async fn replay(sandbox: &Sandbox, revisions: &[Revision], report: &mut Report) -> Result<Option<Catalog>> {
    let rollbacks = revisions.iter().filter_map(|revision| revision.rollback.clone());
    let files: Vec<SourceFile> =
        revisions.iter().map(|revision| revision.up.clone()).chain(rollbacks).collect();
    let roles: Vec<RoleStub> = roles_of(&files).into_iter().map(RoleStub::new).collect();
    let mut track = fresh(sandbox, &roles).await?;
    for (i, revision) in revisions.iter().enumerate() {
        tracing::info!("checking {}, {} of {}", revision.name, i + 1, revisions.len());
        let before = track.look().await?;
        report.dump |= before.dump.is_some();
        if let Err(error) = track.run(&revision.up).await {
            report.findings.extend(failed(error, &format!("`{}` does not run", revision.name))?);
            track.database.drop_now().await?;
            return Ok(None);
        }
        let after = track.look().await?;
        report.findings.extend(edited(revision, &before.catalog, &after.catalog));
        if let Some(rollback) = &revision.rollback {
            let finding =
                up_and_down(&track, revision, rollback, Pair { before: &before, after: &after }).await?;
            if let Some(finding) = finding {
                report.findings.extend(finding);
                // Nobody knows where this one is now.
                track.database.drop_now().await?;
                track = fresh(sandbox, &roles).await?;
                for revision in &revisions[..=i] {
                    track.run(&revision.up).await?;
                }
            }
        }
        report.revisions += 1;
    }
    let reached = track.look().await?;
    track.database.drop_now().await?;
    Ok(Some(reached.catalog))
}

async fn fresh<'a>(sandbox: &'a Sandbox, roles: &[RoleStub]) -> Result<Track<'a>> {
    let database = sandbox.replay(&[]).await?.database;
    database.stub_roles(roles).await?;
    Ok(Track { sandbox, database, observer: dump::PgDump::find(sandbox).await? })
}

async fn up_and_down(
    track: &Track<'_>,
    revision: &Revision,
    rollback: &SourceFile,
    seen: Pair<&Seen>,
) -> Result<Option<Vec<Diagnostic>>> {
    let name = &revision.name;
    if let Err(error) = track.run(rollback).await {
        return failed(error, &format!("the rollback of `{name}` does not run")).map(Some);
    }
    let returned = track.look().await?;
    if let Some(text) = track.difference(seen.before, &returned).await? {
        let what = format!("the rollback of `{name}` does not lead back to where it began");
        return Ok(Some(vec![differs(what, rollback, &text)]));
    }
    if let Err(error) = track.run(&revision.up).await {
        return failed(error, &format!("`{name}` does not run a second time, after its rollback")).map(Some);
    }
    let again = track.look().await?;
    if let Some(text) = track.difference(seen.after, &again).await? {
        let what = format!("`{name}` leads elsewhere when it runs again after its rollback");
        return Ok(Some(vec![differs(what, &revision.up, &text)]));
    }
    Ok(None)
}

fn differs(what: String, file: &SourceFile, text: &str) -> Diagnostic {
    Diagnostic::new(codes::VERIFY, what)
        .at(file.place(0..0))
        .help(format!("the first difference:\n{}", text.trim_end()))
}

/// What a file met, as findings; what is about the server is an error of the check.
fn failed(error: Error, what: &str) -> Result<Vec<Diagnostic>> {
    match error {
        Error::Diagnostics(mut wrong) => {
            for one in &mut wrong {
                one.message = format!("{what}: {}", one.message);
            }
            Ok(wrong)
        }
        Error::Server(error) => Ok(vec![Diagnostic::new(codes::APPLY, format!("{what}: {error}"))]),
        other => Err(other),
    }
}

/// Whether a revision starts and ends where its head says.
fn edited(revision: &Revision, before: &Catalog, after: &Catalog) -> Vec<Diagnostic> {
    let Some(head) = &revision.head else { return Vec::new() };
    let states = [("starts from", &head.from, before), ("leads to", &head.to, after)];
    let wrong = states
        .iter()
        .filter(|(_, said, found)| said.as_ref().is_some_and(|said| said.differs(&Fingerprint::of(found))));
    wrong
        .map(|(verb, ..)| {
            let what = format!("`{}` {verb} another state than its head says", revision.name);
            Diagnostic::new(codes::REVISION, what)
                .at(revision.up.place(0..0))
                .help("it was edited, or the one before it: where that is meant, remove `From` and `To` from its head")
        })
        .collect()
}

/// What the target has and the migrations do not lead to.
async fn leads_elsewhere(
    sandbox: &Sandbox,
    reached: &Catalog,
    mut wanted: Catalog,
) -> Result<Vec<Diagnostic>> {
    diff::inherit_unset(&mut wanted, reached);
    let (_, changes) = proof::differences(sandbox, Pair { before: reached, after: &wanted }).await?;
    Ok(changes
        .iter()
        .map(|change| {
            let what = match &change.what {
                Difference::Missing => format!("the migrations make {}, which the target has not", change.id),
                Difference::Added => {
                    format!("the target has {}, which the migrations do not make", change.id)
                }
                Difference::Altered(names) => {
                    format!("the migrations make {} with another {}", change.id, names.join(", "))
                }
            };
            Diagnostic::new(codes::DRIFT, what).help("write the migration: schemadiff generate")
        })
        .collect())
}
