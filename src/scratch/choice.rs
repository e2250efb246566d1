//! The user's choice of a scratch server.

use std::path::PathBuf;

use crate::db::{Environment, Target};
use crate::error::{Diagnostic, Result, codes};

/// The value of `--scratch`. There is no fallback from a chosen rung.
#[derive(Clone, Debug)]
pub enum Choice {
    /// The first rung that works.
    Auto,
    /// Databases on this server.
    Url(Target),
    /// A private server, started from the programs in this folder or from installed ones.
    Binaries(Option<PathBuf>),
    /// Databases on the environment's own server.
    Environment,
    /// The embedded server.
    Embedded,
}

impl Choice {
    /// Parses `auto`, `binaries[:DIR]`, `environment`, `embedded`, or the address of a server.
    ///
    /// # Errors
    /// Returns an error if the text is none of these.
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
                None => Err(Diagnostic::new(codes::USAGE, format!("unknown scratch server `{text}`"))
                    .help("it is auto, binaries[:DIR], environment, embedded or the URL of a server")
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
        let parsed = |text: &str| match Choice::parse(text, &environment) {
            Ok(choice) => format!("{choice:?}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(parsed("auto"), "Auto");
        assert_eq!(parsed("binaries"), "Binaries(None)");
        assert_eq!(parsed("binaries:/opt/pg/bin"), "Binaries(Some(\"/opt/pg/bin\"))");
        assert_eq!(parsed("postgres://h/db"), "Url(Target(postgresql://me@h:5432/db))");
        assert_eq!(parsed("host=h"), "Url(Target(postgresql://me@h:5432/me))");
        assert_eq!(parsed("binary"), "unknown scratch server `binary`");
    }
}
