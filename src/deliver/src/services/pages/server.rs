//! A service on this machine that keeps the last request and answers as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// What is kept out of the comparison: the same for every service.
const USUAL: [&str; 4] = ["host", "user-agent", "content-length", "accept-encoding"];

#[derive(Default)]
struct State {
    status: u16,
    body: String,
    echo: bool,
    request: String,
}

/// It lives until the test ends.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(stream, &shared);
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it answers so.
    pub(crate) fn answer(&self, status: u16, body: &str) {
        *self.locked() = State { status, body: body.to_owned(), ..State::default() };
    }

    /// From now on it repeats what it was sent, in every place where a service has words.
    pub(crate) fn echo(&self, status: u16) {
        *self.locked() = State { status, echo: true, ..State::default() };
    }

    /// The last request: method and path, headers in alphabetical order, an empty line, the body.
    pub(crate) fn request(&self) -> String {
        self.locked().request.clone()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = Vec::new();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim_end();
        let Some((name, value)) = header.split_once(": ") else { break };
        let name = name.to_lowercase();
        if name == "content-length" {
            length = value.parse().unwrap_or(0);
        }
        if !USUAL.contains(&name.as_str()) && header != "accept: */*" {
            headers.push(format!("{name}: {value}"));
        }
    }
    headers.sort();
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let head: Vec<String> = std::iter::once(line).chain(headers).collect();
    let request = format!("{}\n\n{}", head.join("\n"), String::from_utf8_lossy(&body));
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = if state.echo { echoed(&request) } else { state.body.clone() };
    state.request = request;
    let status = state.status;
    drop(state);
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}", answer.len())
}

/// The request as words of a refusal, wherever some service has them.
fn echoed(request: &str) -> String {
    let words = request.replace('\n', " ");
    serde_json::json!({
        "ok": false, "success": false, "status": words, "statusCode": words, "statusMessage": words, "code": words,
        "message": words, "error": words, "error_string": words, "error-text": words, "errorDescription": words,
        "errors": [{ "description": words, "code": words }],
        "messages": [{ "status": words, "error-text": words, "error_text": words, "error": words }],
        "data": [{ "status": "ERR", "error": words, "error_string": words }],
        "details": { "x": [words] },
    })
    .to_string()
}
