//! Opening a connection: the choice of host, TLS or not, and the checks of the new session.

use std::collections::hash_map::RandomState;
use std::future::poll_fn;
use std::hash::BuildHasher as _;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::config::{SslMode as Encryption, SslNegotiation};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connection::{Canceller, Connection, Notice, Notices, SessionInfo};
use super::failure::{self, Failure, Lost, Retry};
use super::passfile::Lookup;
use super::read_settings::read_settings;
use super::row::{Batch, Message, Row};
use super::settings::{Host, Server, SessionKind, Settings};
use super::tls::{Negotiation, SslMode};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::PgVersion;

/// Connects to the first server that accepts the connection.
pub(super) async fn open(settings: &Settings) -> Result<Connection> {
    let mut servers: Vec<&Server> = settings.servers.iter().collect();
    if settings.shuffled {
        // The keys of a new hasher are random, which spreads connections well enough.
        let random = RandomState::new();
        servers.sort_by_key(|server| random.hash_one(server.to_string()));
    }
    let rounds: &[SessionKind] = match settings.session_kind {
        SessionKind::PreferStandby => &[SessionKind::Standby, SessionKind::Any],
        SessionKind::Any => &[SessionKind::Any],
        SessionKind::ReadWrite => &[SessionKind::ReadWrite],
        SessionKind::ReadOnly => &[SessionKind::ReadOnly],
        SessionKind::Primary => &[SessionKind::Primary],
        SessionKind::Standby => &[SessionKind::Standby],
    };
    let mut failures: Vec<Diagnostic> = Vec::new();
    for kind in rounds {
        failures.clear();
        for server in &servers {
            match connect(settings, server, *kind).await {
                Ok(connection) => return Ok(connection),
                Err(Failure { diagnostic, retry }) => {
                    failures.push(*diagnostic);
                    // As in libpq, a server that answers and refuses ends the search.
                    if matches!(retry, Retry::Never | Retry::OtherEncryption) {
                        return Err(Error::Diagnostics(failures));
                    }
                }
            }
        }
    }
    Err(Error::Diagnostics(failures))
}

/// Connects to one server, waiting while it starts up and `connect_timeout` allows.
async fn connect(settings: &Settings, server: &Server, kind: SessionKind) -> Result<Connection, Failure> {
    let deadline = Instant::now() + settings.connect_timeout.unwrap_or(Duration::from_hours(24 * 365));
    loop {
        let attempt =
            timeout(deadline.saturating_duration_since(Instant::now()), by_ssl_mode(settings, server, kind));
        match attempt.await {
            Ok(Ok(connection)) => return Ok(connection),
            // In CI, a job often starts before its database is ready.
            Ok(Err(failure)) if failure.retry == Retry::Later && Instant::now() < deadline => {
                sleep(Duration::from_millis(200)).await;
            }
            Ok(Err(failure)) => return Err(failure),
            Err(_) => return Err(failure::timed_out(settings, server)),
        }
    }
}

/// Connects to one server with and without TLS, in the order of `sslmode`.
async fn by_ssl_mode(settings: &Settings, server: &Server, kind: SessionKind) -> Result<Connection, Failure> {
    let plain = matches!(server.host, Host::Unix(_)) || settings.tls.mode == SslMode::Disable;
    if plain {
        return attempt(settings, server, kind, Encryption::Disable).await;
    }
    let (first, second) = match settings.tls.mode {
        SslMode::Disable | SslMode::Allow => (Encryption::Disable, Some(Encryption::Require)),
        SslMode::Prefer => (Encryption::Prefer, Some(Encryption::Disable)),
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (Encryption::Require, None),
    };
    let failure = match attempt(settings, server, kind, first).await {
        Ok(connection) => return Ok(connection),
        Err(failure) => failure,
    };
    match second {
        // If both attempts fail, the first failure is the more useful one.
        Some(second) if failure.retry == Retry::OtherEncryption => {
            attempt(settings, server, kind, second).await.map_err(|_| failure)
        }
        _ => Err(failure),
    }
}

async fn attempt(
    settings: &Settings,
    server: &Server,
    kind: SessionKind,
    encryption: Encryption,
) -> Result<Connection, Failure> {
    let mut config = config(settings, server, encryption);
    let ignored = match settings.password_for(server) {
        Lookup::Password(password) => {
            config.password(password);
            None
        }
        Lookup::NotFound => None,
        Lookup::Ignored(reason) => Some(reason),
    };
    let explained =
        |error: tokio_postgres::Error| failure::explain(&error, settings, server, ignored.as_deref());
    let name = format!("the server at {server}");
    if encryption == Encryption::Disable {
        let (client, connection) = config.connect(NoTls).await.map_err(explained)?;
        set_up(client, connection, None, kind, &name).await
    } else {
        let tls = settings.tls.connector().map_err(|error| rejected(error, &name))?;
        let (client, connection) = config.connect(tls.clone()).await.map_err(explained)?;
        set_up(client, connection, Some(tls), kind, &name).await
    }
}

