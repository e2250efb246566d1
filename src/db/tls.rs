//! TLS with the meaning of libpq's `sslmode` (manual, section 34.19).

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedProtocolVersion};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::environment::Environment;
use super::parameters::{ParameterValues, one_of, value};
use super::verifier::{Check, Verifier};
use crate::error::{Diagnostic, Error, Result, codes};

/// The value of `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

const MODES: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

/// Whether a client certificate is sent (`sslcertmode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientCertificate {
    Never,
    IfPresent,
    Required,
}

/// The trusted root certificates (`sslrootcert`).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Roots {
    System,
    File(PathBuf),
    /// `~/.postgresql/root.crt`, used only if it exists.
    Default(Option<PathBuf>),
}

/// How a TLS connection is started (`sslnegotiation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Negotiation {
    Postgres,
    Direct,
}

/// The TLS parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TlsSettings {
    pub(super) mode: SslMode,
    pub(super) negotiation: Negotiation,
    roots: Roots,
    revocations: Option<PathBuf>,
    certificate: ClientCertificate,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    sni: bool,
    lowest: u8,
    highest: u8,
}

const PROTOCOLS: &[(&str, u8)] = &[("TLSv1", 10), ("TLSv1.1", 11), ("TLSv1.2", 12), ("TLSv1.3", 13)];

impl TlsSettings {
    /// Parses the TLS parameters.
    pub(super) fn from_parameters(set: &ParameterValues, environment: &Environment) -> Result<Self> {
        let get = |name: &str| value(set, name);
        let in_home = |name: &str| environment.home().map(|home| home.join(".postgresql").join(name));
        let roots = match get("sslrootcert") {
            Some("system") => Roots::System,
            Some(file) => Roots::File(file.into()),
            None => Roots::Default(in_home("root.crt")),
        };
        // The system's authorities sign certificates for anyone, so the name must be checked.
        let default = if roots == Roots::System { "verify-full" } else { "prefer" };
        let mode = one_of(set, "sslmode", default, MODES)?;
        if roots == Roots::System && mode < SslMode::VerifyFull {
            let weak = "sslrootcert=system requires sslmode=verify-full";
            return Err(Diagnostic::new(codes::USAGE, weak)
                .help("the system's authorities sign certificates for anyone: use sslmode=verify-full, or give a file as sslrootcert")
                .into());
        }
        let negotiation = one_of(
            set,
            "sslnegotiation",
            "postgres",
            &[("postgres", Negotiation::Postgres), ("direct", Negotiation::Direct)],
        )?;
        if negotiation == Negotiation::Direct && mode < SslMode::Require {
            return Err(Diagnostic::new(
                codes::USAGE,
                "sslnegotiation=direct requires sslmode=require or stronger",
            )
            .into());
        }
        Ok(Self {
            mode,
            negotiation,
            roots,
            revocations: get("sslcrl")
                .map(PathBuf::from)
                .or_else(|| in_home("root.crl").filter(|file| file.exists())),
            certificate: one_of(
                set,
                "sslcertmode",
                "allow",
                &[
                    ("disable", ClientCertificate::Never),
                    ("allow", ClientCertificate::IfPresent),
                    ("require", ClientCertificate::Required),
                ],
            )?,
            certificate_file: get("sslcert")
                .map(PathBuf::from)
                .or_else(|| in_home("postgresql.crt").filter(|file| file.exists())),
            key_file: get("sslkey").map(PathBuf::from).or_else(|| in_home("postgresql.key")),
            sni: one_of(set, "sslsni", "1", &[("0", false), ("1", true)])?,
            lowest: one_of(set, "ssl_min_protocol_version", "TLSv1.2", PROTOCOLS)?,
            highest: one_of(set, "ssl_max_protocol_version", "TLSv1.3", PROTOCOLS)?,
        })
    }

    /// How the server's certificate is checked. As in libpq, an existing root certificate is used in the weaker modes
    /// too, without checking the host name.
    fn check(&self) -> Check {
        match self.mode {
            SslMode::VerifyFull => Check::ChainAndName,
            SslMode::VerifyCa => Check::Chain,
            SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require => match &self.roots {
                Roots::Default(file) if !file.as_ref().is_some_and(|file| file.exists()) => Check::None,
                Roots::Default(_) | Roots::File(_) | Roots::System => Check::Chain,
            },
        }
    }

