//! Databases to connect to.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::environment::Environment;
use super::parameters::{PARAMETERS, ParameterValues, check};
use super::settings::{Host, Server, Settings};
use super::{keywords, service, url};
use crate::error::{Diagnostic, Result, codes};

/// A database to connect to. Neither `Debug` nor `Display` shows the password.
///
/// ```
/// use schemadiff::db::{Environment, Target};
///
/// let environment = Environment::from_vars([("PGUSER", "ann")]);
/// let target = Target::parse("postgres://:secret@localhost:5433/app", &environment)?;
/// assert_eq!(target.to_string(), "postgresql://ann@localhost:5433/app");
/// # Ok::<(), schemadiff::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    pub(super) location: Location,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Location {
    Server(Box<Settings>),
    /// A database of an embedded server, by the folder of the server.
    Embedded {
        folder: PathBuf,
        database: String,
    },
}

impl Target {
    /// Parses a URL, a keyword/value string or `embedded:DIR`. Missing parameters come from the service file, the `PG*`
    /// variables and libpq's defaults, in this order.
    ///
    /// # Errors
    /// Returns an error if the text or a parameter is invalid, or if the service file cannot be read.
    pub fn parse(text: &str, environment: &Environment) -> Result<Self> {
        let text = text.trim();
        if let Some(folder) = text.strip_prefix("embedded:") {
            if folder.is_empty() {
                let missing = Diagnostic::new(codes::USAGE, "missing folder after `embedded:`");
                return Err(missing.help("give the folder of the database, as in embedded:./dev").into());
            }
            return Ok(Self::embedded(folder));
        }
        let written = if url::is_url(text) {
            url::parse(text)?
        } else if text.is_empty() || text.contains('=') {
            keywords::parse(text)?
        } else {
            let unknown = match text.split_once("://") {
                Some((scheme, _)) => format!("unsupported database `{scheme}://`"),
                None => format!("invalid database address `{text}`"),
            };
            return Err(Diagnostic::new(codes::USAGE, unknown)
                .help("write a URL (postgresql://user@host:port/database), a connection string (host=localhost dbname=app) or embedded:DIR")
                .into());
        };
        let mut set = ParameterValues::new();
        for (name, value) in written {
            set.insert(name, value);
        }
        complete(&mut set, environment)?;
        let settings = Settings::from_parameters(&set, environment)?;
        Ok(Self { location: Location::Server(Box::new(settings)) })
    }

    /// The database of an embedded server whose files are in this folder.
    pub fn embedded(folder: impl Into<PathBuf>) -> Self {
        // The only database of a new embedded server.
        Self { location: Location::Embedded { folder: folder.into(), database: "postgres".to_owned() } }
    }

