//! What a server refused, told in the words and places of the user's files.

use crate::error::text::{count, suggest, word_end};
use crate::error::{Code, Diagnostic, Place, ServerError, codes};

use super::class;
use super::directive;
use super::names::{Subject, references};
use super::split::Statement;

/// A statement, by its number, that the server refused for good.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) statement: usize,
    pub(super) error: ServerError,
}

pub(super) const SYNTAX_ERROR: &str = "42601";

/// Two of one name: column, object, alias, function, cursor, database, statement, schema, table.
pub(super) fn is_duplicate(error: &ServerError) -> bool {
    matches!(
        error.code.as_str(),
        "42701" | "42710" | "42712" | "42723" | "42P03" | "42P04" | "42P05" | "42P06" | "42P07"
    )
}

/// Something that is named is not there: table, column, function, object, schema.
fn is_undefined(error: &ServerError) -> bool {
    matches!(error.code.as_str(), "42P01" | "42703" | "42883" | "42704" | "3F000")
}

/// An extension that the scratch server lacks.
pub(super) fn extension(name: &str) -> Diagnostic {
    Diagnostic::new(codes::EXTENSION, format!("extension `{name}` is not on the scratch server"))
        .label("not in `pg_available_extensions`")
        .help("name a server that has it: `--scratch URL`")
        .help("or install its package beside the PostgreSQL of this machine")
}

/// Every failure, those that only follow from another one told as a count of theirs.
pub(super) fn declarations(statements: &[Statement], failures: &[Failure]) -> Vec<Diagnostic> {
    let causes = causes(statements, failures);
    let mut diagnostics = Vec::new();
    for (i, failure) in failures.iter().enumerate() {
        if causes[i] != i {
            continue;
        }
        let mut diagnostic = declaration(statements, failure);
        let follow = causes.iter().filter(|&&cause| cause == i).count() - 1;
        if follow > 0 {
            let more = count(follow, "more statement");
            diagnostic = diagnostic.help(format!("{more} cannot run because of this one"));
        }
        diagnostics.push(diagnostic);
    }
    diagnostics
}

/// Of a statement that was run in place.
pub(crate) fn statement_error(statement: &Statement, error: &ServerError) -> Diagnostic {
    plain(codes::APPLY, statement, error)
}

fn declaration(statements: &[Statement], failure: &Failure) -> Diagnostic {
    let Failure { statement: number, error } = failure;
    let statement = &statements[*number];
    if is_duplicate(error)
        && let Some(diagnostic) = duplicate(statements, *number, error)
    {
        return diagnostic;
    }
    // A library or script of it is missing although its control file is there (58P01), or a
    // required extension is (0A000).
    if let Some((name, span)) = &statement.extension
        && matches!(error.code.as_str(), "0A000" | "58P01" | "42704")
    {
        return extension(name).label(&error.message).at(statement.place_of(span.clone()));
    }
    let diagnostic = plain(codes::DECLARATION, statement, error);
    if is_undefined(error) { undefined(diagnostic, statements, statement, error) } else { diagnostic }
}

/// The server's words at the server's place.
fn plain(code: Code, statement: &Statement, error: &ServerError) -> Diagnostic {
    let code = match error.code.as_str() {
        SYNTAX_ERROR => codes::SYNTAX,
        _ if is_duplicate(error) => codes::DUPLICATE,
        _ => code,
    };
    let mut diagnostic = Diagnostic::new(code, error.message.trim_end()).at(place(statement, error));
    if let Some(detail) = &error.detail {
        diagnostic = diagnostic.label(detail);
    } else if code == codes::SYNTAX
        && let Some(message) = class::syntax_error(&statement.text)
        // Some of its messages are in names of its own tokens.
        && !message.contains(|c: char| c.is_ascii_uppercase())
    {
        diagnostic = diagnostic.label(message);
    }
    match &error.hint {
        Some(hint) => diagnostic.help(hint),
        None => diagnostic,
    }
}

