//! Tells of each statement of a file what it is for, and what it was seen to do on a scratch copy.

use super::observe::{Watch, strongest};
use crate::db::Session;
use crate::declare::sql::{self, SourceFile, Statement, StatementClass};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::LockMode;
use crate::scratch::{RoleStub, ScratchDatabase};
use crate::script::Comment;

/// What there is to tell of a statement.
#[derive(Clone, Debug)]
pub struct StatementReport {
    /// The line that it begins in.
    pub line: usize,
    /// Its text, without the semicolon.
    pub sql: String,
    /// What is said above it.
    pub comment: Comment,
    /// What it is for, in the words above it or in those for statements of its sort.
    pub purpose: String,
    /// What it was seen to do.
    pub sight: Observation,
}

/// What a statement was seen to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// What it did with tables that were there before the file.
    Seen {
        /// The strongest lock that its transaction did not hold yet, and on what.
        lock: Option<(LockMode, String)>,
        /// The strongest that its transaction holds after it, and on what.
        held: Option<(LockMode, String)>,
        /// What it wrote anew.
        rewritten: Vec<String>,
    },
    /// It cannot be in a transaction, so that nothing is held when it is done.
    Unheld,
    /// It is a setting, or begins or ends a transaction.
    Frame,
    /// It is about roles or the cluster, which a scratch database shares with others; it was not run.
    LeftOut,
}

/// Runs a file on a scratch database, and tells of each of its statements.
///
/// # Errors
/// The first statement that cannot be run.
pub async fn account(file: &SourceFile, database: &ScratchDatabase) -> Result<Vec<StatementReport>> {
    let split = sql::split(file);
    if !split.diagnostics.is_empty() {
        return Err(Error::Diagnostics(split.diagnostics));
    }
    let roles = sql::roles_of(std::slice::from_ref(file)).into_iter().map(RoleStub::new);
    database.stub_roles(&roles.collect::<Vec<_>>()).await?;
    let session = &database.session;
    session.reset().await?;
    session.run("SET client_min_messages = error").await?;
    let mut run = Run { session, watch: Watch::start(session).await?, open: false };
    let mut told = Vec::with_capacity(split.statements.len());
    for statement in &split.statements {
        let sight = match run.statement(statement).await {
            Err(Error::Server(error)) => return Err(sql::statement_error(statement, &error).into()),
            other => other?,
        };
        let comment = Comment::above(&file.text[..statement.place.span.start]);
        told.push(StatementReport {
            line: statement.place.line_column().0,
            sql: statement.text.clone(),
            purpose: comment.reason.clone().unwrap_or_else(|| purpose(statement).to_owned()),
            comment,
            sight,
        });
    }
    Ok(told)
}

/// A file in the middle of its run.
struct Run<'a> {
    session: &'a Session,
    watch: Watch<'a>,
    /// Whether the file has begun a transaction.
    open: bool,
}

impl Run<'_> {
    async fn statement(&mut self, statement: &Statement) -> Result<Observation> {
        if statement.copies {
            return Err(Diagnostic::new(codes::STATEMENT, "COPY with rows of psql's cannot be run here")
                .at(statement.place.clone())
                .help("write the rows as INSERT")
                .into());
        }
        match statement.class {
            StatementClass::Role | StatementClass::Cluster => Ok(Observation::LeftOut),
            StatementClass::Transaction | StatementClass::Session => {
                self.session.run(statement.sent(self.session)).await?;
                if let Some(open) = statement.opens() {
                    self.open = open;
                    self.watch.begin();
                }
                Ok(Observation::Frame)
            }
            StatementClass::Declaration
            | StatementClass::Ordered
            | StatementClass::Data
            | StatementClass::Remote
            | StatementClass::Unparsed => {
                if self.open {
                    self.session.run(statement.sent(self.session)).await?;
                    return self.look().await;
                }
                self.alone(&statement.text).await
            }
        }
    }

    /// A statement outside of a transaction: in one of its own, where the server lets it.
    async fn alone(&mut self, text: &str) -> Result<Observation> {
        self.watch.begin();
        self.session.run("BEGIN").await?;
        match self.session.run(text).await {
            Ok(()) => {
                let sight = self.look().await?;
                self.session.run("COMMIT").await?;
                Ok(sight)
            }
            Err(Error::Server(error)) if sql::must_run_alone(&error) => {
                self.session.run("ROLLBACK").await?;
                self.session.run(text).await?;
                Ok(Observation::Unheld)
            }
            Err(other) => Err(other),
        }
    }

    async fn look(&mut self) -> Result<Observation> {
        let touches = self.watch.look().await?;
        let rewritten = touches.iter().filter(|touch| touch.rewritten).map(|touch| touch.name.clone());
        Ok(Observation::Seen {
            lock: strongest(touches.iter()),
            held: self.watch.strongest_held(),
            rewritten: rewritten.collect(),
        })
    }
}

