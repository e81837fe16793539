//! `http`: an admin's own service, described by the fields of its gateway alone.
//!
//! What it can say fits into a few keys; whoever needs more writes a definition (docs/sms-services.md).

use super::definition::{BaseField, Definition, FieldRule};
use super::driver::ServiceDriver;
use super::reader::{any_success, empty_request};
use super::request::{Auth, Content, Request};
use super::template::{Escape, Slot, Template, Values};
use super::verdict::{Answers, Place, Rule, Test};
use crate::drivers::fields::{Fields, refusal};
use crate::drivers::{Driver, Envelope, Unwell};
use crate::http::Client;
use crate::refusal::Refusal;
use herald_core::address::Form;
use herald_core::courier::{Fault, Field, FieldHelp, Gateway};
use herald_core::secret::Secret;
use regex_lite::Regex;
use reqwest::Method;
use std::time::{Duration, Instant};

/// The driver.
pub(crate) struct OwnService;

/// The fields that templates may name.
const NAMED: [&str; 3] = ["user", "password", "token"];
/// The first line of an answer, where it is text.
const FIRST_LINE: &str = "^([^\r\n<]{1,120})";

/// Name, whether it is secret, and help of every field but the URL.
const FIELDS: [(&str, bool, &str); 9] = [
    ("method", false, "GET, POST or PUT; default POST where there is a body, else GET"),
    (
        "body",
        false,
        "what is sent, with the same placeholders: JSON, XML, a form like to={digits}&text={text}, or text; a key \
         belongs into the fields below, not in here",
    ),
    ("content_type", false, "the kind of the body, where its first character does not tell"),
    ("header", true, "one more header, like X-Api-Key: {token}"),
    ("user", false, "a user name: sent as a basic login, unless {user} or {password} stands somewhere"),
    ("password", true, "its password"),
    ("token", true, "a token: sent as a bearer token, unless {token} stands somewhere"),
    (
        "success",
        false,
        "a regular expression that the answer matches if the message was taken; without it every 2xx counts",
    ),
    ("error", false, "a regular expression whose first group is what the service says of a refusal"),
];

impl Driver for OwnService {
    fn name(&self) -> &str {
        "http"
    }

    fn channel(&self) -> &str {
        "sms"
    }

    fn addresses(&self) -> Vec<&str> {
        vec!["e164"]
    }

    fn fields(&self) -> Vec<FieldHelp> {
        let url = FieldHelp {
            name: "url".to_owned(),
            secret: false,
            required: true,
            help: "the URL, with placeholders: {number} is +4915…, {digits} 4915…, {number_00} 004915…, {text} the \
                   message, {code} the code alone, {user}, {password} and {token} the fields below; a key belongs into these: \
                   what is written here stands in errors and logs"
                .to_owned(),
        };
        let rest = FIELDS.iter().map(|(name, secret, help)| FieldHelp {
            name: (*name).to_owned(),
            secret: *secret,
            required: false,
            help: (*help).to_owned(),
        });
        std::iter::once(url).chain(rest).collect()
    }

    fn takes(&self, address: &str) -> bool {
        Form::E164.normalise(address).as_deref() == Some(address)
    }

    fn check(&self, gateway: &Gateway) -> Vec<Fault> {
        match self.service(gateway) {
            Ok((service, gateway)) => service.check(&gateway),
            Err(faults) => faults,
        }
    }

    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, client: &Client, until: Instant) -> Result<(), Refusal> {
        let (service, gateway) = self.service(gateway).map_err(|faults| refusal(&faults))?;
        service.send(&gateway, envelope, client, until)
    }

    fn status(&self, gateway: &Gateway, client: &Client, until: Instant) -> Result<String, Unwell> {
        let unwell = |faults: Vec<Fault>| Unwell { mend: None, refusal: refusal(&faults) };
        let (service, gateway) = self.service(gateway).map_err(unwell)?;
        service.status(&gateway, client, until)
    }
}

