//! Loads declared SQL into an empty scratch database, in whatever order it is written.
//!
//! Statements run in the order of their files. A statement that fails is retried after others have run, until no retry
//! succeeds; the remaining failures are reported.

use crate::db::Session;
use crate::error::{Diagnostic, Error, Result, ServerError};

use super::analyze::AttachOrder;
use super::batch::{Batch, BatchError, must_run_alone};
use super::class::StatementClass;
use super::directive::StatementDirective;
use super::explain::{self, Failure};
use super::file::SourceFile;
use super::refuse::refuse;
use super::setting::SettingContext;
use super::split::{Statement, split};

/// Declared files that were loaded.
#[derive(Debug)]
#[non_exhaustive]
pub struct LoadedFiles {
    /// The statements of the files, in order.
    pub statements: Vec<Statement>,
    /// The roles that they name, sorted.
    pub roles: Vec<String>,
}

impl LoadedFiles {
    /// Returns the directives, each with the statement to which it belongs.
    pub fn directives(&self) -> impl Iterator<Item = (&Statement, &StatementDirective)> {
        self.statements.iter().flat_map(|s| s.directives.iter().map(move |directive| (s, directive)))
    }
}

/// The maximum number of statements in a message; more do not save time.
const MAX_STATEMENTS: usize = 256;
/// The maximum number of bytes in a message; sending more twice would cost more than the round trips that it saves.
const MAX_BYTES: usize = 256 << 10;

/// Runs the declarations of `files` in an empty database, as its superuser. The roles that they name must exist
/// ([`roles_of`](super::roles_of)).
///
/// # Errors
/// Returns [`Error::Diagnostics`] with all errors in the files.
pub async fn load(files: &[SourceFile], session: &Session) -> Result<LoadedFiles> {
    let mut statements = Vec::new();
    let mut diagnostics = Vec::new();
    for file in files {
        let mut split = split(file);
        diagnostics.append(&mut split.diagnostics);
        diagnostics.extend(refuse(&split.statements));
        statements.append(&mut split.statements);
    }
    diagnostics.extend(missing_extensions(&statements, session).await?);
    if !diagnostics.is_empty() {
        return Err(Error::Diagnostics(diagnostics));
    }
    remove_unknown_settings(&mut statements, session).await?;
    let mut loader = Loader {
        session,
        statements: &statements,
        current: None,
        size: MAX_STATEMENTS,
        done: 0,
        done_at_retry: 0,
    };
    let failures = loader.run().await?;
    session.reset().await?;
    session.restore_settings().await?;
    if !failures.is_empty() {
        return Err(Error::Diagnostics(explain::report_failures(&statements, &failures)));
    }
    let mut roles: Vec<String> = statements.iter().flat_map(|s| s.roles.iter().cloned()).collect();
    roles.sort();
    roles.dedup();
    Ok(LoadedFiles { statements, roles })
}

/// Reports the declared extensions that are not available on the scratch server.
async fn missing_extensions(statements: &[Statement], session: &Session) -> Result<Vec<Diagnostic>> {
    if statements.iter().all(|statement| statement.extension.is_none()) {
        return Ok(Vec::new());
    }
    let rows = session.rows("SELECT name FROM pg_catalog.pg_available_extensions").await?;
    let available: Vec<&str> = rows.iter().filter_map(|row| row.get(0)).collect();
    let missing = statements.iter().filter_map(|statement| {
        let (name, span) = statement.extension.as_ref()?;
        let known = available.contains(&name.as_str());
        (!known).then(|| explain::missing_extension(name).at(statement.place_of(span.clone())))
    });
    Ok(missing.collect())
}

/// Removes settings that the server does not know: a newer `pg_dump` sets parameters such as `transaction_timeout`, and
/// psql continues after the error.
async fn remove_unknown_settings(statements: &mut [Statement], session: &Session) -> Result<()> {
    let mut seen: Vec<String> = Vec::new();
    for statement in statements.iter() {
        for sql in statement.context.statements() {
            if !seen.iter().any(|s| s == sql) {
                seen.push(sql.to_string());
            }
        }
    }
    let mut unknown = Vec::new();
    for sql in seen {
        match session.run(&sql).await {
            Err(Error::Server(error)) if error.code == UNDEFINED_OBJECT => unknown.push(sql),
            // Other settings may become valid when an object is declared; if not, the statements that use them fail.
            Ok(()) | Err(Error::Server(_)) => {}
            Err(other) => return Err(other),
        }
        session.run(&format!("{}; RESET ROLE", session.reset_login())).await?;
    }
    if !unknown.is_empty() {
        for statement in statements {
            statement.context = std::sync::Arc::new(statement.context.without(&unknown));
        }
    }
    Ok(())
}

const UNDEFINED_OBJECT: &str = "42704";

/// The state of loading declarations.
struct Loader<'a> {
    session: &'a Session,
    statements: &'a [Statement],
    /// The settings in force, unknown at first.
    current: Option<SettingContext>,
    /// The number of statements for the next message.
    size: usize,
    /// The number of statements that have run.
    done: usize,
    /// The value of `done` at the last retry: if it has not changed, another retry is useless.
    done_at_retry: usize,
}

