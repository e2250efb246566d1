//! Migration files, run in order as `psql -f` runs them.
//!
//! Unlike declarations they may hold data, they keep their order and their transactions, and
//! the first error ends them.

use crate::db::Session;
use crate::error::{Diagnostic, Error, Result, codes};

use super::batch::{Batch, Refused, must_run_alone};
use super::class::StatementClass;
use super::explain;
use super::file::SourceFile;
use super::split::{Statement, split};

/// What was replayed.
#[derive(Debug)]
pub struct ReplaySummary {
    /// Every statement of the files, in their order.
    pub statements: Vec<Statement>,
    /// How many of them were left out because they are about roles or the cluster.
    pub left_out: usize,
}

/// Runs `files` one after the other, each as if in a session of its own.
///
/// Statements about roles, memberships and the cluster are left out: a scratch database shares
/// its cluster with others, and the roles that the files name or create are there already
/// ([`roles_of`](super::roles_of)). Everything else runs, outside of BEGIN and COMMIT by itself.
pub async fn replay_files(files: &[SourceFile], session: &Session) -> Result<ReplaySummary> {
    let mut replayed = ReplaySummary { statements: Vec::new(), left_out: 0 };
    for file in files {
        let split = split(file);
        if !split.diagnostics.is_empty() {
            return Err(Error::Diagnostics(split.diagnostics));
        }
        if let Some(copy) = split.statements.iter().find(|statement| statement.copies) {
            return Err(Diagnostic::new(codes::STATEMENT, "COPY with rows of psql's cannot be replayed")
                .at(copy.place.clone())
                .help("write the rows as INSERT: `pg_dump --inserts`")
                .into());
        }
        session.reset().await?;
        session.run("SET client_min_messages = error").await?;
        let outcome = replay(&split.statements, session).await;
        // A file that forgets its COMMIT loses what it did, as with psql.
        if outcome.as_ref().is_err_and(|error| !matches!(error, Error::Diagnostics(_))) {
            outcome?;
        } else {
            session.run("ROLLBACK").await?;
            session.reset().await?;
            session.restore_settings().await?;
            replayed.left_out += outcome?;
        }
        replayed.statements.extend(split.statements);
    }
    Ok(replayed)
}

/// Runs the statements of one file; gives how many were left out.
async fn replay(statements: &[Statement], session: &Session) -> Result<usize> {
    let mut left_out = 0;
    let mut group: Vec<usize> = Vec::new();
    let mut open = false;
    for (i, statement) in statements.iter().enumerate() {
        match statement.class {
            StatementClass::Role | StatementClass::Cluster => {
                left_out += 1;
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
        // A block may commit by itself, which no batch allows.
        let alone = matches!(statement.word.as_str(), "DO" | "CALL" | "VACUUM");
        if alone || group.len() == 256 {
            run(statements, &std::mem::take(&mut group), open, session).await?;
        }
        if alone {
            run(statements, &[i], open, session).await?;
        } else {
            group.push(i);
        }
    }
    run(statements, &group, open, session).await?;
    Ok(left_out)
}

/// Runs statements that follow each other, in one message where that makes no difference.
async fn run(statements: &[Statement], group: &[usize], open: bool, session: &Session) -> Result<()> {
    if group.is_empty() {
        return Ok(());
    }
    let Err(refused) = send(statements, group, session).await? else { return Ok(()) };
    let failed =
        |refused: &Refused| explain::statement_error(&statements[refused.item], &refused.error).into();
    if open || group.len() == 1 || !must_run_alone(&refused.error) {
        return Err(failed(&refused));
    }
    // The message was rolled back as a whole, so that each may run by itself now.
    for &i in group {
        if let Err(refused) = send(statements, &[i], session).await? {
            return Err(failed(&refused));
        }
    }
    Ok(())
}

async fn send(statements: &[Statement], group: &[usize], session: &Session) -> Result<Result<(), Refused>> {
    let mut batch = Batch::default();
    for &i in group {
        batch.add(i, statements[i].sent(session));
    }
    batch.run(session).await
}
