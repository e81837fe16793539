//! The server: one thread that accepts, one for each connection.

use super::authority::Authority;
use super::bot_api::{Outcome, Updates, answer, chat_of};
use super::http::{Request, read_request, response};
use super::{BotApi, Fault, Message};
use rustls::{ServerConnection, StreamOwned};
use serde_json::json;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// How connections are protected.
pub(super) enum Security {
    None,
    Tls(Box<Authority>),
}

/// The running server.
pub(super) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    security: Security,
    arrived: Mutex<Sender<Message>>,
    mood: Mutex<Mood>,
    updates: Mutex<Updates>,
    /// Connections that are open, so that the end can close them.
    open: Mutex<HashMap<usize, TcpStream>>,
    requests: AtomicUsize,
    connections: AtomicUsize,
    ending: AtomicBool,
}

#[derive(Clone)]
struct Mood {
    fault: Fault,
    by_chat: HashMap<i64, Fault>,
    latency: Duration,
}

impl Server {
    /// Port 0 is any that is free.
    pub(super) fn start(security: Security, arrived: Sender<Message>, port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket");
        let shared = Arc::new(Shared {
            security,
            arrived: Mutex::new(arrived),
            mood: Mutex::new(Mood {
                fault: Fault::None,
                by_chat: Fault::CHATS.into_iter().collect(),
                latency: Duration::ZERO,
            }),
            updates: Mutex::default(),
            open: Mutex::default(),
            requests: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            ending: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || accept(&listener, &accepting));
        Self { address, shared, acceptor: Some(acceptor) }
    }

    pub(super) fn url(&self) -> String {
        let scheme = if matches!(self.shared.security, Security::None) { "http" } else { "https" };
        format!("{scheme}://{}", self.address)
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    pub(super) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    pub(super) fn set_fault(&self, fault: Fault) {
        lock(&self.shared.mood).fault = fault;
    }

    pub(super) fn set_fault_for(&self, chat: i64, fault: Fault) {
        lock(&self.shared.mood).by_chat.insert(chat, fault);
    }

    pub(super) fn updates(&self) -> MutexGuard<'_, Updates> {
        lock(&self.shared.updates)
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        lock(&self.shared.mood).latency = latency;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then waits for its connections.
        let _ = TcpStream::connect(self.address);
        for stream in lock(&self.shared.open).values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut busy: Vec<JoinHandle<()>> = Vec::new();
    for stream in listener.incoming() {
        if shared.ending.load(Ordering::SeqCst) {
            break;
        }
        let Ok(stream) = stream else { continue };
        let number = shared.connections.fetch_add(1, Ordering::SeqCst);
        let Ok(known) = stream.try_clone() else { continue };
        lock(&shared.open).insert(number, known);
        let serving = Arc::clone(shared);
        busy.retain(|thread| !thread.is_finished());
        busy.push(std::thread::spawn(move || {
            // Clients that give up in the middle are what half of the tests are about.
            let _ = serving.serve(stream, number);
            lock(&serving.open).remove(&number);
        }));
    }
    // Those that were accepted while the end was being announced.
    for stream in lock(&shared.open).values() {
        let _ = stream.shutdown(Shutdown::Both);
    }
    for thread in busy {
        let _ = thread.join();
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Shared {
    fn serve(&self, socket: TcpStream, number: usize) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let fault = lock(&self.mood).fault;
        match fault {
            Fault::HangBeforeTls => return wait_for_close(&socket),
            Fault::ResetBeforeTls => return self.reset(&socket, number),
            Fault::NotTls => {
                socket.peek(&mut [0])?;
                (&socket).write_all(b"220 this is not TLS\r\n")?;
                return drain(&mut &socket);
            }
            _ => {}
        }
        let raw = socket.try_clone()?;
        let mut stream: Box<dyn Stream> = match &self.security {
            Security::None => Box::new(socket),
            Security::Tls(authority) => {
                let mut tls = ServerConnection::new(authority.tls(fault)).map_err(io::Error::other)?;
                let mut socket = socket;
                while tls.is_handshaking() {
                    tls.complete_io(&mut socket)?;
                }
                Box::new(StreamOwned::new(tls, socket))
            }
        };
        while let Some(request) = read_request(&mut stream)? {
            self.requests.fetch_add(1, Ordering::SeqCst);
            if fault == Fault::Reset {
                return self.reset(&raw, number);
            }
            let more = self.respond(&request, &mut stream, &raw)?;
            if !more {
                break;
            }
        }
        raw.shutdown(Shutdown::Both)
    }

    /// Answers one request; whether the connection may go on.
    fn respond(&self, request: &Request, stream: &mut dyn Write, raw: &TcpStream) -> io::Result<bool> {
        let mood = lock(&self.mood).clone();
        std::thread::sleep(mood.latency);
        let by_chat = chat_of(request).and_then(|chat| mood.by_chat.get(&chat).copied());
        let fault = match by_chat {
            Some(fault) if mood.fault == Fault::None || mood.fault.is_of_the_connection() => fault,
            _ => mood.fault,
        };
        match fault {
            Fault::Hang => wait_for_close(raw).map(|()| false),
            Fault::CloseAfterRequest => Ok(false),
            Fault::NotHttp => stream.write_all(b"220 this is not HTTP\r\n\r\n").map(|()| false),
            Fault::Drip { pause } => {
                let outcome = answer(request, &mut lock(&self.updates));
                let (status, envelope) = outcome.envelope();
                for byte in response(status, &[], "application/json", envelope.to_string().as_bytes()) {
                    stream.write_all(&[byte])?;
                    stream.flush()?;
                    std::thread::sleep(pause);
                }
                self.arrive(outcome);
                Ok(false)
            }
            fault => {
                let bytes = match broken(fault, request) {
                    Some(bytes) => bytes,
                    None => {
                        let outcome = answer(request, &mut lock(&self.updates));
                        let (status, envelope) = outcome.envelope();
                        self.arrive(outcome);
                        response(status, &[], "application/json", envelope.to_string().as_bytes())
                    }
                };
                stream.write_all(&bytes)?;
                stream.flush().map(|()| true)
            }
        }
    }

    fn arrive(&self, outcome: Outcome) {
        if let Outcome::Result(_, Some(message)) = outcome {
            let _ = lock(&self.arrived).send(message);
        }
    }

    /// Makes the close that follows a reset (socket(7), SO_LINGER).
    fn reset(&self, socket: &TcpStream, number: usize) -> io::Result<()> {
        rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO))?;
        // The last descriptor of it beside the caller's: only with the last one is it closed.
        lock(&self.open).remove(&number);
        Ok(())
    }
}

/// The answer of a server that fails like this; `None` if it does not.
fn broken(fault: Fault, request: &Request) -> Option<Vec<u8>> {
    let json = |status: u16, body: serde_json::Value| {
        Some(response(status, &[], "application/json", body.to_string().as_bytes()))
    };
    let refused = |status: u16, description: &str| {
        json(status, json!({ "ok": false, "error_code": status, "description": description }))
    };
    match fault {
        Fault::Blocked => refused(403, "Forbidden: bot was blocked by the user"),
        Fault::Deactivated => refused(403, "Forbidden: user is deactivated"),
        Fault::ChatNotFound => refused(400, "Bad Request: chat not found"),
        Fault::Upgraded => json(
            400,
            json!({ "ok": false, "error_code": 400,
                    "description": "Bad Request: group chat was upgraded to a supergroup chat",
                    "parameters": { "migrate_to_chat_id": -100_123 } }),
        ),
        Fault::Unauthorized => refused(401, "Unauthorized"),
        Fault::NotFound => refused(404, "Not Found"),
        Fault::Conflict => refused(409, "Conflict: terminated by other getUpdates request"),
        Fault::TooMany { retry_after } => json(
            429,
            json!({ "ok": false, "error_code": 429,
                    "description": format!("Too Many Requests: retry after {retry_after}"),
                    "parameters": { "retry_after": retry_after } }),
        ),
        Fault::TooManyByHeader { retry_after } => {
            Some(response(429, &[&format!("Retry-After: {retry_after}")], "text/plain", b"slow down"))
        }
        Fault::Broken => refused(500, "Internal Server Error"),
        Fault::BadGateway => Some(response(502, &[], "text/html", b"<html><h1>502 Bad Gateway</h1></html>")),
        Fault::Garbage => Some(response(200, &[], "application/json", b"\x00\xff{]nonsense")),
        Fault::Oversized => Some(response(200, &[], "application/json", &vec![b' '; 64 * 1024 + 1])),
        Fault::Redirect => {
            let target = format!("Location: https://{}/elsewhere", BotApi::HOST);
            Some(response(302, &[&target], "text/html", b""))
        }
        Fault::Echo => refused(403, &format!("Forbidden: {}", String::from_utf8_lossy(&request.raw))),
        _ => None,
    }
}

/// Says nothing until the other end, or our own end, closes.
fn wait_for_close(socket: &TcpStream) -> io::Result<()> {
    drain(&mut &*socket)
}

fn drain(stream: &mut dyn Read) -> io::Result<()> {
    while stream.read(&mut [0; 512])? > 0 {}
    Ok(())
}
