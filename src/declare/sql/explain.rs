//! Turns errors of the server into diagnostics with places in the user's files.

use crate::error::text::{count, suggest, word_end};
use crate::error::{Code, Diagnostic, Place, ServerError, codes};

use super::directive;
use super::names::{CreatedObject, references};
use super::split::Statement;
use super::syntax::syntax_error;

/// A statement that failed, and its error.
#[derive(Debug)]
pub(super) struct Failure {
    /// The number of the statement.
    pub(super) statement: usize,
    pub(super) error: ServerError,
}

/// The SQLSTATE of a syntax error.
pub(super) const SYNTAX_ERROR: &str = "42601";

/// Whether the error is a duplicate column, object, alias, function, cursor, database, statement, schema or table.
pub(super) fn is_duplicate(error: &ServerError) -> bool {
    matches!(
        error.code.as_str(),
        "42701" | "42710" | "42712" | "42723" | "42P03" | "42P04" | "42P05" | "42P06" | "42P07"
    )
}

/// Whether the error is an undefined table, column, function, object or schema.
fn is_undefined(error: &ServerError) -> bool {
    matches!(error.code.as_str(), "42P01" | "42703" | "42883" | "42704" | "3F000")
}

/// Reports an extension that is not available on the scratch server.
pub(super) fn missing_extension(name: &str) -> Diagnostic {
    Diagnostic::new(codes::EXTENSION, format!("extension `{name}` is not available on the scratch server"))
        .label("not listed in `pg_available_extensions`")
        .help("use a scratch server that has the extension: `--scratch URL`")
        .help("or install its package for the PostgreSQL on this machine")
}

/// Reports the failures. Those that are caused by another failure are only counted there.
pub(super) fn report_failures(statements: &[Statement], failures: &[Failure]) -> Vec<Diagnostic> {
    let causes = causes(statements, failures);
    let mut diagnostics = Vec::new();
    for (i, failure) in failures.iter().enumerate() {
        if causes[i] != i {
            continue;
        }
        let mut diagnostic = report_failure(statements, failure);
        let caused = causes.iter().filter(|&&cause| cause == i).count() - 1;
        if caused > 0 {
            let more = count(caused, "more statement");
            diagnostic = diagnostic.help(format!("{more} cannot run because of this error"));
        }
        diagnostics.push(diagnostic);
    }
    diagnostics
}

/// Reports the error of a statement of a migration.
pub(crate) fn statement_error(statement: &Statement, error: &ServerError) -> Diagnostic {
    diagnostic(codes::APPLY, statement, error)
}

fn report_failure(statements: &[Statement], failure: &Failure) -> Diagnostic {
    let Failure { statement: number, error } = failure;
    let statement = &statements[*number];
    if is_duplicate(error)
        && let Some(diagnostic) = duplicate(statements, *number, error)
    {
        return diagnostic;
    }
    // The control file exists, but the library or script is missing (58P01), or a required extension (0A000).
    if let Some((name, span)) = &statement.extension
        && matches!(error.code.as_str(), "0A000" | "58P01" | "42704")
    {
        return missing_extension(name).label(&error.message).at(statement.place_of(span.clone()));
    }
    let diagnostic = diagnostic(codes::DECLARATION, statement, error);
    if is_undefined(error) { explain_undefined(diagnostic, statements, statement, error) } else { diagnostic }
}

/// Makes a diagnostic with the server's message at the server's position.
fn diagnostic(code: Code, statement: &Statement, error: &ServerError) -> Diagnostic {
    let code = match error.code.as_str() {
        SYNTAX_ERROR => codes::SYNTAX,
        _ if is_duplicate(error) => codes::DUPLICATE,
        _ => code,
    };
    let mut diagnostic = Diagnostic::new(code, error.message.trim_end()).at(place(statement, error));
    if let Some(detail) = &error.detail {
        diagnostic = diagnostic.label(detail);
    } else if code == codes::SYNTAX
        && let Some(message) = syntax_error(&statement.text)
        // Some of the parser's messages name its own tokens.
        && !message.contains(|c: char| c.is_ascii_uppercase())
    {
        diagnostic = diagnostic.label(message);
    }
    match &error.hint {
        Some(hint) => diagnostic.help(hint),
        None => diagnostic,
    }
}

