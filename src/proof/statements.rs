//! Describes each statement of a file: its purpose, and its effects on a scratch copy.

use super::observe::{Watch, strongest};
use crate::db::Session;
use crate::declare::sql::{self, SourceFile, Statement, StatementClass};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::LockMode;
use crate::scratch::{RoleStub, ScratchDatabase};
use crate::script::Comment;

/// The description of a statement.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StatementReport {
    /// The line in which the statement begins.
    pub line: usize,
    /// Its text, without the semicolon.
    pub sql: String,
    /// The comment above it.
    pub comment: Comment,
    /// Its purpose: from the comment, or else a description of statements of its kind.
    pub purpose: String,
    /// Its observed effects.
    pub observation: Observation,
}

/// The observed effects of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The effects on tables that existed before the file.
    Effects {
        /// The strongest new lock of the statement, and the name of the table.
        lock: Option<(LockMode, String)>,
        /// The strongest lock that the transaction holds after it, and the name of the table.
        held: Option<(LockMode, String)>,
        /// The tables that the statement rewrote.
        rewritten: Vec<String>,
    },
    /// The statement cannot run inside a transaction block, so that its locks cannot be observed.
    OutsideTransaction,
    /// The statement is a setting or a transaction command.
    Frame,
    /// The statement was not run, because it changes roles or the cluster, which other databases share.
    NotRun,
}

/// Runs a file on a scratch database, and describes each of its statements.
///
/// # Errors
/// Returns an error if a statement fails.
pub async fn describe(file: &SourceFile, database: &ScratchDatabase) -> Result<Vec<StatementReport>> {
    let split = sql::split(file);
    if !split.diagnostics.is_empty() {
        return Err(Error::Diagnostics(split.diagnostics));
    }
    let roles = sql::roles_of(std::slice::from_ref(file)).into_iter().map(RoleStub::new);
    database.stub_roles(&roles.collect::<Vec<_>>()).await?;
    let session = &database.session;
    session.reset().await?;
    session.run("SET client_min_messages = error").await?;
    let mut run = Run { session, watch: Watch::start(session).await?, in_transaction: false };
    let mut reports = Vec::with_capacity(split.statements.len());
    for statement in &split.statements {
        let observation = match run.statement(statement).await {
            Err(Error::Server(error)) => return Err(sql::statement_error(statement, &error).into()),
            other => other?,
        };
        let comment = Comment::above(&file.text[..statement.place.span.start]);
        reports.push(StatementReport {
            line: statement.place.line_column().0,
            sql: statement.text.clone(),
            purpose: comment.reason.clone().unwrap_or_else(|| purpose(statement).to_owned()),
            comment,
            observation,
        });
    }
    Ok(reports)
}

/// The run of a file.
struct Run<'a> {
    session: &'a Session,
    watch: Watch<'a>,
    /// Whether the file has begun a transaction.
    in_transaction: bool,
}

impl Run<'_> {
    async fn statement(&mut self, statement: &Statement) -> Result<Observation> {
        if statement.copies {
            return Err(Diagnostic::new(codes::STATEMENT, "COPY with inline rows is not supported here")
                .at(statement.place.clone())
                .help("write the rows as INSERT")
                .into());
        }
        match statement.class {
            StatementClass::Role | StatementClass::Cluster => Ok(Observation::NotRun),
            StatementClass::Transaction | StatementClass::Session => {
                self.session.run(statement.text_for(self.session)).await?;
                if let Some(opens) = statement.opens() {
                    self.in_transaction = opens;
                    self.watch.begin();
                }
                Ok(Observation::Frame)
            }
            StatementClass::Declaration
            | StatementClass::Ordered
            | StatementClass::Data
            | StatementClass::Remote
            | StatementClass::Unparsed => {
                if self.in_transaction {
                    self.session.run(statement.text_for(self.session)).await?;
                    return self.observe().await;
                }
                self.run_alone(&statement.text).await
            }
        }
    }

    /// Runs a statement outside a transaction of the file: in a transaction of its own if the server allows it.
    async fn run_alone(&mut self, text: &str) -> Result<Observation> {
        self.watch.begin();
        self.session.run("BEGIN").await?;
        match self.session.run(text).await {
            Ok(()) => {
                let observation = self.observe().await?;
                self.session.run("COMMIT").await?;
                Ok(observation)
            }
            Err(Error::Server(error)) if sql::must_run_alone(&error) => {
                self.session.run("ROLLBACK").await?;
                self.session.run(text).await?;
                Ok(Observation::OutsideTransaction)
            }
            Err(other) => Err(other),
        }
    }

    async fn observe(&mut self) -> Result<Observation> {
        let effects = self.watch.effects().await?;
        let rewritten = effects.iter().filter(|effect| effect.rewritten);
        Ok(Observation::Effects {
            lock: strongest(effects.iter()),
            held: self.watch.strongest_held(),
            rewritten: rewritten.map(|effect| effect.relation.clone()).collect(),
        })
    }
}

