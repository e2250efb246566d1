//! Declared SQL on an empty scratch database, in whatever order it is written.
//!
//! Statements run in the order of their files. One that the server refuses is put off and tried
//! again once others have run, until nothing moves; what is left then is wrong.

use crate::db::Session;
use crate::error::{Diagnostic, Error, Result, ServerError};

use super::batch::{Batch, Refused, must_run_alone};
use super::class::{Part, StatementClass};
use super::directive::Directive;
use super::explain::{self, Failure};
use super::file::SourceFile;
use super::refuse::refuse;
use super::setting::Context;
use super::split::{Statement, split};

/// What was loaded.
#[derive(Debug)]
pub struct Loaded {
    /// Every statement of the files, in their order.
    pub statements: Vec<Statement>,
    /// Every role that they name, sorted.
    pub roles: Vec<String>,
}

impl Loaded {
    /// Every intent with the statement that it stands beside.
    pub fn directives(&self) -> impl Iterator<Item = (&Statement, &Directive)> {
        self.statements.iter().flat_map(|s| s.directives.iter().map(move |directive| (s, directive)))
    }
}

/// More statements than this in a message save no more time.
const MOST: usize = 256;
/// More bytes than this in a message cost more to send twice than round trips do.
const MOST_BYTES: usize = 256 << 10;

/// Runs the declarations of `files` on an empty database, as its superuser.
///
/// The roles that they name must be there ([`roles_of`](super::roles_of)). What is wrong comes
/// back as [`Error::Diagnostics`], everything at once.
pub async fn load(files: &[SourceFile], session: &Session) -> Result<Loaded> {
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
    leave_out_unknown_settings(&mut statements, session).await?;
    let mut loader =
        Loader { session, statements: &statements, current: None, size: MOST, done: 0, tried: 0 };
    let failures = loader.run().await?;
    session.reset().await?;
    session.restore_settings().await?;
    if !failures.is_empty() {
        return Err(Error::Diagnostics(explain::declarations(&statements, &failures)));
    }
    let mut roles: Vec<String> = statements.iter().flat_map(|s| s.roles.iter().cloned()).collect();
    roles.sort();
    roles.dedup();
    Ok(Loaded { statements, roles })
}

/// Extensions that are declared and that the scratch server does not have.
async fn missing_extensions(statements: &[Statement], session: &Session) -> Result<Vec<Diagnostic>> {
    if statements.iter().all(|statement| statement.extension.is_none()) {
        return Ok(Vec::new());
    }
    let rows = session.rows("SELECT name FROM pg_catalog.pg_available_extensions").await?;
    let available: Vec<&str> = rows.iter().filter_map(|row| row.get(0)).collect();
    let missing = statements.iter().filter_map(|statement| {
        let (name, span) = statement.extension.as_ref()?;
        let known = available.contains(&name.as_str());
        (!known).then(|| explain::extension(name).at(statement.place_of(span.clone())))
    });
    Ok(missing.collect())
}

/// A dump of a newer `pg_dump` sets parameters that an older server does not know
/// (`transaction_timeout`); psql goes on after them, and so do we.
async fn leave_out_unknown_settings(statements: &mut [Statement], session: &Session) -> Result<()> {
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
            // Others may be right once something is declared; they fail where they are used.
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

struct Loader<'a> {
    session: &'a Session,
    statements: &'a [Statement],
    /// The settings in force; none are known at first.
    current: Option<Context>,
    /// How many statements go into the next message.
    size: usize,
    /// How many statements have run.
    done: usize,
    /// How many had when what is put off was last tried: with no more since, nothing would change.
    tried: usize,
}

