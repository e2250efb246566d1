//! Puts the steps of a plan into transactions.

use std::time::Duration;

use crate::model::sql::Sql;
use crate::model::{LOCK_TIMEOUT, Plan, Planned, Script, Statement, StatementRole, Step, Transaction};

/// Settings of each transaction besides `lock_timeout`. All names in a script have their schema, so the search path is
/// empty. Function bodies may name objects that a later statement creates, so they are not checked.
const SETTINGS: &[&str] = &["SET LOCAL search_path = ''", "SET LOCAL check_function_bodies = false"];

impl Script {
    /// Returns the script of a plan, with the default lock timeout.
    pub fn of(plan: &Plan) -> Self {
        Self::with_lock_timeout(plan, LOCK_TIMEOUT)
    }

    /// Returns the script of a plan whose transactions have this lock timeout.
    pub fn with_lock_timeout(plan: &Plan, lock_timeout: Duration) -> Self {
        let mut framed = Framed { script: Self::default(), lock_timeout, in_transaction: false };
        if plan.steps.iter().any(|step| step.transaction.runs_alone()) {
            // These statements may run long, and block neither reads nor writes.
            framed.command(StatementRole::Setting, "SET statement_timeout = 0");
        }
        for (i, step) in plan.steps.iter().enumerate() {
            match step.transaction {
                Transaction::Own | Transaction::Outside => {
                    framed.commit();
                    framed.step(step);
                }
                Transaction::Shared => {
                    framed.begin();
                    framed.step(step);
                }
                Transaction::CommitAfter => {
                    framed.begin();
                    framed.step(step);
                    let next = plan.steps.get(i + 1).map(|next| next.transaction);
                    if next != Some(Transaction::CommitAfter) {
                        framed.commit();
                    }
                }
            }
        }
        framed.commit();
        framed.script
    }
}

/// A script under construction.
struct Framed {
    script: Script,
    lock_timeout: Duration,
    in_transaction: bool,
}

impl Framed {
    fn begin(&mut self) {
        if std::mem::replace(&mut self.in_transaction, true) {
            return;
        }
        self.command(StatementRole::Begin, "BEGIN");
        let millis = self.lock_timeout.as_millis();
        let timeout =
            if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") };
        self.command(StatementRole::Setting, &format!("SET LOCAL lock_timeout = '{timeout}'"));
        for setting in SETTINGS {
            self.command(StatementRole::Setting, setting);
        }
    }

    fn commit(&mut self) {
        if std::mem::replace(&mut self.in_transaction, false) {
            self.command(StatementRole::Commit, "COMMIT");
        }
    }

    fn command(&mut self, role: StatementRole, text: &str) {
        self.script.statements.push(Statement { sql: Sql::trusted(text), role });
    }

    fn step(&mut self, step: &Step) {
        let role = StatementRole::Step(Planned::from(step));
        self.script.statements.push(Statement { sql: step.statement(), role });
    }
}
