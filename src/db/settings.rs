//! Parameters with their meaning, and what a session sets before it reads.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::environment::Environment;
use super::passfile::{self, Lookup, Wanted};
use super::tls::TlsSettings;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::PgVersion;

/// Settings under which deparsed text means the same on every server: names qualified, values
/// printed in one way, no limits of the role's or the database's, no rows hidden silently.
/// What later versions added is in [`read_settings`].
pub const READ_SETTINGS: &[(&str, &str)] = &[
    ("search_path", ""),
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "postgres"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("quote_all_identifiers", "off"),
    ("standard_conforming_strings", "on"),
    ("lc_monetary", "C"),
    ("row_security", "off"),
    ("jit", "off"),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("idle_session_timeout", "0"),
];

/// The statement that sets [`READ_SETTINGS`] and what a server of this version has besides: one, for a server takes
/// longer over fifteen.
pub fn read_settings(version: PgVersion) -> String {
    let later: &[(&str, &str)] =
        if version >= PgVersion::V17 { &[("transaction_timeout", "0")] } else { &[] };
    let set = |(name, value): &(&str, &str)| format!("pg_catalog.set_config('{name}', '{value}', false)");
    let all: Vec<String> = READ_SETTINGS.iter().chain(later).map(set).collect();
    format!("SELECT {};\n", all.join(", "))
}

/// A value that never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// A name for TLS and the password file, and the address where it was given besides.
    Tcp { name: String, address: Option<IpAddr> },
    /// The folder of the socket.
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

/// Which of several servers will do (`target_session_attrs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionKind {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// Everything that a connection needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) servers: Vec<Server>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) password: Option<Secret>,
    pub(super) passfile: Option<PathBuf>,
    pub(super) options: Option<String>,
    pub(super) application_name: String,
    /// None waits for ever.
    pub(super) connect_timeout: Option<Duration>,
    pub(super) channel_binding: tokio_postgres::config::ChannelBinding,
    pub(super) session_kind: SessionKind,
    pub(super) shuffled: bool,
    pub(super) tls: TlsSettings,
}

impl Settings {
    /// From merged parameters.
    pub(super) fn from_parameters(
        set: &BTreeMap<&'static str, String>,
        environment: &Environment,
    ) -> Result<Self> {
        let get = |name: &str| set.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let user = match get("user") {
            Some(user) => user.to_owned(),
            None => environment.user().ok_or_else(|| {
                Diagnostic::new(codes::USAGE, "no role is given and the system user has no name")
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
            channel_binding: one_of(
                set,
                "channel_binding",
                "prefer",
                &[
                    ("disable", tokio_postgres::config::ChannelBinding::Disable),
                    ("prefer", tokio_postgres::config::ChannelBinding::Prefer),
                    ("require", tokio_postgres::config::ChannelBinding::Require),
                ],
            )?,
            session_kind: one_of(
                set,
                "target_session_attrs",
                "any",
                &[
                    ("any", SessionKind::Any),
                    ("read-write", SessionKind::ReadWrite),
                    ("read-only", SessionKind::ReadOnly),
                    ("primary", SessionKind::Primary),
                    ("standby", SessionKind::Standby),
                    ("prefer-standby", SessionKind::PreferStandby),
                ],
            )?,
            shuffled: one_of(set, "load_balance_hosts", "disable", &[("disable", false), ("random", true)])?,
            tls: TlsSettings::from_parameters(set, environment)?,
        })
    }

    /// The password for a server, or why the password file was not used.
    pub(super) fn password_for(&self, server: &Server) -> Lookup {
        if let Some(Secret(password)) = &self.password {
            return Lookup::Password(password.clone());
        }
        let Some(passfile) = &self.passfile else { return Lookup::Nothing };
        let host = match &server.host {
            Host::Tcp { name, .. } => name.clone(),
            // libpq looks its built-in socket folder up as `localhost`.
            Host::Unix(folder) if SOCKET_FOLDERS.iter().any(|known| folder.as_os_str() == *known) => {
                "localhost".to_owned()
            }
            Host::Unix(folder) => folder.display().to_string(),
        };
        let wanted = Wanted { host: &host, port: server.port, database: &self.database, user: &self.user };
        passfile::look_up(passfile, wanted)
    }
}

/// Where packages of PostgreSQL put their sockets: Debian's and Red Hat's, then the source's.
pub(super) const SOCKET_FOLDERS: &[&str] = &["/var/run/postgresql", "/tmp"];

/// The value of a parameter with a closed set of values.
pub(super) fn one_of<T: Copy>(
    set: &BTreeMap<&'static str, String>,
    name: &str,
    default: &str,
    values: &[(&str, T)],
) -> Result<T> {
    let text = set.get(name).map(String::as_str).filter(|value| !value.is_empty()).unwrap_or(default);
    values.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = values.iter().map(|(word, _)| *word).collect();
        Diagnostic::new(codes::USAGE, format!("the connection parameter `{name}` cannot be `{text}`"))
            .help(format!("it is one of: {}", words.join(", ")))
            .into()
    })
}

fn servers(hosts: Option<&str>, addresses: Option<&str>, ports: Option<&str>) -> Result<Vec<Server>> {
    let list = |text: Option<&str>| -> Vec<String> {
        text.map(|text| text.split(',').map(|part| part.trim().to_owned()).collect()).unwrap_or_default()
    };
    let (hosts, addresses, ports) = (list(hosts), list(addresses), list(ports));
    let count = hosts.len().max(addresses.len()).max(1);
    let differ = |what: &str, many: usize| -> Error {
        Diagnostic::new(codes::USAGE, format!("{many} {what} are given for {count} hosts"))
            .help("give one for each host, in the same order")
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
                Diagnostic::new(codes::USAGE, format!("`hostaddr` is not an IP address: `{text}`"))
                    .help("names belong in `host`")
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
        Diagnostic::new(codes::USAGE, format!("`{text}` is not a port"))
            .help("a port is a number from 1 to 65535; a `:` inside a user name or password is written %3A")
            .into()
    })
}

fn timeout(text: Option<&str>) -> Result<Option<Duration>> {
    let Some(text) = text else { return Ok(Some(Duration::from_secs(10))) };
    let seconds: i64 = text.trim().parse().map_err(|_| {
        Diagnostic::new(codes::USAGE, format!("`connect_timeout` is not a number of seconds: `{text}`"))
    })?;
    // As in libpq, zero and less wait for ever.
    Ok(u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs))
}
