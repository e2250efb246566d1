//! SQL text, built from typed parts so that nothing reaches a server unquoted.
//!
//! [`sql!`](crate::sql) splices values that know how to print themselves; a bare
//! string does not compile. Rules of quoting: PostgreSQL manual, section 4.1.

mod keywords;

use std::fmt::{self, Display, Formatter};

use keywords::KEYWORDS;

/// A piece of SQL that is safe to send as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sql(String);

impl Sql {
    /// Text that is SQL already: keywords of ours, or what the server deparsed.
    pub fn trusted(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a piece, with one space before it where both have text.
    pub fn push(&mut self, piece: &Self) {
        if !self.0.is_empty() && !piece.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(&piece.0);
    }

    /// This and then `piece`, with one space between them.
    #[must_use]
    pub fn then(mut self, piece: &Self) -> Self {
        self.push(piece);
        self
    }

    /// Pieces with `separator` between them.
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

/// What [`sql!`](crate::sql) accepts in a hole.
pub trait Splice {
    /// Writes the value as SQL.
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

/// An identifier, always quoted when it is not a plain lower-case word.
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

/// A role in a grant, a policy or an owner: `PUBLIC` is a keyword there, every other name an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleName<'a>(pub &'a str);

impl RoleName<'_> {
    /// How the group of all roles is spelled in a catalog; a role cannot have this name.
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

/// The parts of a qualified name that the server has quoted (`quote_ident`).
pub fn parts(text: &str) -> Vec<String> {
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

/// A name with its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualifiedName<'a> {
    /// The schema.
    pub schema: &'a str,
    /// The name in it.
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

/// A function's body between dollar quotes whose tag does not occur in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DollarQuoted<'a>(pub &'a str);

impl Splice for DollarQuoted<'_> {
    fn splice(&self, out: &mut String) {
        let mut tag = String::from("$$");
        let mut n = 0;
        // A body that ends in `$` would run into the closing tag.
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

/// A type or expression as the server printed it, or as a declared target spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expression<'a>(pub &'a str);

impl Splice for Expression<'_> {
    fn splice(&self, out: &mut String) {
        out.push_str(self.0);
    }
}

/// A list with commas between its members.
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

/// Builds [`Sql`] from a template whose `{}` holes take [`Splice`] values.
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

/// What [`sql!`](crate::sql) calls.
///
/// # Panics
/// When the holes and the parts differ in number, which is a mistake in our source.
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
        "as many holes as parts in {template:?}"
    );
    Sql(out)
}

/// Whether an identifier needs no quotes: lower case and no keyword of any supported major.
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
    fn identifiers_are_quoted_when_they_must_be() {
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
    fn a_dollar_quote_never_meets_its_own_tag() {
        let quoted = |body| sql!("{}", DollarQuoted(body)).to_string();
        assert_eq!(quoted("x"), "$$x$$");
        assert_eq!(quoted("a $$ b"), "$body$a $$ b$body$");
        assert_eq!(quoted("$$ $body$"), "$body1$$$ $body$$body1$");
        assert_eq!(quoted("ends$"), "$body$ends$$body$");
    }
}
