//! Which rung of the ladder the user chose.

use std::path::PathBuf;

use crate::db::{Environment, Target};
use crate::error::{Diagnostic, Result, codes};

/// The value of `--scratch`. A chosen rung has no fallback.
#[derive(Clone, Debug)]
pub enum Choice {
    /// The first rung that works.
    Auto,
    /// Databases on this server.
    Url(Target),
    /// A private server from the programs in this folder, or from those found.
    Binaries(Option<PathBuf>),
    /// Databases on the environment's own server.
    Environment,
    /// The server inside this program.
    Embedded,
}

/// Whether anything may be tried out on an environment's own server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// It may.
    Open,
    /// It may not.
    Protected,
}

impl Choice {
    /// Reads `auto`, `binaries[:BINDIR]`, `environment`, `embedded`, or the target of a server.
    pub fn parse(text: &str, environment: &Environment) -> Result<Self> {
        match text.trim() {
            "auto" => Ok(Self::Auto),
            "binaries" => Ok(Self::Binaries(None)),
            "environment" => Ok(Self::Environment),
            "embedded" => Ok(Self::Embedded),
            text => match text.strip_prefix("binaries:") {
                Some(folder) => Ok(Self::Binaries(Some(folder.into()))),
                None if text.contains('=') || text.contains("://") => {
                    Target::parse(text, environment).map(Self::Url)
                }
                None => Err(Diagnostic::new(codes::USAGE, format!("`{text}` is not a scratch server"))
                    .help("it is auto, binaries[:BINDIR], environment, embedded or a server's URL")
                    .into()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Choice, Environment};

    #[test]
    fn choices() {
        let environment = Environment::from_vars([("PGUSER", "me")]);
        let shown = |text: &str| match Choice::parse(text, &environment) {
            Ok(choice) => format!("{choice:?}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown("auto"), "Auto");
        assert_eq!(shown("binaries"), "Binaries(None)");
        assert_eq!(shown("binaries:/opt/pg/bin"), "Binaries(Some(\"/opt/pg/bin\"))");
        assert_eq!(shown("postgres://h/db"), "Url(Target(postgresql://me@h:5432/db))");
        assert_eq!(shown("host=h"), "Url(Target(postgresql://me@h:5432/me))");
        assert_eq!(shown("binary"), "`binary` is not a scratch server");
    }
}