    /// The same target with another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut target = self.clone();
        match &mut target.location {
            Location::Server(settings) => name.clone_into(&mut settings.database),
            Location::Embedded { database, .. } => name.clone_into(database),
        }
        target
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        match &self.location {
            Location::Server(settings) => &settings.database,
            Location::Embedded { database, .. } => database,
        }
    }

    /// The role.
    pub fn user(&self) -> &str {
        match &self.location {
            Location::Server(settings) => &settings.user,
            Location::Embedded { .. } => "postgres",
        }
    }

    /// The folder of an `embedded:DIR` target.
    pub fn folder(&self) -> Option<&Path> {
        match &self.location {
            Location::Server(_) => None,
            Location::Embedded { folder, .. } => Some(folder),
        }
    }

    /// The target as a URL without the password.
    pub fn redacted(&self) -> String {
        match &self.location {
            Location::Embedded { folder, .. } => format!("embedded:{}", folder.display()),
            Location::Server(settings) => {
                let mut hosts = Vec::new();
                for server in &settings.servers {
                    match &server.host {
                        Host::Tcp { .. } => hosts.push(server.to_string()),
                        Host::Unix(folder) => {
                            let folder = encode(&folder.display().to_string());
                            hosts.push(format!("{folder}:{}", server.port));
                        }
                    }
                }
                let (user, database) = (encode(&settings.user), encode(&settings.database));
                format!("postgresql://{user}@{}/{database}", hosts.join(","))
            }
        }
    }

    /// Returns true if both targets name the same database on one of the same servers. Two names of one host are not
    /// recognized as the same server.
    pub fn is_same_database(&self, other: &Self) -> bool {
        match (&self.location, &other.location) {
            (Location::Server(one), Location::Server(other)) => {
                one.database == other.database
                    && one.servers.iter().any(|server| other.servers.contains(server))
            }
            (Location::Embedded { folder, .. }, Location::Embedded { folder: other, .. }) => folder == other,
            (Location::Server(_), Location::Embedded { .. })
            | (Location::Embedded { .. }, Location::Server(_)) => false,
        }
    }

    /// The `PG*` variables with which libpq's programs, such as `pg_dump`, connect to the same database. They include
    /// the password, which must not appear among the arguments of a process.
    pub fn libpq_variables(&self) -> Vec<(&'static str, String)> {
        let Location::Server(settings) = &self.location else { return Vec::new() };
        let list = |text: &dyn Fn(&Server) -> String| -> String {
            settings.servers.iter().map(text).collect::<Vec<_>>().join(",")
        };
        let mut variables = vec![
            (
                "PGHOST",
                list(&|server| match &server.host {
                    Host::Tcp { name, .. } => name.clone(),
                    Host::Unix(folder) => folder.display().to_string(),
                }),
            ),
            ("PGPORT", list(&|server| server.port.to_string())),
            ("PGUSER", settings.user.clone()),
            ("PGDATABASE", settings.database.clone()),
            ("PGAPPNAME", settings.application_name.clone()),
        ];
        if let Some(password) = &settings.password {
            variables.push(("PGPASSWORD", password.0.clone()));
        }
        if let Some(passfile) = &settings.passfile {
            variables.push(("PGPASSFILE", passfile.display().to_string()));
        }
        if let Some(options) = &settings.options {
            variables.push(("PGOPTIONS", options.clone()));
        }
        variables.extend(settings.tls.libpq_variables());
        variables
    }
}

/// Adds missing parameters from the service file and then from the environment, and checks all of them.
fn complete(set: &mut ParameterValues, environment: &Environment) -> Result<()> {
    let named = |set: &ParameterValues, name: &str, variable: &str| -> Result<_> {
        match set.get(name) {
            Some(value) => Ok(Some(value.clone())),
            None => Ok(text_of(variable, environment)?.map(str::to_owned)),
        }
    };
    if let Some(name) = named(set, "service", "PGSERVICE")? {
        let file = named(set, "servicefile", "PGSERVICEFILE")?;
        for (parameter, value) in service::find(&name, file.as_deref(), environment)? {
            set.entry(parameter).or_insert(value);
        }
    }
    for parameter in PARAMETERS {
        if let Some(variable) = parameter.variable.filter(|_| !set.contains_key(parameter.name))
            && let Some(value) = text_of(variable, environment)?
        {
            set.insert(parameter.name, value.to_owned());
        }
        if let Some(value) = set.get(parameter.name) {
            check(parameter, value)?;
        }
    }
    Ok(())
}

/// The value of a variable for a parameter, which must be valid UTF-8.
fn text_of<'a>(variable: &str, environment: &'a Environment) -> Result<Option<&'a str>> {
    match environment.get_os(variable) {
        None => Ok(None),
        Some(value) => value.to_str().map(Some).ok_or_else(|| {
            Diagnostic::new(codes::USAGE, format!("the environment variable `{variable}` is not valid UTF-8"))
                .help("set it to valid UTF-8, or unset it")
                .into()
        }),
    }
}

/// The characters to encode in a URL: all but the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes special characters as %XX.
fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.redacted())
    }
}

