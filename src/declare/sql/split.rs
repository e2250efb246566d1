//! Splits a file into statements with their directives and settings.

use std::ops::Range;
use std::sync::Arc;

use crate::db::Session;
use crate::error::{Diagnostic, Place, codes};
use crate::scratch::RequiredExtension;

use super::analyze::{Analysis, AttachOrder, analyze};
use super::class::StatementClass;
use super::cut::{Segment, cut};
use super::directive::{self, StatementDirective};
use super::file::SourceFile;
use super::names::CreatedObject;
use super::part::StatementPart;
use super::setting::{SESSION_AUTHORIZATION, SettingChange, SettingContext, SettingTracker};

/// A statement of a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Statement {
    /// The text without the semicolon.
    pub text: String,
    /// The place in the file.
    pub place: Place,
    /// What the statement does to a declared schema.
    pub class: StatementClass,
    /// The first word in upper case, such as `INSERT`.
    pub word: String,
    /// The roles that it names, spelled as the server stores them.
    pub roles: Vec<String>,
    /// The object that it creates.
    pub creates: Option<CreatedObject>,
    /// The extension that it creates, with the range of its name in the text.
    pub extension: Option<(String, Range<usize>)>,
    /// The columns, named constraints and enum values that it defines, with their ranges in the text.
    pub parts: Vec<(StatementPart, Range<usize>)>,
    /// The directives in the comments that belong to it.
    pub directives: Vec<StatementDirective>,
    /// The settings in force.
    pub(super) context: Arc<SettingContext>,
    pub(super) change: Option<SettingChange>,
    pub(super) attach_order: AttachOrder,
    /// Whether it is a COPY from or to the client.
    pub(crate) copies: bool,
}

impl Statement {
    /// Returns the place of a range of the text.
    pub fn place_of(&self, span: Range<usize>) -> Place {
        let start = self.place.span.start;
        Place { span: start + span.start..start + span.end, ..self.place.clone() }
    }

    /// Returns the text to send to a server. It differs from `text` if the server needs another statement to restore
    /// the session user.
    pub(crate) fn text_for(&self, session: &Session) -> &str {
        match &self.change {
            Some(SettingChange::Reset { key }) if key == SESSION_AUTHORIZATION => session.reset_login(),
            _ => &self.text,
        }
    }

    /// Whether a transaction is open after the statement, if it begins or ends one.
    pub(crate) fn opens(&self) -> Option<bool> {
        match self.word.as_str() {
            "BEGIN" | "START" => Some(true),
            "COMMIT" | "END" | "ABORT" => Some(false),
            // ROLLBACK TO does not end the transaction.
            "ROLLBACK" if self.change.is_some() => Some(false),
            _ => None,
        }
    }
}

/// The contents of a file.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Split {
    /// The statements in order.
    pub statements: Vec<Statement>,
    /// The errors that are found without a server.
    pub diagnostics: Vec<Diagnostic>,
}

/// Splits a file into statements.
pub fn split(file: &SourceFile) -> Split {
    let mut split = Split::default();
    let mut settings = SettingTracker::default();
    let mut comments: Vec<Range<usize>> = Vec::new();
    for segment in cut(&file.text) {
        match segment {
            Segment::Comment(span) => match split.statements.last_mut() {
                Some(last) if follows_on_line(file, last, &span) => {
                    let mut diagnostics = attach(file, last, vec![span]);
                    split.diagnostics.append(&mut diagnostics);
                }
                _ => comments.push(span),
            },
            Segment::Statement(span) => {
                let mut statement = statement(file, span, &settings);
                split.diagnostics.extend(attach(file, &mut statement, std::mem::take(&mut comments)));
                if let Some(change) = &statement.change {
                    settings.apply(change);
                }
                split.statements.push(statement);
            }
            Segment::PsqlCommand(span) => split.diagnostics.extend(psql_command(file, span)),
            // The rows belong to the preceding COPY, whatever the parser makes of it.
            Segment::Data(_) => {
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
                Ok(found) => {
                    Diagnostic::new(codes::KEY, "this `schemadiff:` comment belongs to no statement")
                        .at(found.directive.place)
                        .help("write it above the statement that it is about, or at the end of its line")
                }
                Err(diagnostic) => diagnostic,
            });
        }
    }
    split
}

/// Returns the roles that the files name. They must exist before the files are loaded.
pub fn roles_of(files: &[SourceFile]) -> Vec<String> {
    let statements = files.iter().flat_map(|file| split(file).statements);
    let mut names: Vec<String> = statements.flat_map(|statement| statement.roles).collect();
    names.sort();
    names.dedup();
    names
}

/// Returns the extensions that the files create. A scratch server must have them available.
pub fn extensions_of(files: &[SourceFile]) -> Vec<RequiredExtension> {
    let statements = files.iter().flat_map(|file| split(file).statements);
    let required = |statement: Statement| {
        let (name, _) = statement.extension?;
        Some(RequiredExtension { name, place: Some(statement.place) })
    };
    statements.filter_map(required).collect()
}

fn statement(file: &SourceFile, span: Range<usize>, settings: &SettingTracker) -> Statement {
    let text = file.text[span.clone()].to_string();
    let Analysis { class, word, roles, creates, extension, parts, change, attach_order, copies } =
        analyze(&text);
    let place = file.place(span);
    let context = settings.current();
    Statement {
        text,
        place,
        class,
        word,
        roles,
        creates,
        extension,
        parts,
        directives: Vec::new(),
        context,
        change,
        attach_order,
        copies,
    }
}

