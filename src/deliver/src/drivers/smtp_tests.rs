//! Conversations with mail servers, plain and over TLS.

use super::super::testing::{client, client_that_trusts, faulty, gateway, message};
use super::*;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

const TO: &str = "alice@example.org";

/// What a server says, by the beginning of what it was told; the first that fits. `HANG` says nothing at all, and
/// `CLOSE` hangs up.
type Lines = &'static [(&'static str, &'static str)];

const GOOD: Lines = &[
    ("CONNECT", "220 mail.example.org ESMTP"),
    ("EHLO", "250-mail.example.org\r\n250-STARTTLS\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN"),
    ("STARTTLS", "220 Ready to start TLS"),
    ("AUTH", "235 2.7.0 Authentication successful"),
    ("MAIL", "250 2.1.0 Ok"),
    ("RCPT", "250 2.1.5 Ok"),
    ("DATA", "354 End data with <CR><LF>.<CR><LF>"),
    (".", "250 2.0.0 Ok: queued as 1"),
    ("NOOP", "250 2.0.0 Ok"),
    ("QUIT", "221 Bye"),
];

struct MailServer {
    port: u16,
    ca: String,
    heard: Receiver<String>,
}

impl MailServer {
    /// `tls` is "none", "starttls" or "tls"; `lines` come before those of a good server.
    fn start(tls: &'static str, lines: Lines) -> Self {
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let ca = key.cert.pem();
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![key.cert.der().clone()], private)
            .expect("a key");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (sender, heard) = channel();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let _ = serve(stream, tls, Arc::new(config.clone()), lines, &sender);
            }
        });
        Self { port, ca, heard }
    }

    fn gateway(&self, security: &str, more: &[(&str, &str)]) -> Gateway {
        let port = self.port.to_string();
        let mut fields = vec![
            ("host", "localhost"),
            ("port", port.as_str()),
            ("from", "Herald <herald@example.org>"),
            ("security", security),
        ];
        fields.extend_from_slice(more);
        gateway("smtp", &fields)
    }

    fn send(&self, security: &str, more: &[(&str, &str)]) -> Result<(), Refusal> {
        self.send_within(security, more, Duration::from_secs(10))
    }

    fn send_within(&self, security: &str, more: &[(&str, &str)], time: Duration) -> Result<(), Refusal> {
        let message = message();
        let envelope = Envelope { address: TO, message: &message };
        let client = client_that_trusts(&self.ca);
        Smtp.send(&self.gateway(security, more), &envelope, &client, Instant::now() + time)
    }

    /// Everything that was said to it, up to a mail's end.
    fn heard(&self) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(line) = self.heard.recv_timeout(Duration::from_secs(10)) {
            let end = line == ".";
            all.push(line);
            if end {
                break;
            }
        }
        all
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

fn serve(
    socket: TcpStream,
    tls: &str,
    config: Arc<ServerConfig>,
    lines: Lines,
    heard: &Sender<String>,
) -> io::Result<()> {
    let encrypted = |socket: TcpStream| -> io::Result<Box<dyn Stream>> {
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        Ok(Box::new(StreamOwned::new(connection, socket)))
    };
    let stream: Box<dyn Stream> =
        if tls == "tls" { encrypted(socket.try_clone()?)? } else { Box::new(socket.try_clone()?) };
    let mut reader = BufReader::new(stream);
    let mut in_mail = false;
    let mut told = "CONNECT".to_owned();
    loop {
        if !in_mail || told == "." {
            let fits = |(begin, _): &&(&str, &str)| told.starts_with(begin);
            let (_, answer) = lines.iter().find(fits).or_else(|| GOOD.iter().find(fits)).unwrap_or(&("", "500 What?"));
            match *answer {
                "HANG" => return reader.get_mut().read(&mut [0]).map(drop),
                "CLOSE" => return Ok(()),
                answer => reader.get_mut().write_all(format!("{answer}\r\n").as_bytes())?,
            }
            reader.get_mut().flush()?;
            in_mail = answer.starts_with("354");
            if told == "STARTTLS" && answer.starts_with("220") {
                reader = BufReader::new(encrypted(socket.try_clone()?)?);
            }
        }
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        told = line.trim_end().to_owned();
        let _ = heard.send(told.clone());
    }
}

