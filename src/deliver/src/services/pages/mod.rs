//! Every service as its own page shows it: the request that it wants, and what it answers.

mod aggregators;
mod messengers;
mod national;
mod server;
mod servers;

use super::{all, built_in};
use crate::drivers::Driver;
use crate::job;
use crate::pulse::Pulse;
use herald_core::courier::{Answer, Condition, End, Field, Gateway, Job, Message, Part, Request, Topic, Tried, Try};
pub(super) use server::Server;
use std::time::{Duration, Instant};

pub(super) const NUMBER: &str = "+4915112345678";
pub(super) const CODE: &str = "314159";
pub(super) const PERMANENT: End = End::Permanent;
pub(super) const CONFIGURATION: End = End::Configuration;
pub(super) const AGAIN: End = End::TryAgain { after: None };
pub(super) const UNCLEAR: End = End::Unclear;
pub(super) const UNREACHABLE: End = End::Unreachable;

/// Services whose only word is the status: nothing can be asked of their body.
const BY_STATUS: [&str; 5] = ["clickatell-platform", "ecall", "prosody-rest", "sipgate", "spryng"];

/// What nobody could look up at the service itself, clause by clause of a definition's `source`.
const UNVERIFIED: [(&str, &str); 8] = [
    ("bird", "status 202"),
    ("messagebird", "error numbers"),
    ("smsglobal", "\"OK: 0;\""),
    ("telegram-gateway", "names of errors"),
    ("twilio", "error numbers"),
    ("voipms", "\"success\""),
    ("vonage", "status 6, 7, 9,"),
    ("websms", "whether + is accepted"),
];

/// What a service's page says.
pub(super) struct Page {
    pub(super) driver: &'static str,
    /// The fields of the gateway.
    pub(super) fields: &'static [(&'static str, &'static str)],
    /// The request for the code 314159 and the line `for matoken & co` to +49 151 12345678: method and URL, headers in
    /// alphabetical order, an empty line, the body.
    pub(super) request: &'static str,
    /// Answers that say that the message was taken: status and body.
    pub(super) taken: &'static [(u16, &'static str)],
    /// Answers that say that it was not: status, body, whose fault, and what is told of it.
    pub(super) refused: &'static [(u16, &'static str, End, &'static str)],
}

impl Page {
    /// Shows that the service is spoken to and understood as its page says.
    pub(super) fn shown(&self) {
        let driver = built_in(self.driver).expect("it is built in");
        for (name, _) in self.fields {
            assert!(driver.fields().iter().any(|field| field.name == *name), "{}: {name}", self.driver);
        }
        let server = Server::start();
        let (line, rest) = self.request.split_once('\n').unwrap_or((self.request, "\n"));
        let (method, url) = line.split_once(' ').expect("a method and a URL");
        let gateway = self.gateway(&server);
        let host = host_of(&base_of(&driver, self.fields));
        let path = url.strip_prefix(host.as_str()).unwrap_or_else(|| panic!("{url} is not at {host}"));
        for (status, body) in self.taken {
            server.answer(*status, body);
            let tried = send(&gateway, NUMBER, message());
            assert_eq!(tried.end, End::Delivered, "{}: {status} {body}: {}", self.driver, tried.detail);
            assert_eq!(server.request(), format!("{method} {path}\n{rest}"), "{}", self.driver);
        }
        for (status, body, end, words) in self.refused {
            server.answer(*status, body);
            let tried = send(&gateway, NUMBER, message());
            assert_eq!(tried.end, *end, "{}: {status} {body}: {}", self.driver, tried.detail);
            assert!(tried.detail.contains(words), "{}: \"{}\" does not say \"{words}\"", self.driver, tried.detail);
        }
    }

    /// What `herald gateway status` tells of an answer, and the request line that it comes from.
    pub(super) fn asked(&self, status: u16, body: &str) -> (bool, String, String) {
        let server = Server::start();
        server.answer(status, body);
        let condition = condition(&self.gateway(&server));
        let line = server.request().lines().next().unwrap_or_default().to_owned();
        (condition.ok, condition.detail, line)
    }

