//! A gateway of each driver that is in order, and a message through it.

use crate::drivers::{self, Driver, Envelope};
use crate::refusal::{Redaction, Refusal};
use herald_core::courier::{End, Field, Gateway, Job, Message, Part, Request, Topic, Try};
use std::sync::OnceLock;
use std::time::Duration;

/// The code of every message here.
pub(super) const CODE: &str = "314159";
/// What stands in every field that takes it.
pub(super) const SECRET: &str = "FAKE-SECRET-OF-THE-FUZZER";

/// A gateway that is in order, its driver, and a message through it.
pub(super) struct Account {
    pub(super) driver: Box<dyn Driver>,
    pub(super) gateway: Gateway,
    address: &'static str,
    message: Message,
    redaction: Redaction,
    /// Whether [`SECRET`] is one here, and no text like any other.
    has_secret: bool,
}

impl Account {
    /// With a message to somebody whom that gateway reaches.
    pub(super) fn new(driver: Box<dyn Driver>, gateway: Gateway) -> Self {
        let address = match gateway.channel.as_str() {
            "telegram" if gateway.driver == "telegram-bot" => "475721977",
            "xmpp" | "email" => "alice@example.org",
            _ => "+4915112345678",
        };
        let message = Message {
            code: Some(CODE.into()),
            lifetime: Duration::from_secs(300),
            language: "en".to_owned(),
            copy_label: "Copy".to_owned(),
            parts: vec![Part { topic: Topic::Host, text: "Host: matoken".to_owned() }],
        };
        let tries = vec![Try { gateway: gateway.name.clone(), address: address.to_owned() }];
        let redaction = Redaction::of(&Request {
            job: Job::Send { tries, message: message.clone() },
            deadline: Duration::from_secs(10),
            proxy: String::new(),
            ca: String::new(),
            gateways: vec![gateway.clone()],
        });
        let fields = driver.fields();
        let secret = |name: &str| fields.iter().any(|field| field.secret && field.name == name);
        let is_it = |field: &Field| matches!(field, Field::Text(text) if text.expose() == SECRET);
        let has_secret = gateway.fields.iter().any(|(name, field)| secret(name) && is_it(field));
        Self { driver, gateway, address, message, redaction, has_secret }
    }

    pub(super) fn envelope(&self) -> Envelope<'_> {
        Envelope { address: self.address, message: &self.message }
    }

    /// Whatever came, what is told of it holds no secret, and is a line.
    pub(super) fn clean(&self, text: &str) {
        let told = self.redaction.clean(text);
        assert!(!told.contains(CODE) && told.len() <= 1024, "{told}");
        assert!(!self.has_secret || !told.contains(SECRET), "{told}");
        assert!(!told.chars().any(char::is_control), "{told:?}");
    }

    /// The same of a refusal.
    pub(super) fn check(&self, ended: &Result<(), Refusal>) {
        let Err(refusal) = ended else { return };
        assert!(refusal.end != End::Delivered, "{refusal:?}");
        self.clean(&refusal.detail);
    }
}

/// Drivers that speak no HTTP, with fields that are in order. Each has a target of its own but gammu-smsd, which answers
/// nobody.
pub(super) const OTHERS: [(&str, &[(&str, &str)]); 4] = [
    (
        "smtp",
        &[
            ("host", "localhost"),
            ("from", "Herald <herald@example.org>"),
            ("security", "none"),
            ("user", "herald"),
            ("password", SECRET),
        ],
    ),
    ("modemmanager", &[]),
    ("command", &[("program", "/usr/local/bin/send-sms")]),
    ("gammu-smsd", &[("outbox", "/nonexistent")]),
];

/// The account of the driver with that name, if it speaks HTTP, or else of any that does: a name that is bent a little
/// leads the replies of one service to another. `None` if there is none at all.
pub(super) fn of_http(name: &[u8]) -> Option<&'static Account> {
    static ACCOUNTS: OnceLock<Vec<Account>> = OnceLock::new();
    let all = ACCOUNTS.get_or_init(|| {
        let mut all = drivers::all();
        all.retain(|driver| !OTHERS.iter().any(|(other, _)| *other == driver.name()));
        let account = |driver: Box<dyn Driver>| {
            let gateway = gateway_of(&*driver);
            Account::new(driver, gateway)
        };
        all.into_iter().map(account).collect()
    });
    let known = all.iter().find(|account| account.driver.name().as_bytes() == name);
    let any = || name.iter().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    known.or_else(|| all.get(any().checked_rem(all.len())?))
}

/// The account of one of the [`OTHERS`].
pub(super) fn of_other(name: &str) -> Option<&'static Account> {
    static ACCOUNTS: OnceLock<Vec<Account>> = OnceLock::new();
    let all = ACCOUNTS.get_or_init(|| {
        let mut all = Vec::new();
        for (name, fields) in OTHERS {
            let unnamed = gateway(name, "", fields);
            let Ok(driver) = drivers::of(&unnamed) else { continue };
            let channel = driver.channel().to_owned();
            all.push(Account::new(driver, Gateway { channel, ..unnamed }));
        }
        all
    });
    all.iter().find(|account| account.driver.name() == name)
}

/// Values are tried until the driver finds no fault; what no value suits is left out.
pub(super) fn gateway_of(driver: &dyn Driver) -> Gateway {
    const VALUES: [&str; 17] = [
        SECRET,
        "http://127.0.0.1:1/api",
        "http://127.0.0.1:1/?to={number}&text={text}",
        "+4915112345678",
        "1",
        "110000000:FAKE-TOKEN-OF-THE-UNIT-TESTS-ONLY",
        "eu-central-1",
        "webapi_herald",
        "s0",
        "2025550123",
        "AC00000000000000000000000000000000",
        "sms-ab12345-1",
        "true",
        "ovh-eu",
        "v22.0",
        "json",
        "json:/ok",
    ];
    /// Of the driver `http`: any text would do, and no answer match it.
    const PATTERNS: [(&str, &str); 2] = [("success", "\"ok\": *true"), ("error", "\"why\": *\"([^\"]*)\"")];
    let fields = driver.fields();
    let first = |name: &str| PATTERNS.iter().find(|(known, _)| *known == name).map_or(SECRET, |(_, value)| value);
    let all: Vec<(&str, &str)> = fields.iter().map(|field| (field.name.as_str(), first(&field.name))).collect();
    let mut gateway = gateway(driver.name(), driver.channel(), &all);
    for field in &fields {
        let place = |gateway: &Gateway| gateway.fields.iter().position(|(name, _)| *name == field.name);
        for text in VALUES {
            let faulty = driver.check(&gateway).iter().any(|fault| fault.field == field.name);
            match place(&gateway).and_then(|place| gateway.fields.get_mut(place)) {
                Some((_, kept)) if faulty => *kept = Field::Text(text.into()),
                _ => break,
            }
        }
        if !field.required && driver.check(&gateway).iter().any(|fault| fault.field == field.name) {
            gateway.fields.retain(|(name, _)| *name != field.name);
        }
    }
    gateway
}

fn gateway(driver: &str, channel: &str, fields: &[(&str, &str)]) -> Gateway {
    let text = |(name, text): &(&str, &str)| ((*name).to_owned(), Field::Text((*text).into()));
    Gateway {
        name: "one".to_owned(),
        channel: channel.to_owned(),
        driver: driver.to_owned(),
        insecure: true,
        fields: fields.iter().map(text).collect(),
        definition: None,
    }
}