const LOGIN: [(&str, &str); 2] = [("user", "herald"), ("password", "open-sesame")];

#[test]
fn a_mail_goes_out_over_starttls_with_a_login() {
    let server = MailServer::start("starttls", &[]);
    assert_eq!(server.send("starttls", &LOGIN), Ok(()));
    let heard = server.heard();
    let commands: Vec<&str> = heard.iter().map(String::as_str).take(7).collect();
    // AUTH PLAIN is base64 of NUL herald NUL open-sesame (RFC 4616).
    assert_eq!(
        commands,
        [
            "EHLO [127.0.0.1]",
            "STARTTLS",
            "EHLO [127.0.0.1]",
            "AUTH PLAIN AGhlcmFsZABvcGVuLXNlc2FtZQ==",
            "MAIL FROM:<herald@example.org>",
            "RCPT TO:<alice@example.org>",
            "DATA"
        ]
    );
    let mail = heard[7..].join("\n");
    for header in [
        "From: Herald <herald@example.org>",
        "To: alice@example.org",
        "Subject: Host: matoken",
        "Auto-Submitted: auto-generated",
        "Content-Type: text/plain; charset=utf-8",
    ] {
        assert!(mail.contains(header), "{header} in\n{mail}");
    }
    let (head, body) = mail.split_once("\n\n").expect("a body");
    assert!(!head.contains("314159") && head.contains("Message-ID: <") && head.contains("@example.org>"), "{head}");
    assert_eq!(body, "314159\nHost: matoken\nType it only at matoken.\n\n.");
}

#[test]
fn tls_from_the_first_byte_and_none_at_all_work_as_well() {
    let server = MailServer::start("tls", &[]);
    assert_eq!(server.send("tls", &LOGIN), Ok(()));
    let server = MailServer::start("none", &[]);
    assert_eq!(server.send("none", &[]), Ok(()));
    assert!(server.heard().iter().all(|line| !line.starts_with("AUTH") && line != "STARTTLS"));
}

#[test]
fn every_answer_has_its_class_by_what_it_answers() {
    let again = End::TryAgain { after: None };
    let cases: [(Lines, End, &str); 16] = [
        (&[("CONNECT", "554 No service for you")], End::Configuration, "554 No service for you"),
        (&[("CONNECT", "421 Too many connections")], again, "421 Too many"),
        (&[("AUTH", "535 5.7.8 Authentication failed")], End::Configuration, "login: 535 5.7.8"),
        (&[("AUTH", "454 4.7.0 Temporary failure")], again, "454"),
        (&[("MAIL", "550 5.1.8 Sender refused")], End::Configuration, "Sender refused"),
        (&[("MAIL", "530 5.7.0 Log in first")], End::Configuration, "Log in first"),
        (&[("RCPT", "550 5.1.1 No such user here")], End::Permanent, "550 5.1.1 No such user here"),
        (&[("RCPT", "553 5.1.3 Bad address")], End::Permanent, "553"),
        (&[("RCPT", "552 5.2.2 Mailbox full")], End::Permanent, "552"),
        (&[("RCPT", "554 5.7.1 Relay access denied")], End::Configuration, "Relay access denied"),
        (&[("RCPT", "450 4.2.0 Greylisted")], again, "Greylisted"),
        (&[("DATA", "554 5.5.1 No valid recipients")], End::Configuration, "554"),
        (&[(".", "554 5.7.1 Looks like spam")], End::Configuration, "spam"),
        (&[(".", "451 4.3.0 Later")], again, "Later"),
        (&[(".", "CLOSE")], End::Unclear, "did not say that it took it"),
        (&[("RCPT", "CLOSE")], again, "nothing was sent"),
    ];
    for (lines, end, words) in cases {
        let refused = MailServer::start("none", lines).send("none", &LOGIN).expect_err("refused");
        assert_eq!(refused.end, end, "{lines:?}: {}", refused.detail);
        assert!(refused.detail.contains(words), "{lines:?}: {}", refused.detail);
    }
}

