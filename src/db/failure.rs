//! What can go wrong on a connection, in words.

use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::error::{DbError, ErrorPosition, Severity};

use super::settings::{Host, Server, Settings};
use crate::error::{Diagnostic, Error, ServerError, codes};

/// Why a connection ended, once it did: the server says it to the task that drives the connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Lost(Arc<Mutex<Option<String>>>);

impl Lost {
    /// What ended the connection's task. What the server said before it hung up says more.
    pub(super) fn set(&self, error: &tokio_postgres::Error) {
        let mut reason = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match error.as_db_error() {
            Some(said) => *reason = Some(said.message().to_owned()),
            None => {
                reason.get_or_insert_with(|| whole(error));
            }
        }
    }

    /// The error of a statement.
    pub(super) fn error(&self, error: &tokio_postgres::Error, sql: &str) -> Error {
        if let Some(refused) = error.as_db_error() {
            if refused.parsed_severity() == Some(Severity::Fatal) {
                self.set(error);
            }
            return Error::Server(Box::new(server_error(refused, sql)));
        }
        let reason = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let reason = reason.unwrap_or_else(|| whole(error));
        Diagnostic::new(codes::CONNECTION, format!("the connection was lost: {reason}")).into()
    }
}

fn server_error(error: &DbError, sql: &str) -> ServerError {
    let position = match error.position() {
        Some(ErrorPosition::Original(position)) => byte_offset(sql, *position),
        // It counts in a statement that a function ran, which is not the one that we sent.
        Some(ErrorPosition::Internal { .. }) | None => None,
    };
    let mut detail: Vec<String> = error.detail().map(str::to_owned).into_iter().collect();
    if let Some(ErrorPosition::Internal { query, .. }) = error.position() {
        detail.push(format!("while running: {query}"));
    }
    detail.extend(error.where_().map(|context| format!("in: {context}")));
    ServerError {
        code: error.code().code().to_owned(),
        message: error.message().to_owned(),
        detail: (!detail.is_empty()).then(|| detail.join("\n")),
        hint: error.hint().map(str::to_owned),
        sql: sql.to_owned(),
        position,
        table: error.schema().zip(error.table()).map(|(schema, table)| [schema, table].map(str::to_owned)),
    }
}

/// The server counts characters from 1.
fn byte_offset(sql: &str, position: u32) -> Option<usize> {
    let characters = usize::try_from(position).ok()?.checked_sub(1)?;
    sql.char_indices().map(|(i, _)| i).chain([sql.len()]).nth(characters)
}

/// An error and all that it came from.
pub(super) fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}

/// What a failed attempt means for the attempts after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another server may do better.
    Server,
    /// The same server may do better with TLS, or without.
    OtherTls,
    /// The server is starting.
    Wait,
    /// None would.
    Nothing,
}

/// An attempt to connect that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) diagnostic: Box<Diagnostic>,
    pub(super) next: Next,
}

impl Failure {
    pub(super) fn new(diagnostic: Diagnostic, next: Next) -> Self {
        Self { diagnostic: Box::new(diagnostic), next }
    }
}

/// Puts a failed attempt into words. `ignored` says why a password file was not used.
pub(super) fn explain(
    error: &tokio_postgres::Error,
    settings: &Settings,
    server: &Server,
    ignored: Option<&str>,
) -> Failure {
    if let Some(refused) = error.as_db_error() {
        return explain_refusal(refused, settings, server, ignored);
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return explain_tls(tls, server);
    }
    let user = &settings.user;
    let text = whole(error);
    let (message, help, next) = if text.contains("password missing") {
        let message = format!("{server} asks for the password of the role `{user}` and none is given");
        let help = ignored.unwrap_or("put it into ~/.pgpass, PGPASSWORD or the connection URL");
        (message, help.to_owned(), Next::Nothing)
    } else if text.contains("server does not support TLS") {
        let message = format!("{server} does not offer TLS, which the sslmode asks for");
        (
            message,
            "turn `ssl` on at the server, or choose sslmode=prefer or disable".to_owned(),
            Next::OtherTls,
        )
    } else if text.contains("channel binding") {
        let message = format!(
            "{server} does not bind the login to the TLS channel, which channel_binding=require asks for"
        );
        (message, "the server needs TLS and the method scram-sha-256".to_owned(), Next::Nothing)
    } else if text.contains("unsupported authentication method") {
        let message = format!("{server} asks for a way of logging in that is not supported");
        (message, "trust, peer, password, md5, scram-sha-256 and certificates are".to_owned(), Next::Nothing)
    } else {
        unreachable_server(find::<io::Error>(error), &text, server)
    };
    let mut diagnostic = Diagnostic::new(codes::CONNECTION, message);
    if !help.is_empty() {
        diagnostic = diagnostic.help(help);
    }
    Failure::new(diagnostic, next)
}

fn unreachable_server(error: Option<&io::Error>, text: &str, server: &Server) -> (String, String, Next) {
    let kind = error.map(io::Error::kind);
    let socket = matches!(server.host, Host::Unix(_));
    let (message, help) = match kind {
        _ if text.contains("failed to lookup address") || text.contains("could not resolve") => {
            let name = match &server.host {
                Host::Tcp { name, .. } => name.clone(),
                Host::Unix(folder) => folder.display().to_string(),
            };
            (
                format!("the host name `{name}` does not resolve"),
                "check its spelling and the network".to_owned(),
            )
        }
        Some(io::ErrorKind::NotFound) if socket => (
            format!("no server listens at the socket {server}"),
            "start the server, or name its host and port".to_owned(),
        ),
        Some(io::ErrorKind::ConnectionRefused) => {
            (format!("no server listens at {server}"), "start the server, or check host and port".to_owned())
        }
        Some(io::ErrorKind::PermissionDenied) => {
            (format!("the socket {server} may not be opened by this user"), String::new())
        }
        Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => (
            format!("{server} closed the connection without an answer"),
            "something other than PostgreSQL may listen there, or a proxy in between has no server"
                .to_owned(),
        ),
        _ if text.contains("connection closed") => {
            (format!("{server} closed the connection during the login"), String::new())
        }
        _ => (format!("{server} cannot be reached: {text}"), String::new()),
    };
    (message, help, Next::Server)
}

