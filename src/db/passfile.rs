//! The password file, `~/.pgpass` (manual, section 34.16).

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The result of looking up a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The password of a matching line.
    Password(String),
    /// No line matches, or the file does not exist.
    NotFound,
    /// The file is not used, and why. libpq prints a warning and continues without it.
    Ignored(String),
}

/// The connection that a line of the file must match.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// Looks up the password of a connection in the file.
pub(super) fn look_up(path: &Path, key: Key<'_>) -> Lookup {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Lookup::NotFound,
        Err(error) => return Lookup::Ignored(format!("{} is ignored: {error}", path.display())),
    };
    if !metadata.is_file() {
        return Lookup::Ignored(format!("{} is ignored: it is not a regular file", path.display()));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Lookup::Ignored(format!(
            "{} is ignored: other users may read it; run chmod 0600 on it",
            path.display()
        ));
    }
    match fs::read_to_string(path) {
        Ok(text) => find(&text, key).map_or(Lookup::NotFound, Lookup::Password),
        Err(error) => Lookup::Ignored(format!("{} is ignored: {error}", path.display())),
    }
}

/// The password of the first line that matches: `host:port:database:user:password`.
fn find(text: &str, key: Key<'_>) -> Option<String> {
    let port = key.port.to_string();
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line.trim_end_matches('\r'));
        let [host, port_field, database, user, password] = fields.as_slice() else { return None };
        let matches = host.matches(key.host)
            && port_field.matches(&port)
            && database.matches(key.database)
            && user.matches(key.user);
        matches.then(|| password.text.clone())
    })
}

struct Field {
    text: String,
    /// True for `*`, which matches everything unless it is escaped.
    wildcard: bool,
}

impl Field {
    fn matches(&self, value: &str) -> bool {
        self.wildcard || self.text == value
    }
}

/// The five fields of a line. A backslash escapes the next character, and the password may contain colons.
fn fields(line: &str) -> Vec<Field> {
    let mut fields = Vec::with_capacity(5);
    let mut text = String::new();
    let mut escaped = false;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                escaped = true;
                text.extend(chars.next());
            }
            ':' if fields.len() < 4 => {
                let wildcard = text == "*" && !escaped;
                fields.push(Field { text: std::mem::take(&mut text), wildcard });
                escaped = false;
            }
            c => text.push(c),
        }
    }
    fields.push(Field { text, wildcard: false });
    fields
}

#[cfg(test)]
mod tests {
    use super::{Key, find};

    #[test]
    fn lines_with_escapes_and_wildcards() {
        let file = "# comment\nlocalhost:5432:app:ann:first\n*:*:app:ann:second\n\
                    h\\:1:*:*:*:co:lon\n\\*:*:*:star:literal\n*:*:*:bob:back\\\\slash\\:x\n";
        for (host, port, database, user, expected) in [
            ("localhost", 5432, "app", "ann", Some("first")),
            ("elsewhere", 5433, "app", "ann", Some("second")),
            ("h:1", 1, "x", "y", Some("co:lon")),
            ("*", 1, "x", "star", Some("literal")),
            ("h", 1, "x", "star", None),
            ("h", 1, "x", "bob", Some("back\\slash:x")),
            ("h", 1, "x", "nobody", None),
        ] {
            let found = find(file, Key { host, port, database, user });
            assert_eq!(found.as_deref(), expected, "{host}:{port}:{database}:{user}");
        }
    }
}
