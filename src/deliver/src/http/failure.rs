//! What a failed exchange says about the network, and what only about us (rule 5).
//!
//! Told by the types of the errors, never by their texts. Only what is known to be the network's fault counts
//! as unreachable: that end alone can open a door, so everything in doubt is something else.

use crate::refusal::Refusal;
use herald_core::courier::End;
use rustix::io::Errno;
use rustls::CertificateError;
use std::error::Error;
use std::io;

/// The class of a failed exchange with `host`, through a proxy or not.
pub(super) fn classify(error: &reqwest::Error, host: &str, proxied: bool) -> Refusal {
    if error.is_connect() {
        return not_connected(error, host, proxied);
    }
    // The request was still waiting for its connection when that closed: not one byte of it went out.
    let never_sent = chain(error).any(|cause| cause.downcast_ref().is_some_and(hyper::Error::is_canceled));
    if never_sent {
        return Refusal::new(End::TryAgain { after: None }, format!("{host} closed the connection at once"));
    }
    if error.is_builder() {
        return Refusal::new(End::Configuration, "the request could not be built");
    }
    let detail = if error.is_timeout() {
        format!("the request went out, and {host} did not answer in time")
    } else {
        format!("the request went out, and {host} gave no answer that could be understood")
    };
    Refusal::new(End::Unclear, detail)
}

fn not_connected(error: &reqwest::Error, host: &str, proxied: bool) -> Refusal {
    let again = End::TryAgain { after: None };
    for cause in chain(error) {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return match tls {
                rustls::Error::InvalidCertificate(reason) => Refusal::new(again, distrust(reason, host)),
                rustls::Error::NoCertificatesPresented => Refusal::new(again, format!("{host} shows no certificate")),
                _ => Refusal::new(End::Unreachable, format!("the TLS handshake with {host} failed")),
            };
        }
        if let Some(code) = cause.downcast_ref::<io::Error>().and_then(Errno::from_io_error) {
            return match network_fault(code) {
                Some(words) => Refusal::new(End::Unreachable, format!("no connection to {host}: {words}")),
                None => Refusal::new(again, format!("this machine could not open a connection to {host}: {code}")),
            };
        }
    }
    if error.is_dns() {
        return Refusal::new(End::Unreachable, format!("the name {host} could not be resolved"));
    }
    if error.is_timeout() {
        return Refusal::new(End::Unreachable, format!("no connection to {host} in time"));
    }
    let broken_off = chain(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| matches!(cause.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset));
    if broken_off {
        return Refusal::new(End::Unreachable, format!("the TLS handshake with {host} was broken off"));
    }
    // A proxy that refuses; or one of SOCKS that is gone, whose error does not tell.
    let who = if proxied { "the proxy" } else { "this machine" };
    Refusal::new(again, format!("{who} made no connection to {host}"))
}

/// The network's own faults. Shortages of this machine (files, memory, ports, permissions) are none: a local user
/// can bring those about.
pub(crate) fn network_fault(code: Errno) -> Option<&'static str> {
    Some(match code {
        Errno::CONNREFUSED => "refused",
        Errno::CONNRESET | Errno::CONNABORTED | Errno::PIPE => "broken off",
        Errno::TIMEDOUT => "timed out",
        Errno::HOSTUNREACH | Errno::HOSTDOWN => "no route to the host",
        Errno::NETUNREACH | Errno::NETDOWN => "the network is unreachable",
        _ => return None,
    })
}

/// What is wrong with a certificate, in a person's words.
pub(crate) fn distrust(reason: &CertificateError, host: &str) -> String {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext, UnknownIssuer};
    match reason {
        Expired | ExpiredContext { .. } => format!("the certificate of {host} has expired"),
        NotValidYet | NotValidYetContext { .. } => {
            format!("the certificate of {host} is not valid yet: is this machine's clock right?")
        }
        UnknownIssuer => format!("the certificate of {host} comes from a CA that this machine does not trust"),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the certificate is not for {host}")
        }
        CertificateError::Revoked => format!("the certificate of {host} was revoked"),
        _ => format!("the certificate of {host} is not to be trusted"),
    }
}

/// An error and everything under it. `io::Error` hides the error that it wraps from `source`.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match wrapped {
            Some(wrapped) => {
                let wrapped: &(dyn Error + 'static) = wrapped;
                Some(wrapped)
            }
            None => error.source(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_5_a_shortage_of_this_machine_is_not_a_network_that_is_down() {
        for code in
            [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::ADDRNOTAVAIL, Errno::ACCESS, Errno::PERM]
        {
            assert_eq!(network_fault(code), None, "{code}");
        }
        for code in [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::NETUNREACH, Errno::TIMEDOUT] {
            assert!(network_fault(code).is_some(), "{code}");
        }
    }

    #[test]
    fn a_chain_looks_into_io_errors_that_wrap_others() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls));
        assert!(chain(&wrapped).any(|cause| cause.is::<rustls::Error>()));
    }
}
