//! `signal-cli-rest`: the REST interface of signal-cli-rest-api (<https://github.com/bbernhard/signal-cli-rest-api>).
//!
//! `POST /v2/send`. Up to its version 0.100 the answer is an object, after that an array with the recipients that
//! failed; both come with status 201, so that the status alone says nothing.

use super::fields::{Fields, optional, refusal, required, secret};
use super::signal_cli::{LONGEST_TEXT, is_about_the_person, is_signal_address, of_kind, untrusted};
use super::{Driver, Envelope, Unwell};
use crate::http::{Base, Body, Call, Client, Reply};
use crate::layout;
use crate::refusal::Refusal;
use herald_core::address::Form;
use herald_core::courier::{End, Fault, FieldHelp, Gateway};
use herald_core::secret::Secret;
use serde_json::{Value, json};
use std::time::Instant;

/// The driver.
pub(crate) struct SignalCliRest;

impl Driver for SignalCliRest {
    fn name(&self) -> &str {
        "signal-cli-rest"
    }

    fn channel(&self) -> &str {
        "signal"
    }

    fn addresses(&self) -> Vec<&str> {
        vec!["e164", "uuid", "username"]
    }

    fn fields(&self) -> Vec<FieldHelp> {
        vec![
            required(
                "url",
                "where signal-cli-rest-api listens, like \"http://127.0.0.1:8080\". It asks nobody for a password: let it \
                 listen on this machine only, or put a server with a login and TLS in front of it",
            ),
            required(
                "account",
                "the number that sends, like +81312345678, registered or linked there (GET /v1/accounts)",
            ),
            optional("user", "the user name, if a server in front of it asks for a login (basic authentication)"),
            secret(optional("password", "its password")),
        ]
    }

    fn takes(&self, address: &str) -> bool {
        is_signal_address(address)
    }

    fn check(&self, gateway: &Gateway) -> Vec<Fault> {
        Api::of(gateway).err().unwrap_or_default()
    }

    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, client: &Client, until: Instant) -> Result<(), Refusal> {
        let api = Api::of(gateway).map_err(|faults| refusal(&faults))?;
        let text = layout::plain(envelope.message, LONGEST_TEXT);
        let body = json!({ "message": *text, "number": api.account, "recipients": [envelope.address] });
        judge(&client.exchange(api.call("v2/send", Some(body))?, until)?, &api.account)
    }

    fn status(&self, gateway: &Gateway, client: &Client, until: Instant) -> Result<String, Unwell> {
        let plain = |refusal| Unwell { refusal, mend: None };
        let api = Api::of(gateway).map_err(|faults| plain(refusal(&faults)))?;
        let get = |path| -> Result<Value, Unwell> {
            let reply = client.exchange(api.call(path, None).map_err(plain)?, until).map_err(plain)?;
            match (reply.status.as_u16(), reply.json()) {
                (200, Some(answer)) => Ok(answer),
                _ => Err(plain(failure(&reply, &api.account))),
            }
        };
        let about = get("v1/about")?;
        let has_v2 = about.get("versions").and_then(Value::as_array).is_some_and(|all| all.contains(&json!("v2")));
        if !has_v2 {
            return Err(Unwell {
                refusal: Refusal::new(End::Configuration, "this server has no /v2/send"),
                mend: Some("for older set-ups use the driver signal-web-gateway".to_owned()),
            });
        }
        let known = get("v1/accounts")?.as_array().is_some_and(|all| all.contains(&json!(api.account)));
        if !known {
            return Err(Unwell {
                refusal: Refusal::new(End::Configuration, format!("the server has no account {}", api.account)),
                mend: Some("register the number there, or link it: GET /v1/qrcodelink?device_name=herald".to_owned()),
            });
        }
        let word = |key| about.get(key).and_then(Value::as_str).unwrap_or("?");
        Ok(format!("signal-cli-rest-api {} ({}), {}", word("version"), word("mode"), api.account))
    }
}

/// A gateway of this driver whose fields are in order.
struct Api {
    base: Base,
    account: String,
    login: Option<(String, Secret)>,
}

