//! The HTTP client: one exchange, bounded in time and size, with every way to fail told apart.
//!
//! HTTP/1.1, no redirects, no cookies, no compression, no proxy but the one of the configuration. What goes wrong
//! becomes a [`Refusal`] in one place, [`failure`], and never holds a URL: tokens stand in them.

mod base;
mod call;
mod encoding;
mod failure;
#[cfg(any(test, fuzzing))]
pub(crate) mod told;
mod trust;

pub(crate) use base::{Base, is_loopback_name};
pub(crate) use call::{Body, Call};
pub(crate) use encoding::{encode_pairs, percent_encoded};
pub(crate) use failure::{chain, distrust, network_fault};
pub(crate) use trust::BUNDLES;

use crate::refusal::Refusal;
use base::is_loopback;
use herald_core::courier::{End, Request};
use reqwest::{Proxy, StatusCode, Url, header, redirect};
use rustls::ClientConfig;
use std::io::Read;
use std::time::{Duration, Instant};
use trust::Trust;

/// The longest answer that is read (64 KiB); services answer with a few hundred bytes.
const LONGEST_ANSWER: usize = 64 * 1024;
/// The longest time that a service may ask us to stay away.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What drivers send requests with.
pub(crate) struct Client {
    proxy: Option<Result<Proxy, String>>,
    trust: Trust,
    /// What every service answers, where none is asked.
    #[cfg(any(test, fuzzing))]
    pub(crate) told: Option<told::Told>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// The status line's number.
    pub(crate) status: StatusCode,
    /// The Retry-After header, where it is a number of seconds (RFC 9110 §10.2.3), at most an hour.
    pub(crate) retry_after: Option<Duration>,
    /// The body; or why there is none to read.
    pub(crate) body: Result<Vec<u8>, &'static str>,
}

impl Client {
    /// A client for this request's proxy and certificates. Reads nothing yet.
    pub(crate) fn new(request: &Request) -> Self {
        let proxy = (!request.proxy.is_empty()).then(|| proxy(&request.proxy));
        Self {
            proxy,
            trust: Trust::new(&request.ca),
            #[cfg(any(test, fuzzing))]
            told: None,
        }
    }

    /// One that asks nobody, and is told these replies.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn told(replies: Vec<Reply>) -> Self {
        Self { proxy: None, trust: Trust::new(""), told: told::Told::new(replies) }
    }

    /// What is wrong with `delivery.proxy` and `delivery.ca_file`, as key and problem.
    pub(crate) fn faults(&self) -> Vec<(&'static str, String)> {
        let proxy = self.proxy.as_ref().and_then(|proxy| proxy.as_ref().err().cloned());
        let ca = self.trust.fault();
        proxy.map(|problem| ("proxy", problem)).into_iter().chain(ca.map(|problem| ("ca_file", problem))).collect()
    }

    /// Whom to trust and how, for drivers that bring their own conversation.
    ///
    /// # Errors
    /// `delivery.ca_file` is of no use, or there are no certificates.
    pub(crate) fn tls(&self) -> Result<ClientConfig, Refusal> {
        self.trust.tls()
    }

    /// Sends one request and reads its answer, all before `until`.
    ///
    /// # Errors
    /// Nothing came back that has a status.
    pub(crate) fn exchange(&self, call: Call, until: Instant) -> Result<Reply, Refusal> {
        let proxied = self.proxy.is_some() && !is_loopback(&call.url);
        let host = call.url.host_str().unwrap_or_default().to_owned();
        let left = until.saturating_duration_since(Instant::now());
        let (kind, body) = call.body.written().unzip();
        let headers = call.header_map(kind.as_deref()).map_err(|_| {
            Refusal::new(End::Configuration, "a field holds characters that no header of a request may have")
        })?;
        #[cfg(any(test, fuzzing))]
        if let Some(reply) = self.told.as_ref().and_then(told::Told::next) {
            return Ok(reply);
        }
        let client = self.client(&call.url, proxied, left)?;
        let mut request = client.request(call.method, call.url).headers(headers).timeout(left);
        if let Some(body) = body {
            request = request.body(body);
        }
        let sent = request.send();
        // Dropping it would wait for its thread, which may hang in a name look-up; the process ends soon.
        std::mem::forget(client);
        let response = sent.map_err(|error| failure::classify(&error, &host, proxied))?;
        let status = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.trim().parse().ok()).map(wait);
        Ok(Reply { status, retry_after, body: read(response) })
    }

    fn client(&self, url: &Url, proxied: bool, left: Duration) -> Result<reqwest::blocking::Client, Refusal> {
        let tls = if url.scheme() == "https" { self.trust.tls()? } else { Trust::none()? };
        let mut builder = reqwest::blocking::Client::builder()
            .user_agent(concat!("herald/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .pool_max_idle_per_host(0)
            // Shorter than the whole, so that "not connected in time" can be told from "asked, no answer".
            .connect_timeout(left * 3 / 4)
            .tls_backend_preconfigured(tls);
        // A gateway on this machine is not behind the proxy, and only on this machine is http:// private.
        if let (Some(proxy), true) = (&self.proxy, proxied) {
            let proxy = proxy
                .clone()
                .map_err(|problem| Refusal::new(End::Configuration, format!("delivery.proxy: {problem}")))?;
            builder = builder.proxy(proxy);
        }
        // What can fail here is a thread or a descriptor that is not to be had: this machine's fault.
        builder.build().map_err(|_| Refusal::new(End::TryAgain { after: None }, "the HTTP client could not be started"))
    }
}

impl Reply {
    /// The body as JSON; `None` where it is none.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(self.body.as_ref().ok()?).ok()
    }

    /// The class of this status where it says enough by itself: redirects, 429 and 5xx. `words` are the service's.
    pub(crate) fn refusal_by_status(&self, words: Option<&str>) -> Option<Refusal> {
        let number = self.status.as_u16();
        let words = |ours: &str| words.map_or_else(|| ours.to_owned(), str::to_owned);
        match number {
            300..=399 => Some(Refusal::new(
                End::Configuration,
                format!("answered with a redirect ({number}): the base URL is not the service's own"),
            )),
            429 => Some(Refusal::new(End::TryAgain { after: self.retry_after }, words("too many requests (429)"))),
            500..=599 => {
                Some(Refusal::new(End::Unreachable, words(&format!("the service is out of order ({number})"))))
            }
            _ => None,
        }
    }
}

