//! The operating-system user of server programs, which refuse to run as root.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Diagnostic, Error, Result, codes};

/// The user that runs server programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunAs {
    /// The user of this process.
    Current,
    /// Another user, because this process runs as root.
    Other { user: u32, group: u32 },
}

impl RunAs {
    /// Chooses the user: if this process runs as root, `postgres` or else `nobody`.
    pub(super) fn choose(root: bool) -> Result<Self> {
        if !root {
            return Ok(Self::Current);
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "nobody"].iter().find_map(|name| entry(&users, name)).ok_or_else(|| {
            Diagnostic::new(
                codes::SCRATCH,
                "PostgreSQL cannot run as root, and the users `postgres` and `nobody` do not exist",
            )
            .help("run schemadiff as another user, or give a scratch server: --scratch URL")
            .into()
        })
    }

    /// A command that runs as this user in a folder.
    pub(super) fn command(self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).current_dir(folder).env("LC_ALL", "C");
        // The user's connection settings do not apply to a private server.
        for name in
            ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGOPTIONS", "PGSERVICE", "PGTZ", "LANG"]
        {
            command.env_remove(name);
        }
        if let Self::Other { user, group } = self {
            command.uid(user).gid(group);
        }
        command
    }

    /// Makes this user the owner of a file or folder.
    pub(super) fn own(self, path: &Path) -> Result<()> {
        match self {
            Self::Current => Ok(()),
            Self::Other { user, group } => chown(path, Some(user), Some(group))
                .map_err(|source| Error::Io { path: path.to_owned(), source }),
        }
    }
}

/// Finds a user other than root in the text of `/etc/passwd`.
fn entry(users: &str, name: &str) -> Option<RunAs> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next() == Some(name);
        let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        (found && user != 0).then_some(RunAs::Other { user, group })
    })
}

#[cfg(test)]
mod tests {
    use super::{RunAs, entry};

    #[test]
    fn users_without_root() {
        let users = "root:x:0:0::/root:/bin/sh\npostgres:x:101:104:,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(entry(users, "postgres"), Some(RunAs::Other { user: 101, group: 104 }));
        assert_eq!(entry(users, "root"), None);
        assert_eq!(entry(users, "nobody"), None);
    }
}
