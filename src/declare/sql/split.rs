//! A file as typed statements, with the intents beside them.

use std::ops::Range;
use std::sync::Arc;

use crate::db::Session;
use crate::error::{Diagnostic, Place, codes};
use crate::scratch::RequiredExtension;

use super::class::{self, Part, Reading, StatementClass};
use super::cut::{Piece, cut};
use super::directive::{self, Beside, Directive};
use super::file::SourceFile;
use super::names::Subject;
use super::setting::{Change, Context, LOGIN, Settings};

/// A statement of a file.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its text without the semicolon.
    pub text: String,
    /// Its place.
    pub place: Place,
    /// What it does.
    pub class: StatementClass,
    /// Its first word in upper case, such as `INSERT`.
    pub word: String,
    /// Every role that it names, spelled as the server stores it.
    pub roles: Vec<String>,
    /// What it creates, where the grammar tells.
    pub subject: Option<Subject>,
    /// The extension that it creates, and where its text names it.
    pub extension: Option<(String, Range<usize>)>,
    /// Columns, named constraints and values that it defines, with their bytes in its text.
    pub parts: Vec<(Beside, Range<usize>)>,
    /// The `-- schemadiff:` comments beside it.
    pub directives: Vec<Directive>,
    /// The settings that hold where it stands.
    pub(super) context: Arc<Context>,
    pub(super) change: Option<Change>,
    pub(super) part: Part,
    /// A COPY whose rows come from or go to the client.
    pub(crate) copies: bool,
}

impl Statement {
    /// The place of a part of its text.
    pub fn place_of(&self, span: Range<usize>) -> Place {
        let start = self.place.span.start;
        Place { span: start + span.start..start + span.end, ..self.place.clone() }
    }

    /// The text to send, which differs from `text` if the session's server needs another statement for it.
    pub(crate) fn sent(&self, session: &Session) -> &str {
        match &self.change {
            Some(Change::Reset { key }) if key == LOGIN => session.reset_login(),
            _ => &self.text,
        }
    }

    /// Whether a transaction is open after it, where it is one of those that begin or end one.
    pub(crate) fn opens(&self) -> Option<bool> {
        match self.word.as_str() {
            "BEGIN" | "START" => Some(true),
            "COMMIT" | "END" | "ABORT" => Some(false),
            // ROLLBACK TO stays inside.
            "ROLLBACK" if self.change.is_some() => Some(false),
            _ => None,
        }
    }
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Split {
    /// Its statements in order.
    pub statements: Vec<Statement>,
    /// What is wrong with it before any server has seen it.
    pub diagnostics: Vec<Diagnostic>,
}

/// Cuts a file into statements.
pub fn split(file: &SourceFile) -> Split {
    let mut split = Split::default();
    let mut settings = Settings::default();
    let mut comments: Vec<Range<usize>> = Vec::new();
    for piece in cut(&file.text) {
        match piece {
            Piece::Comment(span) => match split.statements.last_mut() {
                Some(last) if beside(file, last, &span) => {
                    let mut diagnostics = attach(file, last, vec![span]);
                    split.diagnostics.append(&mut diagnostics);
                }
                _ => comments.push(span),
            },
            Piece::Statement(span) => {
                let mut statement = statement(file, span, &settings);
                split.diagnostics.extend(attach(file, &mut statement, std::mem::take(&mut comments)));
                if let Some(change) = &statement.change {
                    settings.apply(change);
                }
                split.statements.push(statement);
            }
            Piece::Meta(span) => split.diagnostics.extend(meta(file, span)),
            // The COPY before them is the statement that is told about, whatever the grammar says.
            Piece::Data(_) => {
                if let Some(copy) = split.statements.last_mut() {
                    copy.class = StatementClass::Data;
                    copy.copies = true;
                }
            }
        }
    }
    for span in comments {
        if let Some(directive) = directive::read(file.place(span)) {
            split.diagnostics.push(match directive {
                Ok(directive) => {
                    Diagnostic::new(codes::KEY, "a `schemadiff:` comment stands beside no statement")
                        .at(directive.place)
                        .help("write it above the statement that it is about, or at the end of its line")
                }
                Err(diagnostic) => diagnostic,
            });
        }
    }
    split
}

/// Every role that the files name, to be there before they are loaded.
pub fn roles_of(files: &[SourceFile]) -> Vec<String> {
    let statements = files.iter().flat_map(|file| split(file).statements);
    let mut names: Vec<String> = statements.flat_map(|statement| statement.roles).collect();
    names.sort();
    names.dedup();
    names
}

/// Every extension that the files create, to choose a scratch server that has them.
pub fn extensions_of(files: &[SourceFile]) -> Vec<RequiredExtension> {
    let statements = files.iter().flat_map(|file| split(file).statements);
    let needed = |statement: Statement| {
        let (name, _) = statement.extension?;
        Some(RequiredExtension { name, place: Some(statement.place) })
    };
    statements.filter_map(needed).collect()
}

fn statement(file: &SourceFile, span: Range<usize>, settings: &Settings) -> Statement {
    let text = file.text[span.clone()].to_string();
    let Reading { class, word, roles, subject, extension, parts, change, part, copies } = class::read(&text);
    let place = file.place(span);
    let context = settings.current();
    Statement {
        text,
        place,
        class,
        word,
        roles,
        subject,
        extension,
        parts,
        directives: Vec::new(),
        context,
        change,
        part,
        copies,
    }
}

/// Whether a comment follows a statement on its line.
fn beside(file: &SourceFile, last: &Statement, comment: &Range<usize>) -> bool {
    let end = last.place.span.end;
    end <= comment.start && !file.text[end..comment.start].contains('\n')
}

fn attach(file: &SourceFile, statement: &mut Statement, comments: Vec<Range<usize>>) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    for span in comments {
        match directive::read(file.place(span.clone())) {
            Some(Ok(mut directive)) => {
                let start = statement.place.span.start;
                if span.start >= start && span.end <= statement.place.span.end {
                    directive.beside =
                        part_beside(&statement.text, &statement.parts, span.start - start..span.end - start);
                    if let Some(Beside::Column(name)) = &directive.beside {
                        directive.column = Some(name.clone());
                    }
                }
                statement.directives.push(directive);
            }
            Some(Err(diagnostic)) => wrong.push(diagnostic),
            None => {}
        }
    }
    wrong
}

