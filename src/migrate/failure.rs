//! Failures of a unit: what is wrong, what is applied, and how to go on.

use super::file_run::{FileRun, RunDirection};
use super::unit::{Unit, UnitKind};
use crate::declare::sql::statement_error;
use crate::error::{Code, Diagnostic, Error, codes};

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
    /// Unknown; the user decides how to go on.
    Undecided,
}

impl From<Error> for UnitFailure {
    fn from(error: Error) -> Self {
        Self { error, remains: Remains::Nothing }
    }
}

impl UnitFailure {
    /// Explains the failure of the unit with this number.
    pub(super) fn explain(self, file: FileRun<'_>, units: &[Unit], number: usize) -> Error {
        let Self { error, remains } = self;
        let kind = FailureKind::of(&error);
        let mut diagnostic = match error {
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
        let name = file.revision;
        let (what, command) = match file.direction {
            RunDirection::Up => (format!("`{name}`"), "schemadiff migrate"),
            RunDirection::Rollback => (format!("the rollback of `{name}`"), "schemadiff rollback"),
            RunDirection::Undo => {
                (format!("the rollback of the half-applied `{name}`"), "schemadiff rollback")
            }
        };
        diagnostic.message = match kind {
            FailureKind::Interrupted => {
                diagnostic.code = codes::INTERRUPTED;
                format!("{what} was interrupted")
            }
            FailureKind::Lost | FailureKind::Error => format!("{what} failed: {}", diagnostic.message),
        };
        let line = units[number].line();
        let applied = units[..number].iter().any(|unit| unit.kind != UnitKind::Session);
        if file.direction == RunDirection::Undo {
            let done = if applied { "it is partly undone" } else { "nothing of it is undone" };
            return diagnostic.help(format!("{done}; run `{command}` again; it plans the rest")).into();
        }
        let is_half_applied = applied || remains != Remains::Nothing;
        let mut state = Vec::new();
        if applied {
            state.push(format!("the statements before line {line} are applied"));
        }
        state.extend(remains.describe(line));
        if !is_half_applied && kind != FailureKind::Lost {
            state.push("nothing of this file is applied".to_owned());
        }
        state.extend(advice(kind, remains, command, is_half_applied.then_some(line)));
        diagnostic.help.extend((!state.is_empty()).then(|| state.join("; ")));
        if is_half_applied && file.direction == RunDirection::Up {
            diagnostic.help.push("or undo what is applied with `schemadiff rollback`".to_owned());
        }
        diagnostic.into()
    }
}

/// How to go on. `line` is where the next run resumes, if a part of the file is applied.
fn advice(kind: FailureKind, remains: Remains, command: &str, line: Option<usize>) -> Option<String> {
    let resumes = line.map(|line| format!("; it resumes at line {line}")).unwrap_or_default();
    Some(match (kind, remains) {
        (_, Remains::Undecided) => return None,
        (FailureKind::Lost, _) => {
            format!("run `{command}` again; it determines whether the interrupted statement was executed")
        }
        (_, Remains::Part) => format!(
            "check what is committed and fix the file; then `{command} --in-doubt again` runs the statement from its \
             start, and `{command} --in-doubt done` continues after it"
        ),
        (FailureKind::Interrupted, _) => format!("run `{command}` again{resumes}"),
        (FailureKind::Error, _) => format!("fix the file or the database and run `{command}` again{resumes}"),
    })
}

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FailureKind {
    /// The server reported an error.
    Error,
    /// The user interrupted the run.
    Interrupted,
    /// The connection was lost.
    Lost,
}

impl FailureKind {
    fn of(error: &Error) -> Self {
        let is =
            |code: Code| matches!(error, Error::Diagnostics(all) if all.iter().any(|one| one.code == code));
        if is(codes::INTERRUPTED) {
            Self::Interrupted
        } else if is(codes::CONNECTION) {
            Self::Lost
        } else {
            Self::Error
        }
    }
}

impl Remains {
    fn describe(self, line: usize) -> Option<String> {
        Some(match self {
            Self::Nothing | Self::Undecided => return None,
            Self::Progress => {
                format!("what the statement at line {line} has committed stays, and it continues there")
            }
            Self::Part => format!("a part of the statement at line {line} is committed"),
            Self::HalfDone => {
                format!("the statement at line {line} is half done, which the next run cleans up")
            }
        })
    }
}