impl Api {
    fn of(gateway: &Gateway) -> Result<Self, Vec<Fault>> {
        let mut fields = Fields::open(&SignalCliRest, gateway);
        let base = fields.text("url").and_then(|_| fields.base("url", ""));
        let account = fields.text("account").map(|account| account.expose().to_owned());
        if account.as_ref().is_some_and(|account| Form::E164.normalise(account).as_ref() != Some(account)) {
            fields
                .complain("account", "a phone number with its country code, like +81312345678, is accepted".to_owned());
        }
        let login = fields.login("user", "password");
        fields.close(base.zip(account).map(|(base, account)| Self { base, account, login }))
    }

    fn call(&self, path: &str, body: Option<Value>) -> Result<Call, Refusal> {
        let url =
            self.base.join(path).map_err(|problem| Refusal::new(End::Configuration, format!("url: {problem}")))?;
        let call = match body {
            Some(body) => Call::post(url, Body::Json(body)),
            None => Call::get(url),
        };
        Ok(match &self.login {
            Some((user, password)) => call.basic(user, password.expose()),
            None => call,
        })
    }
}

/// 201 with an object or an array, either with a time and perhaps with recipients that failed.
fn judge(reply: &Reply, account: &str) -> Result<(), Refusal> {
    let answer = match (reply.status.as_u16(), reply.json()) {
        (200 | 201, Some(answer)) => answer,
        _ => return Err(failure(reply, account)),
    };
    let one = answer.as_array().and_then(|all| all.first()).unwrap_or(&answer);
    // We named one recipient: whoever failed is that one.
    if let Some(reason) = one.pointer("/errors/recipients/0/reason").and_then(Value::as_str) {
        return of_kind(reason, None);
    }
    match one.get("timestamp") {
        Some(Value::String(time)) if !time.is_empty() => Ok(()),
        Some(Value::Number(_)) => Ok(()),
        _ => Err(Refusal::new(End::Unclear, "the answer does not say whether the message went out")),
    }
}

