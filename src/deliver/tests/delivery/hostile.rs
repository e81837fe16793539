//! Gateways that want to cost as much as they can: never more than the deadline, and never more than 16 MB.

use crate::harness::{CHAT, Running, SOON, gateway, send, send_through};
use herald_core::courier::{Answer, End, Field, Gateway, Request, Tried, decode_answer};
use herald_tests::figures::figure;
use herald_tests::phone::{BotApi, Fault};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The deadline of every request here: the shortest that can be configured.
const DEADLINE: Duration = Duration::from_secs(2);
/// When the process ends itself at the latest (rule 23), and what a busy machine may add to that.
const AT_THE_LATEST: Duration = Duration::from_secs(2 + 1 + 2);
/// What it may ever use, in KiB, as the kernel counts it (getrusage(2), ru_maxrss): program and libraries included.
const MOST_MEMORY: u64 = 16 * 1024;
/// The package time has it there.
const TIME: &str = "/usr/bin/time";

const AGAIN: End = End::TryAgain { after: None };

/// A server that treats each connection like this, in a thread of its own.
fn server(treat: impl Fn(TcpStream) -> io::Result<()> + Copy + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whom it treats like this breaks off.
            std::thread::spawn(move || treat(stream));
        }
    });
    port
}

/// Reads an HTTP request.
fn read_request(stream: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0].to_ascii_lowercase());
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    stream.read_exact(&mut vec![0; length.unwrap_or(0)])
}

/// Answers a request with `head`, and then with `again` for ever.
fn flood(head: &'static [u8], again: &'static [u8]) -> u16 {
    server(move |mut stream| {
        read_request(&mut stream)?;
        stream.write_all(head)?;
        let many = again.repeat(4096 / again.len() + 1);
        loop {
            stream.write_all(&many)?;
        }
    })
}

/// What it came to, and what it cost.
fn cost(request: &Request) -> (Vec<Tried>, u64, Duration) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    assert!(Path::new(TIME).exists(), "{TIME} is missing; try: scripts/setup.sh test");
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let said = format!("hostile-{}-{number}", std::process::id());
    let said: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(said);
    let begun = Instant::now();
    let mut measured = Command::new(TIME);
    measured.args(["-f", "%M", "-o"]).arg(&said).arg(env!("CARGO_BIN_EXE_herald-deliver")).env_clear();
    let mut running = Running::start_as(&mut measured);
    running.ask(request);
    let bytes = running.bytes();
    running.ended().expect("it ends");
    let took = begun.elapsed();
    assert!(took < AT_THE_LATEST, "{took:?}");
    let text = std::fs::read_to_string(&said).expect("measured");
    let _ = std::fs::remove_file(&said);
    let memory = text.lines().last().and_then(|line| line.parse().ok()).expect("a number");
    match bytes.get(4..).map(decode_answer) {
        Some(Ok(Answer::Tries(tries))) => (tries, memory, took),
        _ => panic!("no answer: {text}"),
    }
}

fn expect(what: &str, request: Request, end: End) {
    let (tries, memory, took) = cost(&Request { deadline: DEADLINE, ..request });
    assert_eq!(tries[0].end, end, "{what}: {}", tries[0].detail);
    assert!(memory <= MOST_MEMORY, "{what}: {memory} KiB");
    figure(what, format!("{memory} KiB, {} ms", took.as_millis()));
}

fn telegram(port: u16) -> Request {
    send(vec![gateway("telegram", &format!("http://127.0.0.1:{port}"))], &[("telegram", CHAT)])
}

fn of(driver: &str, fields: &[(&str, &str)], to: &str) -> Request {
    let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), Field::Text((*text).into())));
    let gateway = Gateway {
        driver: driver.into(),
        channel: "sms".into(),
        fields: fields.collect(),
        insecure: true,
        ..gateway("one", "")
    };
    send(vec![gateway], &[("one", to)])
}

