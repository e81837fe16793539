//! The network side of the stories: three drivers, and the services of `providers.d`. They do what the fields and
//! addresses ask for, and a phone shows every message to the story. No network is touched.
//!
//! | field | what happens |
//! |---|---|
//! | `token` without `:` | the driver finds a fault |
//! | `token` with `REVOKED` | the service does not know us |
//! | `api_url` or `url` with `down` | the service cannot be reached |
//! | `api_url` with `crash` | asked for the service, this program ends without an answer |
//! | `api_url` with `alice` | somebody presses START at once |
//! | `api_url` with `busy` | the messages of others hide it, until they are forgotten |
//!
//! | address ends in | what happens |
//! |---|---|
//! | `000` | the person blocked us |
//! | `111` | come back in 30 s |
//! | anything else | delivered |

use herald_core::courier::{
    Answer, ChatSearch, Condition, Driver, End, Fault, Field, FieldHelp, Gateway, Job, Message, Request, Tried, Try,
    decode_request, encode_answer,
};
use std::io::{Read, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// The socket on which the story sees the phone, beside this program.
pub(crate) const SOCKET: &str = "phone";

/// Answers one request.
pub(crate) fn answer() -> ExitCode {
    let mut length = [0; 4];
    let mut stdin = std::io::stdin();
    stdin.read_exact(&mut length).expect("a length");
    let mut payload = vec![0; u32::from_be_bytes(length) as usize];
    stdin.read_exact(&mut payload).expect("a request");
    let request = decode_request(&payload).expect("a well-formed request");
    let asked = matches!(request.job, Job::Status | Job::Send { .. });
    if asked && request.gateways.iter().any(|gateway| text(gateway, "api_url").contains("crash")) {
        return ExitCode::FAILURE;
    }
    let frame = encode_answer(&work(&request)).expect("a short answer");
    std::io::stdout().write_all(&frame).expect("the other end listens");
    ExitCode::SUCCESS
}

fn work(request: &Request) -> Answer {
    match &request.job {
        Job::Describe(_) => {
            let own = request.gateways.iter().filter_map(described);
            Answer::Drivers(drivers().into_iter().chain(own).collect())
        }
        Job::Check => Answer::Faults(request.gateways.iter().flat_map(faults).collect()),
        Job::Status => Answer::Status(request.gateways.iter().map(condition).collect()),
        Job::Send { tries, message } => Answer::Tries(send(request, tries, message)),
        Job::FindChat { drop_pending, .. } => Answer::Chat(search(&request.gateways, *drop_pending)),
    }
}

/// The chat of whoever pressed START. That messages were forgotten is remembered beside this program.
fn search(gateways: &[Gateway], drop_pending: bool) -> ChatSearch {
    let url = gateways.first().map(|gateway| text(gateway, "api_url")).unwrap_or_default();
    let forgotten = beside("forgotten");
    if drop_pending {
        std::fs::write(&forgotten, "").expect("a file");
    }
    if url.contains("busy") && !forgotten.exists() {
        return ChatSearch::NotYet { others: 100 };
    }
    if url.contains("down") {
        let detail = "no connection to 127.0.0.1: refused".to_owned();
        return ChatSearch::Failed { end: End::Configuration, detail };
    }
    ChatSearch::Found { address: "475721955".to_owned(), name: "Alice (@alice)".to_owned() }
}

fn telegram_bot() -> Driver {
    Driver {
        name: "telegram-bot".into(),
        channel: "telegram".into(),
        addresses: vec!["chat-id".into()],
        fields: vec![
            field("token", true, true, "the bot's token, as @BotFather prints it"),
            field("api_url", false, false, "the Bot API's base URL"),
        ],
    }
}

fn playsms() -> Driver {
    Driver {
        name: "playsms".into(),
        channel: "sms".into(),
        addresses: vec!["e164".into()],
        fields: vec![
            field("url", false, true, "the address of playSMS"),
            field("token", true, true, "the webservices token, in its preferences"),
            field("port", false, false, "a number"),
            field("flash", false, false, "true or false"),
        ],
    }
}

/// A program of the admin's, for any channel.
fn command() -> Driver {
    Driver {
        name: "command".into(),
        channel: String::new(),
        addresses: vec!["e164".into(), "email".into()],
        fields: vec![field("program", false, true, "the absolute path of a program of yours")],
    }
}

fn drivers() -> Vec<Driver> {
    vec![telegram_bot(), playsms(), command()]
}

/// The service that a file of `providers.d` describes.
fn described(gateway: &Gateway) -> Option<Driver> {
    let definition = gateway.definition.as_ref()?;
    let document: toml_edit::DocumentMut = definition.text.parse().ok()?;
    let fields = document.get("field")?.as_array_of_tables()?.iter().map(|table| {
        let text = |key: &str| table.get(key).and_then(|item| item.as_str()).unwrap_or_default().to_owned();
        let secret = table.get("secret").and_then(|item| item.as_bool()).unwrap_or(false);
        field(&text("name"), secret, !table.contains_key("default"), &text("help"))
    });
    let fields = fields.collect();
    Some(Driver { name: gateway.driver.clone(), channel: "sms".into(), addresses: vec!["e164".into()], fields })
}

fn field(name: &str, secret: bool, required: bool, help: &str) -> FieldHelp {
    FieldHelp { name: name.into(), secret, required, help: help.into() }
}

fn faults(gateway: &Gateway) -> Vec<Fault> {
    let drivers: Vec<Driver> = drivers().into_iter().chain(described(gateway)).collect();
    let fault = |field: &str, problem: &str| Fault {
        gateway: gateway.name.clone(),
        field: field.to_owned(),
        problem: problem.to_owned(),
    };
    let Some(driver) = drivers.iter().find(|driver| driver.name == gateway.driver) else {
        return vec![fault("driver", "no such driver")];
    };
    let mut faults = Vec::new();
    for (name, value) in &gateway.fields {
        let problem = match (name.as_str(), value) {
            ("port", Field::Integer(_)) | ("flash", Field::Flag(_)) => None,
            ("port", _) => Some("a number is accepted"),
            ("flash", _) => Some("true or false is accepted"),
            (name, _) if driver.fields.iter().all(|field| field.name != name) => Some("no such field"),
            ("token", Field::Text(token)) if !token.expose().contains(':') => {
                Some("this is only the part behind the colon")
            }
            _ => None,
        };
        faults.extend(problem.map(|problem| fault(name, problem)));
    }
    for field in driver.fields.iter().filter(|field| field.required) {
        if gateway.fields.iter().all(|(name, _)| *name != field.name) {
            faults.push(fault(&field.name, "missing"));
        }
    }
    faults
}

fn text<'a>(gateway: &'a Gateway, name: &str) -> &'a str {
    let found = gateway.fields.iter().find(|(known, _)| known == name);
    match found {
        Some((_, Field::Text(text))) => text.expose(),
        _ => "",
    }
}

