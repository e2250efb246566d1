//! Failures of a unit: what is wrong, what is applied, and how to go on.

use super::run_unit::FileRun;
use super::unit::{Unit, UnitKind};
use crate::declare::sql::statement_error;
use crate::error::{Diagnostic, Error, codes};

/// The failure of a unit.
#[derive(Debug)]
pub(super) struct UnitFailure {
    pub(super) error: Error,
    pub(super) remains: Remains,
}

/// What remains in the database of a unit that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remains {
    /// Nothing.
    Nothing,
    /// What it has committed; it continues there if it is run again.
    Progress,
    /// What it has committed; if it is run again, it starts from its beginning.
    Part,
    /// Something that the next run removes or completes, such as an invalid index.
    HalfDone,
}

impl From<Error> for UnitFailure {
    fn from(error: Error) -> Self {
        Self { error, remains: Remains::Nothing }
    }
}

impl UnitFailure {
    /// Explains the failure of the unit with this number.
    pub(super) fn explain(self, file: FileRun<'_>, units: &[Unit], number: usize) -> Error {
        let lost = matches!(&self.error, Error::Diagnostics(all) if all.iter().any(|one| one.code == codes::CONNECTION));
        let mut diagnostic = match self.error {
            Error::Server(error) => {
                let found = units[number].statements.iter().find(|statement| statement.text == error.sql);
                match found {
                    Some(statement) => statement_error(statement, &error),
                    None => Diagnostic::new(codes::APPLY, error.to_string()),
                }
            }
            Error::Diagnostics(mut all) if all.len() == 1 => all.remove(0),
            other => return other,
        };
        diagnostic.message = format!("`{}` failed: {}", file.revision, diagnostic.message);
        let line = units[number].line();
        let command = if file.rollback { "schemadiff rollback" } else { "schemadiff migrate" };
        let before = units[..number].iter().any(|unit| unit.kind != UnitKind::Session);
        let applied = before.then(|| format!("the statements before line {line} are applied"));
        if lost {
            return diagnostic
                .help(format!(
                    "{}run `{command}` again; it determines whether the statement at line {line} was executed",
                    applied.map(|applied| applied + "; ").unwrap_or_default()
                ))
                .into();
        }
        let state = match (self.remains, applied) {
            (Remains::Nothing, None) => "nothing of this file is applied".to_owned(),
            (Remains::Nothing, Some(applied)) => applied,
            (remains, applied) => {
                let what = remains.describe(line);
                applied.map_or_else(|| what.clone(), |applied| format!("{applied}; {what}"))
            }
        };
        let resumes = if before || self.remains != Remains::Nothing {
            format!("; it resumes at line {line}")
        } else {
            String::new()
        };
        let fix = format!("fix the file or the database and run `{command}` again{resumes}");
        if self.remains == Remains::Part {
            return diagnostic
                .help(state)
                .help(format!(
                    "check what is committed and fix the file; then `{command} --in-doubt again` runs the statement at line \
                     {line} from its start, and `{command} --in-doubt done` continues after it"
                ))
                .into();
        }
        diagnostic.help(format!("{state}; {fix}")).into()
    }
}

impl Remains {
    fn describe(self, line: usize) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Progress => {
                format!("what the statement at line {line} has committed stays, and it continues there")
            }
            Self::Part => format!("a part of the statement at line {line} is committed"),
            Self::HalfDone => {
                format!("the statement at line {line} is half done, which the next run cleans up")
            }
        }
    }
}