impl Loader<'_> {
    /// Runs all statements and returns the final failures.
    async fn run(&mut self) -> Result<Vec<Failure>> {
        let mut pending: Vec<Failure> = Vec::new();
        let mut next: Vec<usize> = Vec::new();
        let mut failures: Vec<Failure> = Vec::new();
        for (i, statement) in self.statements.iter().enumerate() {
            match statement.class {
                StatementClass::Declaration | StatementClass::Unparsed => next.push(i),
                StatementClass::Ordered => {
                    // Run all earlier statements first, and none of the later ones.
                    pending = self.run_with_retries(pending, std::mem::take(&mut next)).await?;
                    let mut failed = self.attempt(&[i]).await?;
                    // A postponed DROP would drop an object that is declared later.
                    if statement.word == "DROP" { &mut failures } else { &mut pending }.append(&mut failed);
                }
                StatementClass::Session
                | StatementClass::Transaction
                | StatementClass::Data
                | StatementClass::Role
                | StatementClass::Cluster
                | StatementClass::Remote => {}
            }
        }
        failures.extend(self.run_with_retries(pending, next).await?);
        Ok(failures)
    }

    /// Runs new statements and retries pending ones until no retry succeeds.
    async fn run_with_retries(&mut self, mut pending: Vec<Failure>, new: Vec<usize>) -> Result<Vec<Failure>> {
        let order = |&i: &usize| self.statements[i].attach_order;
        let (late, early) = if new.iter().any(|i| order(i) == AttachOrder::Attach) {
            new.into_iter().partition(|i| order(i) == AttachOrder::After)
        } else {
            (Vec::new(), new)
        };
        for wave in [early, late] {
            pending = self.run_wave(pending, &wave).await?;
        }
        Ok(pending)
    }

    /// Runs new statements, and retries failed ones as long as others have succeeded since.
    async fn run_wave(&mut self, pending: Vec<Failure>, new: &[usize]) -> Result<Vec<Failure>> {
        let mut failures = pending;
        failures.append(&mut self.attempt(new).await?);
        while !failures.is_empty() && self.done > self.done_at_retry {
            self.done_at_retry = self.done;
            let (permanent, transient): (Vec<_>, Vec<_>) =
                failures.into_iter().partition(|f| is_permanent(&f.error));
            let again: Vec<usize> = transient.iter().map(|failure| failure.statement).collect();
            failures = self.attempt(&again).await?;
            failures.extend(permanent);
        }
        Ok(failures)
    }

    /// Runs statements in order, in messages as large as succeed, and returns those that failed.
    async fn attempt(&mut self, list: &[usize]) -> Result<Vec<Failure>> {
        let mut failed = Vec::new();
        let mut at = 0;
        while at < list.len() {
            let chunk = self.chunk(&list[at..]);
            let Err(failure) = self.send(chunk).await? else {
                at += chunk.len();
                self.size = (self.size * 2).min(MAX_STATEMENTS);
                continue;
            };
            let succeeded = chunk.iter().position(|&i| i == failure.statement).unwrap_or(0);
            if succeeded > 0 && self.send(&chunk[..succeeded]).await?.is_err() {
                // They succeeded in one transaction but not in another, so run them one at a time.
                self.size = 1;
                continue;
            }
            let error = if chunk.len() > 1 && must_run_alone(&failure.error) {
                self.send(&[failure.statement]).await?.err().map(|alone| alone.error)
            } else {
                Some(failure.error)
            };
            failed.extend(error.map(|error| Failure { statement: failure.statement, error }));
            at += succeeded + 1;
            self.size = succeeded.max(1);
        }
        Ok(failed)
    }

    /// Returns the statements for the next message.
    fn chunk<'l>(&self, list: &'l [usize]) -> &'l [usize] {
        let mut bytes = 0;
        let fits = list.iter().take(self.size).take_while(|&&i| {
            bytes += self.statements[i].text.len();
            bytes < MAX_BYTES
        });
        &list[..fits.count().max(1)]
    }

    /// Runs statements with their settings, all of them or none.
    async fn send(&mut self, chunk: &[usize]) -> Result<Result<(), BatchError>> {
        let mut current = self.current.clone();
        let mut batch = Batch::default();
        for &i in chunk {
            let statement = &self.statements[i];
            for sql in statement.context.statements_from(current.as_ref(), self.session.reset_login()) {
                batch.add(i, &sql);
            }
            current = Some((*statement.context).clone());
            if chunk.len() == 1 && !batch.is_empty() {
                // Some statements must be the only one of their message.
                if let Err(failure) = batch.run(self.session).await? {
                    return Ok(Err(failure));
                }
                self.current.clone_from(&current);
                batch = Batch::default();
            }
            batch.add(i, &statement.text);
        }
        let outcome = batch.run(self.session).await?;
        if outcome.is_ok() {
            self.current = current;
            self.done += chunk.len();
        }
        Ok(outcome)
    }
}

/// Whether a retry cannot succeed: a syntax error or a duplicate declaration.
fn is_permanent(error: &ServerError) -> bool {
    error.code == explain::SYNTAX_ERROR || explain::is_duplicate(error)
}
