//! SQL text, built from typed parts so that every identifier and literal is quoted.
//!
//! [`sql!`](crate::sql) splices values that implement [`Splice`]; a plain string does not compile. The rules of quoting
//! are those of the manual, section 4.1.

mod keywords;

use std::fmt::{self, Display, Formatter};

use keywords::KEYWORDS;

/// SQL text that can be sent to a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sql(String);

impl Sql {
    /// Wraps text that is SQL already: keywords, or text that the server printed.
    pub fn trusted(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends SQL, separated by a space unless one of the two is empty.
    pub fn push(&mut self, other: &Self) {
        if !self.0.is_empty() && !other.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(&other.0);
    }

    /// Returns this SQL followed by another, separated by a space.
    #[must_use]
    pub fn then(mut self, other: &Self) -> Self {
        self.push(other);
        self
    }

    /// Joins SQL texts by a separator.
    pub fn join<'a>(pieces: impl IntoIterator<Item = &'a Self>, separator: &str) -> Self {
        let mut text = String::new();
        for (i, piece) in pieces.into_iter().enumerate() {
            if i > 0 {
                text.push_str(separator);
            }
            text.push_str(&piece.0);
        }
        Self(text)
    }
}

impl Display for Sql {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value that [`sql!`](crate::sql) accepts for a placeholder.
pub trait Splice {
    /// Appends the value as SQL.
    fn splice(&self, out: &mut String);
}

impl<T: Splice + ?Sized> Splice for &T {
    fn splice(&self, out: &mut String) {
        (**self).splice(out);
    }
}

impl Splice for Sql {
    fn splice(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}

macro_rules! splice_numbers {
    ($($number:ty),*) => {$(
        impl Splice for $number {
            fn splice(&self, out: &mut String) {
                out.push_str(&self.to_string());
            }
        }
    )*};
}
splice_numbers!(i16, i32, i64, u32, u64, usize);

/// An identifier. It is quoted unless it is a lower-case word and not a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ident<'a>(pub &'a str);

impl Splice for Ident<'_> {
    fn splice(&self, out: &mut String) {
        if is_plain(self.0) {
            out.push_str(self.0);
        } else {
            out.push('"');
            for c in self.0.chars() {
                if c == '"' {
                    out.push('"');
                }
                out.push(c);
            }
            out.push('"');
        }
    }
}

/// A role in a grant or a policy: the keyword `PUBLIC`, or an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleName<'a>(pub &'a str);

impl RoleName<'_> {
    /// The group of all roles, as catalogs spell it. No role can have this name.
    pub const PUBLIC: &'static str = "public";
}

impl Splice for RoleName<'_> {
    fn splice(&self, out: &mut String) {
        if self.0 == Self::PUBLIC {
            out.push_str("PUBLIC");
        } else {
            Ident(self.0).splice(out);
        }
    }
}

/// Splits a qualified name that the server has quoted (`quote_ident`).
pub fn split_qualified_name(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => part.extend(chars.next()),
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            c => part.push(c),
        }
    }
    parts.push(part);
    parts
}

/// A name qualified by its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualifiedName<'a> {
    /// The schema.
    pub schema: &'a str,
    /// The name in the schema.
    pub name: &'a str,
}

impl Splice for QualifiedName<'_> {
    fn splice(&self, out: &mut String) {
        Ident(self.schema).splice(out);
        out.push('.');
        Ident(self.name).splice(out);
    }
}

/// A string constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Literal<'a>(pub &'a str);

impl Splice for Literal<'_> {
    fn splice(&self, out: &mut String) {
        out.push('\'');
        for c in self.0.chars() {
            if c == '\'' {
                out.push('\'');
            }
            out.push(c);
        }
        out.push('\'');
    }
}

/// The body of a function in dollar quotes, with a tag that does not occur in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DollarQuoted<'a>(pub &'a str);

impl Splice for DollarQuoted<'_> {
    fn splice(&self, out: &mut String) {
        let mut tag = String::from("$$");
        let mut n = 0;
        // A `$` at the end of the body would become part of the closing tag.
        while self.0.contains(tag.trim_end_matches('$')) && tag != "$$"
            || tag == "$$" && (self.0.contains("$$") || self.0.ends_with('$'))
        {
            tag = if n == 0 { "$body$".into() } else { format!("$body{n}$") };
            n += 1;
        }
        out.push_str(&tag);
        out.push_str(self.0);
        out.push_str(&tag);
    }
}

/// A type or expression, as the server prints it or as a declared target spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expression<'a>(pub &'a str);

impl Splice for Expression<'_> {
    fn splice(&self, out: &mut String) {
        out.push_str(self.0);
    }
}

/// A list separated by commas.
#[derive(Clone, Debug)]
pub struct Commas<T>(pub Vec<T>);

impl<T: Splice> Splice for Commas<T> {
    fn splice(&self, out: &mut String) {
        for (i, member) in self.0.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            member.splice(out);
        }
    }
}

/// Builds [`Sql`] from a template with a [`Splice`] value for each `{}`.
///
/// ```
/// use schemadiff::model::sql::{Ident, QualifiedName};
/// let table = QualifiedName { schema: "app", name: "user" };
/// let sql = schemadiff::sql!("ALTER TABLE {} DROP COLUMN {}", table, Ident("E-mail"));
/// assert_eq!(sql.as_str(), r#"ALTER TABLE app."user" DROP COLUMN "E-mail""#);
/// ```
#[macro_export]
macro_rules! sql {
    ($template:literal $(, $part:expr)* $(,)?) => {
        $crate::model::sql::fill($template, &[$(&$part as &dyn $crate::model::sql::Splice),*])
    };
}

/// The function behind [`sql!`](crate::sql).
///
/// # Panics
/// Panics if the numbers of placeholders and values differ.
pub fn fill(template: &str, parts: &[&dyn Splice]) -> Sql {
    let mut out = String::with_capacity(template.len() + 16 * parts.len());
    let mut pieces = template.split("{}");
    out.push_str(pieces.next().unwrap_or_default());
    let mut used = 0;
    for (piece, part) in pieces.zip(parts) {
        part.splice(&mut out);
        out.push_str(piece);
        used += 1;
    }
    assert!(
        used == parts.len() && template.matches("{}").count() == used,
        "as many placeholders as values in {template:?}"
    );
    Sql(out)
}

/// Whether an identifier needs no quotes: a lower-case word that is not a keyword of any supported version.
fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && KEYWORDS.binary_search(&name).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_quoted_if_necessary() {
        let quoted = |name| sql!("{}", Ident(name)).to_string();
        assert_eq!(quoted("plain_1"), "plain_1");
        assert_eq!(quoted("Order"), "\"Order\"");
        assert_eq!(quoted("user"), "\"user\"");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
        assert_eq!(quoted("größe"), "\"größe\"");
        assert_eq!(quoted("1a"), "\"1a\"");
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn dollar_quote_tags_do_not_occur_in_the_body() {
        let quoted = |body| sql!("{}", DollarQuoted(body)).to_string();
        assert_eq!(quoted("x"), "$$x$$");
        assert_eq!(quoted("a $$ b"), "$body$a $$ b$body$");
        assert_eq!(quoted("$$ $body$"), "$body1$$$ $body$$body1$");
        assert_eq!(quoted("ends$"), "$body$ends$$body$");
    }
}
