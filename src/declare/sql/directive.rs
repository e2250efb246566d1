//! Reads directives from `-- schemadiff:` comments.
//!
//! ```sql
//! -- schemadiff: renamed_from: customer
//! CREATE TABLE client (
//!     id bigint PRIMARY KEY,
//!     email text NOT NULL, -- schemadiff: backfill: lower(login) WHERE login IS NOT NULL BATCH 5000
//!     -- schemadiff: using: amount::numeric
//!     amount numeric(12, 2)
//! );
//! ```

use std::ops::Range;

use squawk_lexer::{TokenKind, tokenize};

use super::part::StatementPart;
use crate::error::text::suggest;
use crate::error::{Diagnostic, Place, codes};
use crate::model::{Directive, DirectiveKind};

/// A directive in a comment of a statement.
#[derive(Clone, Debug)]
pub struct StatementDirective {
    /// The directive.
    pub directive: Directive,
    /// The part of the statement beside which the comment is written, if any.
    pub part: Option<StatementPart>,
}

/// The keys of directives.
const KEYS: [&str; 4] = ["renamed_from", "backfill", "using", "drop"];
/// The start of a comment that holds a directive.
const PREFIX: &str = "schemadiff:";

/// Reads the directive of the comment at `place`; returns `None` if the comment holds none.
pub(super) fn read(place: Place) -> Option<Result<StatementDirective, Diagnostic>> {
    let comment = &place.text[place.span.clone()];
    let body = match comment.strip_prefix("/*") {
        Some(rest) => rest.strip_suffix("*/").unwrap_or(rest),
        None => comment.trim_start_matches('-'),
    };
    let body = body.trim().strip_prefix(PREFIX)?.trim();
    Some(match kind(body, comment, &place) {
        Ok(kind) => Ok(StatementDirective { directive: Directive { kind, place }, part: None }),
        Err(diagnostic) => Err(*diagnostic),
    })
}

/// Reads `key: value`.
fn kind(body: &str, comment: &str, place: &Place) -> Result<DirectiveKind, Box<Diagnostic>> {
    let (key, value) = body.split_once(':').map_or((body, ""), |(key, value)| (key.trim(), value.trim()));
    let place_of = |part: &str| {
        // `part` is a slice of the comment, so its address gives its offset.
        let start = place.span.start + (part.as_ptr() as usize - comment.as_ptr() as usize);
        Place { span: start..start + part.len(), ..place.clone() }
    };
    let invalid = |message: String, help: &str| {
        Box::new(Diagnostic::new(codes::VALUE, message).at(place.clone()).help(help))
    };
    if KEYS.contains(&key) && value.is_empty() {
        return Err(invalid(format!("`{key}` has no value"), &format!("write `-- {PREFIX} {key}: VALUE`")));
    }
    match key {
        "renamed_from" if value.starts_with('\'') => string_literal(value)
            .map(|label| DirectiveKind::RenamedValues(vec![(String::new(), label)]))
            .ok_or_else(|| {
                invalid(
                    format!("expected a string literal, found `{value}`"),
                    "write the old value as in SQL: `'value'`",
                )
            }),
        "renamed_from" => names(value).map(DirectiveKind::RenamedFrom).ok_or_else(|| {
            invalid(
                format!("expected a name, found `{value}`"),
                "write the old name as in SQL: `name`, `schema.name` or `\"Name\"`",
            )
        }),
        "backfill" => backfill(value).ok_or_else(|| {
            invalid(
                format!("invalid backfill `{value}`"),
                &format!("write `-- {PREFIX} backfill: expression [WHERE condition] [BATCH rows]`"),
            )
        }),
        "using" => Ok(DirectiveKind::Using(value.to_string())),
        "drop" if value.eq_ignore_ascii_case("confirmed") => Ok(DirectiveKind::DropConfirmed),
        "drop" => {
            let message = format!("expected `confirmed`, found `{value}`");
            Err(invalid(message, &format!("write `-- {PREFIX} drop: confirmed`")))
        }
        _ => {
            let diagnostic = Diagnostic::new(codes::KEY, format!("unknown key `{key}`")).at(place_of(key));
            Err(Box::new(match suggest(key, KEYS) {
                Some(similar) => diagnostic.help(format!("did you mean `{similar}`?")),
                None => diagnostic.help(format!("valid keys are {}", KEYS.join(", "))),
            }))
        }
    }
}

/// Returns the tokens of `text` other than whitespace, with their ranges.
fn tokens(text: &str) -> impl Iterator<Item = (TokenKind, Range<usize>)> {
    let mut at = 0;
    tokenize(text)
        .map(move |token| {
            let span = at..at + token.len as usize;
            at = span.end;
            (token.kind, span)
        })
        .filter(|(kind, _)| *kind != TokenKind::Whitespace)
}

/// Returns the value of a string literal.
fn string_literal(text: &str) -> Option<String> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let has_unpaired_quote = inner.replace("''", "").contains('\'');
    (!has_unpaired_quote).then(|| inner.replace("''", "'"))
}

