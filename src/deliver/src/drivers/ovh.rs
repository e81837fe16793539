//! `ovh`: OVH's SMS (<https://api.ovh.com/console/>, `/sms`).
//!
//! Every request is signed with a SHA-1 over its own text and OVH's time. Requests as in Nextcloud's Two-Factor Gateway
//! and OVH's own clients; the classes of refusals by status are the API's, their texts unverified.

use super::fields::{Fields, optional, refusal, required, secret};
use super::{Driver, Envelope, Unwell};
use crate::http::{Base, Body, Call, Client, Reply, percent_encoded};
use crate::layout;
use crate::refusal::Refusal;
use herald_core::address::Form;
use herald_core::courier::{End, Fault, FieldHelp, Gateway};
use herald_core::secret::Secret;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use std::time::Instant;

/// The driver.
pub(crate) struct Ovh;

/// OVH's and its brands' APIs.
const ENDPOINTS: [(&str, &str); 8] = [
    ("ovh-eu", "https://api.ovh.com/1.0"),
    ("ovh-us", "https://api.us.ovhcloud.com/1.0"),
    ("ovh-ca", "https://ca.api.ovh.com/1.0"),
    ("kimsufi-eu", "https://eu.api.kimsufi.com/1.0"),
    ("kimsufi-ca", "https://ca.api.kimsufi.com/1.0"),
    ("soyoustart-eu", "https://eu.api.soyoustart.com/1.0"),
    ("soyoustart-ca", "https://ca.api.soyoustart.com/1.0"),
    ("runabove-ca", "https://api.runabove.com/1.0"),
];
const KIND: &str = "application/json; charset=utf-8";

impl Driver for Ovh {
    fn name(&self) -> &str {
        "ovh"
    }

    fn channel(&self) -> &str {
        "sms"
    }

    fn addresses(&self) -> Vec<&str> {
        vec!["e164"]
    }

    fn fields(&self) -> Vec<FieldHelp> {
        let endpoints: Vec<String> = ENDPOINTS.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        vec![
            optional("endpoint", format!("which of OVH's APIs: {}; default \"ovh-eu\"", endpoints.join(", "))),
            required(
                "application_key",
                "made at https://eu.api.ovh.com/createToken with GET /sms, GET /sms/* and POST /sms/*/jobs",
            ),
            secret(required("application_secret", "made together with the application key")),
            secret(required("consumer_key", "made together with the application key")),
            required("account", "the SMS account, like sms-ab12345-1: OVH's Control Panel, Telecom, SMS"),
            required("sender", "a sender of that account that OVH has approved"),
            optional("api_url", "the API's base URL, if it is none of those"),
        ]
    }

    fn takes(&self, address: &str) -> bool {
        Form::E164.normalise(address).as_deref() == Some(address)
    }

    fn check(&self, gateway: &Gateway) -> Vec<Fault> {
        Account::of(gateway).err().unwrap_or_default()
    }

    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, client: &Client, until: Instant) -> Result<(), Refusal> {
        let account = Account::of(gateway).map_err(|faults| refusal(&faults))?;
        let time = account.time(client, until)?;
        let job = json!({
            "charset": "UTF-8",
            "message": *layout::sms(envelope.message).text,
            "noStopClause": true,
            "priority": "high",
            "receivers": [envelope.address],
            "senderForResponse": false,
            "sender": account.sender,
            "validityPeriod": 3600,
        });
        let path = format!("sms/{}/jobs", *percent_encoded(&account.name));
        judge(&client.exchange(account.signed(Method::POST, &path, Some(&job), time)?, until)?)
    }

    fn status(&self, gateway: &Gateway, client: &Client, until: Instant) -> Result<String, Unwell> {
        let plain = |refusal| Unwell { refusal, mend: None };
        let account = Account::of(gateway).map_err(|faults| plain(refusal(&faults)))?;
        let time = account.time(client, until).map_err(plain)?;
        let call = account.signed(Method::GET, "sms", None, time).map_err(plain)?;
        let reply = client.exchange(call, until).map_err(plain)?;
        let Some(Value::Array(known)) = reply.json().filter(|_| reply.status.as_u16() == 200) else {
            return Err(plain(failure(&reply)));
        };
        if !known.contains(&json!(account.name)) {
            let all: Vec<&str> = known.iter().filter_map(Value::as_str).collect();
            let detail = format!("these keys know no account {}, only: {}", account.name, all.join(", "));
            return Err(plain(Refusal::new(End::Configuration, detail)));
        }
        Ok(account.name)
    }
}

/// A gateway of this driver whose fields are in order.
struct Account {
    api: Base,
    application_key: String,
    application_secret: Secret,
    consumer_key: Secret,
    name: String,
    sender: String,
}

