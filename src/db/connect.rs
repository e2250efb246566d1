//! Reaching a server: which of the hosts, with or without TLS, and what it is.

use std::collections::hash_map::RandomState;
use std::future::poll_fn;
use std::hash::BuildHasher as _;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::config::{SslMode as Wire, SslNegotiation};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::{self, Failure, Lost, Next};
use super::passfile::Lookup;
use super::row::Row;
use super::session::{Canceller, Facts, Notice, Notices, Opened};
use super::settings::{Host, Server, SessionKind, Settings, read_settings};
use super::tls::{Negotiation, SslMode};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::PgVersion;

/// Connects to the first server that takes us.
pub(super) async fn open(settings: &Settings) -> Result<Opened> {
    let mut servers: Vec<&Server> = settings.servers.iter().collect();
    if settings.shuffled {
        // A new hasher's keys are random, and spread connections well enough.
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
            match reach(settings, server, *kind).await {
                Ok(opened) => return Ok(opened),
                Err(Failure { diagnostic, next }) => {
                    failures.push(*diagnostic);
                    // As in libpq: a server that answers and refuses is not passed over.
                    if matches!(next, Next::Nothing | Next::OtherTls) {
                        return Err(Error::Diagnostics(failures));
                    }
                }
            }
        }
    }
    Err(Error::Diagnostics(failures))
}

/// One server, for as long as `connect_timeout` allows.
async fn reach(settings: &Settings, server: &Server, kind: SessionKind) -> Result<Opened, Failure> {
    let patience = settings.connect_timeout.unwrap_or(Duration::from_hours(24 * 365));
    let deadline = Instant::now() + patience;
    loop {
        let attempt =
            timeout(deadline.saturating_duration_since(Instant::now()), by_mode(settings, server, kind));
        match attempt.await {
            Ok(Ok(opened)) => return Ok(opened),
            // A server in its start-up answers soon: in CI a job often comes before its database.
            Ok(Err(failure)) if failure.next == Next::Wait && Instant::now() < deadline => {
                sleep(Duration::from_millis(200)).await;
            }
            Ok(Err(failure)) => return Err(failure),
            Err(_) => return Err(failure::timed_out(settings, server)),
        }
    }
}

/// With TLS and without, in the order of `sslmode`.
async fn by_mode(settings: &Settings, server: &Server, kind: SessionKind) -> Result<Opened, Failure> {
    let plain = matches!(server.host, Host::Unix(_)) || settings.tls.mode == SslMode::Disable;
    if plain {
        return attempt(settings, server, kind, Wire::Disable).await;
    }
    let (first, second) = match settings.tls.mode {
        SslMode::Disable | SslMode::Allow => (Wire::Disable, Some(Wire::Require)),
        SslMode::Prefer => (Wire::Prefer, Some(Wire::Disable)),
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (Wire::Require, None),
    };
    let failure = match attempt(settings, server, kind, first).await {
        Ok(opened) => return Ok(opened),
        Err(failure) => failure,
    };
    match second {
        // The first failure says more, unless the second way worked.
        Some(second) if failure.next == Next::OtherTls => {
            attempt(settings, server, kind, second).await.map_err(|_| failure)
        }
        _ => Err(failure),
    }
}

async fn attempt(
    settings: &Settings,
    server: &Server,
    kind: SessionKind,
    wire: Wire,
) -> Result<Opened, Failure> {
    let mut config = Config::new();
    config
        .user(&settings.user)
        .dbname(&settings.database)
        .application_name(&settings.application_name)
        .port(server.port)
        .ssl_mode(wire)
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
    let ignored = match settings.password_for(server) {
        Lookup::Password(password) => {
            config.password(password);
            None
        }
        Lookup::Nothing => None,
        Lookup::Ignored(why) => Some(why),
    };
    let explained =
        |error: tokio_postgres::Error| failure::explain(&error, settings, server, ignored.as_deref());
    let place = format!("the server at {server}");
    if wire == Wire::Disable {
        let (client, connection) = config.connect(NoTls).await.map_err(explained)?;
        begin(client, connection, None, kind, &place).await
    } else {
        let tls = settings.tls.connector().map_err(|error| refused(error, &place))?;
        let (client, connection) = connect_tls(&config, tls.clone()).await.map_err(explained)?;
        begin(client, connection, Some(tls), kind, &place).await
    }
}

