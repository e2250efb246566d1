//! The connection parameters of libpq (manual, section 34.1.2) and how each is handled.

use std::collections::BTreeMap;

use crate::error::{Diagnostic, Result, codes};

/// How a parameter is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    /// It has the same meaning as in libpq.
    Used,
    /// It is accepted and has no effect.
    Ignored,
    /// It requests something that is not supported, often a stronger check. Only the listed values, which request
    /// nothing, are accepted.
    Only(&'static [&'static str]),
}

/// A parameter of libpq.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// The environment variable with its default value.
    pub(super) variable: Option<&'static str>,
    pub(super) handling: Handling,
}

const fn row(name: &'static str, variable: Option<&'static str>, handling: Handling) -> Parameter {
    Parameter { name, variable, handling }
}

use Handling::{Ignored, Only, Used};

pub(super) const PARAMETERS: &[Parameter] = &[
    row("service", Some("PGSERVICE"), Used),
    row("servicefile", Some("PGSERVICEFILE"), Used),
    row("host", Some("PGHOST"), Used),
    row("hostaddr", Some("PGHOSTADDR"), Used),
    row("port", Some("PGPORT"), Used),
    row("dbname", Some("PGDATABASE"), Used),
    row("user", Some("PGUSER"), Used),
    row("password", Some("PGPASSWORD"), Used),
    row("passfile", Some("PGPASSFILE"), Used),
    row("options", Some("PGOPTIONS"), Used),
    row("application_name", Some("PGAPPNAME"), Used),
    row("fallback_application_name", None, Used),
    row("connect_timeout", Some("PGCONNECT_TIMEOUT"), Used),
    row("channel_binding", Some("PGCHANNELBINDING"), Used),
    row("target_session_attrs", Some("PGTARGETSESSIONATTRS"), Used),
    row("load_balance_hosts", Some("PGLOADBALANCEHOSTS"), Used),
    row("sslmode", Some("PGSSLMODE"), Used),
    row("sslnegotiation", Some("PGSSLNEGOTIATION"), Used),
    row("sslrootcert", Some("PGSSLROOTCERT"), Used),
    row("sslcrl", Some("PGSSLCRL"), Used),
    row("sslcert", Some("PGSSLCERT"), Used),
    row("sslkey", Some("PGSSLKEY"), Used),
    row("sslcertmode", Some("PGSSLCERTMODE"), Used),
    row("sslsni", Some("PGSSLSNI"), Used),
    row("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION"), Used),
    row("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION"), Used),
    // The client encoding is always UTF-8, whatever the encoding of the database.
    row("client_encoding", Some("PGCLIENTENCODING"), Ignored),
    row("keepalives", None, Ignored),
    row("keepalives_idle", None, Ignored),
    row("keepalives_interval", None, Ignored),
    row("keepalives_count", None, Ignored),
    row("tcp_user_timeout", None, Ignored),
    row("sslcompression", Some("PGSSLCOMPRESSION"), Ignored),
    row("krbsrvname", Some("PGKRBSRVNAME"), Ignored),
    row("gsslib", Some("PGGSSLIB"), Ignored),
    row("gssdelegation", Some("PGGSSDELEGATION"), Ignored),
    row("min_protocol_version", Some("PGMINPROTOCOLVERSION"), Only(&["3.0"])),
    row("max_protocol_version", Some("PGMAXPROTOCOLVERSION"), Ignored),
    row("sslkeylogfile", None, Only(&[])),
    row("sslcrldir", Some("PGSSLCRLDIR"), Only(&[])),
    row("sslpassword", None, Only(&[])),
    row("requirepeer", Some("PGREQUIREPEER"), Only(&[])),
    row("require_auth", Some("PGREQUIREAUTH"), Only(&[])),
    row("gssencmode", Some("PGGSSENCMODE"), Only(&["disable", "prefer"])),
    row("replication", None, Only(&["false", "off", "no", "0"])),
    row("scram_client_key", None, Only(&[])),
    row("scram_server_key", None, Only(&[])),
    row("oauth_issuer", None, Only(&[])),
    row("oauth_client_id", None, Only(&[])),
    row("oauth_client_secret", None, Only(&[])),
    row("oauth_scope", None, Only(&[])),
];

/// The values of parameters by name.
pub(super) type ParameterValues = BTreeMap<&'static str, String>;

/// The value of a parameter that is set and not empty.
pub(super) fn value<'a>(set: &'a ParameterValues, name: &str) -> Option<&'a str> {
    set.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// Parses the value of a parameter that has a fixed set of values.
pub(super) fn one_of<T: Copy>(
    set: &ParameterValues,
    name: &str,
    default: &str,
    values: &[(&str, T)],
) -> Result<T> {
    let text = value(set, name).unwrap_or(default);
    values.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = values.iter().map(|(word, _)| *word).collect();
        let message = format!("invalid value `{text}` of the connection parameter `{name}`");
        Diagnostic::new(codes::USAGE, message).help(format!("it is one of {}", words.join(", "))).into()
    })
}

/// Finds a parameter by name. `origin` says where it is written, for the message.
pub(super) fn known(name: &str, origin: &str) -> Result<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name).ok_or_else(|| {
        let unknown =
            Diagnostic::new(codes::USAGE, format!("unknown connection parameter `{name}` in {origin}"));
        match closest(name) {
            Some(other) => unknown.help(format!("did you mean `{other}`?")).into(),
            None => unknown
                .help("the parameters are those of libpq: host, port, dbname, user, sslmode, ...")
                .into(),
        }
    })
}

/// Checks that the value of a parameter is supported.
pub(super) fn check(parameter: &Parameter, value: &str) -> Result<()> {
    match parameter.handling {
        Handling::Only(values) if !value.is_empty() && !values.contains(&value) => Err(Diagnostic::new(
            codes::USAGE,
            format!("the connection parameter `{}` is not supported", parameter.name),
        )
        .help("remove it; ignoring it could make the connection less secure than requested")
        .into()),
        Handling::Only(_) | Handling::Used | Handling::Ignored => Ok(()),
    }
}

/// The parameter that a wrong name stands for: a common synonym, or the same letters.
fn closest(name: &str) -> Option<&'static str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['_', '-'], "");
    let wanted = plain(name);
    match wanted.as_str() {
        "database" | "db" => return Some("dbname"),
        "username" | "role" => return Some("user"),
        "pass" | "passwd" | "pwd" => return Some("password"),
        "ssl" | "tls" => return Some("sslmode"),
        _ => {}
    }
    PARAMETERS.iter().map(|parameter| parameter.name).find(|other| plain(other) == wanted)
}
