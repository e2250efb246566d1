//! Errors of connections, as messages.

use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::error::{DbError, ErrorPosition, Severity};

use super::settings::{Host, Server, Settings};
use crate::error::{Code, Diagnostic, Error, ServerError, codes};

/// The reason why a connection ended, set by the task that reads from the socket.
#[derive(Clone, Debug, Default)]
pub(super) struct Lost(Arc<Mutex<Option<String>>>);

impl Lost {
    /// Records what ended the connection. A message of the server replaces an error of the socket.
    pub(super) fn set(&self, error: &tokio_postgres::Error) {
        let mut reason = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match error.as_db_error() {
            Some(message) => *reason = Some(message.message().to_owned()),
            None => {
                reason.get_or_insert_with(|| with_sources(error));
            }
        }
    }

    /// Converts the error of a statement.
    pub(super) fn error(&self, error: &tokio_postgres::Error, sql: &str) -> Error {
        if let Some(refused) = error.as_db_error() {
            if refused.parsed_severity() == Some(Severity::Fatal) {
                self.set(error);
            }
            return Error::Server(Box::new(server_error(refused, sql)));
        }
        let reason = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let reason = reason.unwrap_or_else(|| with_sources(error));
        Diagnostic::new(codes::CONNECTION, format!("the connection was lost: {reason}")).into()
    }
}