/// Returns the position of an error, or else the statement. The error may be about a setting in force at the statement;
/// then its position is not in the text of the statement.
fn place(statement: &Statement, error: &ServerError) -> Place {
    let in_statement = error.sql == statement.text;
    match error.position.filter(|_| in_statement) {
        Some(at) if at < statement.text.len() => statement.place_of(at..word_end(&statement.text, at)),
        // The server expected more at the end of the statement.
        Some(_) => statement.place_of(statement.text.len()..statement.text.len()),
        None => statement.place_of(0..statement.text.len()),
    }
}

/// Reports a duplicate declaration at the later of the two, whichever ran first.
fn duplicate(statements: &[Statement], number: usize, error: &ServerError) -> Option<Diagnostic> {
    let object = statements[number].creates.as_ref()?;
    let (other, _) = statements.iter().enumerate().find(|(i, statement)| {
        *i != number && statement.creates.as_ref().is_some_and(|other| other.may_equal(object))
    })?;
    let (first, second) = (number.min(other), number.max(other));
    let (first, second) = (&statements[first], &statements[second]);
    let (line, column) = first.place.line_column();
    let name = display(second.creates.as_ref()?);
    Some(
        Diagnostic::new(codes::DUPLICATE, format!("{name} is declared twice"))
            .at(second.place_of(0..second.text.len()))
            .label(&error.message)
            .help(format!("it is first declared at {}:{line}:{column}", first.place.file)),
    )
}

fn display(object: &CreatedObject) -> String {
    let CreatedObject { schema, name, kind, .. } = object;
    match schema {
        Some(schema) => format!("{kind} `{schema}.{name}`"),
        None => format!("{kind} `{name}`"),
    }
}

/// Adds that the files do not declare the undefined object, and suggests one with a similar name.
fn explain_undefined(
    diagnostic: Diagnostic,
    statements: &[Statement],
    statement: &Statement,
    error: &ServerError,
) -> Diagnostic {
    // The table exists, but its columns are not known here.
    if error.code == "42703" {
        return diagnostic;
    }
    let Some(at) = error.position.filter(|_| error.sql == statement.text) else { return diagnostic };
    let text = &statement.text[at.min(statement.text.len())..];
    let Some(names) = directive::names(&text[..word_end(text, 0)]) else { return diagnostic };
    let Some(name) = names.last() else { return diagnostic };
    let declared = || statements.iter().filter_map(|s| s.creates.as_ref()).map(|object| object.name.as_str());
    if declared().any(|other| other == name) {
        return diagnostic;
    }
    let diagnostic = match diagnostic.label {
        None => diagnostic.label("not declared in these files"),
        Some(_) => diagnostic,
    };
    match suggest(name, declared()) {
        Some(similar) => diagnostic.help(format!("did you mean `{similar}`?")),
        None => diagnostic,
    }
}

/// Returns for each failure the failure that causes it, which is itself if there is none.
fn causes(statements: &[Statement], failures: &[Failure]) -> Vec<usize> {
    let mut causes: Vec<Option<usize>> = Vec::new();
    let references: Vec<Vec<String>> = failures
        .iter()
        .map(|failure| {
            let text = &statements[failure.statement].text;
            if is_undefined(&failure.error) { references(text) } else { Vec::new() }
        })
        .collect();
    let created = |i: usize| statements[failures[i].statement].creates.as_ref();
    let depends_on = |i: usize, j: usize| {
        i != j
            && created(j)
                .is_some_and(|object| references[i].contains(&object.name) && !is_same(created(i), object))
    };
    for i in 0..failures.len() {
        let independent = (0..failures.len()).all(|j| !depends_on(i, j));
        causes.push(independent.then_some(i));
    }
    // Start from the independent failures. Those that remain at the end are in a cycle, and each is reported.
    loop {
        let found: Vec<(usize, usize)> = (0..failures.len())
            .filter(|&i| causes[i].is_none())
            .filter_map(|i| {
                Some((i, (0..failures.len()).find_map(|j| causes[j].filter(|_| depends_on(i, j)))?))
            })
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

fn is_same(object: Option<&CreatedObject>, other: &CreatedObject) -> bool {
    object.is_some_and(|object| object.may_equal(other))
}
