//! Connection parameters, parsed.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::ChannelBinding;

use super::environment::Environment;
use super::parameters::{ParameterValues, one_of, value};
use super::passfile::{self, Key, Lookup};
use super::tls::TlsSettings;
use crate::error::{Diagnostic, Error, Result, codes};

/// A value that `Debug` does not print.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// A host name, which TLS and the password file use, and its IP address if `hostaddr` gives one.
    Tcp { name: String, address: Option<IpAddr> },
    /// The folder of a Unix-domain socket.
    Unix(PathBuf),
}

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) host: Host,
    pub(super) port: u16,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Tcp { name, .. } if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            Host::Tcp { name, .. } => write!(f, "{name}:{}", self.port),
            Host::Unix(folder) => write!(f, "{}/.s.PGSQL.{}", folder.display(), self.port),
        }
    }
}

/// The kind of server to connect to (`target_session_attrs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionKind {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

const SESSION_KINDS: &[(&str, SessionKind)] = &[
    ("any", SessionKind::Any),
    ("read-write", SessionKind::ReadWrite),
    ("read-only", SessionKind::ReadOnly),
    ("primary", SessionKind::Primary),
    ("standby", SessionKind::Standby),
    ("prefer-standby", SessionKind::PreferStandby),
];

impl SessionKind {
    /// The value of `target_session_attrs`.
    pub(super) fn name(self) -> &'static str {
        SESSION_KINDS.iter().find(|(_, kind)| *kind == self).map_or("any", |(name, _)| name)
    }
}

const CHANNEL_BINDINGS: &[(&str, ChannelBinding)] = &[
    ("disable", ChannelBinding::Disable),
    ("prefer", ChannelBinding::Prefer),
    ("require", ChannelBinding::Require),
];

/// The parsed connection parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) servers: Vec<Server>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) password: Option<Secret>,
    pub(super) passfile: Option<PathBuf>,
    pub(super) options: Option<String>,
    pub(super) application_name: String,
    /// None waits without a limit.
    pub(super) connect_timeout: Option<Duration>,
    pub(super) channel_binding: ChannelBinding,
    pub(super) session_kind: SessionKind,
    /// True if the servers are tried in random order (`load_balance_hosts`).
    pub(super) shuffled: bool,
    pub(super) tls: TlsSettings,
}

impl Settings {
    /// Parses parameters that were collected from all sources.
    pub(super) fn from_parameters(set: &ParameterValues, environment: &Environment) -> Result<Self> {
        let get = |name: &str| value(set, name);
        let user = match get("user") {
            Some(user) => user.to_owned(),
            None => environment.user().ok_or_else(|| {
                Diagnostic::new(codes::USAGE, "no role is given and the operating-system user has no name")
                    .help("add `user=...` or set PGUSER")
            })?,
        };
        Ok(Self {
            servers: servers(get("host"), get("hostaddr"), get("port"))?,
            database: get("dbname").map_or_else(|| user.clone(), str::to_owned),
            user,
            password: get("password").map(|password| Secret(password.to_owned())),
            passfile: get("passfile")
                .map(PathBuf::from)
                .or_else(|| environment.home().map(|home| home.join(".pgpass"))),
            options: get("options").map(str::to_owned),
            application_name: get("application_name")
                .or_else(|| get("fallback_application_name"))
                .unwrap_or("schemadiff")
                .to_owned(),
            connect_timeout: timeout(get("connect_timeout"))?,
            channel_binding: one_of(set, "channel_binding", "prefer", CHANNEL_BINDINGS)?,
            session_kind: one_of(set, "target_session_attrs", "any", SESSION_KINDS)?,
            shuffled: one_of(set, "load_balance_hosts", "disable", &[("disable", false), ("random", true)])?,
            tls: TlsSettings::from_parameters(set, environment)?,
        })
    }

    /// Looks up the password for a server.
    pub(super) fn password_for(&self, server: &Server) -> Lookup {
        if let Some(Secret(password)) = &self.password {
            return Lookup::Password(password.clone());
        }
        let Some(passfile) = &self.passfile else { return Lookup::NotFound };
        let host = match &server.host {
            Host::Tcp { name, .. } => name.clone(),
            // In the password file, libpq's default socket folder is `localhost`.
            Host::Unix(folder) if SOCKET_FOLDERS.iter().any(|known| folder.as_os_str() == *known) => {
                "localhost".to_owned()
            }
            Host::Unix(folder) => folder.display().to_string(),
        };
        let key = Key { host: &host, port: server.port, database: &self.database, user: &self.user };
        passfile::look_up(passfile, key)
    }
}

/// The default socket folders: that of Debian's and Red Hat's packages, then that of PostgreSQL's sources.
pub(super) const SOCKET_FOLDERS: &[&str] = &["/var/run/postgresql", "/tmp"];

fn servers(hosts: Option<&str>, addresses: Option<&str>, ports: Option<&str>) -> Result<Vec<Server>> {
    let list = |text: Option<&str>| -> Vec<String> {
        text.map(|text| text.split(',').map(|part| part.trim().to_owned()).collect()).unwrap_or_default()
    };
    let (hosts, addresses, ports) = (list(hosts), list(addresses), list(ports));
    let count = hosts.len().max(addresses.len()).max(1);
    let differ = |what: &str, many: usize| -> Error {
        Diagnostic::new(codes::USAGE, format!("{many} {what} given for {count} hosts"))
            .help("give one for each host, in the order of the hosts")
            .into()
    };
    if !addresses.is_empty() && !hosts.is_empty() && addresses.len() != hosts.len() {
        return Err(differ("addresses (`hostaddr`)", addresses.len()));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(differ("ports", ports.len()));
    }
    let mut servers = Vec::new();
    for i in 0..count {
        let port = port(ports.get(i).or(ports.first()).map_or("", String::as_str))?;
        let name = hosts.get(i).map_or("", String::as_str);
        let address = addresses.get(i).filter(|address| !address.is_empty());
        if let Some(text) = address {
            let parsed = text.parse().map_err(|_| {
                Diagnostic::new(codes::USAGE, format!("invalid IP address in `hostaddr`: `{text}`"))
                    .help("write host names in `host`")
            })?;
            let name = if name.is_empty() { text } else { name };
            servers.push(Server { host: Host::Tcp { name: name.to_owned(), address: Some(parsed) }, port });
        } else if name.is_empty() {
            servers
                .extend(SOCKET_FOLDERS.iter().map(|folder| Server { host: Host::Unix(folder.into()), port }));
        } else if name.starts_with('/') {
            servers.push(Server { host: Host::Unix(name.into()), port });
        } else {
            servers.push(Server { host: Host::Tcp { name: name.to_owned(), address: None }, port });
        }
    }
    Ok(servers)
}

fn port(text: &str) -> Result<u16> {
    if text.is_empty() {
        return Ok(5432);
    }
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
        Diagnostic::new(codes::USAGE, format!("invalid port number `{text}`"))
            .help("a port is a number from 1 to 65535; in a URL, write `:` in a user name or password as %3A")
            .into()
    })
}

fn timeout(text: Option<&str>) -> Result<Option<Duration>> {
    let Some(text) = text else { return Ok(Some(Duration::from_secs(10))) };
    let seconds: i64 = text.trim().parse().map_err(|_| {
        Diagnostic::new(codes::USAGE, format!("invalid `connect_timeout`: `{text}`"))
            .help("it is a number of seconds")
    })?;
    // As in libpq, zero or less means no limit.
    Ok(u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs))
}
