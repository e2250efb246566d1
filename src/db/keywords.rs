//! Connection strings of keywords and values: `host=localhost dbname='my db'` (manual, 34.1.1.1).

use super::parameters::known;
use crate::error::{Diagnostic, Error, Result, codes};

/// The parameters that a key/value string sets.
pub(super) fn parse(text: &str) -> Result<Vec<(&'static str, String)>> {
    let mut set = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let Some((name, after)) = rest.split_once('=') else {
            return Err(broken(&format!(
                "`{}` has no `=`",
                rest.split_whitespace().next().unwrap_or_default()
            )));
        };
        let name = name.trim_end();
        if name.chars().any(char::is_whitespace) {
            return Err(broken(&format!(
                "`{}` has no `=`",
                name.split_whitespace().next().unwrap_or_default()
            )));
        }
        let parameter = known(name, "the connection string")?;
        let (value, after) = value(after.trim_start(), name)?;
        set.push((parameter.name, value));
        rest = after.trim_start();
    }
    Ok(set)
}

/// A value and what follows it. A backslash takes the next character as it is, quoted or not.
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
        return Err(broken(&format!("the quoted value of `{name}` has no closing quote")));
    }
    Ok((value, ""))
}

fn broken(what: &str) -> Error {
    Diagnostic::new(codes::USAGE, format!("the connection string cannot be read: {what}"))
        .help("write `host=localhost dbname=app user=me`, or a URL: postgresql://me@localhost/app")
        .into()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn strings_of_libpq() {
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
    fn wrong_strings_say_what() {
        for (text, expected) in [
            ("host=a nonsense", "the connection string cannot be read: `nonsense` has no `=`"),
            ("nonsense host=a", "the connection string cannot be read: `nonsense` has no `=`"),
            ("database=x", "`database` in the connection string is not a connection parameter"),
            (
                "user='x",
                "the connection string cannot be read: the quoted value of `user` has no closing quote",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), expected);
        }
    }
}