impl Loader<'_> {
    /// Runs everything and gives what failed for good.
    async fn run(&mut self) -> Result<Vec<Failure>> {
        let mut pending: Vec<Failure> = Vec::new();
        let mut next: Vec<usize> = Vec::new();
        let mut lost: Vec<Failure> = Vec::new();
        for (i, statement) in self.statements.iter().enumerate() {
            match statement.class {
                StatementClass::Declaration | StatementClass::Unparsed => next.push(i),
                StatementClass::Ordered => {
                    // Everything that can be there before it is, and nothing after it yet.
                    pending = self.settle(pending, std::mem::take(&mut next)).await?;
                    let mut failed = self.attempt(&[i]).await?;
                    // A DROP that waits would drop what is declared after it.
                    if statement.word == "DROP" { &mut lost } else { &mut pending }.append(&mut failed);
                }
                StatementClass::Session
                | StatementClass::Transaction
                | StatementClass::Data
                | StatementClass::Role
                | StatementClass::Cluster
                | StatementClass::Remote => {}
            }
        }
        lost.extend(self.settle(pending, next).await?);
        Ok(lost)
    }

    /// Tries what was put off and what is new until nothing moves.
    async fn settle(&mut self, mut pending: Vec<Failure>, new: Vec<usize>) -> Result<Vec<Failure>> {
        let part = |&i: &usize| self.statements[i].part;
        let (late, early) = if new.iter().any(|i| part(i) == Part::Attach) {
            new.into_iter().partition(|i| part(i) == Part::AfterAttach)
        } else {
            (Vec::new(), new)
        };
        for wave in [early, late] {
            pending = self.settle_wave(pending, &wave).await?;
        }
        Ok(pending)
    }

    async fn settle_wave(&mut self, pending: Vec<Failure>, new: &[usize]) -> Result<Vec<Failure>> {
        let mut left = pending;
        left.append(&mut self.attempt(new).await?);
        while !left.is_empty() && self.done > self.tried {
            self.tried = self.done;
            let (fixed, again): (Vec<_>, Vec<_>) = left.into_iter().partition(|f| is_final(&f.error));
            let again: Vec<usize> = again.iter().map(|failure| failure.statement).collect();
            left = self.attempt(&again).await?;
            left.extend(fixed);
        }
        Ok(left)
    }

    /// Runs statements in order, as many in a message as go well, and gives those that failed.
    async fn attempt(&mut self, list: &[usize]) -> Result<Vec<Failure>> {
        let mut failed = Vec::new();
        let mut at = 0;
        while at < list.len() {
            let chunk = self.chunk(&list[at..]);
            let Err(refused) = self.send(chunk).await? else {
                at += chunk.len();
                self.size = (self.size * 2).min(MOST);
                continue;
            };
            let good = chunk.iter().position(|&i| i == refused.item).unwrap_or(0);
            if good > 0 && self.send(&chunk[..good]).await?.is_err() {
                // They fared well in one transaction and not in another: one at a time, then.
                self.size = 1;
                continue;
            }
            let error = if chunk.len() > 1 && must_run_alone(&refused.error) {
                self.send(&[refused.item]).await?.err().map(|refused| refused.error)
            } else {
                Some(refused.error)
            };
            failed.extend(error.map(|error| Failure { statement: refused.item, error }));
            at += good + 1;
            self.size = good.max(1);
        }
        Ok(failed)
    }

    fn chunk<'l>(&self, list: &'l [usize]) -> &'l [usize] {
        let mut bytes = 0;
        let fits = list.iter().take(self.size).take_while(|&&i| {
            bytes += self.statements[i].text.len();
            bytes < MOST_BYTES
        });
        &list[..fits.count().max(1)]
    }

    /// Sends statements under their settings; all of them hold, or none.
    async fn send(&mut self, chunk: &[usize]) -> Result<Result<(), Refused>> {
        let mut current = self.current.clone();
        let mut batch = Batch::default();
        for &i in chunk {
            let statement = &self.statements[i];
            for sql in statement.context.switch(current.as_ref(), self.session.reset_login()) {
                batch.add(i, &sql);
            }
            current = Some((*statement.context).clone());
            if chunk.len() == 1 && !batch.is_empty() {
                // Some statements run only as the one statement of their message.
                if let Err(refused) = batch.run(self.session).await? {
                    return Ok(Err(refused));
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

/// Whether no other statement can mend it: broken syntax, or a second declaration.
fn is_final(error: &ServerError) -> bool {
    error.code == explain::SYNTAX_ERROR || explain::is_duplicate(error)
}