/// Whether a comment is on the line on which a statement ends.
fn follows_on_line(file: &SourceFile, last: &Statement, comment: &Range<usize>) -> bool {
    let end = last.place.span.end;
    end <= comment.start && !file.text[end..comment.start].contains('\n')
}

/// Adds the directives in comments to a statement, and returns the errors in them.
fn attach(file: &SourceFile, statement: &mut Statement, comments: Vec<Range<usize>>) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for span in comments {
        match directive::read(file.place(span.clone())) {
            Some(Ok(mut directive)) => {
                let start = statement.place.span.start;
                if span.start >= start && span.end <= statement.place.span.end {
                    directive.part =
                        part_beside(&statement.text, &statement.parts, span.start - start..span.end - start);
                }
                statement.directives.push(directive);
            }
            Some(Err(diagnostic)) => errors.push(diagnostic),
            None => {}
        }
    }
    errors
}

/// Returns the part on whose line a comment is, or else the next part.
fn part_beside(
    text: &str,
    parts: &[(StatementPart, Range<usize>)],
    comment: Range<usize>,
) -> Option<StatementPart> {
    let ends_line = parts
        .iter()
        .rfind(|(_, span)| span.start <= comment.start)
        .filter(|(_, span)| span.end > comment.start || !text[span.end..comment.start].contains('\n'));
    ends_line
        .or_else(|| parts.iter().find(|(_, span)| span.start >= comment.end))
        .map(|(name, _)| name.clone())
}

/// Reports a psql command, except `\restrict` and `\unrestrict`, which `pg_dump` writes since 17.6 and which do not
/// affect the schema.
fn psql_command(file: &SourceFile, span: Range<usize>) -> Option<Diagnostic> {
    let line = file.text[span.clone()].trim_end();
    let command = line.split_whitespace().next().unwrap_or_default();
    if matches!(command, "\\restrict" | "\\unrestrict") {
        return None;
    }
    let end = span.start + line.len();
    Some(
        Diagnostic::new(codes::STATEMENT, format!("`{command}` is a psql command, not SQL"))
            .at(file.place(span.start..end))
            .help("replace it with SQL, or remove the line"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DirectiveKind;

    fn of(text: &str) -> Split {
        split(&SourceFile::new("a.sql", text))
    }

    #[test]
    fn directives_belong_to_a_statement_and_a_column() {
        let split = of("-- schemadiff: renamed_from: old\n\
             CREATE TABLE t (\n  a int, -- schemadiff: using: b::int\n  -- plain\n\
             -- schemadiff: drop: confirmed\n  c int\n  -- schemadiff: backfill: 1\n);\
             -- schemadiff: drop: confirmed\n-- schemadiff: renamed_from: v0\nCREATE VIEW v AS SELECT 1");
        assert!(split.diagnostics.is_empty(), "{:?}", split.diagnostics);
        let directives: Vec<_> = split
            .statements
            .iter()
            .map(|s| s.directives.iter().map(|d| (&d.directive.kind, d.part.clone())).collect::<Vec<_>>())
            .collect();
        let backfill = DirectiveKind::Backfill { expression: "1".into(), condition: None, batch: None };
        assert_eq!(
            directives[0],
            [
                (&DirectiveKind::RenamedFrom(vec!["old".into()]), None),
                (&DirectiveKind::Using("b::int".into()), Some(StatementPart::Column("a".into()))),
                (&DirectiveKind::DropConfirmed, Some(StatementPart::Column("c".into()))),
                (&backfill, None),
                (&DirectiveKind::DropConfirmed, None),
            ]
        );
        assert_eq!(directives[1], [(&DirectiveKind::RenamedFrom(vec!["v0".into()]), None)]);
    }

    #[test]
    fn directive_without_a_statement_is_reported() {
        let split = of("CREATE TABLE t ();\n\n-- schemadiff: drop: confirmed\n");
        assert_eq!(split.diagnostics.len(), 1);
        assert_eq!(split.diagnostics[0].place.as_ref().unwrap().line_column(), (3, 1));
    }

    #[test]
    fn only_psql_commands_of_pg_dump_are_accepted() {
        let split = of("\\restrict abc\nCREATE TABLE t ();\n\\connect other\n\\unrestrict abc\n");
        assert_eq!(split.statements.len(), 1);
        let [diagnostic] = split.diagnostics.as_slice() else { panic!("{:?}", split.diagnostics) };
        assert_eq!(diagnostic.message, "`\\connect` is a psql command, not SQL");
        assert_eq!(diagnostic.place.as_ref().unwrap().line_column(), (3, 1));
    }

    #[test]
    fn roles_of_all_files_are_collected() {
        let files = [
            SourceFile::new("a.sql", "GRANT SELECT ON t TO b; GRANT SELECT ON t TO PUBLIC"),
            SourceFile::new("b.sql", "ALTER TABLE t OWNER TO a; GRANT USAGE ON SCHEMA s TO b"),
        ];
        assert_eq!(roles_of(&files), ["a", "b"]);
    }

    #[test]
    fn places_are_relative_to_the_file() {
        let split = of("SELECT 1;\n  CREATE EXTENSION\n  \"pg_trgm\";");
        let statement = &split.statements[1];
        assert_eq!(statement.place.line_column(), (2, 3));
        let (name, span) = statement.extension.clone().unwrap();
        assert_eq!(name, "pg_trgm");
        assert_eq!(statement.place_of(span).line_column(), (3, 3));
    }
}
