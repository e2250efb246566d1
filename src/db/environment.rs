//! The environment variables for connections and scratch servers.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;

/// Environment variables, read once by the command line. Other code does not read the process's environment.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// Keeps the relevant variables: `PG*`, `HOME`, `PATH`, `TMPDIR`, `XDG_*`, `SCHEMADIFF_*`, `NO_COLOR` and those with
    /// the name of the user.
    pub fn from_vars<K, V>(variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let mut kept = BTreeMap::new();
        for (name, value) in variables {
            // No variable of interest has another name.
            let Ok(name) = name.into().into_string() else { continue };
            let known = ["HOME", "PATH", "TMPDIR", "USER", "LOGNAME", "USERNAME", "NO_COLOR"]
                .contains(&name.as_str());
            if known || ["PG", "XDG_", "SCHEMADIFF_"].iter().any(|prefix| name.starts_with(prefix)) {
                kept.insert(name, value.into());
            }
        }
        Self { variables: kept }
    }

    /// The value of a variable that is set, not empty, and valid UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_os(name).and_then(OsStr::to_str)
    }

    /// The value of a variable that is set and not empty. Paths need not be valid UTF-8.
    pub fn get_os(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(name).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The home folder.
    pub fn home(&self) -> Option<PathBuf> {
        self.get_os("HOME").map(PathBuf::from)
    }

    /// The name of the operating-system user, libpq's default for the role.
    pub fn user(&self) -> Option<String> {
        user_of_this_process().or_else(|| {
            ["LOGNAME", "USER", "USERNAME"].iter().find_map(|name| self.get(name)).map(str::to_owned)
        })
    }

    /// The folder for temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.get_os("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
    }
}

// Prints the names only, because values may be passwords.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// The name of the user that runs this process, on systems with `/proc`.
fn user_of_this_process() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let uid = fs::metadata("/proc/self").ok()?.uid().to_string();
    let users = fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::Environment;

    #[test]
    fn keeps_relevant_variables_and_prints_no_values() {
        let environment = Environment::from_vars([
            ("PGPASSWORD", "secret"),
            ("LS_COLORS", "x"),
            ("PGHOST", ""),
            ("HOME", "/h"),
        ]);
        assert_eq!(environment.get("PGPASSWORD"), Some("secret"));
        assert_eq!(environment.get("PGHOST"), None);
        assert_eq!(environment.get("LS_COLORS"), None);
        assert_eq!(format!("{environment:?}"), r#"{"HOME", "PGHOST", "PGPASSWORD"}"#);
    }
}
