//! Verification of server certificates.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::error::{Diagnostic, Result, codes};

/// How thoroughly a certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Not at all: the connection is encrypted, but the server is not authenticated.
    None,
    /// It must be signed by a trusted authority.
    Chain,
    /// It must also be valid for the host name.
    ChainAndName,
}

/// A certificate verifier with the meaning of libpq's `sslmode`.
#[derive(Debug)]
pub(super) struct Verifier {
    check: Check,
    roots: Vec<CertificateDer<'static>>,
    /// None for [`Check::None`].
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    pub(super) fn new(
        check: Check,
        roots: Vec<CertificateDer<'static>>,
        revoked: Vec<CertificateRevocationListDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self> {
        let chain = match check {
            Check::None => None,
            Check::Chain | Check::ChainAndName => {
                let mut store = RootCertStore::empty();
                store.add_parsable_certificates(roots.iter().cloned());
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
                        .with_crls(revoked)
                        .allow_unknown_revocation_status()
                        .build()
                        .map_err(|error| {
                            let message = format!("the root certificates cannot be used: {error}");
                            Diagnostic::new(codes::CONNECTION, message)
                        })?;
                Some(verifier)
            }
        };
        Ok(Self { check, roots, chain, provider: Arc::clone(provider) })
    }

    fn check_name(&self, certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
        match self.check {
            Check::None | Check::Chain => Ok(()),
            Check::ChainAndName => verify_server_name(&ParsedCertificate::try_from(certificate)?, name),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(certificate, intermediates, name, stapled, now) {
            Ok(_)
            // The chain is verified before the name.
            | Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => {}
            // webpki does not accept the certificate of an authority for a server, but a self-signed certificate made
            // by `openssl req -x509` is one. Its dates have been checked before.
            Err(error) if is_authority(&error) && self.roots.iter().any(|root| root == certificate) => {}
            Err(error) if is_authority(&error) => return Err(CertificateError::UnknownIssuer.into()),
            Err(error) => return Err(error),
        }
        self.check_name(certificate, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Returns true if the certificate is that of an authority. rustls has no variant for this error of webpki.
fn is_authority(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(other))
        if format!("{other:?}").contains("CaUsedAsEndEntity"))
}