/// A waiting time in seconds, at most an hour.
pub(crate) fn wait(seconds: u64) -> Duration {
    Duration::from_secs(seconds).min(LONGEST_WAIT)
}

fn proxy(text: &str) -> Result<Proxy, String> {
    let accepted = || "an http://HOST:PORT or socks5://HOST:PORT address is accepted".to_owned();
    let url = Url::parse(text).map_err(|_| accepted())?;
    if !matches!(url.scheme(), "http" | "socks5" | "socks5h") || url.host_str().is_none_or(str::is_empty) {
        return Err(accepted());
    }
    Proxy::all(url).map_err(|_| accepted())
}

fn read(response: reqwest::blocking::Response) -> Result<Vec<u8>, &'static str> {
    let mut body = Vec::new();
    let limit = u64::try_from(LONGEST_ANSWER).unwrap_or(u64::MAX).saturating_add(1);
    match response.take(limit).read_to_end(&mut body) {
        Ok(length) if length > LONGEST_ANSWER => Err("the answer is longer than 64 KiB"),
        Ok(_) => Ok(body),
        Err(_) => Err("the answer broke off"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16) -> Reply {
        Reply {
            status: StatusCode::from_u16(status).expect("a status"),
            retry_after: Some(wait(7)),
            body: Ok(Vec::new()),
        }
    }

    #[test]
    fn statuses_that_say_enough_by_themselves() {
        let end = |status| reply(status).refusal_by_status(None).map(|refusal| refusal.end);
        for status in [301, 302, 307, 308] {
            assert_eq!(end(status), Some(End::Configuration));
        }
        assert_eq!(end(429), Some(End::TryAgain { after: Some(Duration::from_secs(7)) }));
        for status in [500, 502, 503, 504] {
            assert_eq!(end(status), Some(End::Unreachable));
        }
        for status in [200, 400, 401, 403, 404, 409] {
            assert_eq!(end(status), None);
        }
    }

    #[test]
    fn no_service_can_send_us_away_for_longer_than_an_hour() {
        assert_eq!(wait(30), Duration::from_secs(30));
        assert_eq!(wait(u64::MAX), Duration::from_secs(3600));
    }

    #[test]
    fn a_proxy_is_http_or_socks5() {
        for good in ["http://127.0.0.1:3128", "http://clerk:secret@proxy.example.org:3128", "socks5://[::1]:1080"] {
            assert!(proxy(good).is_ok(), "{good}");
        }
        for bad in ["127.0.0.1:3128", "https://127.0.0.1", "socks4://127.0.0.1", "ftp://127.0.0.1", "http://", "x"] {
            assert!(proxy(bad).is_err(), "{bad}");
        }
    }
}
