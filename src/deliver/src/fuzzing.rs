//! What herald-deliver reads from services and from admins, for `fuzz/` and for the replay of its seeds: bytes in, nothing
//! out, and a panic where something is not as it must be.

use crate::drivers::smtp_conversation::Conversation;
use crate::drivers::socket::Line;
use crate::drivers::{self, Driver, Envelope};
use crate::http::{Client, Reply};
use crate::refusal::{Redaction, Refusal};
use crate::services;
use herald_core::courier::{Definition, End, Field, Gateway, Job, Message, Part, Request, Topic, Try};
use lettre::transport::smtp::authentication::Credentials;
use reqwest::StatusCode;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const CODE: &str = "314159";
const SECRET: &str = "FAKE-SECRET-OF-THE-FUZZER";

/// A service's answer to a message and to a question: which driver, its status, and the body.
pub fn reply(bytes: &[u8]) {
    let [which, high, low, body @ ..] = bytes else { return };
    let all = accounts();
    let Some((driver, gateway)) = all.get(usize::from(*which) % all.len().max(1)) else { return };
    let status = StatusCode::from_u16(u16::from_be_bytes([*high, *low])).unwrap_or(StatusCode::OK);
    let request = request(gateway.clone());
    let client = Client::told(Reply { status, retry_after: None, body: Ok(body.to_vec()) });
    let until = Instant::now() + Duration::from_secs(60);
    let Job::Send { tries, message } = &request.job else { return };
    let address = tries.first().map(|one| one.address.as_str()).unwrap_or_default();
    let sent = driver.send(gateway, &Envelope { address, message }, &client, until);
    check(&request, &sent);
    let asked = driver.status(gateway, &client, until);
    check(&request, &asked.map(drop).map_err(|unwell| unwell.refusal));
}

/// What a mail server says.
pub fn mail(bytes: &[u8]) {
    let Some(line) = line_with(bytes) else { return };
    let credentials = Credentials::new("herald".to_owned(), SECRET.to_owned());
    let Ok(mut conversation) = Conversation::over(line) else { return };
    let _ = conversation.log_in(&credentials);
    while conversation.say("NOOP\r\n").is_ok() {}
}

/// What signal-cli says over a socket.
pub fn signal(bytes: &[u8]) {
    let Some(mut line) = line_with(bytes) else { return };
    let _ = drivers::signal_answer(&mut line);
}

/// A definition of an admin's own.
pub fn definition(bytes: &[u8]) {
    let definition = Definition { file: "fuzz.toml".to_owned(), text: String::from_utf8_lossy(bytes).into_owned() };
    let Ok(driver) = services::of_admin("fuzz", &definition) else { return };
    let gateway = Gateway { definition: Some(definition), ..gateway_of(&driver) };
    let request = request(gateway.clone());
    let Job::Send { message, .. } = &request.job else { return };
    let client = Client::told(Reply { status: StatusCode::OK, retry_after: None, body: Ok(b"{\"a\":[1]}".to_vec()) });
    let until = Instant::now() + Duration::from_secs(60);
    let address = "+4915112345678";
    if driver.takes(address) {
        check(&request, &driver.send(&gateway, &Envelope { address, message }, &client, until));
    }
}

/// Whatever came, what is told of it holds no secret, and is a line.
fn check(request: &Request, ended: &Result<(), Refusal>) {
    let Err(refusal) = ended else { return };
    assert!(refusal.end != End::Delivered, "{refusal:?}");
    let told = Redaction::of(request).clean(&refusal.detail);
    assert!(!told.contains(CODE) && !told.contains(SECRET) && told.len() <= 1024, "{told}");
    assert!(!told.chars().any(char::is_control), "{told:?}");
}

/// Every driver that speaks HTTP, with a gateway that is in order.
fn accounts() -> &'static [(Box<dyn Driver>, Gateway)] {
    static ACCOUNTS: OnceLock<Vec<(Box<dyn Driver>, Gateway)>> = OnceLock::new();
    ACCOUNTS.get_or_init(|| {
        let others = ["gammu-smsd", "modemmanager", "smtp", "command"];
        let all = drivers::all().into_iter().filter(|driver| !others.contains(&driver.name()));
        all.map(|driver| {
            let gateway = gateway_of(&*driver);
            (driver, gateway)
        })
        .collect()
    })
}