async fn connect_tls(
    config: &Config,
    tls: MakeRustlsConnect,
) -> Result<
    (Client, Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>),
    tokio_postgres::Error,
> {
    config.connect(tls).await
}

/// Drives the connection, looks at the server and sets the session up.
pub(super) async fn begin<S, T>(
    client: Client,
    mut connection: Connection<S, T>,
    tls: Option<MakeRustlsConnect>,
    kind: SessionKind,
    place: &str,
) -> Result<Opened, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let version = connection.parameter("server_version").and_then(PgVersion::from_text);
    let (notices, lost) = (Notices::default(), Lost::default());
    let (sink, reason) = (notices.clone(), lost.clone());
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
                    reason.set(&error);
                    break;
                }
            }
        }
    });
    let canceller = Canceller { token: client.cancel_token(), tls, possible: true };
    match look(&client, version, kind, place, &lost).await {
        Ok(facts) => Ok(Opened { client, task, facts, notices, lost, canceller, server: None }),
        Err(failure) => Err(failure),
    }
}

/// One round trip: the settings, and what this session is.
async fn look(
    client: &Client,
    version: Option<PgVersion>,
    kind: SessionKind,
    place: &str,
    lost: &Lost,
) -> Result<Facts, Failure> {
    let nothing = |diagnostic| Failure::new(diagnostic, Next::Nothing);
    if let Some(version) = version.filter(|version| *version < PgVersion::V14) {
        return Err(nothing(
            Diagnostic::new(codes::VERSION, format!("{place} is PostgreSQL {version}, which is too old"))
                .help("PostgreSQL 14 and later are supported"),
        ));
    }
    let sql = format!("{}{FACTS}", read_settings(version.unwrap_or(PgVersion::V14)));
    let mut rows = Vec::new();
    let mut batch = match client.simple_query_raw(&sql).await {
        Ok(stream) => super::row::Batch::new(stream, &sql, lost.clone()),
        Err(error) => return Err(refused(lost.error(&error, &sql), place)),
    };
    loop {
        match batch.message().await {
            Ok(Some(super::row::Message::Row(row))) => rows.push(row),
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => return Err(refused(error, place)),
        }
    }
    let unknown = || nothing(Diagnostic::new(codes::CONNECTION, format!("{place} did not say what it is")));
    let row = rows.last().ok_or_else(unknown)?;
    let text = |column: usize| row.get(column).unwrap_or_default().to_owned();
    let number = text(0).parse().map_err(|_| unknown())?;
    if !fits(row, kind) {
        let diagnostic = Diagnostic::new(
            codes::CONNECTION,
            format!("{place} is not the kind of server that target_session_attrs asks for"),
        );
        return Err(Failure::new(diagnostic, Next::Server));
    }
    Ok(Facts {
        version: PgVersion::from_number(number),
        role: text(1),
        database: text(2),
        superuser: row.get(3) == Some("t"),
        size: text(6).parse().unwrap_or(0),
    })
}

const FACTS: &str = "\
SELECT pg_catalog.current_setting('server_version_num'),
       current_user,
       pg_catalog.current_database(),
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('transaction_read_only'),
       pg_catalog.pg_relation_size('pg_catalog.pg_class')";

fn fits(row: &Row, kind: SessionKind) -> bool {
    let (standby, read_only) = (row.get(4) == Some("t"), row.get(5) == Some("on"));
    match kind {
        SessionKind::Any | SessionKind::PreferStandby => true,
        SessionKind::ReadWrite => !read_only,
        SessionKind::ReadOnly => read_only,
        SessionKind::Primary => !standby,
        SessionKind::Standby => standby,
    }
}

fn refused(error: Error, place: &str) -> Failure {
    let diagnostic = match error {
        Error::Diagnostics(mut found) if !found.is_empty() => found.swap_remove(0),
        other => Diagnostic::new(
            codes::CONNECTION,
            format!("{place} does not take the settings of a session: {other}"),
        ),
    };
    Failure::new(diagnostic, Next::Nothing)
}