/// Splits a qualified name such as `a.b."C"` into its parts.
pub(super) fn names(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    for (i, (kind, span)) in tokens(text).enumerate() {
        match kind {
            TokenKind::Ident if i % 2 == 0 => parts.push(text[span].to_ascii_lowercase()),
            TokenKind::QuotedIdent { terminated: true, uescape: false } if i % 2 == 0 => {
                parts.push(text[span.start + 1..span.end - 1].replace("\"\"", "\""));
            }
            TokenKind::Dot if i % 2 == 1 => {}
            _ => return None,
        }
    }
    let dots = tokens(text).count() - parts.len();
    (dots + 1 == parts.len() && parts.len() <= 3).then_some(parts)
}

/// Reads `expression [WHERE condition] [BATCH rows]`.
fn backfill(text: &str) -> Option<DirectiveKind> {
    let mut depth = 0_usize;
    let (mut condition_at, mut batch_at) = (None, None);
    for (kind, span) in tokens(text) {
        match kind {
            TokenKind::OpenParen | TokenKind::OpenBracket => depth += 1,
            TokenKind::CloseParen | TokenKind::CloseBracket => depth = depth.checked_sub(1)?,
            // Only a subquery could contain another WHERE, and that is in parentheses.
            TokenKind::Ident if depth == 0 && text[span.clone()].eq_ignore_ascii_case("where") => {
                condition_at = condition_at.or(Some(span));
            }
            TokenKind::Ident if depth == 0 && text[span.clone()].eq_ignore_ascii_case("batch") => {
                batch_at = Some(span);
            }
            _ => {}
        }
    }
    let batch = match &batch_at {
        Some(span) => Some(text[span.end..].trim().replace('_', "").parse().ok().filter(|&n| n > 0)?),
        None => None,
    };
    let end = batch_at.map_or(text.len(), |span| span.start);
    let condition = match &condition_at {
        Some(span) => Some(text.get(span.end..end)?.trim().to_string()).filter(|c| !c.is_empty()),
        None => None,
    };
    let expression = text[..condition_at.map_or(end, |span| span.start)].trim().to_string();
    (depth == 0 && !expression.is_empty()).then_some(DirectiveKind::Backfill { expression, condition, batch })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::sql::file::SourceFile;

    fn parse(comment: &str) -> Option<Result<DirectiveKind, String>> {
        let file = SourceFile::new("a.sql", comment);
        read(file.place(0..comment.len())).map(|result| {
            result
                .map(|found| found.directive.kind)
                .map_err(|d| format!("{} {} | {}", d.code, d.message, d.help[0]))
        })
    }

    #[test]
    fn every_key_is_read() {
        let ok = |comment| parse(comment).unwrap().unwrap();
        assert_eq!(
            ok("-- schemadiff: renamed_from: App.\"Old \"\"x\"\"\""),
            DirectiveKind::RenamedFrom(vec!["app".into(), "Old \"x\"".into()])
        );
        assert_eq!(
            ok("-- schemadiff: renamed_from: 'it''s'"),
            DirectiveKind::RenamedValues(vec![(String::new(), "it's".into())])
        );
        assert_eq!(ok("/* schemadiff: drop: confirmed */"), DirectiveKind::DropConfirmed);
        assert_eq!(ok("--schemadiff: using: x::int"), DirectiveKind::Using("x::int".into()));
        assert_eq!(
            ok("-- schemadiff: backfill: (select 1 where true) WHERE a = 'batch' BATCH 5_000"),
            DirectiveKind::Backfill {
                expression: "(select 1 where true)".into(),
                condition: Some("a = 'batch'".into()),
                batch: Some(5000)
            }
        );
        assert_eq!(
            ok("-- schemadiff: backfill: 0"),
            DirectiveKind::Backfill { expression: "0".into(), condition: None, batch: None }
        );
        assert!(parse("-- about schemadiff: it is fine").is_none());
    }

    #[test]
    fn invalid_directives_are_reported() {
        let error = |comment| parse(comment).unwrap().unwrap_err();
        assert_eq!(
            error("-- schemadiff: rename_from: x"),
            "SD015 unknown key `rename_from` | did you mean `renamed_from`?"
        );
        assert_eq!(
            error("-- schemadiff: zzz: x"),
            "SD015 unknown key `zzz` | valid keys are renamed_from, backfill, using, drop"
        );
        assert_eq!(
            error("-- schemadiff: drop: yes"),
            "SD016 expected `confirmed`, found `yes` | write `-- schemadiff: drop: confirmed`"
        );
        assert_eq!(
            error("-- schemadiff: using:"),
            "SD016 `using` has no value | write `-- schemadiff: using: VALUE`"
        );
        assert!(error("-- schemadiff: renamed_from: a b").starts_with("SD016 expected a name, found `a b`"));
        assert!(error("-- schemadiff: backfill: a BATCH x").starts_with("SD016"));
    }
}