/// What a statement of this sort is for, where no words above it say.
fn purpose(statement: &Statement) -> &'static str {
    match statement.class {
        StatementClass::Session => "a setting for what follows",
        StatementClass::Role | StatementClass::Cluster => "is about roles or the whole cluster",
        StatementClass::Transaction
        | StatementClass::Declaration
        | StatementClass::Ordered
        | StatementClass::Data
        | StatementClass::Remote
        | StatementClass::Unparsed => {
            let text = statement.text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_uppercase();
            let mut rows = PURPOSES.iter();
            let row = rows.find(|(word, part, _)| *word == statement.word && text.contains(part));
            row.map_or("not known: no words above it say", |(_, _, purpose)| purpose)
        }
    }
}

/// The first word of a statement, words that it has, and what it is for. The first that fits holds.
const PURPOSES: &[(&str, &str, &str)] = &[
    ("BEGIN", "", "what follows happens as a whole or not at all"),
    ("START", "", "what follows happens as a whole or not at all"),
    ("COMMIT", "", "what was begun is done, and its locks are given back"),
    ("END", "", "what was begun is done, and its locks are given back"),
    ("CREATE", "INDEX CONCURRENTLY", "builds an index while reading and writing go on"),
    ("CREATE", " INDEX ", "builds an index"),
    ("CREATE", "OR REPLACE", "creates something, or puts it in the place of another one"),
    ("CREATE", "", "creates something"),
    ("ALTER", " VALIDATE CONSTRAINT ", "finds out whether the rows that are there keep to a constraint"),
    ("ALTER", " ADD VALUE ", "adds a value to an enum"),
    ("ALTER", " ADD CONSTRAINT ", "adds a constraint"),
    ("ALTER", " ADD COLUMN ", "adds a column"),
    ("ALTER", " ADD ", "adds a part"),
    ("ALTER", " DROP NOT NULL", "lets a column be NULL"),
    ("ALTER", " DROP DEFAULT", "takes the default of a column away"),
    ("ALTER", " DROP ", "takes a part away"),
    ("ALTER", " SET NOT NULL", "forbids NULL in a column"),
    ("ALTER", " SET DEFAULT ", "gives a column a default for new rows"),
    ("ALTER", " RENAME ", "gives another name"),
    ("ALTER", " OWNER TO ", "gives another owner"),
    ("ALTER", " SET SCHEMA ", "moves into another schema"),
    ("ALTER", " ATTACH PARTITION ", "makes a table, or an index, a partition of another"),
    ("ALTER", " DETACH PARTITION ", "makes a partition a table of its own"),
    ("ALTER", " TYPE ", "changes the type of a column"),
    ("ALTER", "", "changes what is there"),
    ("DROP", "", "takes something away"),
    ("COMMENT", "", "writes down what something is for"),
    ("GRANT", "", "gives privileges"),
    ("REVOKE", "", "takes privileges away"),
    ("INSERT", "", "adds rows"),
    ("UPDATE", "", "changes rows"),
    ("DELETE", "", "removes rows"),
    ("TRUNCATE", "", "removes all rows"),
    ("REFRESH", "", "fills a materialized view"),
    ("SELECT", "", "reads, or calls functions for what they do"),
    ("DO", "", "runs code, of which is told what it did"),
    ("CALL", "", "runs a procedure, of which is told what it did"),
];