    /// The gateway, with the service's host replaced by our own.
    pub(super) fn gateway(&self, server: &Server) -> Gateway {
        gateway_of(&built_in(self.driver).expect("it is built in"), self.fields, server)
    }
}

fn gateway_of(driver: &dyn Driver, given: &[(&str, &str)], server: &Server) -> Gateway {
    let base = base_of(driver, given);
    let key = if given.iter().any(|(name, _)| *name == "url") { "url" } else { "api_url" };
    let url = base.replacen(&host_of(&base), &server.url(), 1);
    let fields = given.iter().filter(|(name, _)| *name != key).map(|(name, value)| (*name, *value));
    Gateway {
        name: "service".into(),
        channel: driver.channel().into(),
        driver: driver.name().into(),
        insecure: false,
        fields: fields.chain([(key, url.as_str())]).map(|(name, value)| (name.into(), text(value))).collect(),
        definition: None,
    }
}

fn text(value: &str) -> Field {
    Field::Text(value.into())
}

/// The base URL: the admin's, or the one of the service.
fn base_of(driver: &dyn Driver, fields: &[(&str, &str)]) -> String {
    let given = fields.iter().find(|(name, _)| matches!(*name, "url" | "api_url")).map(|(_, url)| (*url).to_owned());
    given.unwrap_or_else(|| {
        let help = driver.fields().into_iter().find(|field| field.name == "api_url").expect("a base URL").help;
        help.rsplit("default ").next().unwrap_or_default().to_owned()
    })
}

fn host_of(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

pub(super) fn message() -> Message {
    Message {
        code: Some(CODE.into()),
        lifetime: Duration::from_secs(300),
        language: "en".into(),
        copy_label: "Copy".into(),
        parts: vec![Part { topic: Topic::Host, text: "for matoken & co".into() }],
    }
}

pub(super) fn send(gateway: &Gateway, to: &str, message: Message) -> Tried {
    let tries = vec![Try { gateway: gateway.name.clone(), address: to.into() }];
    match answer(Job::Send { tries, message }, gateway) {
        Answer::Tries(mut tried) => tried.remove(0),
        other => panic!("{other:?}"),
    }
}

fn condition(gateway: &Gateway) -> Condition {
    match answer(Job::Status, gateway) {
        Answer::Status(mut conditions) => conditions.remove(0),
        other => panic!("{other:?}"),
    }
}

fn answer(job: Job, gateway: &Gateway) -> Answer {
    let deadline = Duration::from_secs(10);
    let (proxy, ca) = (String::new(), String::new());
    let request = Request { job, deadline, proxy, ca, gateways: vec![gateway.clone()] };
    job::run(&request, Instant::now() + deadline, &Pulse::at(Instant::now()))
}

/// A gateway of each service with every field that it has, so that whatever it can say is said.
fn full_gateways(server: &Server) -> Vec<Gateway> {
    let known = [
        ("account_sid", "AC00000000000000000000000000000000"),
        ("api_id", "1234567"),
        ("api_version", "v22.0"),
        ("button", "0"),
        ("did", "6135550100"),
        ("extension", "s0"),
        ("own_number", "+4915100000000"),
        ("phone_number_id", "100000000000000"),
        ("service_id", "1000"),
        ("url", "https://sms.example.org/send"),
    ];
    let value = |name: &str| known.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
    all()
        .iter()
        .map(|driver| {
            let fields: Vec<(String, String)> = driver
                .fields()
                .into_iter()
                .filter(|field| field.name != "api_url")
                .map(|field| {
                    let made = if field.name == "user" && driver.name() == "serwersms" { "webapi_fake" } else { "" };
                    let fake = if made.is_empty() { format!("FAKE/{}&1", field.name) } else { made.to_owned() };
                    (field.name.clone(), value(&field.name).unwrap_or(fake))
                })
                .collect();
            let given: Vec<(&str, &str)> = fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
            gateway_of(driver, &given, server)
        })
        .collect()
}

fn address_of(gateway: &Gateway) -> &'static str {
    if gateway.channel == "xmpp" { "alice@jabber.example.org" } else { NUMBER }
}