/// Where the server points, else the statement. An error about a setting that holds at the
/// statement has no place in its text.
fn place(statement: &Statement, error: &ServerError) -> Place {
    let ours = error.sql == statement.text;
    match error.position.filter(|_| ours) {
        Some(at) if at < statement.text.len() => statement.place_of(at..word_end(&statement.text, at)),
        // The end of the statement: something is missing there.
        Some(_) => statement.place_of(statement.text.len()..statement.text.len()),
        None => statement.place_of(0..statement.text.len()),
    }
}

/// Told at the later of the two, whichever of them ran first.
fn duplicate(statements: &[Statement], number: usize, error: &ServerError) -> Option<Diagnostic> {
    let subject = statements[number].subject.as_ref()?;
    let (other, _) = statements.iter().enumerate().find(|(i, statement)| {
        *i != number && statement.subject.as_ref().is_some_and(|other| other.same(subject))
    })?;
    let (first, second) = (number.min(other), number.max(other));
    let (first, second) = (&statements[first], &statements[second]);
    let (line, column) = first.place.line_column();
    let name = display(second.subject.as_ref()?);
    Some(
        Diagnostic::new(codes::DUPLICATE, format!("{name} is declared twice"))
            .at(second.place_of(0..second.text.len()))
            .label(&error.message)
            .help(format!("the first is at {}:{line}:{column}", first.place.file)),
    )
}

fn display(subject: &Subject) -> String {
    let Subject { schema, name, kind, .. } = subject;
    match schema {
        Some(schema) => format!("{kind} `{schema}.{name}`"),
        None => format!("{kind} `{name}`"),
    }
}

/// Says whether the files declare what is missing, and what they declare instead.
fn undefined(
    diagnostic: Diagnostic,
    statements: &[Statement],
    statement: &Statement,
    error: &ServerError,
) -> Diagnostic {
    // A column's table is there, and its other columns are not known here.
    if error.code == "42703" {
        return diagnostic;
    }
    let Some(at) = error.position.filter(|_| error.sql == statement.text) else { return diagnostic };
    let text = &statement.text[at.min(statement.text.len())..];
    let Some(names) = directive::names(&text[..word_end(text, 0)]) else { return diagnostic };
    let Some(name) = names.last() else { return diagnostic };
    let declared = || statements.iter().filter_map(|s| s.subject.as_ref()).map(|s| s.name.as_str());
    if declared().any(|other| other == name) {
        return diagnostic;
    }
    let diagnostic = match diagnostic.label {
        None => diagnostic.label("declared nowhere in these files"),
        Some(_) => diagnostic,
    };
    match suggest(name, declared()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

/// For each failure the one that it follows from, itself when none.
fn causes(statements: &[Statement], failures: &[Failure]) -> Vec<usize> {
    let mut causes: Vec<Option<usize>> = Vec::new();
    let references: Vec<Vec<String>> = failures
        .iter()
        .map(|failure| {
            let text = &statements[failure.statement].text;
            if is_undefined(&failure.error) { references(text) } else { Vec::new() }
        })
        .collect();
    let subject = |i: usize| statements[failures[i].statement].subject.as_ref();
    let blames = |i: usize, j: usize| {
        i != j && subject(j).is_some_and(|s| references[i].contains(&s.name) && !is_own(subject(i), s))
    };
    for i in 0..failures.len() {
        let blameless = (0..failures.len()).all(|j| !blames(i, j));
        causes.push(blameless.then_some(i));
    }
    // From the roots outwards; what no root reaches is a cycle, and each of it is told.
    loop {
        let found: Vec<(usize, usize)> = (0..failures.len())
            .filter(|&i| causes[i].is_none())
            .filter_map(|i| Some((i, (0..failures.len()).find_map(|j| causes[j].filter(|_| blames(i, j)))?)))
            .collect();
        if found.is_empty() {
            break;
        }
        for (i, cause) in found {
            causes[i] = Some(cause);
        }
    }
    causes.into_iter().enumerate().map(|(i, cause)| cause.unwrap_or(i)).collect()
}

fn is_own(own: Option<&Subject>, other: &Subject) -> bool {
    own.is_some_and(|own| own.same(other))
}
