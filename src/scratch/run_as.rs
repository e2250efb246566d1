//! Running server programs, which refuse to run as root.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Diagnostic, Error, Result, codes};

/// The user that server programs run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunAs {
    /// The one that we run as.
    Ourselves,
    /// Another, since we are root.
    Other { user: u32, group: u32 },
}

impl RunAs {
    /// Where we are root: `postgres`, else `nobody`.
    pub(super) fn choose(root: bool) -> Result<Self> {
        if !root {
            return Ok(Self::Ourselves);
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "nobody"].iter().find_map(|name| entry(&users, name)).ok_or_else(|| {
            Diagnostic::new(
                codes::SCRATCH,
                "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`",
            )
            .help("run as another user, or give a scratch server: --scratch URL")
            .into()
        })
    }

    /// A command that runs as this user, in a folder that it may enter.
    pub(super) fn command(self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).current_dir(folder).env("LC_ALL", "C");
        // The user's own connection settings must not reach a private server.
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

    /// Gives a file or folder to this user.
    pub(super) fn own(self, path: &Path) -> Result<()> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Other { user, group } => chown(path, Some(user), Some(group))
                .map_err(|source| Error::Io { path: path.to_owned(), source }),
        }
    }
}

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
    fn users_are_found_and_root_is_not_taken() {
        let users = "root:x:0:0::/root:/bin/sh\npostgres:x:101:104:,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(entry(users, "postgres"), Some(RunAs::Other { user: 101, group: 104 }));
        assert_eq!(entry(users, "root"), None);
        assert_eq!(entry(users, "nobody"), None);
    }
}