/// The part whose line a comment ends, else the next one.
fn part_beside(text: &str, parts: &[(Beside, Range<usize>)], comment: Range<usize>) -> Option<Beside> {
    let ends_line = parts
        .iter()
        .rfind(|(_, span)| span.start <= comment.start)
        .filter(|(_, span)| span.end > comment.start || !text[span.end..comment.start].contains('\n'));
    ends_line
        .or_else(|| parts.iter().find(|(_, span)| span.start >= comment.end))
        .map(|(name, _)| name.clone())
}

/// A line of psql's: `pg_dump` of 2025 and later brackets its output with `\restrict` and
/// `\unrestrict`, which say nothing about the schema (release notes of 17.6).
fn meta(file: &SourceFile, span: Range<usize>) -> Option<Diagnostic> {
    let line = file.text[span.clone()].trim_end();
    let command = line.split_whitespace().next().unwrap_or_default();
    if matches!(command, "\\restrict" | "\\unrestrict") {
        return None;
    }
    let end = span.start + line.len();
    Some(
        Diagnostic::new(codes::STATEMENT, format!("`{command}` is a command of psql, not SQL"))
            .at(file.place(span.start..end))
            .help("write the SQL that it stands for, or remove the line"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::sql::DirectiveKind;

    fn of(text: &str) -> Split {
        split(&SourceFile::new("a.sql", text))
    }

    #[test]
    fn intents_find_their_statement_and_column() {
        let split = of("-- schemadiff: renamed_from: old\n\
             CREATE TABLE t (\n  a int, -- schemadiff: using: b::int\n  -- plain\n\
             -- schemadiff: drop: confirmed\n  c int\n  -- schemadiff: backfill: 1\n);\
             -- schemadiff: drop: confirmed\n-- schemadiff: renamed_from: v0\nCREATE VIEW v AS SELECT 1");
        assert!(split.diagnostics.is_empty(), "{:?}", split.diagnostics);
        let directives: Vec<_> = split
            .statements
            .iter()
            .map(|s| s.directives.iter().map(|i| (&i.kind, i.column.as_deref())).collect::<Vec<_>>())
            .collect();
        let backfill = DirectiveKind::Backfill { expression: "1".into(), condition: None, batch: None };
        assert_eq!(
            directives[0],
            [
                (&DirectiveKind::RenamedFrom(vec!["old".into()]), None),
                (&DirectiveKind::Using("b::int".into()), Some("a")),
                (&DirectiveKind::DropConfirmed, Some("c")),
                (&backfill, None),
                (&DirectiveKind::DropConfirmed, None),
            ]
        );
        assert_eq!(directives[1], [(&DirectiveKind::RenamedFrom(vec!["v0".into()]), None)]);
    }

    #[test]
    fn an_intent_beside_nothing_is_told() {
        let split = of("CREATE TABLE t ();\n\n-- schemadiff: drop: confirmed\n");
        assert_eq!(split.diagnostics.len(), 1);
        assert_eq!(split.diagnostics[0].place.as_ref().unwrap().line_column(), (3, 1));
    }

    #[test]
    fn lines_of_pg_dump_pass_and_others_of_psql_do_not() {
        let split = of("\\restrict abc\nCREATE TABLE t ();\n\\connect other\n\\unrestrict abc\n");
        assert_eq!(split.statements.len(), 1);
        let [diagnostic] = split.diagnostics.as_slice() else { panic!("{:?}", split.diagnostics) };
        assert_eq!(diagnostic.message, "`\\connect` is a command of psql, not SQL");
        assert_eq!(diagnostic.place.as_ref().unwrap().line_column(), (3, 1));
    }

    #[test]
    fn roles_come_from_every_file() {
        let files = [
            SourceFile::new("a.sql", "GRANT SELECT ON t TO b; GRANT SELECT ON t TO PUBLIC"),
            SourceFile::new("b.sql", "ALTER TABLE t OWNER TO a; GRANT USAGE ON SCHEMA s TO b"),
        ];
        assert_eq!(roles_of(&files), ["a", "b"]);
    }

    #[test]
    fn places_are_those_of_the_file() {
        let split = of("SELECT 1;\n  CREATE EXTENSION\n  \"pg_trgm\";");
        let statement = &split.statements[1];
        assert_eq!(statement.place.line_column(), (2, 3));
        let (name, span) = statement.extension.clone().unwrap();
        assert_eq!(name, "pg_trgm");
        assert_eq!(statement.place_of(span).line_column(), (3, 3));
    }
}
