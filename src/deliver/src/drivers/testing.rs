//! What the drivers' tests share: a gateway, a message, and a service on loopback that plays its part from a script.

use super::{Driver, Envelope};
use crate::http::Client;
use crate::refusal::Refusal;
use herald_core::courier::{Field, Gateway, Job, Message, Part, Request, Topic};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The code of every message here.
pub(super) const CODE: &str = "314159";
/// As every driver without markup lays [`message`] out.
pub(super) const TEXT: &str = "314159\nHost: matoken\nType it only at matoken.";

/// A gateway of this driver with these texts as fields.
pub(super) fn gateway(driver: &str, fields: &[(&str, &str)]) -> Gateway {
    let text = |(name, text): &(&str, &str)| ((*name).to_owned(), Field::Text((*text).into()));
    Gateway {
        name: "one".into(),
        channel: "sms".into(),
        driver: driver.into(),
        insecure: false,
        fields: fields.iter().map(text).collect(),
        definition: None,
    }
}

/// A message with a code.
pub(super) fn message() -> Message {
    let part = |topic, text: &str| Part { topic, text: text.to_owned() };
    Message {
        code: Some(CODE.into()),
        lifetime: Duration::from_secs(300),
        language: "en".into(),
        copy_label: "Copy the code".into(),
        parts: vec![part(Topic::Host, "Host: matoken"), part(Topic::Warning, "Type it only at matoken.")],
    }
}

/// A message without one.
pub(super) fn notice() -> Message {
    let parts = vec![Part { topic: Topic::Notice, text: "alice was locked on matoken.".into() }];
    Message { code: None, parts, ..message() }
}

/// Soon, but not too soon for a busy machine.
pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

pub(super) fn client() -> Client {
    client_that_trusts("")
}

pub(super) fn client_that_trusts(ca: &str) -> Client {
    Client::new(&Request {
        job: Job::Status,
        deadline: Duration::from_secs(10),
        proxy: String::new(),
        ca: ca.to_owned(),
        gateways: Vec::new(),
    })
}

/// Sends [`message`] to this address.
pub(super) fn send(driver: &dyn Driver, gateway: &Gateway, address: &str) -> Result<(), Refusal> {
    assert!(driver.takes(address), "{address}");
    driver.send(gateway, &Envelope { address, message: &message() }, &client(), soon())
}

/// What a status says: who it is, or what is wrong.
pub(super) fn status(driver: &dyn Driver, gateway: &Gateway) -> Result<String, Refusal> {
    driver.status(gateway, &client(), soon()).map_err(|unwell| unwell.refusal)
}

/// The keys at fault.
pub(super) fn faulty(driver: &dyn Driver, gateway: &Gateway) -> Vec<String> {
    driver.check(gateway).into_iter().map(|fault| fault.field).collect()
}

/// A service that answers one request after the other from a script, each on a connection of its own.
pub(super) struct Service {
    port: u16,
    arrived: Receiver<String>,
}

/// A status line's number, and a body.
pub(super) type Answer<'a> = (u16, &'a str);

impl Service {
    /// Answers as HTTP/1.1.
    pub(super) fn http(answers: &[Answer<'_>]) -> Self {
        let answers: Vec<String> = answers
            .iter()
            .map(|(status, body)| {
                // A header may stand before the body: "Retry-After: 7\r\n\r\n…".
                let (more, body) = body.split_once("\r\n\r\n").unwrap_or(("X-Plain: 1", body));
                let length = body.len();
                format!(
                    "HTTP/1.1 {status} Told\r\n{more}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                )
            })
            .collect();
        Self::start(answers, |stream| {
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).ok()?;
                let line = line.trim_end();
                if line.is_empty() {
                    break;
                }
                let (name, value) = line.split_once(": ").unwrap_or((line, ""));
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().ok()?,
                    "host" | "user-agent" | "accept" | "connection" => {}
                    _ => head.push_str(&format!("{line}\n")),
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            Some(format!("{head}\n{}", String::from_utf8(body).ok()?))
        })
    }

    /// Answers each line.
    pub(super) fn lines(answers: &[&str]) -> Self {
        Self::start(answers.iter().map(|answer| (*answer).to_owned()).collect(), |stream| {
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line).ok()?;
            Some(line)
        })
    }

    fn start(answers: Vec<String>, read: impl Fn(&TcpStream) -> Option<String> + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port on loopback");
        let port = listener.local_addr().expect("a bound socket").port();
        let (sender, arrived) = channel();
        std::thread::spawn(move || {
            for answer in answers {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let Some(request) = read(&stream) else { return };
                if sender.send(request).is_err() || stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        });
        Self { port, arrived }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The next request: request line, headers of interest, an empty line, body.
    pub(super) fn request(&self) -> String {
        self.arrived.recv_timeout(Duration::from_secs(10)).expect("a request")
    }
}

/// A folder of its own, removed at the end.
pub(super) struct Folder(pub(super) std::path::PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("herald-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