impl OwnService {
    /// The service that the fields describe, and the gateway with no more than the base of its URL.
    fn service(&self, gateway: &Gateway) -> Result<(ServiceDriver, Gateway), Vec<Fault>> {
        let mut fields = Fields::open(self, gateway);
        let url = fields.text("url").map(|url| url.expose().to_owned()).unwrap_or_default();
        let (base, path, query) = split(&url);
        let mut request = empty_request(Method::GET);
        request.path = template(&mut fields, "url", path);
        request.raw_query = query.map(|query| template(&mut fields, "url", query));
        if let Some(body) = fields.text("body").map(Secret::expose) {
            let kind =
                fields.text("content_type").map_or_else(|| kind_of(body).to_owned(), |kind| kind.expose().into());
            let escape = escape_of(&kind);
            let text = template(&mut fields, "body", body);
            if escape == Escape::Json && !is_json(&text) {
                fields.complain("body", "JSON is accepted, or another content_type".to_owned());
            }
            request.method = Method::POST;
            request.body = Content::Raw { kind, text, escape };
        }
        if let Some(word) = fields.text("method").map(Secret::expose) {
            match word {
                "GET" => request.method = Method::GET,
                "POST" => request.method = Method::POST,
                "PUT" => request.method = Method::PUT,
                _ => fields.complain("method", "GET, POST or PUT is accepted".to_owned()),
            }
        }
        if let Some(header) = fields.text("header").map(Secret::expose) {
            match header.split_once(':') {
                Some((name, value)) if !name.trim().is_empty() => {
                    let value = template(&mut fields, "header", value.trim());
                    request.headers.push((name.trim().to_owned(), value));
                }
                _ => fields.complain("header", "a header like X-Api-Key: {token} is accepted".to_owned()),
            }
        }
        let mut success = any_success();
        let mut answers = Answers { words: expressions(&mut fields, "error"), ..Answers::default() };
        if answers.words.is_empty() {
            answers.words.extend(Regex::new(FIRST_LINE).map(Place::Regex));
        }
        success.body =
            expressions(&mut fields, "success").into_iter().map(|place| Rule { place, test: Test::Filled }).collect();
        let read = [path, query.unwrap_or_default()].iter().all(|part| Template::parse(part, &NAMED).is_ok());
        let sound = read && !url.is_empty();
        if sound && !has(&request, &[Slot::Text, Slot::Code]) {
            fields.complain("url", "nothing of the message stands in url or body: put {text} or {code}".to_owned());
        }
        let numbers = [Slot::Number, Slot::Digits, Slot::Number00, Slot::Nanp, Slot::Address];
        if sound && !has(&request, &numbers) {
            fields
                .complain("url", "nothing says where to in url or body: put {number}, {digits} or {number_00}".into());
        }
        let auth = auth(&request);
        let definition = Definition {
            name: self.name().to_owned(),
            source: "the admin".to_owned(),
            channel: self.channel().to_owned(),
            addresses: vec!["e164".to_owned()],
            longest_code: None,
            base: BaseField { name: "url".to_owned(), default: None, help: String::new() },
            fields: FIELDS
                .iter()
                .map(|(name, ..)| FieldRule { name: (*name).to_owned(), ..FieldRule::default() })
                .collect(),
            needs: Vec::new(),
            auth,
            send: request,
            success,
            answers,
            status: None,
        };
        let mut reduced = gateway.clone();
        for (name, field) in &mut reduced.fields {
            if name == "url" {
                *field = Field::Text(Secret::from(base));
            }
        }
        fields.close(Some((ServiceDriver::new(definition), reduced)))
    }
}

/// Base, path and query. Placeholders may stand in the last two.
fn split(url: &str) -> (&str, &str, Option<&str>) {
    let (rest, query) = url.split_once('?').map_or((url, None), |(rest, query)| (rest, Some(query)));
    let host = rest.find("://").map_or(0, |at| at + 3);
    let after_host = rest.get(host..).and_then(|tail| tail.find('/')).map_or(rest.len(), |at| host + at);
    let (base, path) = rest.split_at_checked(after_host).unwrap_or((rest, ""));
    (base, path.trim_start_matches('/'), query)
}

