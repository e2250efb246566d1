//! TLS as libpq's `sslmode` means it (manual, section 34.19), by rustls.

use std::collections::BTreeMap;
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
use super::settings::one_of;
use super::trust::{Check, Verifier};
use crate::error::{Diagnostic, Error, Result, codes};

/// `sslmode`.
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

/// Whether a client certificate is shown (`sslcertmode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientCertificate {
    Never,
    IfPresent,
    Required,
}

/// Whose signature makes a server trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Roots {
    System,
    File(PathBuf),
    /// `~/.postgresql/root.crt`, which counts only where it is there.
    Default(Option<PathBuf>),
}

/// How a TLS connection is begun (`sslnegotiation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Negotiation {
    Postgres,
    Direct,
}

/// Everything about TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TlsSettings {
    pub(super) mode: SslMode,
    pub(super) negotiation: Negotiation,
    roots: Roots,
    revoked: Option<PathBuf>,
    certificate: ClientCertificate,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    sni: bool,
    lowest: u8,
    highest: u8,
}

const PROTOCOLS: &[(&str, u8)] = &[("TLSv1", 10), ("TLSv1.1", 11), ("TLSv1.2", 12), ("TLSv1.3", 13)];

impl TlsSettings {
    pub(super) fn from_parameters(
        set: &BTreeMap<&'static str, String>,
        environment: &Environment,
    ) -> Result<Self> {
        let get = |name: &str| set.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let in_home = |name: &str| environment.home().map(|home| home.join(".postgresql").join(name));
        let roots = match get("sslrootcert") {
            Some("system") => Roots::System,
            Some(file) => Roots::File(file.into()),
            None => Roots::Default(in_home("root.crt")),
        };
        // The system trusts certificates of anyone's for their own names, so that the name must be looked at.
        let default = if roots == Roots::System { "verify-full" } else { "prefer" };
        let mode = one_of(set, "sslmode", default, MODES)?;
        if roots == Roots::System && mode < SslMode::VerifyFull {
            let weak = "sslrootcert=system needs sslmode=verify-full: anyone may have a certificate of the system's authorities";
            return Err(Diagnostic::new(codes::USAGE, weak).into());
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
                "sslnegotiation=direct needs sslmode=require or stronger",
            )
            .into());
        }
        Ok(Self {
            mode,
            negotiation,
            roots,
            revoked: get("sslcrl")
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

    /// What is asked of the server's certificate. As in libpq, a root certificate that is there is
    /// used in the weaker modes too; only the host's name is then not looked at.
    fn check(&self) -> Check {
        match self.mode {
            SslMode::VerifyFull => Check::ChainAndName,
            SslMode::VerifyCa => Check::Chain,
            SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require => match &self.roots {
                Roots::Default(file) if !file.as_ref().is_some_and(|file| file.exists()) => Check::Nothing,
                Roots::Default(_) | Roots::File(_) | Roots::System => Check::Chain,
            },
        }
    }

    /// The connector for this connection.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: Vec<&'static SupportedProtocolVersion> = [(12, &TLS12), (13, &TLS13)]
            .into_iter()
            .filter(|(version, _)| (self.lowest..=self.highest).contains(version))
            .map(|(_, protocol)| protocol)
            .collect();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(|error| unusable(format!("TLS cannot be set up: {error}"), ""))?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(&provider)?);
        let mut config = match self.client_certificate()? {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|error| {
                unusable(format!("the client certificate and its key do not fit: {error}"), "")
            })?,
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = self.sni;
        if self.negotiation == Negotiation::Direct {
            // Section 54.2.11: a server asked directly insists on the protocol's name.
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(MakeRustlsConnect::new(config))
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
        let check = self.check();
        let roots = match (check, &self.roots) {
            (Check::Nothing, _) => Vec::new(),
            (_, Roots::System) => {
                let found = rustls_native_certs::load_native_certs();
                if found.certs.is_empty() {
                    return Err(unusable(
                        "the system has no trusted root certificates",
                        "install the package ca-certificates, or give a file as sslrootcert",
                    ));
                }
                found.certs
            }
            (_, Roots::File(file) | Roots::Default(Some(file))) => root_certificates(file)?,
            (_, Roots::Default(None)) => {
                return Err(unusable(
                    "no root certificate is given and there is no home folder to look in",
                    "",
                ));
            }
        };
        let revoked = match &self.revoked {
            Some(file) if check != Check::Nothing => revocations(file)?,
            _ => Vec::new(),
        };
        Ok(Arc::new(Verifier::new(check, roots, revoked, provider)?))
    }

    fn client_certificate(&self) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>> {
        let file = match (self.certificate, &self.certificate_file) {
            (ClientCertificate::Never, _) | (ClientCertificate::IfPresent, None) => return Ok(None),
            (ClientCertificate::Required, None) => {
                return Err(unusable(
                    "sslcertmode=require, and there is no client certificate",
                    "give its file as sslcert and its key as sslkey",
                ));
            }
            (ClientCertificate::IfPresent | ClientCertificate::Required, Some(file)) => file,
        };
        let chain = certificates(file, "client certificate")?;
        let Some(key_file) = &self.key_file else {
            return Err(unusable("the client certificate has no key", "give its file as sslkey"));
        };
        private_key_is_private(key_file)?;
        let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| {
            unusable(
                format!("the key {} cannot be read: {error}", key_file.display()),
                "it is a PEM file without a passphrase; `openssl pkey` takes one off",
            )
        })?;
        Ok(Some((chain, key)))
    }

    /// The same for libpq's programs.
    pub(super) fn libpq_variables(&self) -> Vec<(&'static str, String)> {
        let word = MODES.iter().find(|(_, mode)| *mode == self.mode).map_or("prefer", |(word, _)| word);
        let mut variables = vec![("PGSSLMODE", word.to_owned())];
        match &self.roots {
            Roots::System => variables.push(("PGSSLROOTCERT", "system".to_owned())),
            Roots::File(file) => variables.push(("PGSSLROOTCERT", file.display().to_string())),
            Roots::Default(_) => {}
        }
        for (name, file) in
            [("PGSSLCERT", &self.certificate_file), ("PGSSLKEY", &self.key_file), ("PGSSLCRL", &self.revoked)]
        {
            variables.extend(file.iter().map(|file| (name, file.display().to_string())));
        }
        variables
    }
}

