//! A service's base URL, as a gateway's field gives it.

use reqwest::Url;
use rustls::pki_types::ServerName;
use std::net::IpAddr;

/// A base URL that may be used.
#[derive(Clone, Debug)]
pub(crate) struct Base(Url);

impl Base {
    /// Reads a base URL. `http://` is accepted for this machine only, unless the gateway is `insecure`: the code
    /// and the gateway's secrets would travel in clear.
    ///
    /// # Errors
    /// What is wrong and what is accepted.
    pub(crate) fn parse(text: &str, insecure: bool) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| "a URL like \"https://sms.example.org\" is accepted".to_owned())?;
        if url.host_str().is_none_or(str::is_empty) || !matches!(url.scheme(), "https" | "http") {
            return Err("a URL that starts with https:// is accepted".to_owned());
        }
        let host = url.host_str().unwrap_or_default();
        if url.scheme() == "https" && ServerName::try_from(host.trim_matches(['[', ']'])).is_err() {
            return Err("a URL with the name or address of a host is accepted".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err("a URL without user name, password, ? and # is accepted".to_owned());
        }
        if url.scheme() == "http" && !insecure && !is_loopback(&url) {
            return Err("http:// is accepted for loopback addresses only: use https://, or set insecure = true and \
                        let everybody on the way read the codes"
                .to_owned());
        }
        Ok(Self(url))
    }

    /// The URL itself.
    pub(crate) fn url(&self) -> Url {
        self.0.clone()
    }

    /// The TCP port of the service.
    pub(crate) fn port(&self) -> u16 {
        // Both schemes that are accepted have one.
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// The URL of `path` below it.
    ///
    /// # Errors
    /// The path makes no URL of the same host.
    pub(crate) fn join(&self, path: &str) -> Result<Url, String> {
        let whole = format!("{}/{path}", self.0.as_str().trim_end_matches('/'));
        match Url::parse(&whole) {
            Ok(url) if url.origin() == self.0.origin() => Ok(url),
            _ => Err("makes no URL with its base".to_owned()),
        }
    }
}

/// Whether a URL's host is this machine by its very name; nothing is looked up.
pub(super) fn is_loopback(url: &Url) -> bool {
    is_loopback_name(url.host_str().unwrap_or_default())
}

/// Whether a host is this machine by its very name.
pub(crate) fn is_loopback_name(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || literal.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for local in ["http://127.0.0.1:8081", "http://[::1]:8081/bots", "http://localhost", "http://127.1.2.3"] {
            assert!(Base::parse(local, false).is_ok(), "{local}");
        }
        for remote in ["http://bots.example.org", "http://localhost.example.org", "http://192.0.2.1", "http://0.0.0.0"]
        {
            let problem = Base::parse(remote, false).expect_err(remote);
            assert!(problem.contains("insecure = true"), "{problem}");
            assert!(Base::parse(remote, true).is_ok(), "{remote}");
        }
    }

    #[test]
    fn a_base_url_is_only_a_base_url() {
        for bad in ["", "bots.example.org", "ftp://bots.example.org", "https://", "https://a:b@bots.example.org"] {
            assert!(Base::parse(bad, true).is_err(), "{bad}");
        }
        let label_too_long = format!("https://{}.example.org", "a".repeat(64));
        assert!(Base::parse(&label_too_long, true).is_err());
        assert!(Base::parse("https://bots.example.org/?x=1", true).is_err());
        assert!(Base::parse("https://bots.example.org/#x", true).is_err());
    }

    #[test]
    fn a_path_stays_below_its_base() {
        let joined =
            |base: &str, path: &str| Base::parse(base, false).and_then(|base| base.join(path)).map(String::from);
        assert_eq!(joined("https://api.example.org", "getMe"), Ok("https://api.example.org/getMe".into()));
        assert_eq!(
            joined("https://api.example.org/bots/", "1:x/getMe"),
            Ok("https://api.example.org/bots/1:x/getMe".into())
        );
    }
}
