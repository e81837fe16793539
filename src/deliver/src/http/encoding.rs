//! Text in URLs and forms.

use zeroize::Zeroizing;

/// As it stands in a URL: everything but RFC 3986's unreserved characters as `%XX`.
pub(crate) fn percent_encoded(text: &str) -> Zeroizing<String> {
    let mut encoded = Zeroizing::new(String::with_capacity(text.len() * 3));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// `a=1&b=2`, for a query and for a form.
pub(crate) fn encode_pairs(pairs: &[(String, String)]) -> Zeroizing<String> {
    let all: Vec<Zeroizing<String>> = pairs
        .iter()
        .map(|(name, value)| {
            Zeroizing::new(format!("{}={}", percent_encoded(name).as_str(), percent_encoded(value).as_str()))
        })
        .collect();
    Zeroizing::new(all.iter().map(|pair| pair.as_str()).collect::<Vec<_>>().join("&"))
}