#[test]
fn rule_33_a_service_that_repeats_everything_reveals_nothing() {
    let server = Server::start();
    for gateway in full_gateways(&server) {
        let driver = built_in(&gateway.driver).expect("built in");
        let secrets: Vec<String> = driver
            .fields()
            .iter()
            .filter(|field| field.secret)
            .filter_map(|field| match gateway.fields.iter().find(|(name, _)| *name == field.name) {
                Some((_, Field::Text(text))) => Some(text.expose().to_owned()),
                _ => None,
            })
            .collect();
        for status in [200, 400, 401, 429, 500] {
            server.echo(status);
            let tried = send(&gateway, address_of(&gateway), message());
            let by_status = BY_STATUS.contains(&gateway.driver.as_str());
            assert!(by_status || tried.end != End::Delivered, "{}: an echo is no promise", gateway.driver);
            let hidden = [CODE, NUMBER, "4915112345678", "alice@jabber", "FAKE/password&1", "RkFLRS"];
            for secret in secrets.iter().map(String::as_str).chain(hidden) {
                assert!(!tried.detail.contains(secret), "{}: {secret} in {}", gateway.driver, tried.detail);
            }
        }
    }
}

#[test]
fn no_answer_of_whatever_kind_is_taken_for_a_promise() {
    let server = Server::start();
    for gateway in full_gateways(&server) {
        for (status, body) in [
            (200, ""),
            (200, "<html><body>Welcome to our new site</body></html>"),
            (200, "null"),
            (200, "[]"),
            (200, "{}"),
            (200, "\u{0}\u{1}"),
            (302, "moved"),
            (400, ""),
            (404, "not found"),
            (429, ""),
            (503, ""),
        ] {
            if status == 200 && BY_STATUS.contains(&gateway.driver.as_str()) {
                continue;
            }
            server.answer(status, body);
            let tried = send(&gateway, address_of(&gateway), message());
            assert_ne!(tried.end, End::Delivered, "{}: {status} {body}", gateway.driver);
        }
    }
}

#[test]
fn every_service_says_what_it_takes_and_where_its_facts_come_from() {
    let server = Server::start();
    for gateway in full_gateways(&server) {
        let driver = built_in(&gateway.driver).expect("built in");
        assert_eq!(driver.check(&gateway), [], "{}", gateway.driver);
        let mut empty = gateway.clone();
        empty.fields.clear();
        let missing: Vec<String> = driver.check(&empty).into_iter().map(|fault| fault.field).collect();
        for field in driver.fields().iter().filter(|field| field.required) {
            assert!(missing.contains(&field.name), "{}: {} is not missed", gateway.driver, field.name);
        }
        assert!(!driver.source().is_empty());
        assert!(driver.takes(address_of(&gateway)) && !driver.takes("015112345678") && !driver.takes("475721977"));
    }
}

#[test]
fn what_could_not_be_looked_up_is_called_unverified_where_the_facts_come_from() {
    for (name, fact) in UNVERIFIED {
        let driver = built_in(name).expect("built in");
        let told = driver.source().split("; ").any(|clause| clause.contains(fact) && clause.ends_with("unverified"));
        assert!(told, "{name}: {fact}: {}", driver.source());
    }
}

#[test]
fn an_unfinished_code_or_a_notice_goes_only_where_it_can() {
    let server = Server::start();
    let mut notice = message();
    notice.code = None;
    for gateway in full_gateways(&server) {
        server.answer(200, "{}");
        let tried = send(&gateway, address_of(&gateway), notice.clone());
        let code_only = ["telegram-gateway", "whatsapp-business"].contains(&gateway.driver.as_str());
        assert_eq!(tried.end == End::PassedOver, code_only, "{}: {tried:?}", gateway.driver);
    }
    let gateways = full_gateways(&server);
    let telegram = gateways.iter().find(|gateway| gateway.driver == "telegram-gateway").expect("built in");
    let mut long = message();
    long.code = Some("3141592653".into());
    let tried = send(telegram, NUMBER, long);
    assert!(tried.end == CONFIGURATION && tried.detail.contains("code.digits"), "{tried:?}");
}