fn config(settings: &Settings, server: &Server, encryption: Encryption) -> Config {
    let mut config = Config::new();
    config
        .user(&settings.user)
        .dbname(&settings.database)
        .application_name(&settings.application_name)
        .port(server.port)
        .ssl_mode(encryption)
        .channel_binding(settings.channel_binding)
        .ssl_negotiation(match settings.tls.negotiation {
            Negotiation::Postgres => SslNegotiation::Postgres,
            Negotiation::Direct => SslNegotiation::Direct,
        });
    if let Some(options) = &settings.options {
        config.options(options);
    }
    match &server.host {
        Host::Tcp { name, address } => {
            config.host(name);
            if let Some(address) = address {
                config.hostaddr(*address);
            }
        }
        Host::Unix(folder) => {
            config.host_path(folder);
        }
    }
    config
}

/// Starts the task that reads from the socket, checks the server and applies the settings of a session. `name` names
/// the server in messages.
pub(super) async fn set_up<S, T>(
    client: Client,
    mut connection: tokio_postgres::Connection<S, T>,
    tls: Option<MakeRustlsConnect>,
    kind: SessionKind,
    name: &str,
) -> Result<Connection, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let version = connection.parameter("server_version").and_then(PgVersion::from_text);
    let (notices, lost) = (Notices::default(), Lost::default());
    let (sink, cause) = (notices.clone(), lost.clone());
    let task = tokio::spawn(async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            match message {
                Ok(AsyncMessage::Notice(notice)) => sink.push(Notice {
                    severity: notice.severity().to_owned(),
                    code: notice.code().code().to_owned(),
                    message: notice.message().to_owned(),
                }),
                Ok(_) => {}
                Err(error) => {
                    cause.set(&error);
                    break;
                }
            }
        }
    });
    let canceller = Canceller { token: client.cancel_token(), tls, supported: true };
    let info = inspect(&client, version, kind, name, &lost).await?;
    Ok(Connection { client, task, info, notices, lost, canceller, server: None })
}

/// Applies the settings for reading and reads what the server reports about the session, in one round trip.
async fn inspect(
    client: &Client,
    version: Option<PgVersion>,
    kind: SessionKind,
    name: &str,
    lost: &Lost,
) -> Result<SessionInfo, Failure> {
    let never = |diagnostic| Failure::new(diagnostic, Retry::Never);
    if let Some(version) = version.filter(|version| *version < PgVersion::V14) {
        return Err(never(
            Diagnostic::new(
                codes::VERSION,
                format!("{name} runs PostgreSQL {version}, which is not supported"),
            )
            .help("PostgreSQL 14 and later are supported"),
        ));
    }
    let sql = format!("{}{SESSION_INFO}", read_settings(version.unwrap_or(PgVersion::V14)));
    let rows = rows(client, &sql, lost).await.map_err(|error| rejected(error, name))?;
    let unknown = || never(Diagnostic::new(codes::CONNECTION, format!("{name} did not report its version")));
    let row = rows.last().ok_or_else(unknown)?;
    let text = |column: usize| row.get(column).unwrap_or_default().to_owned();
    let number = text(0).parse().map_err(|_| unknown())?;
    if !is_of_kind(row, kind) {
        let diagnostic = Diagnostic::new(
            codes::CONNECTION,
            format!("{name} does not match target_session_attrs={}", kind.name()),
        );
        return Err(Failure::new(diagnostic, Retry::OtherServer));
    }
    Ok(SessionInfo {
        version: PgVersion::from_number(number),
        role: text(1),
        database: text(2),
        superuser: row.get(3) == Some("t"),
        catalog_size: text(6).parse().unwrap_or(0),
    })
}

async fn rows(client: &Client, sql: &str, lost: &Lost) -> Result<Vec<Row>> {
    let stream = client.simple_query_raw(sql).await.map_err(|error| lost.error(&error, sql))?;
    let mut batch = Batch::new(stream, sql, lost.clone());
    let mut rows = Vec::new();
    while let Some(message) = batch.message().await? {
        if let Message::Row(row) = message {
            rows.push(row);
        }
    }
    Ok(rows)
}

const SESSION_INFO: &str = "\
SELECT pg_catalog.current_setting('server_version_num'),
       current_user,
       pg_catalog.current_database(),
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('transaction_read_only'),
       pg_catalog.pg_relation_size('pg_catalog.pg_class')";

fn is_of_kind(row: &Row, kind: SessionKind) -> bool {
    let (standby, read_only) = (row.get(4) == Some("t"), row.get(5) == Some("on"));
    match kind {
        SessionKind::Any | SessionKind::PreferStandby => true,
        SessionKind::ReadWrite => !read_only,
        SessionKind::ReadOnly => read_only,
        SessionKind::Primary => !standby,
        SessionKind::Standby => standby,
    }
}

/// The failure of a connection that was made and could not be set up.
fn rejected(error: Error, name: &str) -> Failure {
    let diagnostic = match error {
        Error::Diagnostics(mut found) if !found.is_empty() => found.swap_remove(0),
        other => {
            Diagnostic::new(codes::CONNECTION, format!("{name} rejects the settings of the session: {other}"))
        }
    };
    Failure::new(diagnostic, Retry::Never)
}
