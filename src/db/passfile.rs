//! The password file, `~/.pgpass` (manual, section 34.16).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What the password file says about a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// A line fits.
    Password(String),
    /// No line fits, or there is no file.
    Nothing,
    /// The file is not used, and why: libpq warns and goes on without, and so do we.
    Ignored(String),
}

/// What a line of the file is compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// Looks a connection up in the file.
pub(super) fn look_up(path: &Path, wanted: Wanted<'_>) -> Lookup {
    let Ok(metadata) = fs::metadata(path) else { return Lookup::Nothing };
    if !metadata.is_file() {
        return Lookup::Ignored(format!("{} is ignored: it is not a plain file", path.display()));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Lookup::Ignored(format!(
            "{} is ignored: others may read it; run chmod 0600 on it",
            path.display()
        ));
    }
    match fs::read_to_string(path) {
        Ok(text) => find(&text, wanted).map_or(Lookup::Nothing, Lookup::Password),
        Err(error) => Lookup::Ignored(format!("{} is ignored: {error}", path.display())),
    }
}

/// The first line that fits: `host:port:database:user:password`.
fn find(text: &str, wanted: Wanted<'_>) -> Option<String> {
    let port = wanted.port.to_string();
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line.trim_end_matches('\r'));
        let [host, port_field, database, user, password] = fields.as_slice() else { return None };
        let fits = host.fits(wanted.host)
            && port_field.fits(&port)
            && database.fits(wanted.database)
            && user.fits(wanted.user);
        fits.then(|| password.text.clone())
    })
}

struct Field {
    text: String,
    /// Written as a bare `*`: an escaped one is a name.
    any: bool,
}

impl Field {
    fn fits(&self, value: &str) -> bool {
        self.any || self.text == value
    }
}

/// Five fields; a backslash takes the next character as it is, and the password may hold colons.
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
                let any = text == "*" && !escaped;
                fields.push(Field { text: std::mem::take(&mut text), any });
                escaped = false;
            }
            c => text.push(c),
        }
    }
    fields.push(Field { text, any: false });
    fields
}

#[cfg(test)]
mod tests {
    use super::{Wanted, find};

    #[test]
    fn lines_escapes_and_wildcards() {
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
            let found = find(file, Wanted { host, port, database, user });
            assert_eq!(found.as_deref(), expected, "{host}:{port}:{database}:{user}");
        }
    }
}