/// 400 stands for everything, `{"error":"…"}` says what; 429 for Signal's limits.
fn failure(reply: &Reply, account: &str) -> Refusal {
    let answer = reply.json().unwrap_or_default();
    let words = answer.get("error").and_then(Value::as_str);
    if let Some(refusal) = reply.refusal_by_status(words) {
        return refusal;
    }
    let status = reply.status.as_u16();
    let lower = words.unwrap_or_default().to_lowercase();
    let end = match status {
        400 if is_about_the_person(&lower, Some(account)) => End::Permanent,
        400 if lower.contains("untrusted") => return untrusted(),
        400 if lower.contains("rate limit") => End::TryAgain { after: None },
        400..=499 => End::Configuration,
        _ => End::Unclear,
    };
    let ours = match (&reply.body, end) {
        (Err(problem), End::Unclear) => (*problem).to_owned(),
        (_, End::Unclear) => format!("the answer ({status}) is none of signal-cli-rest-api's"),
        _ => format!("refused ({status}) without saying why: is this signal-cli-rest-api?"),
    };
    Refusal::new(end, words.map_or(ours, str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Service, TEXT, faulty, gateway, send, status};
    use super::*;
    use std::time::Duration;

    const TO: &str = "+4915100000000";

    fn at(service: &Service) -> Gateway {
        gateway("signal-cli-rest", &[("url", &service.url()), ("account", "+4930000000")])
    }

    fn sent(status: u16, body: &str) -> Result<(), End> {
        let service = Service::http(&[(status, body)]);
        send(&SignalCliRest, &at(&service), TO).map_err(|refusal| refusal.end)
    }

    #[test]
    fn one_post_sends_and_both_answers_are_understood() {
        for answer in [
            r#"{"timestamp":"1790000000000"}"#,
            r#"{"timestamp":1790000000000}"#,
            r#"[{"timestamp":"1790000000000"}]"#,
            r#"[{"timestamp":"1790000000000","errors":{"recipients":[]}}]"#,
        ] {
            let service = Service::http(&[(201, answer)]);
            assert_eq!(send(&SignalCliRest, &at(&service), TO), Ok(()), "{answer}");
            assert_eq!(
                service.request(),
                format!(
                    "POST /v2/send HTTP/1.1\ncontent-type: application/json\n\n\
                     {{\"message\":{},\"number\":\"+4930000000\",\"recipients\":[\"{TO}\"]}}",
                    json!(TEXT)
                )
            );
        }
    }

    #[test]
    fn a_login_in_front_of_it_is_given() {
        let service = Service::http(&[(201, r#"{"timestamp":"1"}"#)]);
        let mut gateway = at(&service);
        gateway
            .fields
            .extend(super::super::testing::gateway("", &[("user", "Aladdin"), ("password", "open sesame")]).fields);
        assert_eq!(send(&SignalCliRest, &gateway, "alice.42"), Ok(()));
        assert!(service.request().contains("authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n"));
    }

    #[test]
    fn a_good_status_with_a_recipient_that_failed_is_a_refusal() {
        let failed = |reason: &str| {
            sent(
                201,
                &format!(
                    r#"[{{"timestamp":"1","errors":{{"recipients":[{{"number":"{TO}","uuid":"","username":"","reason":"{reason}"}}]}}}}]"#
                ),
            )
        };
        assert_eq!(failed("UNREGISTERED_FAILURE"), Err(End::Permanent));
        assert_eq!(failed("IDENTITY_FAILURE"), Err(End::Permanent));
        assert_eq!(failed("RATE_LIMIT_FAILURE"), Err(End::TryAgain { after: None }));
        for unclear in ["{}", "[]", "<html>", r#"{"timestamp":""}"#, r#"{"timestamp":null}"#] {
            assert_eq!(sent(201, unclear), Err(End::Unclear), "{unclear}");
        }
    }

    #[test]
    fn every_refusal_has_its_class() {
        for (status, body, end) in [
            (400, r#"{"error":"Failed to send message: Unregistered user \"+49\""}"#, End::Permanent),
            (400, r#"{"error":"Untrusted key(s)"}"#, End::Permanent),
            (400, r#"{"error":"User +4915100000000 is not registered."}"#, End::Permanent),
            (400, r#"{"error":"User +4930000000 is not registered."}"#, End::Configuration),
            (400, r#"{"error":"Specified account does not exist"}"#, End::Configuration),
            (400, "", End::Configuration),
            (401, "", End::Configuration),
            (404, "404 page not found", End::Configuration),
            (
                429,
                r#"{"error":"Rate limited","challenge_tokens":["x"],"account":"+4930000000"}"#,
                End::TryAgain { after: None },
            ),
            (500, r#"{"error":"broken"}"#, End::Unreachable),
        ] {
            assert_eq!(sent(status, body), Err(end), "{status} {body}");
        }
        assert_eq!(sent(429, "Retry-After: 7\r\n\r\n{}"), Err(End::TryAgain { after: Some(Duration::from_secs(7)) }));
    }

    #[test]
    fn status_says_version_mode_and_account() {
        let about = r#"{"versions":["v1","v2"],"build":2,"mode":"json-rpc","version":"0.100","capabilities":{}}"#;
        let service = Service::http(&[(200, about), (200, r#"["+4930000000"]"#)]);
        assert_eq!(
            status(&SignalCliRest, &at(&service)),
            Ok("signal-cli-rest-api 0.100 (json-rpc), +4930000000".into())
        );
        assert_eq!(service.request(), "GET /v1/about HTTP/1.1\n\n");
        assert_eq!(service.request(), "GET /v1/accounts HTTP/1.1\n\n");
        let service = Service::http(&[(200, about), (200, "[]")]);
        assert!(status(&SignalCliRest, &at(&service)).is_err_and(|refusal| refusal.detail.contains("no account")));
        let service = Service::http(&[(200, r#"{"versions":["v1"]}"#)]);
        assert!(status(&SignalCliRest, &at(&service)).is_err_and(|refusal| refusal.detail.contains("no /v2/send")));
    }

    #[test]
    fn url_and_account_are_needed() {
        assert_eq!(faulty(&SignalCliRest, &gateway("signal-cli-rest", &[])), ["url", "account"]);
        let bad = [("url", "http://192.0.2.1"), ("account", "030"), ("user", "x")];
        assert_eq!(faulty(&SignalCliRest, &gateway("signal-cli-rest", &bad)), ["url", "account", "password"]);
    }
}
