//! A file as units: what happens as a whole or not at all.

use sha2::{Digest as _, Sha256};

use crate::declare::sql::{SourceFile, Statement, StatementClass, split};
use crate::error::{Diagnostic, Error, Result, codes};

/// What a unit is to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// `BEGIN` to `COMMIT`.
    Transaction,
    /// One statement outside of a transaction block.
    Single,
    /// A setting of the session: nothing in the database changes, and it holds for what follows.
    Session,
}

/// A part of a file.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) how: How,
    pub(super) statements: Vec<Statement>,
}

impl Unit {
    /// The hash of its text.
    pub(super) fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for statement in &self.statements {
            hasher.update(&statement.text);
            hasher.update(b";");
        }
        hex::encode(hasher.finalize())
    }

    /// Its first line in the file.
    pub(super) fn line(&self) -> usize {
        self.statements.first().map_or(1, |statement| statement.place.line_column().0)
    }

    /// Whether it becomes another role, which may not write to the tool's schema.
    pub(super) fn is_role(&self) -> bool {
        self.statements.iter().any(|statement| {
            let text = statement.text.to_ascii_uppercase();
            statement.class == StatementClass::Session
                && (text.contains("ROLE") || text.contains("AUTHORIZATION"))
        })
    }

    /// Whether it sets a time limit of its own for the session.
    pub(super) fn sets_lock_timeout(&self) -> bool {
        self.how == How::Session
            && self
                .statements
                .iter()
                .any(|statement| statement.text.to_ascii_lowercase().contains("lock_timeout"))
    }
}

/// Cuts a file into units.
///
/// # Errors
/// What cannot be run: broken lines of psql's, a transaction with no end.
pub(super) fn units(file: &SourceFile) -> Result<Vec<Unit>> {
    let split = split(file);
    if !split.diagnostics.is_empty() {
        return Err(Error::Diagnostics(split.diagnostics));
    }
    let mut units: Vec<Unit> = Vec::new();
    let mut open: Option<Vec<Statement>> = None;
    for statement in split.statements {
        if statement.copies {
            return Err(Diagnostic::new(codes::STATEMENT, "COPY with rows of psql's cannot be run here")
                .at(statement.place)
                .help("write the rows as INSERT")
                .into());
        }
        let begins = matches!(statement.word.as_str(), "BEGIN" | "START");
        match (&mut open, begins && statement.class == StatementClass::Transaction) {
            (None, true) => open = Some(vec![statement]),
            (None, false) => {
                let how = if statement.class == StatementClass::Session { How::Session } else { How::Single };
                units.push(Unit { how, statements: vec![statement] });
            }
            (Some(_), _) => {
                let ends = ends(&statement);
                let mut statements = open.take().unwrap_or_default();
                statements.push(statement);
                if ends {
                    units.push(Unit { how: How::Transaction, statements });
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
            .help("what it does would be lost: write COMMIT at its end")
            .into()),
    }
}

/// Whether a statement ends the transaction that it stands in.
fn ends(statement: &Statement) -> bool {
    let words = words(&statement.text);
    let has = |word: &str| words.iter().any(|other| other == word);
    statement.class == StatementClass::Transaction
        && matches!(statement.word.as_str(), "COMMIT" | "END" | "ROLLBACK" | "ABORT")
        && !has("TO")
        && (!has("CHAIN") || has("NO"))
}

/// The words and signs of a statement, in upper case unless they are quoted; comments left out.
pub(super) fn words(text: &str) -> Vec<String> {
    pieces(text)
        .into_iter()
        .map(|piece| if piece.starts_with('"') { piece } else { piece.to_uppercase() })
        .collect()
}

/// Whether a statement is a block that ends transactions, which the server allows outside of one alone.
pub(super) fn ends_transactions(text: &str) -> bool {
    let pieces = pieces(text);
    let block = pieces.first().is_some_and(|word| word.eq_ignore_ascii_case("DO"));
    let body = pieces.iter().filter(|_| block).find_map(|piece| {
        let tag = piece.strip_prefix('$')?.find('$')? + 2;
        piece.get(tag..piece.len().checked_sub(tag)?)
    });
    body.is_some_and(|body| words(body).iter().any(|word| matches!(word.as_str(), "COMMIT" | "ROLLBACK")))
}

/// The words and signs of a statement as they are written.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut at = 0;
    for token in squawk_lexer::tokenize(text) {
        let end = at + token.len as usize;
        let piece = &text[at..end];
        let comment = piece.starts_with("--") || piece.starts_with("/*");
        if !piece.trim().is_empty() && !comment {
            out.push(piece.to_owned());
        }
        at = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_commit_are_known() {
        assert!(ends_transactions("DO $$ BEGIN PERFORM 1; COMMIT; END $$"));
        assert!(ends_transactions("do language plpgsql $a$ BEGIN rollback; END $a$"));
        assert!(!ends_transactions("DO $$ BEGIN PERFORM 'COMMIT'; -- COMMIT\n END $$"));
        assert!(!ends_transactions("CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$"));
        assert!(!ends_transactions("DO 'BEGIN COMMIT; END'"));
    }

    fn shapes(text: &str) -> Result<Vec<(How, usize)>> {
        let units = units(&SourceFile::new("a.sql", text))?;
        Ok(units.iter().map(|unit| (unit.how, unit.statements.len())).collect())
    }

    #[test]
    fn units_are_transactions_and_single_statements() {
        let text = "SET search_path = a; BEGIN; SET LOCAL lock_timeout = '1s'; CREATE TABLE t (); SAVEPOINT s; \
                    ROLLBACK TO s; COMMIT; CREATE INDEX CONCURRENTLY i ON t (a); DO $$ BEGIN COMMIT; END $$;";
        assert_eq!(
            shapes(text).unwrap(),
            [(How::Session, 1), (How::Transaction, 6), (How::Single, 1), (How::Single, 1)]
        );
        assert_eq!(shapes("BEGIN; SELECT 1;").unwrap_err().to_string(), "this transaction has no COMMIT");
    }

    #[test]
    fn words_are_cut() {
        assert_eq!(
            words("create /* x */ index\n\"I\" on s.t -- y"),
            ["CREATE", "INDEX", "\"I\"", "ON", "S", ".", "T"]
        );
    }
}
