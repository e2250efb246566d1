//! Runs migration files in order, as `psql -f` does.
//!
//! Unlike declarations, migrations may change data, they run in their order and with their transactions, and the first
//! error ends the run.

use crate::db::Session;
use crate::error::{Diagnostic, Error, Result, codes};

use super::batch::{Batch, BatchError, must_run_alone};
use super::class::StatementClass;
use super::explain;
use super::file::SourceFile;
use super::split::{Statement, split};

/// The maximum number of statements in one message.
const MAX_STATEMENTS: usize = 256;

/// The result of a replay.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReplaySummary {
    /// The statements of the files, in order.
    pub statements: Vec<Statement>,
    /// The number of statements that were skipped because they are about roles or the cluster.
    pub skipped: usize,
}

/// Runs files one after the other, each as if in a session of its own.
///
/// Statements about roles, memberships and the cluster are skipped: a scratch database shares its cluster with others,
/// and the roles that the files name or create must exist already ([`roles_of`](super::roles_of)). All others run, each
/// in its own transaction unless it is between BEGIN and COMMIT.
///
/// # Errors
/// Returns an error if a file cannot be split or a statement fails.
pub async fn replay_files(files: &[SourceFile], session: &Session) -> Result<ReplaySummary> {
    let mut replayed = ReplaySummary { statements: Vec::new(), skipped: 0 };
    for file in files {
        let split = split(file);
        if !split.diagnostics.is_empty() {
            return Err(Error::Diagnostics(split.diagnostics));
        }
        if let Some(copy) = split.statements.iter().find(|statement| statement.copies) {
            return Err(Diagnostic::new(codes::STATEMENT, "COPY ... FROM stdin cannot be replayed")
                .at(copy.place.clone())
                .help("write the rows as INSERT statements: `pg_dump --inserts`")
                .into());
        }
        session.reset().await?;
        session.run("SET client_min_messages = error").await?;
        let outcome = replay(&split.statements, session).await;
        // As in psql, a transaction that is still open at the end of the file is rolled back.
        if outcome.as_ref().is_err_and(|error| !matches!(error, Error::Diagnostics(_))) {
            outcome?;
        } else {
            session.run("ROLLBACK").await?;
            session.reset().await?;
            session.restore_settings().await?;
            replayed.skipped += outcome?;
        }
        replayed.statements.extend(split.statements);
    }
    Ok(replayed)
}

/// Runs the statements of one file and returns the number of those that were skipped.
async fn replay(statements: &[Statement], session: &Session) -> Result<usize> {
    let mut skipped = 0;
    let mut group: Vec<usize> = Vec::new();
    let mut open = false;
    for (i, statement) in statements.iter().enumerate() {
        match statement.class {
            StatementClass::Role | StatementClass::Cluster => {
                skipped += 1;
                continue;
            }
            StatementClass::Transaction | StatementClass::Session => {
                run(statements, &std::mem::take(&mut group), open, session).await?;
                run(statements, &[i], open, session).await?;
                open = statement.opens().unwrap_or(open);
                continue;
            }
            StatementClass::Declaration
            | StatementClass::Ordered
            | StatementClass::Data
            | StatementClass::Remote
            | StatementClass::Unparsed => {}
        }
        // These statements may commit, which is not possible in a batch.
        let alone = matches!(statement.word.as_str(), "DO" | "CALL" | "VACUUM");
        if alone || group.len() == MAX_STATEMENTS {
            run(statements, &std::mem::take(&mut group), open, session).await?;
        }
        if alone {
            run(statements, &[i], open, session).await?;
        } else {
            group.push(i);
        }
    }
    run(statements, &group, open, session).await?;
    Ok(skipped)
}

/// Runs consecutive statements in one message, or one by one if one of them cannot run in a batch.
async fn run(statements: &[Statement], group: &[usize], open: bool, session: &Session) -> Result<()> {
    if group.is_empty() {
        return Ok(());
    }
    let Err(refused) = send(statements, group, session).await? else { return Ok(()) };
    let failed = |refused: &BatchError| {
        explain::statement_error(&statements[refused.statement], &refused.error).into()
    };
    if open || group.len() == 1 || !must_run_alone(&refused.error) {
        return Err(failed(&refused));
    }
    // The whole message was rolled back, so every statement must run again.
    for &i in group {
        if let Err(refused) = send(statements, &[i], session).await? {
            return Err(failed(&refused));
        }
    }
    Ok(())
}

async fn send(
    statements: &[Statement],
    group: &[usize],
    session: &Session,
) -> Result<Result<(), BatchError>> {
    let mut batch = Batch::default();
    for &i in group {
        batch.add(i, statements[i].text_for(session));
    }
    batch.run(session).await
}