fn template(fields: &mut Fields<'_>, key: &str, text: &str) -> Template {
    Template::parse(text, &NAMED).unwrap_or_else(|accepted| {
        fields.complain(key, format!("must be {accepted}"));
        Template::default()
    })
}

fn expressions(fields: &mut Fields<'_>, key: &str) -> Vec<Place> {
    let Some(text) = fields.text(key) else { return Vec::new() };
    match Regex::new(text.expose()) {
        Ok(regex) => vec![Place::Regex(regex)],
        Err(_) => {
            fields.complain(key, "a regular expression is accepted".to_owned());
            Vec::new()
        }
    }
}

fn has(request: &Request, slots: &[Slot]) -> bool {
    slots.iter().any(|slot| request.has(slot))
}

/// The login that goes into its usual place where the admin put it nowhere else.
fn auth(request: &Request) -> Auth {
    let named = |names: &[&str]| names.iter().any(|name| request.has(&Slot::Field((*name).to_owned())));
    let slot = |name: &str| Template::parse(&format!("{{{name}}}"), &NAMED).unwrap_or_default();
    Auth {
        basic: (!named(&["user", "password"])).then(|| (slot("user"), slot("password"))),
        bearer: (!named(&["token"])).then(|| slot("token")),
        ..Auth::default()
    }
}

fn kind_of(body: &str) -> &'static str {
    match body.trim_start().bytes().next() {
        Some(b'{' | b'[') if !body.starts_with("{text}") && !body.starts_with("{code}") => "application/json",
        Some(b'<') => "text/xml; charset=utf-8",
        _ if body.contains('=') => "application/x-www-form-urlencoded",
        _ => "text/plain; charset=utf-8",
    }
}

fn escape_of(kind: &str) -> Escape {
    let kind = kind.to_ascii_lowercase();
    if kind.contains("json") {
        Escape::Json
    } else if kind.contains("xml") {
        Escape::Xml
    } else if kind.contains("form-urlencoded") {
        Escape::Url
    } else {
        Escape::None
    }
}

