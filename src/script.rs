//! Prints plans as plain SQL that `psql -v ON_ERROR_STOP=1 -f` runs to the same end.

mod by_object;

use std::fmt::Write as _;

use crate::model::sql::Sql;
use crate::model::{Step, Transaction};
use crate::plan::Plan;

pub use by_object::by_object;

/// A statement of a script, or what frames statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The text, without the semicolon.
    pub sql: Sql,
    /// What is said before it.
    pub comment: Option<String>,
}

/// Statements in order, as they are run and as they are printed.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The statements, `BEGIN` and `COMMIT` among them.
    pub statements: Vec<Statement>,
}

/// Settings of each transaction. Names are printed with their schemas, so that none need be searched;
/// bodies of functions are checked when they run, for they may name what comes later.
const SETTINGS: &[&str] = &[
    "SET LOCAL lock_timeout = '3s'",
    "SET LOCAL search_path = ''",
    "SET LOCAL check_function_bodies = false",
];

impl Script {
    /// The script of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut script = Self::default();
        let mut open = false;
        if plan.steps.iter().any(|step| step.transaction == Transaction::Outside) {
            // Long work that blocks nobody takes the time that it takes.
            script.frame("SET statement_timeout = 0");
        }
        for (i, step) in plan.steps.iter().enumerate() {
            match step.transaction {
                Transaction::Outside => {
                    script.close(&mut open);
                    script.push(step);
                }
                Transaction::Shared | Transaction::CommitAfter => {
                    script.open(&mut open);
                    script.push(step);
                    let next = plan.steps.get(i + 1).map(|next| next.transaction);
                    if step.transaction == Transaction::CommitAfter && next != Some(Transaction::CommitAfter)
                    {
                        script.close(&mut open);
                    }
                }
            }
        }
        script.close(&mut open);
        script
    }

    /// The steps of a plan alone, as declarations: no transactions, locks or settings.
    pub fn declarations(plan: &Plan) -> Self {
        let statement = |step: &Step| Statement { sql: step.statement(), comment: None };
        Self { statements: plan.steps.iter().map(statement).collect() }
    }

    /// What is sent to a server at once: a statement each, where an error need be told apart.
    pub fn batches(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().map(|statement| statement.sql.as_str())
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    fn frame(&mut self, text: &str) {
        self.statements.push(Statement { sql: Sql::trusted(text), comment: None });
    }

    fn open(&mut self, open: &mut bool) {
        if !std::mem::replace(open, true) {
            self.frame("BEGIN");
            for setting in SETTINGS {
                self.frame(setting);
            }
        }
    }

    fn close(&mut self, open: &mut bool) {
        if std::mem::replace(open, false) {
            self.frame("COMMIT");
        }
    }

    fn push(&mut self, step: &Step) {
        let mut comment = String::new();
        if let Some(reason) = &step.reason {
            let mut letters = reason.chars();
            let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
            let _ = writeln!(comment, "{first}{}.", letters.as_str());
        }
        let said = comment.len();
        if let Some((mode, table)) = &step.lock {
            let _ = write!(comment, "{mode} on {table}");
        }
        for hazard in &step.hazards {
            let separator = if comment.len() == said { "" } else { "; " };
            let _ = write!(comment, "{separator}{}: {}", hazard.code(), hazard.detail());
        }
        let comment = (!comment.is_empty()).then_some(comment);
        self.statements.push(Statement { sql: step.statement(), comment });
    }

    /// The text of the file, without its head.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for statement in &self.statements {
            let frame = statement.sql.as_str();
            if !text.is_empty() && !frame.starts_with("SET LOCAL ") {
                text.push('\n');
            }
            if let Some(comment) = &statement.comment {
                for line in comment.lines() {
                    let _ = writeln!(text, "-- {line}");
                }
            }
            let _ = writeln!(text, "{frame};");
        }
        text
    }
}