impl Account {
    fn of(gateway: &Gateway) -> Result<Self, Vec<Fault>> {
        let mut fields = Fields::open(&Ovh, gateway);
        let endpoint = fields.word("endpoint", &ENDPOINTS.map(|(name, _)| name));
        let usual = ENDPOINTS.iter().find(|(name, _)| Some(*name) == endpoint).map_or("", |(_, url)| url);
        let api = endpoint.and_then(|_| fields.base("api_url", usual));
        let text = |fields: &mut Fields<'_>, name| fields.text(name).map(|text| text.expose().to_owned());
        let application_key = text(&mut fields, "application_key");
        let application_secret = fields.text("application_secret").cloned();
        let consumer_key = fields.text("consumer_key").cloned();
        let name = text(&mut fields, "account");
        let sender = text(&mut fields, "sender");
        let read = || {
            Some(Self {
                api: api?,
                application_key: application_key?,
                application_secret: application_secret?,
                consumer_key: consumer_key?,
                name: name?,
                sender: sender?,
            })
        };
        let read = read();
        fields.close(read)
    }

    /// OVH's own time, so that a wrong clock of this machine does no harm.
    fn time(&self, client: &Client, until: Instant) -> Result<u64, Refusal> {
        let reply = client.exchange(Call::get(self.url("auth/time")?), until)?;
        match reply.json().as_ref().and_then(Value::as_u64) {
            Some(time) if reply.status.as_u16() == 200 => Ok(time),
            _ => Err(reply.refusal_by_status(None).unwrap_or_else(|| {
                Refusal::new(End::Configuration, "the answer is none of OVH's API: see endpoint and api_url")
            })),
        }
    }

    fn url(&self, path: &str) -> Result<Url, Refusal> {
        self.api.join(path).map_err(|problem| Refusal::new(End::Configuration, format!("api_url: {problem}")))
    }

    fn signed(&self, method: Method, path: &str, json: Option<&Value>, time: u64) -> Result<Call, Refusal> {
        let url = self.url(path)?;
        let text = json.map(Value::to_string).unwrap_or_default();
        let signature = self.signature(method.as_str(), url.as_str(), &text, time);
        let mut call = Call::new(method, url);
        if json.is_some() {
            call.body = Body::Text { kind: KIND.to_owned(), bytes: text.into_bytes() };
        } else {
            call = call.header("Content-Type", KIND);
        }
        Ok(call
            .header("X-Ovh-Application", &self.application_key)
            .header("X-Ovh-Timestamp", &time.to_string())
            .header("X-Ovh-Consumer", self.consumer_key.expose())
            .header("X-Ovh-Signature", &signature))
    }

    fn signature(&self, method: &str, url: &str, body: &str, time: u64) -> String {
        let mut hash = Sha1::new();
        let time = time.to_string();
        let parts = [self.application_secret.expose(), self.consumer_key.expose(), method, url, body, time.as_str()];
        for (position, part) in parts.iter().enumerate() {
            if position > 0 {
                hash.update(b"+");
            }
            hash.update(part.as_bytes());
        }
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("$1${hex}")
    }
}

fn judge(reply: &Reply) -> Result<(), Refusal> {
    let answer = reply.json().unwrap_or_default();
    let filled = |key| answer.get(key).and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    match reply.status.as_u16() {
        200 if filled("validReceivers") => Ok(()),
        200 if filled("invalidReceivers") => Err(Refusal::new(End::Permanent, "OVH cannot send to this number")),
        _ => Err(failure(reply)),
    }
}

