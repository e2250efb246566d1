//! Errors as text: code, message, place, source excerpt, help.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::error::text::word_end;
use crate::error::{Diagnostic, Error, ServerError, codes};

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// With escape sequences, for a terminal.
    Always,
    /// Plain.
    Never,
}

/// Renders an error, without a newline at the end.
pub fn render_error(error: &Error, colour: Colour) -> String {
    match error {
        Error::Diagnostics(diagnostics) => render(diagnostics, colour),
        Error::Server(error) => server(error, colour),
        Error::Io { path, source } => {
            let what = format!("`{}`: {source}", path.display());
            render(&[Diagnostic::new(codes::FILE, what)], colour)
        }
        Error::Internal(_) => {
            renderer(colour).render(&[Group::with_title(Level::ERROR.primary_title(error.to_string()))])
        }
    }
}

/// Renders diagnostics in the order of their places; those without a place come first.
pub fn render(diagnostics: &[Diagnostic], colour: Colour) -> String {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by(|a, b| key(a).cmp(&key(b)));
    let renderer = renderer(colour);
    let mut out = String::new();
    for (i, diagnostic) in sorted.into_iter().enumerate() {
        if i > 0 {
            out.push_str("\n\n");
        }
        out.push_str(&one(diagnostic, &renderer));
    }
    out
}

/// Renders a diagnostic without an excerpt: message, `file:line:column`, help.
pub(super) fn plain(diagnostic: &Diagnostic) -> String {
    let mut lines = vec![diagnostic.message.clone()];
    if let Some(place) = &diagnostic.place {
        let (line, column) = place.line_column();
        lines.push(format!("{}:{line}:{column}", place.file));
    }
    lines.extend(diagnostic.help.iter().map(|help| format!("help: {help}")));
    lines.join("\n")
}

fn key(diagnostic: &Diagnostic) -> Option<(&str, usize, usize)> {
    diagnostic.place.as_ref().map(|place| (place.file.as_str(), place.span.start, place.span.end))
}

fn renderer(colour: Colour) -> Renderer {
    match colour {
        Colour::Always => Renderer::styled(),
        Colour::Never => Renderer::plain(),
    }
}

fn one(diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let mut group = Group::with_title(Level::ERROR.primary_title(&diagnostic.message).id(diagnostic.code.0));
    match &diagnostic.place {
        Some(place) if !place.text.is_empty() => {
            let excerpt = excerpt(&place.text, &place.span);
            let mut mark = AnnotationKind::Primary.span(excerpt.span);
            if let Some(label) = &diagnostic.label {
                mark = mark.label(label);
            }
            group = group.element(
                Snippet::source(excerpt.text).path(&place.file).line_start(excerpt.line).annotation(mark),
            );
        }
        Some(place) => group = group.element(Origin::path(&place.file)),
        None => {}
    }
    group = group.elements(diagnostic.help.iter().map(|help| Level::HELP.message(help)));
    renderer.render(&[group])
}

/// Renders a server's error with the position in the statement.
fn server(error: &ServerError, colour: Colour) -> String {
    let mut group = Group::with_title(Level::ERROR.primary_title(&error.message).id(&error.code));
    if !error.sql.is_empty() {
        let at = error.position.unwrap_or(0);
        let excerpt = excerpt(&error.sql, &(at..word_end(&error.sql, at)));
        let mut snippet = Snippet::source(excerpt.text).path("statement").line_start(excerpt.line);
        if error.position.is_some() {
            snippet = snippet.annotation(AnnotationKind::Primary.span(excerpt.span));
        } else {
            snippet = snippet.annotation(AnnotationKind::Visible.span(excerpt.span));
        }
        group = group.element(snippet);
    }
    if let Some(detail) = &error.detail {
        group = group.element(Level::NOTE.message(detail));
    }
    if let Some(hint) = &error.hint {
        group = group.element(Level::HELP.message(hint));
    }
    renderer(colour).render(&[group])
}

/// The line of a span; a file of a megabyte is not laid out to show one line.
struct Excerpt<'a> {
    text: &'a str,
    /// The span, relative to `text`.
    span: std::ops::Range<usize>,
    /// The line number of `text`.
    line: usize,
}

fn excerpt<'a>(text: &'a str, span: &std::ops::Range<usize>) -> Excerpt<'a> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    let first = text[..start].rfind('\n').map_or(0, |i| i + 1);
    // Of a span over several lines, the first is shown.
    let last = text[start..].find('\n').map_or(text.len(), |length| start + length);
    let end = end.min(last);
    Excerpt {
        text: text[first..last].trim_end_matches('\r'),
        span: start - first..end - first,
        line: text[..first].matches('\n').count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::{Place, codes};

    #[test]
    fn a_diagnostic_with_excerpt_and_help() {
        let text: Arc<str> = "a:\n  b: 1\n    nullable: false\nc: 2\n".into();
        let start = text.find("nullable").unwrap();
        let place = Place { file: "schema.yaml".into(), text, span: start..start + 15 };
        let diagnostics = [
            Diagnostic::new(codes::DECLARATION, "column `orders.total` becomes NOT NULL")
                .at(place)
                .label("3 of 1,204 rows are NULL")
                .help("backfill it first, or declare a `default`")
                .help("or leave it"),
            Diagnostic::new(codes::USAGE, "no target").help("name one"),
        ];
        assert_eq!(
            render(&diagnostics, Colour::Never),
            "error[SD001]: no target\n \
               |\n \
               = help: name one\n\
             \n\
             error[SD012]: column `orders.total` becomes NOT NULL\n \
             --> schema.yaml:3:5\n  \
               |\n\
             3 |     nullable: false\n  \
               |     ^^^^^^^^^^^^^^^ 3 of 1,204 rows are NULL\n  \
               |\n  \
               = help: backfill it first, or declare a `default`\n  \
               = help: or leave it"
        );
        assert!(render(&diagnostics, Colour::Always).contains('\u{1b}'));
    }

    #[test]
    fn a_server_error_with_its_position() {
        let error = Error::Server(Box::new(ServerError {
            code: "42P01".into(),
            message: "relation \"t\" does not exist".into(),
            detail: None,
            hint: Some("create it".into()),
            sql: "SELECT *\nFROM t;".into(),
            position: Some(14),
            table: None,
        }));
        let shown = render_error(&error, Colour::Never);
        assert!(shown.contains("--> statement:2:6") && shown.contains("2 | FROM t;"), "{shown}");
        assert!(shown.ends_with("= help: create it"), "{shown}");
    }

    #[test]
    fn places_out_of_bounds() {
        let place = Place { file: "f".into(), text: "größe".into(), span: 3..900 };
        render(&[Diagnostic::new(codes::SYNTAX, "x").at(place)], Colour::Never);
        let place = Place { file: "f".into(), text: "a\n".into(), span: 2..2 };
        render(&[Diagnostic::new(codes::SYNTAX, "x").at(place)], Colour::Never);
    }
}
