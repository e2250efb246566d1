//! The units of a file: the parts that are executed completely or not at all.

use sha2::{Digest as _, Sha256};

use super::tokens::{tokens, words};
use crate::declare::sql::{SourceFile, Statement, StatementClass, split};
use crate::error::{Diagnostic, Error, Result, codes};

/// The kind of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnitKind {
    /// A transaction block, from `BEGIN` to `COMMIT`.
    Transaction,
    /// One statement outside a transaction block.
    Single,
    /// A setting of the session. It does not change the database, and applies to the statements after it.
    Session,
}

/// A unit of a file.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) kind: UnitKind,
    pub(super) statements: Vec<Statement>,
}

impl Unit {
    /// The hash of the unit's text.
    pub(super) fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for statement in &self.statements {
            hasher.update(&statement.text);
            hasher.update(b";");
        }
        hex::encode(hasher.finalize())
    }

    /// The line of the unit in its file.
    pub(super) fn line(&self) -> usize {
        self.statements.first().map_or(1, |statement| statement.place.line_column().0)
    }

    /// Returns true if the unit changes the current role. The other role may not be able to write the journal.
    pub(super) fn sets_role(&self) -> bool {
        self.statements.iter().any(|statement| {
            let text = statement.text.to_ascii_uppercase();
            statement.class == StatementClass::Session
                && (text.contains("ROLE") || text.contains("AUTHORIZATION"))
        })
    }

    /// Returns true if the unit sets `lock_timeout` for the session.
    pub(super) fn sets_lock_timeout(&self) -> bool {
        let names_it = |token: &String| token.trim_matches(['\'', '"']).eq_ignore_ascii_case("lock_timeout");
        self.kind == UnitKind::Session
            && self.statements.iter().any(|statement| tokens(&statement.text).iter().any(names_it))
    }
}

/// Splits a file into units.
///
/// # Errors
/// Returns an error if the file contains psql commands that are not supported, or a transaction without an end.
pub(super) fn units(file: &SourceFile) -> Result<Vec<Unit>> {
    let split = split(file);
    if !split.diagnostics.is_empty() {
        return Err(Error::Diagnostics(split.diagnostics));
    }
    let mut units: Vec<Unit> = Vec::new();
    let mut open: Option<Vec<Statement>> = None;
    for statement in split.statements {
        if statement.copies {
            return Err(Diagnostic::new(codes::STATEMENT, "COPY FROM stdin is not supported in migrations")
                .at(statement.place)
                .help("write the rows as INSERT")
                .into());
        }
        let begins = matches!(statement.word.as_str(), "BEGIN" | "START");
        match (&mut open, begins && statement.class == StatementClass::Transaction) {
            (None, true) => open = Some(vec![statement]),
            (None, false) => {
                let session = statement.class == StatementClass::Session;
                let kind = if session { UnitKind::Session } else { UnitKind::Single };
                units.push(Unit { kind, statements: vec![statement] });
            }
            (Some(_), _) => {
                let ends = ends_transaction(&statement);
                let mut statements = open.take().unwrap_or_default();
                statements.push(statement);
                if ends {
                    units.push(Unit { kind: UnitKind::Transaction, statements });
                } else {
                    open = Some(statements);
                }
            }
        }
    }
    match open.and_then(|statements| statements.into_iter().next()) {
        None => Ok(units),
        Some(begin) => Err(Diagnostic::new(codes::REVISION, "this transaction has no COMMIT")
            .at(begin.place)
            .help("add COMMIT at its end; without it, its changes are lost")
            .into()),
    }
}

/// Returns true if a statement ends its transaction.
fn ends_transaction(statement: &Statement) -> bool {
    let words = words(&statement.text);
    let has = |word: &str| words.iter().any(|other| other == word);
    statement.class == StatementClass::Transaction
        && matches!(statement.word.as_str(), "COMMIT" | "END" | "ROLLBACK" | "ABORT")
        && !has("TO")
        && (!has("CHAIN") || has("NO"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds_and_sizes(text: &str) -> Result<Vec<(UnitKind, usize)>> {
        let units = units(&SourceFile::new("a.sql", text))?;
        Ok(units.iter().map(|unit| (unit.kind, unit.statements.len())).collect())
    }

    #[test]
    fn units_are_transactions_and_single_statements() {
        let text = "SET search_path = a; BEGIN; SET LOCAL lock_timeout = '1s'; CREATE TABLE t (); SAVEPOINT s; \
                    ROLLBACK TO s; COMMIT; CREATE INDEX CONCURRENTLY i ON t (a); DO $$ BEGIN COMMIT; END $$;";
        assert_eq!(
            kinds_and_sizes(text).unwrap(),
            [
                (UnitKind::Session, 1),
                (UnitKind::Transaction, 6),
                (UnitKind::Single, 1),
                (UnitKind::Single, 1)
            ]
        );
        assert_eq!(
            kinds_and_sizes("BEGIN; SELECT 1;").unwrap_err().to_string(),
            "this transaction has no COMMIT"
        );
    }
}
