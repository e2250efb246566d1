//! The connection parameters of libpq (manual, section 34.1.2) and what is done with each.

use crate::error::{Diagnostic, Result, codes};

/// What is done with a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    /// It has its meaning of libpq.
    Used,
    /// It makes no difference here: accepted and left alone.
    Harmless,
    /// It asks for something that this program does not do. Leaving it alone would weaken what
    /// the user asked for, so only the listed values, which ask for nothing, pass.
    Only(&'static [&'static str]),
}

/// A parameter of libpq.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// The environment variable that sets it where nothing else does.
    pub(super) variable: Option<&'static str>,
    pub(super) handling: Handling,
}

const fn row(name: &'static str, variable: Option<&'static str>, handling: Handling) -> Parameter {
    Parameter { name, variable, handling }
}

use Handling::{Harmless, Only, Used};

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
    // The session always speaks UTF-8, whatever the database's encoding is.
    row("client_encoding", Some("PGCLIENTENCODING"), Harmless),
    row("keepalives", None, Harmless),
    row("keepalives_idle", None, Harmless),
    row("keepalives_interval", None, Harmless),
    row("keepalives_count", None, Harmless),
    row("tcp_user_timeout", None, Harmless),
    row("sslcompression", Some("PGSSLCOMPRESSION"), Harmless),
    row("krbsrvname", Some("PGKRBSRVNAME"), Harmless),
    row("gsslib", Some("PGGSSLIB"), Harmless),
    row("gssdelegation", Some("PGGSSDELEGATION"), Harmless),
    row("min_protocol_version", Some("PGMINPROTOCOLVERSION"), Only(&["3.0"])),
    row("max_protocol_version", Some("PGMAXPROTOCOLVERSION"), Harmless),
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

/// Finds a parameter by name. `from` says where it was written, for the message.
pub(super) fn known(name: &str, from: &str) -> Result<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name).ok_or_else(|| {
        let unknown =
            Diagnostic::new(codes::USAGE, format!("`{name}` in {from} is not a connection parameter"));
        match closest(name) {
            Some(other) => unknown.help(format!("did you mean `{other}`?")).into(),
            None => unknown.help("the parameters are libpq's: host, port, dbname, user, sslmode, ...").into(),
        }
    })
}

/// Refuses a value that asks for what is not done here.
pub(super) fn check(parameter: &Parameter, value: &str) -> Result<()> {
    match parameter.handling {
        Handling::Only(values) if !value.is_empty() && !values.contains(&value) => Err(Diagnostic::new(
            codes::USAGE,
            format!("the connection parameter `{}` is not supported", parameter.name),
        )
        .help("remove it; ignoring it could make the connection weaker than it asks for")
        .into()),
        Handling::Only(_) | Handling::Used | Handling::Harmless => Ok(()),
    }
}

/// The name with the same letters, or that begins alike: `database` is often written for `dbname`.
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
