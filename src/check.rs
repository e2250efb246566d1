//! The check of a project's migrations before a merge: names, headers, rehearsals, and the target.

use crate::declare::sql::{SourceFile, replay_files, roles_of};
use crate::diff;
use crate::error::text::count;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::manage::Manage;
use crate::model::{Catalog, Difference, Fingerprint, Pair};
use crate::proof::{self, dump};
use crate::revision::{Folder, Order, Revision, chain_breaks, slug};
use crate::sandbox::{self, Sandbox, State};
use crate::scratch::{RoleStub, ScratchDatabase};

/// The result of a check.
#[derive(Debug)]
#[non_exhaustive]
pub struct CheckResult {
    /// The problems found.
    pub findings: Vec<Diagnostic>,
    /// The number of revisions that were rehearsed.
    pub revisions: usize,
    /// Whether the states were compared with `pg_dump` too.
    pub dump: bool,
}

/// Checks a folder of migrations.
///
/// Checks names and headers; rehearses every revision (apply, roll back, apply again), starting from an empty database;
/// and compares the result with the target.
///
/// # Errors
/// Returns an error if the check cannot be made, for example because there is no scratch server. Problems of the
/// migrations are findings.
pub async fn check(
    sandbox: &Sandbox,
    folder: &Folder,
    target: Option<(&State, &Manage)>,
) -> Result<CheckResult> {
    let mut result = CheckResult { findings: Vec::new(), revisions: 0, dump: false };
    let revisions = match folder.revisions() {
        Ok(revisions) => revisions,
        Err(Error::Diagnostics(wrong)) => return Ok(CheckResult { findings: wrong, ..result }),
        Err(other) => return Err(other),
    };
    result.findings.extend(chain_breaks(&revisions).into_iter().map(|problem| problem.diagnostic));
    result.findings.extend(revisions.iter().flat_map(check_files));
    let Some(replayed) = rehearse(sandbox, &revisions, &mut result).await? else { return Ok(result) };
    if let Some((target, manage)) = target {
        let (target, _) = manage.apply(&target.catalog, &replayed);
        result.findings.extend(compare_with_target(sandbox, &replayed, target).await?);
    }
    Ok(result)
}

/// Checks the files of a revision without running them.
fn check_files(revision: &Revision) -> Vec<Diagnostic> {
    let name = &revision.name;
    let finding = |code, message: String, help: String| {
        Diagnostic::new(code, message).at(revision.up.place(0..0)).help(help)
    };
    let mut findings = Vec::new();
    if revision.rollback.is_none() {
        let help = format!("write `{name}_rollback.sql`");
        findings.push(finding(codes::REVISION, format!("`{name}` has no rollback"), help));
    }
    if let Some((_, words)) = Order::read(name)
        && slug(words) != words
    {
        let help = format!("use lower-case letters, digits and `_`: {}", slug(words));
        findings.push(finding(codes::REVISION, format!("invalid revision name `{name}`"), help));
    }
    if let Some(header) = &revision.header {
        if header.name != *name {
            let message = format!("the header of `{name}` names `{}`", header.name);
            let help = "if the file was renamed, write its new name in the header".into();
            findings.push(finding(codes::REVISION, message, help));
        }
        if header.proof.starts_with("NONE") {
            let message = format!("`{name}` was generated with --no-verify");
            let help = "generate it again without --no-verify, or test it and remove the line `Proof`".into();
            findings.push(finding(codes::VERIFY, message, help));
        }
    }
    findings
}

/// A scratch database on which revisions are run, and the `pg_dump` that reads its states too.
struct Rehearsal<'a> {
    sandbox: &'a Sandbox,
    database: ScratchDatabase,
    pg_dump: dump::PgDump,
}

/// A state of the database.
struct ObservedState {
    catalog: Catalog,
    dump: Option<dump::Dump>,
}

impl<'a> Rehearsal<'a> {
    async fn start(sandbox: &'a Sandbox, roles: &[RoleStub]) -> Result<Self> {
        let database = sandbox.replay(&[]).await?.database;
        database.stub_roles(roles).await?;
        Ok(Self { sandbox, database, pg_dump: dump::PgDump::find(sandbox).await? })
    }

    async fn run(&self, file: &SourceFile) -> Result<()> {
        replay_files(std::slice::from_ref(file), &self.database.session).await.map(drop)
    }

    async fn observe(&self) -> Result<ObservedState> {
        let catalog = sandbox::read_catalog(&self.database).await?;
        Ok(ObservedState { catalog, dump: self.pg_dump.dump(self.database.target()).await? })
    }

    /// Describes the first difference between two states.
    async fn difference(&self, expected: &ObservedState, found: &ObservedState) -> Result<Option<String>> {
        let sides = Pair { before: &expected.catalog, after: &found.catalog };
        if !diff::diff(sides).is_empty() {
            let (sides, changes) = proof::differences(self.sandbox, sides).await?;
            if let Some(first) = changes.first() {
                let more = match changes.len() - 1 {
                    0 => String::new(),
                    more => format!("and {}\n", count(more, "more difference")),
                };
                return Ok(Some(format!("{}{more}", proof::first_difference(first, sides.as_ref()))));
            }
        }
        let (Some(expected), Some(found)) = (&expected.dump, &found.dump) else { return Ok(None) };
        match self.pg_dump.compare(self.sandbox, expected, found, "pg_dump reports a difference").await {
            Ok(()) => Ok(None),
            Err(Error::Diagnostics(wrong)) => {
                Ok(wrong.first().map(|one| one.help.first().cloned().unwrap_or_default()))
            }
            Err(other) => Err(other),
        }
    }

