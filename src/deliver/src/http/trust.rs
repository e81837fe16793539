//! Whose certificates are trusted: the system's, and those of `delivery.ca_file`.
//!
//! The system's are read as the one bundle that every distribution keeps. (The usual crate for this also walks the
//! folder beside it, some 280 files that hold the same, and asks the environment: rule 21.)

use crate::refusal::Refusal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use herald_core::courier::End;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::sync::{Arc, OnceLock};

/// Where distributions keep their bundle.
pub(crate) const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Alpine, NixOS, Gentoo
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",   // older Fedora and RHEL
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/ssl/cert.pem",                  // Alpine without ca-certificates
];

/// The trusted certificates, read when the first TLS connection needs them.
pub(super) struct Trust {
    extra: Result<Vec<CertificateDer<'static>>, String>,
    tls: OnceLock<Result<ClientConfig, Refusal>>,
}

impl Trust {
    /// The system's certificates and those in `extra` (PEM text; may be empty).
    pub(super) fn new(extra: &str) -> Self {
        Self { extra: certificates(extra), tls: OnceLock::new() }
    }

    /// What is wrong with the extra certificates.
    pub(super) fn fault(&self) -> Option<String> {
        self.extra.as_ref().err().cloned()
    }

    /// The TLS side of a client: TLS 1.2 and 1.3, ring.
    pub(super) fn tls(&self) -> Result<ClientConfig, Refusal> {
        self.tls.get_or_init(|| self.build()).clone()
    }

    /// One that trusts nobody, for plain HTTP: the client wants a TLS side whether it is used or not.
    pub(super) fn none() -> Result<ClientConfig, Refusal> {
        config(RootCertStore::empty())
    }

    /// The trusted certificates themselves.
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Refusal> {
        let extra = self
            .extra
            .as_ref()
            .map_err(|problem| Refusal::new(End::Configuration, format!("delivery.ca_file: {problem}")))?;
        let system = BUNDLES.iter().find_map(|path| std::fs::read(path).ok()).unwrap_or_default();
        let all: Vec<CertificateDer<'static>> =
            bundled(&String::from_utf8_lossy(&system)).chain(extra.iter().cloned()).collect();
        if all.is_empty() {
            return Err(Refusal::new(
                End::Configuration,
                "this machine has no CA certificates: install the package ca-certificates",
            ));
        }
        Ok(all)
    }

    fn build(&self) -> Result<ClientConfig, Refusal> {
        let mut roots = RootCertStore::empty();
        // A system's bundle may hold one that we cannot read; the others are as good as ever.
        roots.add_parsable_certificates(self.certificates()?);
        config(roots)
    }
}

fn config(roots: RootCertStore) -> Result<ClientConfig, Refusal> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Refusal::new(End::Configuration, "TLS could not be set up"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The certificates of a bundle that is known to be public. The PEM reader of rustls decodes in constant time, for
/// keys; over the whole bundle that takes a quarter of the time of a whole send.
fn bundled(pem: &str) -> impl Iterator<Item = CertificateDer<'static>> + '_ {
    pem.split("-----BEGIN CERTIFICATE-----").skip(1).filter_map(|rest| {
        let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
        let body: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        STANDARD.decode(body).ok().map(CertificateDer::from)
    })
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    if pem.is_empty() {
        return Ok(Vec::new());
    }
    let problem = || "holds no CA certificate in PEM form (-----BEGIN CERTIFICATE-----)".to_owned();
    let all: Vec<_> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(|_| problem())?;
    let mut store = RootCertStore::empty();
    for certificate in &all {
        store.add(certificate.clone()).map_err(|_| problem())?;
    }
    if all.is_empty() { Err(problem()) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_read_as_rustls_reads_it() {
        let authority = herald_tests::phone::BotApi::start();
        let one = authority.ca_pem();
        let bundle =
            format!("# a comment\n{one}\n# another\r\n{}-----BEGIN CERTIFICATE-----\n!\n", one.replace('\n', "\r\n"));
        let expected = certificates(one).expect("a certificate");
        assert_eq!(bundled(&bundle).collect::<Vec<_>>(), [expected.clone(), expected].concat());
    }

    #[test]
    fn a_ca_file_without_a_certificate_is_a_fault() {
        assert_eq!(certificates(""), Ok(Vec::new()));
        for bad in [
            "hello",
            "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            let problem = certificates(bad).expect_err(bad);
            assert!(problem.contains("BEGIN CERTIFICATE"), "{problem}");
        }
    }
}
