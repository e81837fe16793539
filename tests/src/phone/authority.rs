//! The phone's own certificate authority, and the certificates that servers show: right and wrong ones.

use super::Fault;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;

/// A CA that exists as long as the test, and server certificates of it.
pub(super) struct Authority {
    pem: String,
    right: Arc<ServerConfig>,
    wrong_host: Arc<ServerConfig>,
    expired: Arc<ServerConfig>,
    self_signed: Arc<ServerConfig>,
}

impl Authority {
    /// A new CA, with a certificate for `names` (host names and IP addresses).
    pub(super) fn new(names: &[&str]) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new(Vec::new()).expect("no names");
        parameters.distinguished_name.push(DnType::CommonName, "CA of a test phone");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = parameters.self_signed(&key).expect("a CA").pem();
        let issuer = Issuer::new(parameters, key);
        let mut expired = server(names);
        expired.not_before = date_time_ymd(2001, 1, 1);
        expired.not_after = date_time_ymd(2002, 1, 1);
        Self {
            pem,
            right: config(&server(names), Some(&issuer)),
            wrong_host: config(&server(&["somebody-else.test"]), Some(&issuer)),
            expired: config(&expired, Some(&issuer)),
            self_signed: config(&server(names), None),
        }
    }

    /// The CA's certificate.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// The TLS side of a server that fails like this.
    pub(super) fn tls(&self, fault: Fault) -> Arc<ServerConfig> {
        Arc::clone(match fault {
            Fault::WrongHost => &self.wrong_host,
            Fault::Expired => &self.expired,
            Fault::SelfSigned => &self.self_signed,
            _ => &self.right,
        })
    }
}

fn server(names: &[&str]) -> CertificateParams {
    let mut parameters = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        .expect("names and addresses");
    parameters.distinguished_name.push(DnType::CommonName, "a test phone");
    parameters
}

fn config(parameters: &CertificateParams, issuer: Option<&Issuer<'_, KeyPair>>) -> Arc<ServerConfig> {
    let key = KeyPair::generate().expect("a key");
    let certificate = match issuer {
        Some(issuer) => parameters.signed_by(&key, issuer),
        None => parameters.self_signed(&key),
    };
    let chain = vec![CertificateDer::from(certificate.expect("a certificate"))];
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("PKCS #8");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("certificate and key belong together");
    Arc::new(config)
}