    /// Runs the rollback of a revision that has been run, and the revision again. Returns the problems found; after
    /// them the state of the database is undefined.
    async fn down_and_up(
        &self,
        revision: &Revision,
        rollback: &SourceFile,
        states: Pair<&ObservedState>,
    ) -> Result<Vec<Diagnostic>> {
        let name = &revision.name;
        if let Err(error) = self.run(rollback).await {
            return failure(error, &format!("the rollback of `{name}` fails"));
        }
        let rolled_back = self.observe().await?;
        if let Some(text) = self.difference(states.before, &rolled_back).await? {
            let what = format!("the rollback of `{name}` does not restore the schema before `{name}`");
            return Ok(vec![difference_finding(what, rollback, &text)]);
        }
        if let Err(error) = self.run(&revision.up).await {
            return failure(error, &format!("`{name}` fails when it runs again after its rollback"));
        }
        let again = self.observe().await?;
        if let Some(text) = self.difference(states.after, &again).await? {
            let what = format!("`{name}` produces a different schema when it runs again after its rollback");
            return Ok(vec![difference_finding(what, &revision.up, &text)]);
        }
        Ok(Vec::new())
    }
}

/// Rehearses every revision: apply, roll back, apply again. Returns the resulting schema, or none if a revision fails.
async fn rehearse(
    sandbox: &Sandbox,
    revisions: &[Revision],
    result: &mut CheckResult,
) -> Result<Option<Catalog>> {
    let rollbacks = revisions.iter().filter_map(|revision| revision.rollback.clone());
    let files: Vec<SourceFile> =
        revisions.iter().map(|revision| revision.up.clone()).chain(rollbacks).collect();
    let roles: Vec<RoleStub> = roles_of(&files).into_iter().map(RoleStub::new).collect();
    let mut rehearsal = Rehearsal::start(sandbox, &roles).await?;
    for (i, revision) in revisions.iter().enumerate() {
        tracing::info!("checking {}, {} of {}", revision.name, i + 1, revisions.len());
        let before = rehearsal.observe().await?;
        result.dump |= before.dump.is_some();
        if let Err(error) = rehearsal.run(&revision.up).await {
            result.findings.extend(failure(error, &format!("`{}` fails", revision.name))?);
            rehearsal.database.drop_now().await?;
            return Ok(None);
        }
        let after = rehearsal.observe().await?;
        result.findings.extend(compare_with_header(revision, &before.catalog, &after.catalog));
        if let Some(rollback) = &revision.rollback {
            let states = Pair { before: &before, after: &after };
            let findings = rehearsal.down_and_up(revision, rollback, states).await?;
            if !findings.is_empty() {
                result.findings.extend(findings);
                // The state is undefined: start again, up to this revision.
                rehearsal.database.drop_now().await?;
                rehearsal = Rehearsal::start(sandbox, &roles).await?;
                for revision in &revisions[..=i] {
                    rehearsal.run(&revision.up).await?;
                }
            }
        }
        result.revisions += 1;
    }
    let last = rehearsal.observe().await?;
    rehearsal.database.drop_now().await?;
    Ok(Some(last.catalog))
}

fn difference_finding(what: String, file: &SourceFile, difference: &str) -> Diagnostic {
    Diagnostic::new(codes::VERIFY, what)
        .at(file.place(0..0))
        .help(format!("the first difference:\n{}", difference.trim_end()))
}

/// Returns the findings for a file that failed. An error that is not about the file is an error of the check.
fn failure(error: Error, what: &str) -> Result<Vec<Diagnostic>> {
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

/// Compares the schemas before and after a revision with the hashes in its header.
fn compare_with_header(revision: &Revision, before: &Catalog, after: &Catalog) -> Vec<Diagnostic> {
    let Some(header) = &revision.header else { return Vec::new() };
    let states = [("starts from", &header.from, before), ("produces", &header.to, after)];
    let differing = states.iter().filter(|(_, recorded, found)| {
        recorded.as_ref().is_some_and(|recorded| recorded.differs(&Fingerprint::of(found)))
    });
    differing
        .map(|(verb, ..)| {
            let what = format!("`{}` {verb} a schema that differs from its header", revision.name);
            Diagnostic::new(codes::REVISION, what).at(revision.up.place(0..0)).help(
                "this or an earlier migration was edited; if that is intended, remove `From` and `To` from the header",
            )
        })
        .collect()
}

/// Compares the schema that the migrations produce with the target.
async fn compare_with_target(
    sandbox: &Sandbox,
    replayed: &Catalog,
    mut target: Catalog,
) -> Result<Vec<Diagnostic>> {
    diff::inherit_unset(&mut target, replayed);
    let (_, changes) = proof::differences(sandbox, Pair { before: replayed, after: &target }).await?;
    Ok(changes
        .iter()
        .map(|change| {
            let object = &change.id;
            let what = match &change.what {
                Difference::Missing => {
                    format!("{object} is created by the migrations but is not in the target")
                }
                Difference::Added => {
                    format!("{object} is in the target but is not created by the migrations")
                }
                Difference::Altered(names) => {
                    format!("{object} differs between migrations and target: {}", names.join(", "))
                }
            };
            Diagnostic::new(codes::DRIFT, what).help("generate the migration: schemadiff generate")
        })
        .collect())
}