/// A login that takes longer than it may.
pub(super) fn timed_out(settings: &Settings, server: &Server) -> Failure {
    let seconds = settings.connect_timeout.map_or(0, |timeout| timeout.as_secs());
    let diagnostic =
        Diagnostic::new(codes::CONNECTION, format!("{server} did not answer within {seconds} s"))
            .help("check host, port and firewall; `connect_timeout` sets how long to wait");
    Failure::new(diagnostic, Next::Server)
}

fn explain_refusal(error: &DbError, settings: &Settings, server: &Server, ignored: Option<&str>) -> Failure {
    let (user, database) = (&settings.user, &settings.database);
    let said = error.message();
    let (code, message, help, next) = match error.code().code() {
        "28P01" => (
            codes::CONNECTION,
            format!("{server} refuses the password of the role `{user}`"),
            "check the password, and that the role exists and may log in".to_owned(),
            Next::OtherTls,
        ),
        "28000" => (
            codes::CONNECTION,
            format!("{server} does not let the role `{user}` into the database `{database}`: {said}"),
            "check the role, and the server's pg_hba.conf".to_owned(),
            Next::OtherTls,
        ),
        "3D000" => (
            codes::CONNECTION,
            format!("the database `{database}` does not exist at {server}"),
            format!("create it, for example with `createdb {database}`, or name another"),
            Next::Nothing,
        ),
        "42501" => (
            codes::PRIVILEGE,
            format!("the role `{user}` may not connect to the database `{database}` at {server}"),
            format!("its owner can GRANT CONNECT ON DATABASE {database} TO {user}"),
            Next::Nothing,
        ),
        "53300" => (
            codes::CONNECTION,
            format!("{server} has no connection left: {said}"),
            "close others, or raise max_connections".to_owned(),
            Next::Server,
        ),
        "57P03" => (
            codes::CONNECTION,
            format!("{server} does not take connections yet: {said}"),
            "wait until it has started".to_owned(),
            Next::Wait,
        ),
        code => (
            codes::CONNECTION,
            format!("{server} refuses the connection: {said} (SQLSTATE {code})"),
            String::new(),
            Next::Server,
        ),
    };
    let mut diagnostic = Diagnostic::new(code, message);
    if !help.is_empty() {
        diagnostic = diagnostic.help(help);
    }
    diagnostic.help.extend(error.hint().map(str::to_owned));
    diagnostic.help.extend(ignored.map(str::to_owned));
    Failure::new(diagnostic, next)
}

fn explain_tls(error: &rustls::Error, server: &Server) -> Failure {
    use rustls::{CertificateError as Wrong, Error as Tls};
    let (message, help) = match error {
        Tls::InvalidCertificate(Wrong::UnknownIssuer) => (
            format!("the certificate of {server} is not signed by a trusted authority"),
            "give the authority's certificate as sslrootcert".to_owned(),
        ),
        Tls::InvalidCertificate(Wrong::NotValidForNameContext { expected, presented }) => (
            format!("the certificate of {server} is not made for the host `{}`", expected.to_str()),
            if presented.is_empty() {
                "it names no host as subjectAltName; sslmode=verify-ca does not look at the name".to_owned()
            } else {
                format!(
                    "it is made for {}; connect by that name, or use sslmode=verify-ca",
                    presented.join(", ")
                )
            },
        ),
        Tls::InvalidCertificate(Wrong::Expired | Wrong::ExpiredContext { .. }) => {
            (format!("the certificate of {server} has expired"), "renew it at the server".to_owned())
        }
        Tls::InvalidCertificate(Wrong::NotValidYet | Wrong::NotValidYetContext { .. }) => (
            format!("the certificate of {server} is not valid yet"),
            "check the clocks of both machines".to_owned(),
        ),
        Tls::InvalidCertificate(Wrong::Revoked) => {
            (format!("the certificate of {server} is revoked"), String::new())
        }
        Tls::InvalidCertificate(other) => {
            (format!("the certificate of {server} is not trusted: {other}"), String::new())
        }
        other => (format!("no TLS with {server}: {other}"), String::new()),
    };
    let mut diagnostic = Diagnostic::new(codes::CONNECTION, message);
    if !help.is_empty() {
        diagnostic = diagnostic.help(help);
    }
    Failure::new(diagnostic, Next::OtherTls)
}

/// The first error of a type among an error's sources. An `io::Error` hides what it wraps from
/// `source`, so that it is asked besides.
fn find<'a, E: std::error::Error + 'static>(error: &'a tokio_postgres::Error) -> Option<&'a E> {
    let mut next: Option<&'a (dyn std::error::Error + 'static)> = error.source();
    while let Some(inner) = next {
        if let Some(found) = inner.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => inner.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::byte_offset;

    #[test]
    fn characters_become_bytes() {
        assert_eq!(byte_offset("SELECT é, x", 8), Some(7));
        assert_eq!(byte_offset("SELECT é, x", 11), Some(11));
        assert_eq!(byte_offset("ab", 3), Some(2));
        assert_eq!(byte_offset("ab", 9), None);
        assert_eq!(byte_offset("ab", 0), None);
    }
}