#[test]
fn answers_without_end_are_cut_off() {
    for (what, head, again) in [
        ("headers without end", "HTTP/1.1 200 OK\r\n", "X-Header: value\r\n"),
        ("a header without end", "HTTP/1.1 200 OK\r\nX-Header: ", "value"),
        ("a status line without end", "HTTP/1.1 200 ", "OK"),
        ("a body without end", "HTTP/1.1 200 OK\r\n\r\n", "{}"),
        ("a body of 9 exabytes", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n", "{}"),
        ("chunks without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "2\r\n{}\r\n"),
        ("a chunk's extension without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", "name=value;"),
        (
            "trailers without end",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
            "X-Header: value\r\n",
        ),
        ("answers before the answer, without end", "", "HTTP/1.1 100 Continue\r\n\r\n"),
    ] {
        expect(what, telegram(flood(head.as_bytes(), again.as_bytes())), End::Unclear);
    }
}

#[test]
fn an_answer_in_drops_ends_at_the_deadline() {
    let port = server(|mut stream| {
        read_request(&mut stream)?;
        for byte in b"HTTP/1.1 200 OK\r\nX-Header: ".iter().chain(std::iter::repeat(&b'x')) {
            stream.write_all(std::slice::from_ref(byte))?;
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    });
    expect("an answer in drops", telegram(port), End::Unclear);
}

/// Nothing asks for compression, so nothing is unpacked: 60 KB that would be 9 MB of zeros.
#[test]
fn what_is_compressed_stays_so() {
    let port = server(|mut stream| {
        read_request(&mut stream)?;
        let bomb = gzip_of_zeros(36_000);
        let length = bomb.len();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n")?;
        stream.write_all(&bomb)
    });
    expect("a compressed bomb", telegram(port), End::Unclear);
}

/// RFC 1951 §3.2.6: a zero, then copies of 258 bytes from one byte before, each 13 bits. The end is left out.
fn gzip_of_zeros(copies: usize) -> Vec<u8> {
    let ones = |bits: &str| bits.bytes().map(|bit| bit == b'1').collect::<Vec<_>>();
    let mut bits = [ones("1"), ones("10"), ones("00110000")].concat();
    for _ in 0..copies {
        bits.extend(ones("1100010100000"));
    }
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    bytes.extend(bits.chunks(8).map(|eight| eight.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))));
    bytes
}

#[test]
fn what_is_nested_deeply_does_not_use_up_the_stack() {
    let json = server(|mut stream| {
        read_request(&mut stream)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        stream.write_all(&b"[".repeat(65_000))
    });
    expect("deep JSON", telegram(json), End::Unclear);
    let xml = server(|mut stream| {
        read_request(&mut stream)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        stream.write_all(&b"<a>".repeat(21_000))
    });
    let modem = of("huawei-e3531", &[("api_url", &format!("http://127.0.0.1:{xml}/api"))], "+81312345678");
    expect("deep XML", modem, End::Configuration);
}

#[test]
fn a_redirect_is_followed_nowhere() {
    let port = server(|mut stream| {
        read_request(&mut stream)?;
        let here = stream.local_addr()?;
        write!(stream, "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{here}/\r\nContent-Length: 0\r\n\r\n")
    });
    expect("a redirect to itself", telegram(port), End::Configuration);
}

#[test]
fn a_bad_certificate_costs_no_more_than_any_failure() {
    let phone = BotApi::start();
    for (name, fault) in [
        ("another host's certificate", Fault::WrongHost),
        ("an expired certificate", Fault::Expired),
        ("a certificate that it signed itself", Fault::SelfSigned),
    ] {
        phone.set_fault(fault);
        expect(name, send_through(&phone), AGAIN);
    }
    assert_eq!(phone.requests(), 0);
}

#[test]
fn tls_is_not_talked_down_nor_talked_to_death() {
    // TLS 1.0 with RSA and AES-128, as RFC 2246 has it.
    const OLD: &[u8] = &[22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    const REST: &[u8] = &[0, 0, 0x2f, 0];
    let old = server(|mut stream| {
        stream.read_exact(&mut [0; 64])?;
        stream.write_all(&[OLD, &[7; 32], REST].concat())?;
        io::copy(&mut stream, &mut io::sink()).map(drop)
    });
    // A handshake message of 16 MB, in pieces.
    let long = server(|mut stream| {
        stream.read_exact(&mut [0; 64])?;
        stream.write_all(&[22, 3, 3, 0x40, 0, 2, 255, 255, 255])?;
        stream.write_all(&[7; 0x4000 - 4])?;
        let piece = [&[22, 3, 3, 0x40, 0][..], &[7; 0x4000]].concat();
        loop {
            stream.write_all(&piece)?;
        }
    });
    // "I am about to say something", for ever.
    let warnings = server(|mut stream| {
        stream.read_exact(&mut [0; 64])?;
        let many = [21, 3, 3, 0, 2, 1, 90].repeat(512);
        loop {
            stream.write_all(&many)?;
        }
    });
    let trusted = BotApi::start();
    for (what, port) in [("TLS 1.0", old), ("a TLS handshake of 16 MB", long), ("TLS warnings without end", warnings)] {
        let mut request = send(vec![gateway("telegram", &format!("https://127.0.0.1:{port}"))], &[("telegram", CHAT)]);
        request.ca = trusted.ca_pem().into();
        expect(what, request, End::Unreachable);
    }
}

#[test]
fn a_mail_server_without_end_is_cut_off() {
    let mail = |port: u16| {
        let mut request = of(
            "smtp",
            &[("host", "127.0.0.1"), ("from", "herald@example.org"), ("security", "none")],
            "alice@example.org",
        );
        request.gateways[0].channel = "email".into();
        request.gateways[0].fields.push(("port".into(), Field::Integer(port.into())));
        request
    };
    let speaks = |greeting: &'static [u8], again: &'static [u8]| {
        server(move |mut stream| {
            stream.write_all(greeting)?;
            let many = again.repeat(4096 / again.len() + 1);
            loop {
                stream.write_all(&many)?;
            }
        })
    };
    expect("a mail server: a greeting in lines, without end", mail(speaks(b"", b"220-hello\r\n")), AGAIN);
    expect("a mail server: a greeting in one line, without end", mail(speaks(b"220 ", b"hello")), AGAIN);
    expect(
        "a mail server: an answer in one line, without end",
        mail(speaks(b"220 mail.example.org\r\n250-", b"hello")),
        AGAIN,
    );
}

#[test]
fn a_daemon_without_end_is_cut_off() {
    for (what, again) in [
        ("a daemon: notifications without end", &b"{\"jsonrpc\":\"2.0\",\"method\":\"receive\"}\n"[..]),
        ("a daemon: a line without end", b"["),
        ("a daemon: empty lines without end", b"\n"),
    ] {
        let port = server(move |mut stream| {
            stream.read_exact(&mut [0; 16])?;
            let many = again.repeat(4096 / again.len() + 1);
            loop {
                stream.write_all(&many)?;
            }
        });
        let mut request = of("signal-cli", &[("url", &format!("tcp://127.0.0.1:{port}"))], "+81312345678");
        request.gateways[0].channel = "signal".into();
        expect(what, request, End::Unclear);
    }
}

#[test]
fn a_proxy_without_end_is_cut_off() {
    let port = flood(b"HTTP/1.1 200 OK\r\n", b"X-Header: value\r\n");
    let mut insecure = send(vec![gateway("telegram", "https://bots.example.org")], &[("telegram", CHAT)]);
    insecure.proxy = format!("http://127.0.0.1:{port}");
    insecure.ca = BotApi::start().ca_pem().into();
    expect("a proxy: headers without end", insecure, AGAIN);
}

/// The bar is not met because nothing was measured.
#[test]
fn what_is_measured_is_the_program() {
    let phone = BotApi::start();
    let (tries, memory, _) = cost(&Request { deadline: SOON / 5, ..send_through(&phone) });
    assert_eq!(tries[0].end, End::Delivered);
    assert!(memory > 2 * 1024, "{memory} KiB");
    figure("what it may cost", format!("{MOST_MEMORY} KiB, {} ms", AT_THE_LATEST.as_millis()));
}