fn root_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    if !file.exists() {
        return Err(unusable(
            format!("the root certificate {} does not exist", file.display()),
            "put it there, give another file as sslrootcert, trust the system's authorities with sslrootcert=system, or choose a weaker sslmode",
        ));
    }
    certificates(file, "root certificate")
}

fn certificates(file: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => {
            Err(unusable(format!("the {what} {} holds no certificate", file.display()), "it is a PEM file"))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(unusable(format!("the {what} {} cannot be read: {error}", file.display()), "")),
    }
}

fn revocations(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    CertificateRevocationListDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| {
            unusable(format!("the revocation list {} cannot be read: {error}", file.display()), "")
        })
}

/// libpq's rule: a key of one's own is for the owner alone, one of root's may be for a group too.
fn private_key_is_private(file: &Path) -> Result<()> {
    let metadata = fs::metadata(file)
        .map_err(|error| unusable(format!("the key {} cannot be read: {error}", file.display()), ""))?;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & forbidden == 0 {
        return Ok(());
    }
    Err(unusable(
        format!("others may read the key {}", file.display()),
        &format!("run chmod 0600 {}", file.display()),
    ))
}

fn unusable(message: impl Into<String>, help: &str) -> Error {
    let diagnostic = Diagnostic::new(codes::CONNECTION, message);
    if help.is_empty() { diagnostic.into() } else { diagnostic.help(help).into() }
}
