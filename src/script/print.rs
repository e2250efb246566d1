//! Prints a script with comments.

use std::fmt::Write as _;

use super::comment::Comment;
use crate::model::{Plan, Planned, Script, Statement, StatementRole, Step};

impl Script {
    /// Returns the text of the file, without the header.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for Statement { sql, role } in &self.statements {
            if !text.is_empty() && *role != StatementRole::Setting {
                text.push('\n');
            }
            if let StatementRole::Step(planned) = role {
                for line in comment(planned).lines() {
                    let _ = writeln!(text, "-- {line}");
                }
            }
            let _ = writeln!(text, "{sql};");
        }
        text
    }
}

/// Returns the statements of a plan as text, without transactions, settings and comments.
pub fn declarations(plan: &Plan) -> String {
    let mut text = String::new();
    plan.steps.iter().for_each(|step| append_declaration(&mut text, step));
    text
}

/// Appends the statement of a step, after an empty line if the text has statements already.
pub(super) fn append_declaration(text: &mut String, step: &Step) {
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{};", step.statement());
}

/// Returns the comment above a statement.
fn comment(planned: &Planned) -> Comment {
    let hazards = planned.hazards.iter();
    Comment {
        reason: planned.reason.clone(),
        avoided: planned.avoided.map(str::to_owned),
        lock: planned.lock.as_ref().map(|(mode, table)| format!("{mode} on {table}")),
        cost: planned.cost.clone(),
        hazards: hazards.map(|hazard| (hazard.code().to_owned(), hazard.detail().to_owned())).collect(),
    }
}