fn server_error(error: &DbError, sql: &str) -> ServerError {
    let position = match error.position() {
        Some(ErrorPosition::Original(position)) => byte_offset(sql, *position),
        // The position is in a statement inside a function.
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

/// Converts the server's position, which counts characters from 1, to an offset in bytes.
fn byte_offset(sql: &str, position: u32) -> Option<usize> {
    let characters = usize::try_from(position).ok()?.checked_sub(1)?;
    sql.char_indices().map(|(i, _)| i).chain([sql.len()]).nth(characters)
}

/// The message of an error, followed by those of its sources that it does not repeat.
pub(super) fn with_sources(error: &dyn std::error::Error) -> String {
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

/// Whether another attempt may succeed after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// On another server.
    OtherServer,
    /// On the same server with TLS instead of without, or the reverse.
    OtherEncryption,
    /// On the same server when it has started.
    Later,
    /// No attempt would succeed.
    Never,
}

/// A failed attempt to connect.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) diagnostic: Box<Diagnostic>,
    pub(super) retry: Retry,
}

impl Failure {
    pub(super) fn new(diagnostic: Diagnostic, retry: Retry) -> Self {
        Self { diagnostic: Box::new(diagnostic), retry }
    }

    fn of(code: Code, (message, help): Explanation, retry: Retry) -> Self {
        let mut diagnostic = Diagnostic::new(code, message);
        diagnostic.help.extend(help);
        Self::new(diagnostic, retry)
    }
}

/// A message and its help.
type Explanation = (String, Option<String>);

/// Explains a failed attempt. `ignored` says why the password file was not used.
pub(super) fn explain(
    error: &tokio_postgres::Error,
    settings: &Settings,
    server: &Server,
    ignored: Option<&str>,
) -> Failure {
    if let Some(refusal) = error.as_db_error() {
        return explain_refusal(refusal, settings, server, ignored);
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return Failure::of(codes::CONNECTION, explain_tls(tls, server), Retry::OtherEncryption);
    }
    let text = with_sources(error);
    let help = |text: &str| Some(text.to_owned());
    let (explanation, retry) = if text.contains("password missing") {
        let message = format!("{server} requires a password for the role `{}`", settings.user);
        let how = ignored.unwrap_or("put it into ~/.pgpass, PGPASSWORD or the connection URL");
        ((message, help(how)), Retry::Never)
    } else if text.contains("server does not support TLS") {
        let message = format!("{server} does not support TLS, which sslmode requires");
        let how = "turn `ssl` on at the server, or choose sslmode=prefer or disable";
        ((message, help(how)), Retry::OtherEncryption)
    } else if text.contains("channel binding") {
        let message =
            format!("{server} does not support channel binding, which channel_binding=require needs");
        let how = "configure TLS and the authentication method scram-sha-256 at the server";
        ((message, help(how)), Retry::Never)
    } else if text.contains("unsupported authentication method") {
        let message = format!("{server} requires an authentication method that is not supported");
        let how = "supported are trust, peer, password, md5, scram-sha-256 and client certificates";
        ((message, help(how)), Retry::Never)
    } else {
        (explain_unreachable(find::<io::Error>(error), &text, server), Retry::OtherServer)
    };
    Failure::of(codes::CONNECTION, explanation, retry)
}

fn explain_unreachable(error: Option<&io::Error>, text: &str, server: &Server) -> Explanation {
    let kind = error.map(io::Error::kind);
    let socket = matches!(server.host, Host::Unix(_));
    let help = |text: &str| Some(text.to_owned());
    match kind {
        _ if text.contains("failed to lookup address") || text.contains("could not resolve") => {
            let name = match &server.host {
                Host::Tcp { name, .. } => name.clone(),
                Host::Unix(folder) => folder.display().to_string(),
            };
            (format!("the host name `{name}` cannot be resolved"), help("check its spelling and the network"))
        }
        Some(io::ErrorKind::NotFound) if socket => (
            format!("no server listens on the socket {server}"),
            help("start the server, or give its host and port"),
        ),
        Some(io::ErrorKind::ConnectionRefused) => (
            format!("no server listens at {server}"),
            help("start the server, or check the host and the port"),
        ),
        Some(io::ErrorKind::PermissionDenied) => (format!("permission denied for the socket {server}"), None),
        Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => (
            format!("{server} closed the connection without an answer"),
            help("check that PostgreSQL listens there, and that a proxy in between can reach it"),
        ),
        _ if text.contains("connection closed") => {
            (format!("{server} closed the connection during authentication"), None)
        }
        _ => (format!("{server} cannot be reached: {text}"), None),
    }
}

/// The failure of an attempt that took longer than `connect_timeout`.
pub(super) fn timed_out(settings: &Settings, server: &Server) -> Failure {
    let seconds = settings.connect_timeout.map_or(0, |timeout| timeout.as_secs());
    let message = format!("{server} did not answer within {seconds} s");
    let help = "check the host, the port and the firewall; `connect_timeout` sets the limit";
    Failure::of(codes::CONNECTION, (message, Some(help.to_owned())), Retry::OtherServer)
}

fn explain_refusal(error: &DbError, settings: &Settings, server: &Server, ignored: Option<&str>) -> Failure {
    let (user, database) = (&settings.user, &settings.database);
    let message = error.message();
    let help = |text: &str| Some(text.to_owned());
    let state = error.code().code();
    let code = if state == "42501" { codes::PRIVILEGE } else { codes::CONNECTION };
    let (explanation, retry) = match state {
        "28P01" => (
            (
                format!("{server} rejects the password of the role `{user}`"),
                help("check the password, and that the role exists and may log in"),
            ),
            Retry::OtherEncryption,
        ),
        "28000" => (
            (
                format!(
                    "{server} does not allow the role `{user}` to connect to the database `{database}`: {message}"
                ),
                help("check the role, and the server's pg_hba.conf"),
            ),
            Retry::OtherEncryption,
        ),
        "3D000" => (
            (
                format!("the database `{database}` does not exist on {server}"),
                Some(format!("create it with `createdb {database}`, or name another database")),
            ),
            Retry::Never,
        ),
        "42501" => (
            (
                format!("the role `{user}` may not connect to the database `{database}` on {server}"),
                Some(format!("its owner can run: GRANT CONNECT ON DATABASE {database} TO {user}")),
            ),
            Retry::Never,
        ),
        "53300" => (
            (
                format!("{server} has no connection left: {message}"),
                help("close other connections, or raise max_connections"),
            ),
            Retry::OtherServer,
        ),
        "57P03" => (
            (
                format!("{server} does not accept connections yet: {message}"),
                help("wait until it has started"),
            ),
            Retry::Later,
        ),
        _ => (
            (format!("{server} refuses the connection: {message} (SQLSTATE {state})"), None),
            Retry::OtherServer,
        ),
    };
    let mut failure = Failure::of(code, explanation, retry);
    failure.diagnostic.help.extend(error.hint().map(str::to_owned));
    failure.diagnostic.help.extend(ignored.map(str::to_owned));
    failure
}

fn explain_tls(error: &rustls::Error, server: &Server) -> Explanation {
    use rustls::{CertificateError as Certificate, Error as Tls};
    let help = |text: &str| Some(text.to_owned());
    match error {
        Tls::InvalidCertificate(Certificate::UnknownIssuer) => (
            format!("the certificate of {server} is not signed by a trusted authority"),
            help("give the authority's certificate as sslrootcert"),
        ),
        Tls::InvalidCertificate(Certificate::NotValidForNameContext { expected, presented }) => (
            format!("the certificate of {server} is not valid for the host `{}`", expected.to_str()),
            Some(if presented.is_empty() {
                "it has no subjectAltName; sslmode=verify-ca does not check the name".to_owned()
            } else {
                format!(
                    "it is valid for {}; connect by that name, or use sslmode=verify-ca",
                    presented.join(", ")
                )
            }),
        ),
        Tls::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            (format!("the certificate of {server} has expired"), help("renew it at the server"))
        }
        Tls::InvalidCertificate(Certificate::NotValidYet | Certificate::NotValidYetContext { .. }) => (
            format!("the certificate of {server} is not valid yet"),
            help("check the clocks of both machines"),
        ),
        Tls::InvalidCertificate(Certificate::Revoked) => {
            (format!("the certificate of {server} is revoked"), None)
        }
        Tls::InvalidCertificate(other) => {
            (format!("the certificate of {server} is not trusted: {other}"), None)
        }
        other => (format!("the TLS connection to {server} failed: {other}"), None),
    }
}

/// The first error of a type among an error's sources. An `io::Error` does not return the error that it wraps as its
/// source, so that one is visited as well.
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
    fn positions_become_byte_offsets() {
        assert_eq!(byte_offset("SELECT é, x", 8), Some(7));
        assert_eq!(byte_offset("SELECT é, x", 11), Some(11));
        assert_eq!(byte_offset("ab", 3), Some(2));
        assert_eq!(byte_offset("ab", 9), None);
        assert_eq!(byte_offset("ab", 0), None);
    }
}
