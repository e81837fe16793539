//! `signal-web-gateway`: the small servers of older set-ups, before signal-cli had an interface of its own.
//!
//! signal-web-gateway takes a form with `to` and `message` and answers `{"success":true}`; its successors take
//! `POST /v1/send/{to}` with a JSON `message` and answer 201 with a `timestamp`. Facts as in Nextcloud's Two-Factor
//! Gateway, which speaks to both; what they answer to a bad recipient is unverified.

use super::fields::{Fields, optional, refusal, required, secret};
use super::signal_cli::{LONGEST_TEXT, is_about_the_person, is_signal_address};
use super::{Driver, Envelope, Unwell};
use crate::http::{Base, Body, Call, Client, Reply, percent_encoded};
use crate::layout;
use crate::refusal::Refusal;
use herald_core::courier::{End, Fault, FieldHelp, Gateway};
use herald_core::secret::Secret;
use reqwest::Url;
use serde_json::{Value, json};
use std::time::Instant;

/// The driver.
pub(crate) struct SignalWebGateway;

impl Driver for SignalWebGateway {
    fn name(&self) -> &str {
        "signal-web-gateway"
    }

    fn channel(&self) -> &str {
        "signal"
    }

    fn addresses(&self) -> Vec<&str> {
        vec!["e164", "uuid", "username"]
    }

    fn fields(&self) -> Vec<FieldHelp> {
        vec![
            required("url", "where it listens, like \"http://127.0.0.1:5000\""),
            optional(
                "api",
                "\"form\" (the default: signal-web-gateway itself, a form with to and message) or \"v1\" (servers that have \
                 POST /v1/send/RECIPIENT)",
            ),
            optional("user", "the user name, if it asks for a login (basic authentication)"),
            secret(optional("password", "its password")),
        ]
    }

    fn takes(&self, address: &str) -> bool {
        is_signal_address(address)
    }

    fn check(&self, gateway: &Gateway) -> Vec<Fault> {
        Server::of(gateway).err().unwrap_or_default()
    }

    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, client: &Client, until: Instant) -> Result<(), Refusal> {
        let server = Server::of(gateway).map_err(|faults| refusal(&faults))?;
        let text = layout::plain(envelope.message, LONGEST_TEXT);
        let call = if server.api == "form" {
            let pairs = [("to", envelope.address), ("message", text.as_str())];
            Call::post(server.base.url(), Body::Form(pairs.map(|(name, value)| (name.into(), value.into())).to_vec()))
        } else {
            let path = format!("v1/send/{}", *percent_encoded(envelope.address));
            Call::post(server.join(&path)?, Body::Json(json!({ "message": *text })))
        };
        let call = match &server.login {
            Some((user, password)) => call.basic(user, password.expose()),
            None => call,
        };
        judge(&client.exchange(call, until)?)
    }

    fn status(&self, gateway: &Gateway, _: &Client, _: Instant) -> Result<String, Unwell> {
        match Server::of(gateway) {
            Ok(_) => Ok("cannot be checked without sending".to_owned()),
            Err(faults) => Err(Unwell { refusal: refusal(&faults), mend: None }),
        }
    }
}

/// A gateway of this driver whose fields are in order.
struct Server {
    base: Base,
    api: &'static str,
    login: Option<(String, Secret)>,
}

impl Server {
    fn of(gateway: &Gateway) -> Result<Self, Vec<Fault>> {
        let mut fields = Fields::open(&SignalWebGateway, gateway);
        let base = fields.text("url").and_then(|_| fields.base("url", ""));
        let api = fields.word("api", &["form", "v1"]);
        let login = fields.login("user", "password");
        fields.close(base.zip(api).map(|(base, api)| Self { base, api, login }))
    }

    fn join(&self, path: &str) -> Result<Url, Refusal> {
        self.base.join(path).map_err(|problem| Refusal::new(End::Configuration, format!("url: {problem}")))
    }
}

fn judge(reply: &Reply) -> Result<(), Refusal> {
    let answer = reply.json().unwrap_or_default();
    let words = ["error", "message", "detail"].iter().find_map(|key| answer.get(key).and_then(Value::as_str));
    if let Some(refusal) = reply.refusal_by_status(words) {
        return Err(refusal);
    }
    let status = reply.status.as_u16();
    let timed = answer.get("timestamp").is_some_and(|time| !time.is_null());
    let success = answer.get("success").and_then(Value::as_bool);
    let end = match (status, success) {
        (200 | 201, Some(true)) => return Ok(()),
        (201, None) if timed => return Ok(()),
        _ if words.is_some_and(|words| is_about_the_person(words, None)) => End::Permanent,
        (400..=499, _) | (_, Some(false)) => End::Configuration,
        _ => End::Unclear,
    };
    Err(Refusal::new(
        end,
        words.map_or_else(|| format!("the answer ({status}) does not say that it was sent"), str::to_owned),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Service, TEXT, faulty, gateway, send, status};
    use super::*;
    use crate::http::encode_pairs;

    const TO: &str = "+4915100000000";

    fn sent(api: &str, answer: (u16, &str)) -> (Result<(), End>, String) {
        let service = Service::http(&[answer]);
        let gateway = gateway("signal-web-gateway", &[("url", &service.url()), ("api", api)]);
        (send(&SignalWebGateway, &gateway, TO).map_err(|refusal| refusal.end), service.request())
    }

    #[test]
    fn a_form_for_the_oldest_and_json_below_v1_for_the_others() {
        let (end, request) = sent("form", (200, r#"{"success":true}"#));
        let form = encode_pairs(&[("to".into(), TO.into()), ("message".into(), TEXT.into())]);
        assert_eq!(end, Ok(()));
        assert_eq!(request, format!("POST / HTTP/1.1\ncontent-type: application/x-www-form-urlencoded\n\n{}", *form));
        let (end, request) = sent("v1", (201, r#"{"timestamp":"1790000000000"}"#));
        assert_eq!(end, Ok(()));
        assert_eq!(
            request,
            format!(
                "POST /v1/send/%2B4915100000000 HTTP/1.1\ncontent-type: application/json\n\n{{\"message\":{}}}",
                json!(TEXT)
            )
        );
    }

    #[test]
    fn a_good_status_alone_is_no_success() {
        for (answer, end) in [
            ((200, r#"{"success":false,"error":"no"}"#), End::Configuration),
            ((200, "{}"), End::Unclear),
            ((201, "{}"), End::Unclear),
            ((200, "<html>"), End::Unclear),
            ((400, r#"{"error":"Unregistered user"}"#), End::Permanent),
            ((400, ""), End::Configuration),
            ((404, ""), End::Configuration),
            ((429, ""), End::TryAgain { after: None }),
            ((500, ""), End::Unreachable),
        ] {
            assert_eq!(sent("v1", answer).0, Err(end), "{answer:?}");
        }
    }

    #[test]
    fn it_cannot_be_asked_anything_harmless() {
        let gateway = gateway("signal-web-gateway", &[("url", "http://127.0.0.1:5000")]);
        assert_eq!(status(&SignalWebGateway, &gateway), Ok("cannot be checked without sending".into()));
        let bad = super::super::testing::gateway("signal-web-gateway", &[("api", "v3")]);
        assert_eq!(faulty(&SignalWebGateway, &bad), ["url", "api"]);
    }
}