/// `{"message":"…"}` with a 4xx.
fn failure(reply: &Reply) -> Refusal {
    let answer = reply.json().unwrap_or_default();
    let words = answer.get("message").and_then(Value::as_str);
    if let Some(refusal) = reply.refusal_by_status(words) {
        return refusal;
    }
    let status = reply.status.as_u16();
    let about_the_number = words.is_some_and(|words| words.to_lowercase().contains("receiver"));
    let end = match status {
        400 if about_the_number => End::Permanent,
        400..=499 => End::Configuration,
        _ => End::Unclear,
    };
    Refusal::new(end, words.map_or_else(|| format!("the answer ({status}) is none of OVH's"), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Service, TEXT, faulty, gateway, send, status};
    use super::*;

    fn at(url: &str) -> Gateway {
        gateway(
            "ovh",
            &[
                ("application_key", "fake-application"),
                ("application_secret", "fake-secret"),
                ("consumer_key", "fake-consumer"),
                ("account", "sms-ab12345-1"),
                ("sender", "herald"),
                ("api_url", url),
            ],
        )
    }

    /// The signature as OVH's "First steps with the API" puts it together: "$1$" and the SHA-1, in hex, of
    /// AS+CK+METHOD+QUERY+BODY+TSTAMP, worked out with sha1sum(1).
    #[test]
    fn the_signature_is_over_the_very_request() {
        let account = Account::of(&at("https://api.ovh.com/1.0")).unwrap_or_else(|_| panic!("good fields"));
        assert_eq!(account.signature("GET", "https://api.ovh.com/1.0/sms", "", 1_790_000_000), SIGNATURE_OF_GET);
    }

    const SIGNATURE_OF_GET: &str = "$1$3c955017cdccbf574a23ebebd90056af0db3e4e4";

    #[test]
    fn ovhs_time_first_then_the_signed_message() {
        let service = Service::http(&[
            (200, "1790000000"),
            (200, r#"{"totalCreditsRemoved":1,"invalidReceivers":[],"ids":[1],"validReceivers":["+33600000000"]}"#),
        ]);
        let gateway = at(&format!("{}/1.0", service.url()));
        assert_eq!(send(&Ovh, &gateway, "+33600000000"), Ok(()));
        assert_eq!(service.request(), "GET /1.0/auth/time HTTP/1.1\n\n");
        let body = format!(
            "{{\"charset\":\"UTF-8\",\"message\":{},\"noStopClause\":true,\"priority\":\"high\",\
             \"receivers\":[\"+33600000000\"],\"sender\":\"herald\",\"senderForResponse\":false,\"validityPeriod\":3600}}",
            json!(TEXT)
        );
        let account = Account::of(&gateway).unwrap_or_else(|_| panic!("good fields"));
        let url = format!("{}/1.0/sms/sms-ab12345-1/jobs", service.url());
        let signature = account.signature("POST", &url, &body, 1_790_000_000);
        assert_eq!(
            service.request(),
            format!(
                "POST /1.0/sms/sms-ab12345-1/jobs HTTP/1.1\ncontent-type: {KIND}\nx-ovh-application: fake-application\n\
                 x-ovh-timestamp: 1790000000\nx-ovh-consumer: fake-consumer\nx-ovh-signature: {signature}\n\n{body}"
            )
        );
    }

    #[test]
    fn every_refusal_has_its_class() {
        for (status, body, end) in [
            (200, r#"{"validReceivers":[],"invalidReceivers":["+33"]}"#, End::Permanent),
            (200, r#"{"validReceivers":[]}"#, End::Unclear),
            (200, "garbage", End::Unclear),
            (
                400,
                r#"{"message":"Invalid signature","httpCode":"400 Bad Request","errorCode":"INVALID_SIGNATURE"}"#,
                End::Configuration,
            ),
            (400, r#"{"message":"Receiver is invalid"}"#, End::Permanent),
            (403, r#"{"message":"This credential is not valid","errorCode":"NOT_CREDENTIAL"}"#, End::Configuration),
            (404, r#"{"message":"The requested object (serviceName = sms-x) does not exist"}"#, End::Configuration),
            (429, "", End::TryAgain { after: None }),
            (503, "", End::Unreachable),
        ] {
            let service = Service::http(&[(200, "1790000000"), (status, body)]);
            let refused = send(&Ovh, &at(&service.url()), "+33600000000").expect_err("refused");
            assert_eq!(refused.end, end, "{status} {body}: {}", refused.detail);
        }
        let service = Service::http(&[(200, "<html>")]);
        assert_eq!(send(&Ovh, &at(&service.url()), "+33600000000").expect_err("refused").end, End::Configuration);
    }

    #[test]
    fn status_finds_the_account_among_those_that_the_keys_know() {
        let service = Service::http(&[(200, "1790000000"), (200, r#"["sms-ab12345-1"]"#)]);
        assert_eq!(status(&Ovh, &at(&service.url())), Ok("sms-ab12345-1".into()));
        let service = Service::http(&[(200, "1790000000"), (200, r#"["sms-zz"]"#)]);
        let refused = status(&Ovh, &at(&service.url())).expect_err("another account");
        assert!(refused.detail.contains("only: sms-zz"), "{}", refused.detail);
    }

    #[test]
    fn fields_and_endpoints_are_checked() {
        let all = ["application_key", "application_secret", "consumer_key", "account", "sender"];
        assert_eq!(faulty(&Ovh, &gateway("ovh", &[])), all);
        let mut gateway = at("https://api.example.org");
        gateway.fields.extend(super::super::testing::gateway("", &[("endpoint", "ovh-xx")]).fields);
        assert_eq!(faulty(&Ovh, &gateway), ["endpoint"]);
    }
}
