//! Variables for `${NAME}` in the configuration: those of the process and of the file `.env` next to it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;

use crate::error::{Diagnostic, Place, Result, codes};
use crate::files;

/// Variables by name. `Debug` does not print their values, which may be passwords.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, OsString>);

impl std::fmt::Debug for Variables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Variables {
    /// Collects variables, except those whose names are not valid UTF-8, which no file can refer to.
    pub fn new<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let named = variables.into_iter().map(|(name, value)| (name.into().into_string(), value.into()));
        Self(named.filter_map(|(name, value)| Some((name.ok()?, value))).collect())
    }

    /// The names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_os_str()))
    }

    /// The value of a variable that is set, not empty and valid UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.to_str()).filter(|value| !value.is_empty())
    }

    /// Adds the variables of a `.env` file, if it exists. Variables that are already set keep their values.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or a line is invalid.
    pub fn add_file(&mut self, path: &Path) -> Result<()> {
        if !path.is_file() {
            return Ok(());
        }
        let text: Arc<str> = files::read(path)?.into();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            match assignment(line) {
                Ok(None) => {}
                Ok(Some((name, value))) => {
                    self.0.entry(name).or_insert(value.into());
                }
                // The line is not quoted, because it may contain a password.
                Err(reason) => {
                    let place = Place { file: path.display().to_string(), text: "".into(), span: 0..0 };
                    let number = text[..start].matches('\n').count() + 1;
                    let message = format!("{}, line {number}: {reason}", path.display());
                    return Err(Diagnostic::new(codes::VALUE, message)
                        .at(place)
                        .help("write NAME=value, NAME='value' or NAME=\"value\"; `#` starts a comment")
                        .into());
                }
            }
            start += line.len();
        }
        Ok(())
    }

    /// Replaces `${NAME}` and `${NAME:-default}`; `$$` is a dollar sign.
    ///
    /// # Errors
    /// Returns a message if a variable is not set.
    pub fn expand(&self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if let Some(after) = rest.strip_prefix('{') {
                let end = after.find('}').ok_or("missing `}` after `${`")?;
                let (name, default) = match after[..end].split_once(":-") {
                    Some((name, default)) => (name, Some(default)),
                    None => (&after[..end], None),
                };
                if self.0.get(name).is_some_and(|value| value.to_str().is_none()) {
                    return Err(format!("the variable `{name}` is not valid UTF-8"));
                }
                match self.get(name).or(default) {
                    Some(value) => out.push_str(value),
                    None => return Err(format!("the variable `{name}` is not set")),
                }
                rest = &after[end + 1..];
            } else {
                out.push('$');
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// Parses a line of a `.env` file.
fn assignment(line: &str) -> Result<Option<(String, String)>, &'static str> {
    let line = line.trim().trim_start_matches('\u{feff}');
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or("expected NAME=value")?;
    let name = name.trim();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err("invalid variable name before `=`");
    }
    let value = value.trim();
    let value = match value.chars().next() {
        Some('\'') => value[1..].split_once('\'').ok_or("unterminated quoted value")?.0.to_owned(),
        Some('"') => quoted(&value[1..]).ok_or("unterminated quoted value")?,
        // A comment starts after a space, because passwords may contain `#`.
        _ => value.split(" #").next().unwrap_or_default().trim_end().to_owned(),
    };
    Ok(Some((name.to_owned(), value)))
}

/// Reads a double-quoted value, after its opening quote.
fn quoted(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '"' => return Some(out),
            '\\' => match letters.next()? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                other => out.push(other),
            },
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn expansion() {
        let variables = Variables::new([("A", "x"), ("E", "")]);
        assert_eq!(variables.expand("${A}-${B:-d}-${E:-e}-$$5-$").unwrap(), "x-d-e-$5-$");
        assert_eq!(variables.expand("${B}").unwrap_err(), "the variable `B` is not set");
        assert_eq!(variables.expand("${B").unwrap_err(), "missing `}` after `${`");
    }

    #[test]
    fn variables_that_are_not_utf_8() {
        let odd = || OsString::from_vec(vec![b'x', 0xff]);
        let variables = Variables::new([("A".into(), odd()), (odd(), "x".into())]);
        assert_eq!(variables.get("A"), None);
        assert_eq!(variables.iter().count(), 1);
        assert_eq!(variables.expand("${A:-d}").unwrap_err(), "the variable `A` is not valid UTF-8");
    }

    #[test]
    fn env_file_lines() {
        let read = |line: &str| assignment(line).unwrap().map(|(name, value)| format!("{name}={value}"));
        assert_eq!(read("  # nothing"), None);
        assert_eq!(read("export A=b # c").unwrap(), "A=b");
        assert_eq!(read("A = p#ss").unwrap(), "A=p#ss");
        assert_eq!(read("A='b # c' # d").unwrap(), "A=b # c");
        assert_eq!(read(r#"A="b\"c\n""#).unwrap(), "A=b\"c\n");
        assert!(assignment("nonsense").is_err());
        assert!(assignment("A='b").is_err());
    }
}