    /// Creates the connector of a connection.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: Vec<&'static SupportedProtocolVersion> = [(12, &TLS12), (13, &TLS13)]
            .into_iter()
            .filter(|(version, _)| (self.lowest..=self.highest).contains(version))
            .map(|(_, protocol)| protocol)
            .collect();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(|error| unusable(format!("cannot set up TLS: {error}"), None))?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(&provider)?);
        let mut config = match self.client_certificate()? {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|error| {
                unusable(format!("the client certificate does not match its key: {error}"), None)
            })?,
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = self.sni;
        if self.negotiation == Negotiation::Direct {
            // Manual, section 54.2.11: without a negotiation request, the server requires the protocol name.
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(MakeRustlsConnect::new(config))
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
        let check = self.check();
        let roots = match (check, &self.roots) {
            (Check::None, _) => Vec::new(),
            (_, Roots::System) => {
                let found = rustls_native_certs::load_native_certs();
                if found.certs.is_empty() {
                    return Err(unusable(
                        "the system has no trusted root certificates",
                        Some("install the package ca-certificates, or give a file as sslrootcert"),
                    ));
                }
                found.certs
            }
            (_, Roots::File(file) | Roots::Default(Some(file))) => root_certificates(file)?,
            (_, Roots::Default(None)) => {
                return Err(unusable(
                    "no root certificate is given, and HOME is not set",
                    Some("give a file as sslrootcert"),
                ));
            }
        };
        let revoked = match &self.revocations {
            Some(file) if check != Check::None => revocations(file)?,
            _ => Vec::new(),
        };
        Ok(Arc::new(Verifier::new(check, roots, revoked, provider)?))
    }

    fn client_certificate(&self) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>> {
        let file = match (self.certificate, &self.certificate_file) {
            (ClientCertificate::Never, _) | (ClientCertificate::IfPresent, None) => return Ok(None),
            (ClientCertificate::Required, None) => {
                return Err(unusable(
                    "sslcertmode=require requires a client certificate",
                    Some("give its file as sslcert and its key as sslkey"),
                ));
            }
            (ClientCertificate::IfPresent | ClientCertificate::Required, Some(file)) => file,
        };
        let chain = certificates(file, "client certificate")?;
        let Some(key_file) = &self.key_file else {
            return Err(unusable("the client certificate has no key", Some("give the key's file as sslkey")));
        };
        check_permissions(key_file)?;
        let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| {
            unusable(
                format!("cannot read the key {}: {error}", key_file.display()),
                Some("it must be a PEM file without a passphrase; `openssl pkey` removes one"),
            )
        })?;
        Ok(Some((chain, key)))
    }

    /// The `PG*` variables with the same meaning.
    pub(super) fn libpq_variables(&self) -> Vec<(&'static str, String)> {
        let word = MODES.iter().find(|(_, mode)| *mode == self.mode).map_or("prefer", |(word, _)| word);
        let mut variables = vec![("PGSSLMODE", word.to_owned())];
        match &self.roots {
            Roots::System => variables.push(("PGSSLROOTCERT", "system".to_owned())),
            Roots::File(file) => variables.push(("PGSSLROOTCERT", file.display().to_string())),
            Roots::Default(_) => {}
        }
        for (name, file) in [
            ("PGSSLCERT", &self.certificate_file),
            ("PGSSLKEY", &self.key_file),
            ("PGSSLCRL", &self.revocations),
        ] {
            variables.extend(file.iter().map(|file| (name, file.display().to_string())));
        }
        variables
    }
}

fn root_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    if !file.exists() {
        return Err(unusable(
            format!("the root certificate {} does not exist", file.display()),
            Some(
                "create it, give another file as sslrootcert, use sslrootcert=system, or choose a weaker sslmode",
            ),
        ));
    }
    certificates(file, "root certificate")
}

fn certificates(file: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err(unusable(
            format!("no certificate found in the {what} {}", file.display()),
            Some("it must be a PEM file"),
        )),
        Ok(found) => Ok(found),
        Err(error) => Err(unusable(format!("cannot read the {what} {}: {error}", file.display()), None)),
    }
}

fn revocations(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    CertificateRevocationListDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| {
            unusable(format!("cannot read the revocation list {}: {error}", file.display()), None)
        })
}

/// Applies libpq's rule: only its owner may read a key, and if that is root, also a group.
fn check_permissions(file: &Path) -> Result<()> {
    let metadata = fs::metadata(file)
        .map_err(|error| unusable(format!("cannot read the key {}: {error}", file.display()), None))?;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & forbidden == 0 {
        return Ok(());
    }
    Err(unusable(
        format!("other users may read the key {}", file.display()),
        Some(&format!("run chmod 0600 {}", file.display())),
    ))
}

fn unusable(message: impl Into<String>, help: Option<&str>) -> Error {
    let mut diagnostic = Diagnostic::new(codes::CONNECTION, message);
    diagnostic.help.extend(help.map(str::to_owned));
    diagnostic.into()
}
