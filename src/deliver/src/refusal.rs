//! How a try ends without success, and what may be said about it.

use crate::drivers;
use crate::http::percent_encoded;
use crate::services::national_american;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use herald_core::courier::{End, Field, Job, Request};
use herald_core::text::display_line;
use zeroize::Zeroizing;

/// Why a gateway did not take the message, or did not answer a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Its class.
    pub(crate) end: End,
    /// The service's own words, or ours where it said nothing. Still as they came: [`Redaction::clean`] them.
    pub(crate) detail: String,
}

impl Refusal {
    /// A refusal of that class.
    pub(crate) fn new(end: End, detail: impl Into<String>) -> Self {
        Self { end, detail: detail.into() }
    }
}

/// Everything that an answer must not hold: secrets of gateways, the code, addresses (rules 31, 33).
pub(crate) struct Redaction(Vec<Zeroizing<String>>);

/// Shorter texts are no secrets worth hiding, and hiding them would shred every sentence.
const SHORTEST: usize = 4;
const LONGEST_DETAIL: usize = 160;

impl Redaction {
    /// What `request` holds of such things.
    pub(crate) fn of(request: &Request) -> Self {
        let mut redaction = Self(Vec::new());
        for gateway in &request.gateways {
            let Ok(driver) = drivers::of(gateway) else { continue };
            let fields = driver.fields();
            let secret = |name: &str| fields.iter().any(|field| field.name == name && field.secret);
            let texts = || {
                gateway.fields.iter().filter_map(|(name, field)| match field {
                    Field::Text(text) => Some((name, text)),
                    Field::Integer(_) | Field::Flag(_) => None,
                })
            };
            for (name, text) in texts() {
                if secret(name) {
                    // As it stands in a basic login with any other field.
                    for (_, user) in texts() {
                        redaction.hide(&STANDARD.encode(format!("{}:{}", user.expose(), text.expose())));
                    }
                    redaction.hide(text.expose());
                    // The parts of a token are as good as the token.
                    text.expose().split(':').for_each(|part| redaction.hide(part));
                }
            }
        }
        if let Some((_, behind_scheme)) = request.proxy.split_once("://") {
            if let Some((login, _)) = behind_scheme.rsplit_once('@') {
                login.split(':').for_each(|part| redaction.hide(part));
            }
        }
        if let Job::Send { tries, message } = &request.job {
            if let Some(code) = &message.code {
                redaction.hide(code.expose());
            }
            for one in tries {
                redaction.hide_address(&one.address);
            }
        }
        redaction.sort();
        redaction
    }

    /// Services repeat a number in a form of their own.
    fn hide_address(&mut self, address: &str) {
        let digits = address.trim_start_matches('+');
        for form in [address, digits, national_american(digits)] {
            self.hide(form);
        }
        self.sort();
    }

    /// Longest first, so that a part does not break up the whole.
    fn sort(&mut self) {
        self.0.sort_by_key(|text| std::cmp::Reverse(text.len()));
    }

    fn hide(&mut self, text: &str) {
        if text.len() >= SHORTEST {
            let encoded = percent_encoded(text);
            if encoded.as_str() != text {
                self.0.push(encoded);
            }
            self.0.push(Zeroizing::new(text.to_owned()));
        }
    }

    /// One line that may be logged and shown.
    pub(crate) fn clean(&self, text: &str) -> String {
        // First without hidden characters, or one of them inside a secret would keep it from being found.
        let mut line = display_line(text, usize::MAX);
        for hidden in &self.0 {
            if line.contains(hidden.as_str()) {
                line = line.replace(hidden.as_str(), "***");
            }
        }
        display_line(&line, LONGEST_DETAIL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use herald_core::courier::{Gateway, Message, Try};
    use std::time::Duration;

    fn redaction() -> Redaction {
        Redaction::of(&Request {
            job: Job::Send {
                tries: vec![Try { gateway: "telegram".into(), address: "475721977".into() }],
                message: Message {
                    code: Some("314159".into()),
                    lifetime: Duration::from_secs(300),
                    language: "en".into(),
                    copy_label: "Copy".into(),
                    parts: Vec::new(),
                },
            },
            deadline: Duration::from_secs(10),
            proxy: "http://clerk:open-sesame@127.0.0.1:3128".into(),
            ca: String::new(),
            gateways: vec![Gateway {
                name: "telegram".into(),
                channel: "telegram".into(),
                driver: "telegram-bot".into(),
                insecure: false,
                fields: vec![
                    ("token".into(), Field::Text("110000000:FAKE-TOKEN".into())),
                    ("api_url".into(), Field::Text("https://bots.example.org".into())),
                ],
                definition: None,
            }],
        })
    }

    #[test]
    fn rule_31_a_number_is_hidden_in_every_form_in_which_services_repeat_it() {
        let mut hidden = Redaction(Vec::new());
        hidden.hide_address("+12025550123");
        for said in ["+12025550123", "12025550123", "2025550123", "%2B12025550123", "0012025550123"] {
            let shown = hidden.clean(&format!("bad number {said}"));
            assert!(!shown.contains("2025550123"), "{said}: {shown}");
        }
    }

    #[test]
    fn rule_33_no_secret_survives_in_a_detail() {
        let redaction = redaction();
        for (said, shown) in [
            ("cannot GET /bot110000000:FAKE-TOKEN/getMe", "cannot GET /bot***/getMe"),
            ("cannot GET /bot110000000%3AFAKE-TOKEN/getMe", "cannot GET /bot***/getMe"),
            ("token FAKE-TOKEN is unknown", "token *** is unknown"),
            ("314159 is your code", "*** is your code"),
            ("314\u{200b}159 is your code", "*** is your code"),
            ("chat 475721977 not found", "chat *** not found"),
            ("proxy says no to clerk, open-sesame", "proxy says no to ***, ***"),
            ("bots.example.org says no", "bots.example.org says no"),
        ] {
            assert_eq!(redaction.clean(said), shown);
        }
    }

    #[test]
    fn rule_31_a_detail_is_one_short_line() {
        let redaction = redaction();
        assert_eq!(redaction.clean("a\r\nb\u{1b}[31mc\u{202e}"), "ab[31mc");
        assert_eq!(redaction.clean(&"x".repeat(5000)).len(), LONGEST_DETAIL);
        let at_the_edge = format!("{}314159", "x".repeat(LONGEST_DETAIL - 3));
        assert!(!redaction.clean(&at_the_edge).contains("314"), "a cut secret is a secret");
    }
}
