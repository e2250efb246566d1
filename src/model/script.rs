//! The statements of one direction of a migration.

use std::time::Duration;

use super::sql::Sql;
use super::{Hazard, LockMode, ObjectId, Step, Transaction};

/// The default time that a statement waits for a lock. It is longer than the default `deadlock_timeout` (one second),
/// after which the server cancels an autovacuum that holds a conflicting lock.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// The comment in a `DO` block that continues where it stopped if it is run again.
pub const REPEATABLE_BLOCK: &str = "-- schemadiff: repeatable";

/// Statements in the order in which they are run and printed.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The statements, including `BEGIN`, `COMMIT` and settings.
    pub statements: Vec<Statement>,
}

impl Script {
    /// Returns the text of each statement.
    pub fn batches(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().map(|statement| statement.sql.as_str())
    }

    /// Returns whether the script has no statements.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// Adds the locks that a rehearsal observed, one entry for each statement, where the plan declares none.
    pub fn add_observed_locks(&mut self, locks: &[Option<(LockMode, String)>]) {
        for (statement, lock) in self.statements.iter_mut().zip(locks) {
            if let StatementRole::Step(planned) = &mut statement.role
                && planned.lock.is_none()
            {
                planned.lock.clone_from(lock);
            }
        }
    }
}

/// A statement of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The text, without the semicolon.
    pub sql: Sql,
    /// The role of the statement in the script.
    pub role: StatementRole,
}

/// The role of a statement in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementRole {
    /// `BEGIN`.
    Begin,
    /// A setting: of the transaction, or of the session before the first transaction.
    Setting,
    /// A step of the plan.
    Step(Planned),
    /// `COMMIT`.
    Commit,
}

/// The planned effects of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The object that the statement changes.
    pub object: ObjectId,
    /// The purpose of the statement.
    pub reason: Option<String>,
    /// The statement that a recipe replaced, and the risk of that statement.
    pub avoided: Option<&'static str>,
    /// The strongest lock on an existing relation, and the name of the relation.
    pub lock: Option<(LockMode, String)>,
    /// The estimated work, if the statement reads or writes a table.
    pub cost: Option<String>,
    /// The hazards.
    pub hazards: Vec<Hazard>,
    /// Whether the statement may rewrite a table.
    pub rewrites: bool,
    /// Whether the statement runs inside a transaction.
    pub transaction: Transaction,
}

impl From<&Step> for Planned {
    fn from(step: &Step) -> Self {
        let rewrites = |hazard: &Hazard| matches!(hazard, Hazard::Rewrite(_));
        Self {
            object: step.object.clone(),
            reason: step.reason.clone(),
            avoided: step.avoided,
            lock: step.lock.clone(),
            cost: step.cost.clone(),
            hazards: step.hazards.iter().filter(|_| !step.on_empty_table).cloned().collect(),
            rewrites: step.on_empty_table || step.hazards.iter().any(rewrites),
            transaction: step.transaction,
        }
    }
}
