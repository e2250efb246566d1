//! Prints plans as plain SQL that `psql -v ON_ERROR_STOP=1 -f` runs to the same end.

mod by_object;
mod comment;

use std::fmt::Write as _;
use std::time::Duration;

use crate::model::sql::Sql;
use crate::model::{Hazard, LockMode, ObjectId, Step, Transaction};
use crate::plan::Plan;

pub use by_object::by_object;
pub use comment::Comment;

/// A statement of a script, or what frames statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The text, without the semicolon.
    pub sql: Sql,
    /// What it was planned to do, where it is no frame.
    pub planned: Option<Planned>,
}

/// What a statement was planned to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The object that it is about.
    pub object: ObjectId,
    /// What it is for.
    pub reason: Option<String>,
    /// What would have been done without a recipe, and what that does.
    pub avoided: Option<&'static str>,
    /// The strongest lock that it takes on what is there already, and on what; as it was seen where the plan does
    /// not say it.
    pub lock: Option<(LockMode, String)>,
    /// What it may take, where it works through a table.
    pub cost: Option<String>,
    /// What may hurt.
    pub hazards: Vec<Hazard>,
    /// Whether it may write a table anew.
    pub rewrites: bool,
    /// How it stands to transactions.
    pub transaction: Transaction,
}

impl Planned {
    fn of(step: &Step) -> Self {
        let rewrites = |hazard: &Hazard| matches!(hazard, Hazard::Rewrite(_));
        Self {
            object: step.object.clone(),
            reason: step.reason.clone(),
            avoided: step.avoided,
            lock: step.lock.clone(),
            cost: step.cost.clone(),
            hazards: step.hazards.iter().filter(|_| !step.quiet).cloned().collect(),
            rewrites: step.quiet || step.hazards.iter().any(rewrites),
            transaction: step.transaction,
        }
    }

    /// What is said above the statement.
    fn comment(&self) -> Comment {
        Comment {
            reason: self.reason.clone(),
            avoided: self.avoided.map(str::to_owned),
            lock: self.lock.as_ref().map(|(mode, table)| format!("{mode} on {table}")),
            cost: self.cost.clone(),
            hazards: self
                .hazards
                .iter()
                .map(|hazard| (hazard.code().to_owned(), hazard.detail().to_owned()))
                .collect(),
        }
    }
}

/// Statements in order, as they are run and as they are printed.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The statements, `BEGIN` and `COMMIT` among them.
    pub statements: Vec<Statement>,
    lock_timeout: Duration,
}

/// How long a statement waits for a lock, where nobody says so. Longer than `deadlock_timeout`, after which the
/// server sends an autovacuum away that is in the way.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// Further settings of each transaction. Names are printed with their schemas, so that none need be searched;
/// bodies of functions are checked when they run, for they may name what comes later.
const SETTINGS: &[&str] = &["SET LOCAL search_path = ''", "SET LOCAL check_function_bodies = false"];

impl Script {
    /// The script of a plan.
    pub fn of(plan: &Plan) -> Self {
        Self::waiting(plan, LOCK_TIMEOUT)
    }

    /// The script of a plan whose transactions wait so long for a lock.
    pub fn waiting(plan: &Plan, lock_timeout: Duration) -> Self {
        let mut script = Self { lock_timeout, ..Self::default() };
        let mut open = false;
        if plan.steps.iter().any(|step| step.transaction.is_alone()) {
            // Long work that blocks nobody takes the time that it takes.
            script.frame("SET statement_timeout = 0");
        }
        for (i, step) in plan.steps.iter().enumerate() {
            match step.transaction {
                Transaction::Apart | Transaction::Outside => {
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
        let statement = |step: &Step| Statement { sql: step.statement(), planned: None };
        Self { statements: plan.steps.iter().map(statement).collect(), ..Self::default() }
    }

    /// What is sent to a server at once: a statement each, where an error need be told apart.
    pub fn batches(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().map(|statement| statement.sql.as_str())
    }

    /// Takes down locks that were seen where the plan says none.
    pub fn seen(&mut self, locks: &[Option<(LockMode, String)>]) {
        for (statement, lock) in self.statements.iter_mut().zip(locks) {
            if let Some(planned) = statement.planned.as_mut().filter(|planned| planned.lock.is_none()) {
                planned.lock.clone_from(lock);
            }
        }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    fn frame(&mut self, text: &str) {
        self.statements.push(Statement { sql: Sql::trusted(text), planned: None });
    }

    fn open(&mut self, open: &mut bool) {
        if !std::mem::replace(open, true) {
            self.frame("BEGIN");
            let millis = self.lock_timeout.as_millis();
            let time = if millis.is_multiple_of(1000) {
                format!("{}s", millis / 1000)
            } else {
                format!("{millis}ms")
            };
            self.frame(&format!("SET LOCAL lock_timeout = '{time}'"));
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
        self.statements.push(Statement { sql: step.statement(), planned: Some(Planned::of(step)) });
    }

    /// The text of the file, without its head.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for statement in &self.statements {
            let frame = statement.sql.as_str();
            if !text.is_empty() && !frame.starts_with("SET LOCAL ") {
                text.push('\n');
            }
            for line in statement.planned.iter().flat_map(|planned| planned.comment().lines()) {
                let _ = writeln!(text, "-- {line}");
            }
            let _ = writeln!(text, "{frame};");
        }
        text
    }
}
