//! `-- schemadiff:` comments: what a state cannot say by itself.
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

use crate::error::text::suggest;
use crate::error::{Diagnostic, Place, codes};

/// A wish of the user's about how a change is made.
#[derive(Clone, Debug)]
pub struct Directive {
    /// What is wished.
    pub kind: DirectiveKind,
    /// The column that the comment stands beside, in the statement it belongs to.
    pub column: Option<String>,
    /// What the comment stands beside in it, whatever that is.
    pub beside: Option<Beside>,
    /// The comment.
    pub place: Place,
}

/// A part of a statement that a comment can stand beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beside {
    /// A column of a table, or an attribute of a composite type.
    Column(String),
    /// A constraint that has a name.
    Constraint(String),
    /// A value of an enum.
    Value(String),
}

/// The wishes there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectiveKind {
    /// `renamed_from: name`: the object or column had this name; parts unquoted as the server does.
    RenamedFrom(Vec<String>),
    /// `renamed_from: 'value'` beside a value of an enum; in YAML for several values, the new one first.
    RenamedValues(Vec<(String, String)>),
    /// `backfill: expression [WHERE condition] [BATCH rows]`: the value for rows that are there.
    Backfill {
        /// The new value.
        expression: String,
        /// Which rows take it.
        condition: Option<String>,
        /// How many rows a transaction takes.
        batch: Option<u32>,
    },
    /// `using: expression`: how the old value becomes one of the new type.
    Using(String),
    /// `drop: confirmed`: this is a new object, and what it seems to replace goes.
    DropConfirmed,
}

/// Every key there is.
const KEYS: [&str; 4] = ["renamed_from", "backfill", "using", "drop"];
/// What such a comment starts with.
const MARK: &str = "schemadiff:";

/// Reads the comment at `place`; none when it is not one of ours.
pub(super) fn read(place: Place) -> Option<Result<Directive, Diagnostic>> {
    let comment = &place.text[place.span.clone()];
    let body = match comment.strip_prefix("/*") {
        Some(rest) => rest.strip_suffix("*/").unwrap_or(rest),
        None => comment.trim_start_matches('-'),
    };
    let body = body.trim().strip_prefix(MARK)?.trim();
    Some(match kind(body, comment, &place) {
        Ok(kind) => Ok(Directive { kind, column: None, beside: None, place }),
        Err(diagnostic) => Err(*diagnostic),
    })
}

fn kind(body: &str, comment: &str, place: &Place) -> Result<DirectiveKind, Box<Diagnostic>> {
    let (key, value) = body.split_once(':').map_or((body, ""), |(key, value)| (key.trim(), value.trim()));
    let at = |part: &str| {
        // `part` is a slice of the comment, found again by its offset in it.
        let start = place.span.start + (part.as_ptr() as usize - comment.as_ptr() as usize);
        Place { span: start..start + part.len(), ..place.clone() }
    };
    let wrong = |message: String, help: &str| {
        Box::new(Diagnostic::new(codes::VALUE, message).at(place.clone()).help(help))
    };
    if KEYS.contains(&key) && value.is_empty() {
        return Err(wrong(format!("`{key}` has no value"), &format!("write `-- {MARK} {key}: VALUE`")));
    }
    match key {
        "renamed_from" if value.starts_with('\'') => {
            label(value).map(|label| DirectiveKind::RenamedValues(vec![(String::new(), label)])).ok_or_else(
                || wrong(format!("`{value}` is no value of an enum"), "write it as in SQL: `'value'`"),
            )
        }
        "renamed_from" => names(value).map(DirectiveKind::RenamedFrom).ok_or_else(|| {
            wrong(format!("`{value}` is no name"), "write one as in SQL: `name`, `schema.name` or `\"Name\"`")
        }),
        "backfill" => backfill(value).ok_or_else(|| {
            wrong(format!("`{value}` is no backfill"), "write `expression [WHERE condition] [BATCH rows]`")
        }),
        "using" => Ok(DirectiveKind::Using(value.to_string())),
        "drop" if value.eq_ignore_ascii_case("confirmed") => Ok(DirectiveKind::DropConfirmed),
        "drop" => Err(wrong(format!("`drop` is `{value}`"), "the only value is `confirmed`")),
        _ => {
            let diagnostic = Diagnostic::new(codes::KEY, format!("unknown key `{key}`")).at(at(key));
            Err(Box::new(match suggest(key, KEYS) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help(format!("the keys are {}", KEYS.join(", "))),
            }))
        }
    }
}

/// Tokens that are no space, with their places in `text`.
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

/// What a string constant says.
fn label(text: &str) -> Option<String> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let single = inner.replace("''", "").contains('\'');
    (!single).then(|| inner.replace("''", "'"))
}

/// `a.b."C"` as its parts.
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

fn backfill(text: &str) -> Option<DirectiveKind> {
    let mut depth = 0_usize;
    let (mut condition_at, mut batch_at) = (None, None);
    for (kind, span) in tokens(text) {
        match kind {
            TokenKind::OpenParen | TokenKind::OpenBracket => depth += 1,
            TokenKind::CloseParen | TokenKind::CloseBracket => depth = depth.checked_sub(1)?,
            // CASE has WHEN, never WHERE, so that only a subquery could hide one; it has parentheses.
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
    use crate::declare::sql::SourceFile;

    fn parse(comment: &str) -> Option<Result<DirectiveKind, String>> {
        let file = SourceFile::new("a.sql", comment);
        read(file.place(0..comment.len())).map(|result| {
            result
                .map(|directive| directive.kind)
                .map_err(|d| format!("{} {} | {}", d.code, d.message, d.help[0]))
        })
    }

    #[test]
    fn every_key_is_typed() {
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
    fn a_wrong_one_is_told() {
        let wrong = |comment| parse(comment).unwrap().unwrap_err();
        assert_eq!(
            wrong("-- schemadiff: rename_from: x"),
            "SD015 unknown key `rename_from` | did you mean `renamed_from`?"
        );
        assert_eq!(
            wrong("-- schemadiff: zzz: x"),
            "SD015 unknown key `zzz` | the keys are renamed_from, backfill, using, drop"
        );
        assert_eq!(
            wrong("-- schemadiff: drop: yes"),
            "SD016 `drop` is `yes` | the only value is `confirmed`"
        );
        assert_eq!(
            wrong("-- schemadiff: using:"),
            "SD016 `using` has no value | write `-- schemadiff: using: VALUE`"
        );
        assert!(wrong("-- schemadiff: renamed_from: a b").starts_with("SD016 `a b` is no name"));
        assert!(wrong("-- schemadiff: backfill: a BATCH x").starts_with("SD016"));
    }
}