#[cfg(test)]
mod tests {
    use super::{Environment, Target};
    use crate::error::Error;

    fn shown(text: &str, variables: &[(&str, &str)]) -> String {
        let mut all = vec![("PGUSER", "me")];
        all.extend_from_slice(variables);
        match Target::parse(text, &Environment::from_vars(all)) {
            Ok(target) => format!("{target:?}"),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn targets_with_defaults() {
        for (text, variables, expected) in [
            ("postgres://h/db", vec![], "Target(postgresql://me@h:5432/db)"),
            ("host=h", vec![("PGDATABASE", "d"), ("PGPORT", "6000")], "Target(postgresql://me@h:6000/d)"),
            ("host=h port=1", vec![("PGPORT", "6000")], "Target(postgresql://me@h:1/me)"),
            ("dbname=x", vec![("PGHOST", "/sock")], "Target(postgresql://me@%2Fsock:5432/x)"),
            ("dbname=x", vec![], "Target(postgresql://me@%2Fvar%2Frun%2Fpostgresql:5432,%2Ftmp:5432/x)"),
            ("host=a,b port=1,2", vec![], "Target(postgresql://me@a:1,b:2/me)"),
            ("hostaddr=10.0.0.1", vec![], "Target(postgresql://me@10.0.0.1:5432/me)"),
            ("postgres://u:s3cret@h/db", vec![], "Target(postgresql://u@h:5432/db)"),
            ("embedded:./dev", vec![], "Target(embedded:./dev)"),
            ("postgres://h:99999/db", vec![], "error: invalid port number `99999`"),
            ("host=a,b port=1,2,3", vec![], "error: 3 ports given for 2 hosts"),
            ("host=h sslmode=on", vec![], "error: invalid value `on` of the connection parameter `sslmode`"),
            (
                "host=h requirepeer=me",
                vec![],
                "error: the connection parameter `requirepeer` is not supported",
            ),
            (
                "host=h",
                vec![("PGGSSENCMODE", "require")],
                "error: the connection parameter `gssencmode` is not supported",
            ),
            ("mysql://h/db", vec![], "error: unsupported database `mysql://`"),
            ("host=h keepalives=0 keepalives_idle=5", vec![], "Target(postgresql://me@h:5432/me)"),
        ] {
            assert_eq!(shown(text, &variables), expected, "{text}");
        }
    }

    #[test]
    fn variables_that_are_not_valid_utf8() {
        use std::os::unix::ffi::OsStringExt as _;
        let odd = std::ffi::OsString::from_vec(b"s3cret\xff".to_vec());
        let environment = Environment::from_vars([("PGPASSWORD", odd), ("PGUSER", "me".into())]);
        let error = Target::parse("postgres://h/db", &environment).unwrap_err();
        assert_eq!(error.to_string(), "the environment variable `PGPASSWORD` is not valid UTF-8");
        // The variable is not used if the URL contains a password.
        assert!(Target::parse("postgres://me:pw@h/db", &environment).is_ok());
    }

    #[test]
    fn with_database_keeps_the_other_parameters() {
        let target = Target::parse("postgres://u:p@h/db", &Environment::default()).unwrap();
        let other = target.with_database("other");
        assert_eq!(other.to_string(), "postgresql://u@h:5432/other");
        assert!(other.libpq_variables().contains(&("PGPASSWORD", "p".to_owned())));
    }

    #[test]
    fn unknown_service_lists_the_searched_files() {
        let environment = Environment::from_vars([("HOME", "/nowhere"), ("PGSYSCONFDIR", "/nowhere/etc")]);
        let Err(Error::Diagnostics(found)) = Target::parse("service=x", &environment) else {
            panic!("accepted")
        };
        assert_eq!(found[0].message, "the service `x` is not defined");
        assert_eq!(
            found[0].help,
            ["the files searched are /nowhere/.pg_service.conf, /nowhere/etc/pg_service.conf"]
        );
    }
}