fn is_json(text: &Template) -> bool {
    let fields: Vec<(String, Secret)> = NAMED.iter().map(|name| ((*name).to_owned(), Secret::from("0"))).collect();
    let values =
        Values { address: "+0", text: "0", code: Some("0"), lifetime: Duration::from_secs(60), fields: &fields };
    let filled = text.filled(&values, Escape::Json);
    filled.is_some_and(|text| serde_json::from_str::<serde_json::Value>(&text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::super::pages::{CODE, NUMBER, Server, message, send};
    use super::*;
    use herald_core::courier::End;

    fn gateway(fields: &[(&str, &str)]) -> Gateway {
        Gateway {
            name: "own".into(),
            channel: "sms".into(),
            driver: "http".into(),
            insecure: false,
            fields: fields.iter().map(|(name, text)| ((*name).to_owned(), Field::Text((*text).into()))).collect(),
            definition: None,
        }
    }

    /// What the service gets when its URL is `path` on this machine.
    fn request(path: &str, fields: &[(&str, &str)]) -> String {
        let server = Server::start();
        server.answer(200, "queued");
        let url = format!("{}{path}", server.url());
        let mut all = vec![("url", url.as_str())];
        all.extend(fields);
        let tried = send(&gateway(&all), NUMBER, message());
        assert_eq!(tried.end, End::Delivered, "{}", tried.detail);
        server.request()
    }

    fn faults(fields: &[(&str, &str)]) -> Vec<String> {
        OwnService.check(&gateway(fields)).into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn a_url_alone_is_enough() {
        assert_eq!(
            request("/send?key={token}&to={digits}&text={text}&x=1", &[("token", "FAKE&TOKEN")]),
            "GET /send?key=FAKE%26TOKEN&to=4915112345678&text=314159%0Afor%20matoken%20%26%20co&x=1\n\n"
        );
        assert_eq!(request("/{number_00}/{code}", &[]), "GET /004915112345678/314159\n\n");
    }

    #[test]
    fn a_body_is_escaped_as_what_it_is() {
        for (body, kind, written) in [
            (
                "{\"to\":\"{number}\",\"text\":\"{text}\"}",
                "application/json",
                "{\"to\":\"+4915112345678\",\"text\":\"314159\\nfor matoken & co\"}",
            ),
            (
                "to={digits}&text={text}",
                "application/x-www-form-urlencoded",
                "to=4915112345678&text=314159%0Afor%20matoken%20%26%20co",
            ),
            (
                "<sms><to>{number}</to><text>{text}</text></sms>",
                "text/xml; charset=utf-8",
                "<sms><to>+4915112345678</to><text>314159\nfor matoken &amp; co</text></sms>",
            ),
            ("{text} {number}", "text/plain; charset=utf-8", "314159\nfor matoken & co +4915112345678"),
        ] {
            let expected = format!("POST /\ncontent-type: {kind}\n\n{written}");
            assert_eq!(request("/", &[("body", body)]), expected);
        }
    }

    #[test]
    fn logins_go_into_their_usual_place_unless_they_stand_somewhere() {
        let text = "?to={number}&text={text}";
        assert!(request(text, &[("token", "FAKE-TOKEN")]).contains("authorization: Bearer FAKE-TOKEN"));
        assert!(request(text, &[("user", "Aladdin"), ("password", "open sesame")]).contains("authorization: Basic "));
        let header = request(text, &[("token", "FAKE-TOKEN"), ("header", "X-Key: {token}")]);
        assert!(header.contains("x-key: FAKE-TOKEN") && !header.contains("authorization"), "{header}");
    }

    #[test]
    fn success_is_what_the_admin_says_it_is() {
        let server = Server::start();
        let url = format!("{}/?to={{number}}&text={{text}}&key={{token}}", server.url());
        let own = gateway(&[
            ("url", &url),
            ("token", "FAKE-TOKEN"),
            ("success", "\"ok\": *true"),
            ("error", "\"why\": *\"([^\"]*)\""),
        ]);
        for (status, body, end, told) in [
            (200, "{\"ok\": true}", End::Delivered, "1 segment in GSM-7, 23 of 160 characters"),
            (200, "{\"ok\": false, \"why\": \"no money\"}", End::Configuration, "no money"),
            (200, "{\"ok\": false, \"why\": \"FAKE-TOKEN 314159 4915112345678\"}", End::Configuration, "*** *** ***"),
            (200, "<html>", End::Unclear, "the answer is none of this service's (200)"),
            (503, "", End::Unreachable, "the service is out of order (503)"),
        ] {
            server.answer(status, body);
            let tried = send(&own, NUMBER, message());
            assert_eq!((tried.end, tried.detail.as_str()), (end, told), "{body}");
        }
        assert!(server.request().contains(CODE));
    }

    #[test]
    fn what_cannot_work_is_a_fault_of_its_field() {
        let url = ("url", "https://sms.example.org/?to={number}&text={text}");
        assert_eq!(faults(&[url]), Vec::<String>::new());
        assert_eq!(faults(&[]), ["url"]);
        assert_eq!(faults(&[("url", "https://sms.example.org/{numbre}/{text}")]), ["url"]);
        assert_eq!(faults(&[("url", "https://sms.example.org/{token}")]), ["url", "url"], "neither message nor number");
        assert_eq!(faults(&[("url", "http://sms.example.org/?to={number}&text={text}")]), ["url"], "plain http");
        assert_eq!(faults(&[url, ("success", "(")]), ["success"]);
        assert_eq!(faults(&[url, ("method", "DELETE")]), ["method"]);
        assert_eq!(faults(&[url, ("body", "{\"a\":}")]), ["body"]);
        assert_eq!(faults(&[url, ("header", "X-Key")]), ["header"]);
        assert_eq!(faults(&[url, ("colour", "red")]), ["colour"]);
    }
}
