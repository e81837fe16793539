//! One request: method, URL, headers and body, each exactly as it will go out.
//!
//! Bodies are written here and not by the HTTP client, so that they are the same bytes every time: a driver that signs
//! a request, and a test that compares it with a service's own page, need that. Text in queries and forms is encoded
//! as RFC 3986 has it (a space is `%20`), which every service reads and which [`crate::refusal::Redaction`] knows.

use super::encoding::encode_pairs;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use zeroize::Zeroizing;

/// One request.
pub(crate) struct Call {
    /// GET, POST …
    pub(crate) method: Method,
    /// Where to, secrets included.
    pub(crate) url: Url,
    /// Beside those that the body brings along.
    pub(crate) headers: Vec<(String, Zeroizing<String>)>,
    /// What is sent.
    pub(crate) body: Body,
}

/// The body of a request.
pub(crate) enum Body {
    /// None at all.
    None,
    /// `application/json`
    Json(serde_json::Value),
    /// `application/x-www-form-urlencoded`
    Form(Vec<(String, String)>),
    /// `multipart/form-data`, each part a text in UTF-8.
    Multipart(Vec<(String, String)>),
    /// Bytes of any other kind.
    Text {
        /// The value of Content-Type.
        kind: String,
        /// As they are sent.
        bytes: Vec<u8>,
    },
}

/// A header that cannot be sent: a name or a value with other characters than HTTP allows (RFC 9110 §5.5).
#[derive(Debug)]
pub(super) struct BadHeader;

impl Call {
    /// A request without headers and without a body.
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: Vec::new(), body: Body::None }
    }

    /// GET of a URL.
    pub(crate) fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// POST of a body to a URL.
    pub(crate) fn post(url: Url, body: Body) -> Self {
        Self { body, ..Self::new(Method::POST, url) }
    }

    /// With one more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), Zeroizing::new(value.to_owned())));
        self
    }

    /// With a bearer token (RFC 6750 §2.1).
    pub(crate) fn bearer(self, token: &str) -> Self {
        let value = Zeroizing::new(format!("Bearer {token}"));
        self.header("Authorization", &value)
    }

    /// With user name and password (RFC 7617).
    pub(crate) fn basic(self, user: &str, password: &str) -> Self {
        let login = Zeroizing::new(format!("{user}:{password}"));
        let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(login.as_bytes())));
        self.header("Authorization", &value)
    }

    /// The headers as HTTP has them, those of the body included; one that is named by hand wins.
    pub(super) fn header_map(&self, kind: Option<&str>) -> Result<HeaderMap, BadHeader> {
        let mut map = HeaderMap::new();
        if let Some(kind) = kind {
            map.insert(reqwest::header::CONTENT_TYPE, HeaderValue::from_str(kind).map_err(|_| BadHeader)?);
        }
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| BadHeader)?;
            let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| BadHeader)?;
            value.set_sensitive(true);
            map.insert(name, value);
        }
        Ok(map)
    }
}

impl Body {
    /// The Content-Type and the bytes; `None` for no body.
    pub(crate) fn written(&self) -> Option<(String, Vec<u8>)> {
        match self {
            Self::None => None,
            Self::Json(value) => Some(("application/json".to_owned(), value.to_string().into_bytes())),
            Self::Form(pairs) => {
                Some(("application/x-www-form-urlencoded".to_owned(), encode_pairs(pairs).as_bytes().to_vec()))
            }
            Self::Multipart(parts) => Some(multipart(parts)),
            Self::Text { kind, bytes } => Some((kind.clone(), bytes.clone())),
        }
    }
}

/// RFC 7578. The boundary is the first of its row that stands in no part.
fn multipart(parts: &[(String, String)]) -> (String, Vec<u8>) {
    let free = |boundary: &String| {
        parts.iter().all(|(name, text)| !name.contains(boundary.as_str()) && !text.contains(boundary.as_str()))
    };
    let mut numbers = (0_u32..).map(|number| format!("herald-part-{number}"));
    let boundary = numbers.find(free).unwrap_or_default();
    let mut body = String::new();
    for (name, text) in parts {
        let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        body.push_str(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    (format!("multipart/form-data; boundary={boundary}"), body.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(body: Body) -> (String, String) {
        let (kind, bytes) = body.written().expect("a body");
        (kind, String::from_utf8(bytes).expect("text"))
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn each_body_is_written_the_same_way_every_time() {
        assert_eq!(written(Body::Json(json!({ "a": "ü\"" }))), ("application/json".into(), "{\"a\":\"ü\\\"\"}".into()));
        assert_eq!(
            written(Body::Form(pairs(&[("to", "+49 30"), ("a[]", "ü&=")]))),
            ("application/x-www-form-urlencoded".into(), "to=%2B49%2030&a%5B%5D=%C3%BC%26%3D".into())
        );
        assert_eq!(
            written(Body::Multipart(pairs(&[("to", "49"), ("text", "a\nherald-part-0")]))),
            (
                "multipart/form-data; boundary=herald-part-1".into(),
                "--herald-part-1\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\n49\r\n--herald-part-1\r\n\
                 Content-Disposition: form-data; name=\"text\"\r\n\r\na\nherald-part-0\r\n--herald-part-1--\r\n"
                    .into()
            )
        );
        assert!(Body::None.written().is_none());
    }

    #[test]
    fn headers_hold_logins_and_never_a_second_line() {
        let url = Url::parse("https://sms.example.org/").expect("a URL");
        let call = Call::get(url).basic("Aladdin", "open sesame");
        let map = call.header_map(None).expect("headers");
        assert_eq!(map.get("authorization").and_then(|value| value.to_str().ok()), Some(RFC_7617_EXAMPLE));
        assert!(map.values().all(HeaderValue::is_sensitive));
        assert!(call.header("X-Key", "a\r\nX-Other: b").header_map(None).is_err());
    }

    const RFC_7617_EXAMPLE: &str = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
}