#[test]
fn rule_5_a_wrong_certificate_is_not_unreachable_and_a_closed_port_is() {
    let server = MailServer::start("starttls", &[]);
    for security in ["starttls", "tls"] {
        let server = MailServer::start(security, &[]);
        let message = message();
        let envelope = Envelope { address: TO, message: &message };
        let stranger = client_that_trusts(&MailServer::start("none", &[]).ca);
        let refused = Smtp
            .send(&server.gateway(security, &[]), &envelope, &stranger, Instant::now() + Duration::from_secs(10))
            .expect_err("not trusted");
        assert_eq!(refused.end, End::TryAgain { after: None }, "{security}: {}", refused.detail);
        assert!(refused.detail.contains("certificate of localhost"), "{security}: {}", refused.detail);
    }
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = closed.local_addr().expect("bound").port();
    drop(closed);
    let gateway = MailServer { port, ..server }.gateway("none", &[]);
    let message = message();
    let envelope = Envelope { address: TO, message: &message };
    let refused =
        Smtp.send(&gateway, &envelope, &client(), Instant::now() + Duration::from_secs(10)).expect_err("gone");
    assert_eq!(refused.end, End::Unreachable, "{}", refused.detail);
}

#[test]
fn a_server_that_hangs_is_left_before_its_deadline() {
    let hangs: [(Lines, End); 3] = [
        (&[("CONNECT", "HANG")], End::TryAgain { after: None }),
        (&[("RCPT", "HANG")], End::TryAgain { after: None }),
        (&[(".", "HANG")], End::Unclear),
    ];
    for (lines, end) in hangs {
        let server = MailServer::start("none", lines);
        let started = Instant::now();
        let refused = server.send_within("none", &[], Duration::from_millis(1500)).expect_err("hangs");
        assert_eq!(refused.end, end, "{lines:?}: {}", refused.detail);
        assert!(started.elapsed() < Duration::from_secs(5), "{lines:?}");
    }
}

#[test]
fn a_server_without_starttls_or_a_login_is_the_admins_to_mend() {
    let bare: Lines = &[("EHLO", "250 mail.example.org")];
    let refused = MailServer::start("none", bare).send("starttls", &[]).expect_err("refused");
    assert!(refused.end == End::Configuration && refused.detail.contains("no STARTTLS"), "{}", refused.detail);
    let refused = MailServer::start("none", bare).send("none", &LOGIN).expect_err("refused");
    assert!(refused.end == End::Configuration && refused.detail.contains("log in"), "{}", refused.detail);
}

#[test]
fn status_logs_in_and_sends_nothing() {
    let server = MailServer::start("starttls", &[]);
    let until = || Instant::now() + Duration::from_secs(10);
    let client = client_that_trusts(&server.ca);
    let who = Smtp.status(&server.gateway("starttls", &LOGIN), &client, until()).expect("it works");
    assert_eq!(who, "localhost, logged in as herald");
    let server = MailServer::start("none", &[("AUTH", "535 5.7.8 Wrong")]);
    let unwell = Smtp.status(&server.gateway("none", &LOGIN), &client, until()).expect_err("wrong password");
    assert!(unwell.mend.is_some_and(|mend| mend.contains("password=-")));
}

#[test]
fn fields_are_checked_all_at_once() {
    let ok = [("host", "smtp.example.org"), ("from", "herald@example.org")];
    let with = |more: &[(&str, &str)]| faulty(&Smtp, &gateway("smtp", &[&ok, more].concat()));
    assert_eq!(with(&[]), [""; 0]);
    assert_eq!(with(&[("security", "none")]), ["security"]);
    assert_eq!(with(&[("security", "ssl")]), ["security"]);
    assert_eq!(with(&[("port", "70000")]), ["port"]);
    assert_eq!(with(&[("user", "x")]), ["password"]);
    assert_eq!(faulty(&Smtp, &gateway("smtp", &[("host", "smtp://x"), ("from", "nobody")])), ["host", "from"]);
    let help: Vec<String> = Smtp.fields().into_iter().map(|field| field.help).collect();
    assert!(help.iter().any(|help| help.contains("not go through delivery.proxy")));
}
