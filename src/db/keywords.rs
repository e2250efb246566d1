//! Keyword/value connection strings: `host=localhost dbname='my db'` (manual, 34.1.1.1).

use super::parameters::known;
use crate::error::{Diagnostic, Error, Result, codes};

/// Parses a keyword/value string.
pub(super) fn parse(text: &str) -> Result<Vec<(&'static str, String)>> {
    let mut set = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let Some((name, after)) = rest.split_once('=') else {
            return Err(missing_equals(rest));
        };
        let name = name.trim_end();
        if name.chars().any(char::is_whitespace) {
            return Err(missing_equals(name));
        }
        let parameter = known(name, "the connection string")?;
        let (value, after) = value(after.trim_start(), name)?;
        set.push((parameter.name, value));
        rest = after.trim_start();
    }
    Ok(set)
}

/// Reads a value and returns it with the rest of the text. A backslash escapes the next character, in quotes or not.
fn value<'a>(text: &'a str, name: &str) -> Result<(String, &'a str)> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((i, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            '\'' if quoted => return Ok((value, &text[i + 1..])),
            c if !quoted && c.is_whitespace() => return Ok((value, &text[i..])),
            c => value.push(c),
        }
    }
    if quoted {
        return Err(invalid(&format!("unterminated quoted value of `{name}`")));
    }
    Ok((value, ""))
}

fn missing_equals(text: &str) -> Error {
    let word = text.split_whitespace().next().unwrap_or_default();
    invalid(&format!("missing `=` after `{word}`"))
}

fn invalid(what: &str) -> Error {
    Diagnostic::new(codes::USAGE, format!("invalid connection string: {what}"))
        .help("write `host=localhost dbname=app user=me`, or a URL: postgresql://me@localhost/app")
        .into()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn strings_as_in_libpq() {
        for (text, expected) in [
            ("", ""),
            ("host=localhost port=5432 dbname=mydb", "host:localhost port:5432 dbname:mydb"),
            ("  host = localhost\tdbname='my db' ", "host:localhost dbname:my db"),
            (r"password='it\'s \\' user=a\ b", r"password:it's \ user:a b"),
            ("password='' user=x", "password: user:x"),
        ] {
            let set = parse(text).unwrap();
            let shown: Vec<_> = set.iter().map(|(name, value)| format!("{name}:{value}")).collect();
            assert_eq!(shown.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn invalid_strings() {
        for (text, expected) in [
            ("host=a nonsense", "invalid connection string: missing `=` after `nonsense`"),
            ("nonsense host=a", "invalid connection string: missing `=` after `nonsense`"),
            ("database=x", "unknown connection parameter `database` in the connection string"),
            ("user='x", "invalid connection string: unterminated quoted value of `user`"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), expected);
        }
    }
}