/// Returns the purpose of a statement that has no comment.
fn purpose(statement: &Statement) -> &'static str {
    match statement.class {
        StatementClass::Session => "changes a setting for the following statements",
        StatementClass::Role | StatementClass::Cluster => "changes roles or the whole cluster",
        StatementClass::Transaction
        | StatementClass::Declaration
        | StatementClass::Ordered
        | StatementClass::Data
        | StatementClass::Remote
        | StatementClass::Unparsed => {
            let text = statement.text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_uppercase();
            let mut rows = PURPOSES.iter();
            let row = rows.find(|(word, part, _)| *word == statement.word && text.contains(part));
            row.map_or("unknown: the statement has no comment", |(_, _, purpose)| purpose)
        }
    }
}

/// The first word of a statement, words that it contains, and its purpose. The first match counts.
const PURPOSES: &[(&str, &str, &str)] = &[
    ("BEGIN", "", "begins a transaction"),
    ("START", "", "begins a transaction"),
    ("COMMIT", "", "commits the transaction and releases its locks"),
    ("END", "", "commits the transaction and releases its locks"),
    ("ROLLBACK", "", "rolls the transaction back"),
    ("CREATE", "INDEX CONCURRENTLY", "builds an index without blocking writes"),
    ("CREATE", " INDEX ", "builds an index"),
    ("CREATE", "OR REPLACE", "creates or replaces an object"),
    ("CREATE", "", "creates an object"),
    ("ALTER", " VALIDATE CONSTRAINT ", "checks existing rows against a constraint"),
    ("ALTER", " ADD VALUE ", "adds a value to an enum"),
    ("ALTER", " ADD CONSTRAINT ", "adds a constraint"),
    ("ALTER", " ADD COLUMN ", "adds a column"),
    ("ALTER", " ADD ", "adds a part to an object"),
    ("ALTER", " DROP NOT NULL", "allows NULL in a column"),
    ("ALTER", " DROP DEFAULT", "drops the default of a column"),
    ("ALTER", " DROP ", "drops a part of an object"),
    ("ALTER", " SET NOT NULL", "forbids NULL in a column"),
    ("ALTER", " SET DEFAULT ", "sets the default of a column for new rows"),
    ("ALTER", " RENAME ", "renames an object"),
    ("ALTER", " OWNER TO ", "changes the owner of an object"),
    ("ALTER", " SET SCHEMA ", "moves an object to another schema"),
    ("ALTER", " ATTACH PARTITION ", "attaches a partition"),
    ("ALTER", " DETACH PARTITION ", "detaches a partition"),
    ("ALTER", " TYPE ", "changes the type of a column"),
    ("ALTER", "", "changes an object"),
    ("DROP", "", "drops an object"),
    ("COMMENT", "", "sets the comment of an object"),
    ("GRANT", "", "grants privileges"),
    ("REVOKE", "", "revokes privileges"),
    ("INSERT", "", "inserts rows"),
    ("UPDATE", "", "updates rows"),
    ("DELETE", "", "deletes rows"),
    ("TRUNCATE", "", "deletes all rows"),
    ("REFRESH", "", "refreshes a materialized view"),
    ("SELECT", "", "reads rows or calls functions"),
    ("DO", "", "runs an anonymous code block"),
    ("CALL", "", "calls a procedure"),
];