fn is_down(gateway: &Gateway) -> bool {
    text(gateway, "api_url").contains("down") || text(gateway, "url").contains("down")
}

fn condition(gateway: &Gateway) -> Condition {
    let (ok, detail, mend) = if is_down(gateway) {
        (
            false,
            "no connection to 127.0.0.1: refused".to_owned(),
            "see that this machine reaches the network".to_owned(),
        )
    } else if text(gateway, "token").contains("REVOKED") {
        let mend = format!("ask @BotFather for the token: herald gateway set {} token=-", gateway.name);
        (false, "Unauthorized".to_owned(), mend)
    } else {
        (true, "@demo_bot".to_owned(), String::new())
    };
    Condition { gateway: gateway.name.clone(), ok, detail, mend, took: Duration::from_millis(212) }
}

fn send(request: &Request, tries: &[Try], message: &Message) -> Vec<Tried> {
    let mut made = Vec::new();
    for one in tries {
        let gateway =
            request.gateways.iter().find(|gateway| gateway.name == one.gateway).expect("it is in the request");
        let (end, detail) = match one.address.as_str() {
            _ if is_down(gateway) => (End::Unreachable, "no connection to 127.0.0.1: refused"),
            _ if text(gateway, "token").contains("REVOKED") => (End::Configuration, "Unauthorized"),
            address if address.ends_with("000") => (End::Permanent, "Forbidden: bot was blocked by the user"),
            address if address.ends_with("111") => {
                (End::TryAgain { after: Some(Duration::from_secs(30)) }, "Too Many Requests")
            }
            _ => (End::Delivered, ""),
        };
        let took = Duration::from_millis(34);
        made.push(Tried { gateway: one.gateway.clone(), end, detail: detail.to_owned(), took });
        if end == End::Delivered {
            show(&one.address, message);
            break;
        }
    }
    made
}

/// `ADDRESS`, a tab, and `code`, a tab and the code; or the text of a notice.
fn show(address: &str, message: &Message) {
    let what = match &message.code {
        Some(code) => format!("code\t{}", code.expose()),
        None => message.parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(" "),
    };
    let phone = UnixDatagram::unbound().expect("a socket");
    phone.send_to(format!("{address}\t{what}").as_bytes(), beside(SOCKET)).expect("the story looks at the phone");
}

fn beside(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("this program's path");
    here.parent().unwrap_or(Path::new("/")).join(name)
}