/// Values are tried until the driver finds no fault; what no value suits is left out.
fn gateway_of(driver: &dyn Driver) -> Gateway {
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
    let value = |text: &str| Field::Text(text.into());
    let fields = driver.fields();
    let mut gateway = Gateway {
        name: "one".to_owned(),
        channel: driver.channel().to_owned(),
        driver: driver.name().to_owned(),
        insecure: true,
        fields: fields.iter().map(|field| (field.name.clone(), value(SECRET))).collect(),
        definition: None,
    };
    for field in &fields {
        let place = |gateway: &Gateway| gateway.fields.iter().position(|(name, _)| *name == field.name);
        for text in VALUES {
            let faulty = driver.check(&gateway).iter().any(|fault| fault.field == field.name);
            match place(&gateway).and_then(|place| gateway.fields.get_mut(place)) {
                Some((_, kept)) if faulty => *kept = value(text),
                _ => break,
            }
        }
        if !field.required && driver.check(&gateway).iter().any(|fault| fault.field == field.name) {
            gateway.fields.retain(|(name, _)| *name != field.name);
        }
    }
    gateway
}

fn request(gateway: Gateway) -> Request {
    let part = |topic, text: &str| Part { topic, text: text.to_owned() };
    let address = match gateway.channel.as_str() {
        "telegram" if gateway.driver == "telegram-bot" => "475721977",
        "xmpp" | "email" => "alice@example.org",
        _ => "+4915112345678",
    };
    Request {
        job: Job::Send {
            tries: vec![Try { gateway: gateway.name.clone(), address: address.to_owned() }],
            message: Message {
                code: Some(CODE.into()),
                lifetime: Duration::from_secs(300),
                language: "en".to_owned(),
                copy_label: "Copy".to_owned(),
                parts: vec![part(Topic::Host, "Host: matoken")],
            },
        },
        deadline: Duration::from_secs(10),
        proxy: String::new(),
        ca: String::new(),
        gateways: vec![gateway],
    }
}

/// A line whose other end has said this, and then hung up; what we say goes nowhere.
fn line_with(bytes: &[u8]) -> Option<Line> {
    let (ours, mut theirs) = UnixStream::pair().ok()?;
    // More than fits into the socket's buffer would wait for a reader.
    let bytes = bytes.get(..bytes.len().min(64 * 1024))?;
    theirs.write_all(bytes).ok()?;
    theirs.shutdown(std::net::Shutdown::Write).ok()?;
    std::thread::Builder::new().spawn(move || std::io::copy(&mut theirs, &mut std::io::sink())).ok()?;
    Some(Line::over(ours, Instant::now() + Duration::from_secs(60)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    fn replay(target: &str, most: usize, run: fn(&[u8])) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
        let mut seeds: Vec<PathBuf> =
            fs::read_dir(&folder).expect("seeds").map(|seed| seed.expect("one").path()).collect();
        seeds.sort();
        assert!(!seeds.is_empty(), "{target} has no seeds");
        for seed in seeds {
            let bytes = fs::read(&seed).expect("readable");
            // As it is, cut off anywhere, and with one bit turned anywhere: the same every time.
            run(&bytes);
            for at in (0..bytes.len()).step_by(1 + bytes.len() / most) {
                run(&bytes[..at]);
                let mut bent = bytes.clone();
                bent[at] ^= 1 << (at % 8);
                run(&bent);
            }
        }
    }

    #[test]
    fn the_seeds_of_every_target_are_replayed() {
        replay("reply", 20, reply);
        replay("definition", 60, definition);
        replay("mail", 20, mail);
        replay("signal", 20, signal);
    }

    #[test]
    fn every_driver_is_reached() {
        for (driver, gateway) in accounts() {
            let faults = driver.check(gateway);
            assert!(faults.is_empty(), "{}: {faults:?}", driver.name());
        }
        assert!(accounts().len() > 30, "{}", accounts().len());
    }
}
