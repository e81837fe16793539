//! Stream sockets that keep to a deadline: UNIX sockets of daemons on this machine, and TCP.

use crate::http::{is_loopback_name, network_fault};
use crate::refusal::Refusal;
use herald_core::courier::End;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Where a daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A socket in the file system (unix(7)).
    Unix(PathBuf),
    /// A host and a port.
    Tcp(String, u16),
}

/// A connection, and until when it may be used.
pub(crate) struct Line {
    stream: Stream,
    until: Instant,
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Endpoint {
    /// Reads `unix:/…` and `tcp://HOST:PORT`; `None` for anything else.
    pub(super) fn parse(url: &str) -> Option<Self> {
        if let Some(path) = url.strip_prefix("unix:") {
            // unix:///run/x and unix:/run/x are the same to everybody who writes them.
            let path = path.strip_prefix("//").unwrap_or(path);
            return path.starts_with('/').then(|| Self::Unix(path.into()));
        }
        let (host, port) = url.strip_prefix("tcp://")?.trim_end_matches('/').rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = port.parse().ok().filter(|port| *port != 0)?;
        (!host.is_empty()).then(|| Self::Tcp(host.to_owned(), port))
    }

    /// Whether what is sent there stays on this machine.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp(host, _) => is_loopback_name(host),
        }
    }

    /// Connects.
    ///
    /// # Errors
    /// A refused connection is [`End::Unreachable`]; a socket that is not there or not for us is the admin's to mend.
    pub(super) fn connect(&self, until: Instant) -> Result<Line, Refusal> {
        let stream = match self {
            Self::Unix(path) => Stream::Unix(connect_unix(path)?),
            Self::Tcp(host, port) => Stream::Tcp(connect_tcp(host, *port, until)?),
        };
        Ok(Line { stream, until })
    }
}

impl Line {
    /// Over a socket that is connected already.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn over(stream: UnixStream, until: Instant) -> Self {
        Self { stream: Stream::Unix(stream), until }
    }

    fn prepare(&self) -> io::Result<()> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match &self.stream {
            Stream::Unix(stream) => {
                stream.set_read_timeout(Some(left)).and_then(|()| stream.set_write_timeout(Some(left)))
            }
            Stream::Tcp(stream) => {
                stream.set_read_timeout(Some(left)).and_then(|()| stream.set_write_timeout(Some(left)))
            }
        }
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.prepare()?;
        match &mut self.stream {
            Stream::Unix(stream) => stream.read(buffer),
            Stream::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.prepare()?;
        match &mut self.stream {
            Stream::Unix(stream) => stream.write(bytes),
            Stream::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A UNIX socket connects at once or not at all.
fn connect_unix(path: &Path) -> Result<UnixStream, Refusal> {
    let opened = SocketAddrUnix::new(path).and_then(|address| {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&socket, &address)?;
        Ok(socket)
    });
    let stream = opened.map(UnixStream::from).map_err(|error| unix_refusal(path, error))?;
    stream
        .set_nonblocking(false)
        .map_err(|_| Refusal::new(End::TryAgain { after: None }, "the socket is of no use"))?;
    Ok(stream)
}

/// What it means that a UNIX socket cannot be connected to.
pub(super) fn unix_refusal(path: &Path, error: Errno) -> Refusal {
    let path = path.display();
    match error {
        Errno::CONNREFUSED => Refusal::new(End::Unreachable, format!("nothing listens on {path}")),
        Errno::NOENT | Errno::NOTDIR => Refusal::new(
            End::Configuration,
            format!("there is no socket {path}: is its daemon running, and is the path right?"),
        ),
        Errno::ACCESS | Errno::PERM => Refusal::new(
            End::Configuration,
            format!(
                "the user _herald may not use {path}: add it to the group that the socket and its folder belong to"
            ),
        ),
        Errno::AGAIN => Refusal::new(End::TryAgain { after: None }, format!("{path} is busy")),
        Errno::NAMETOOLONG | Errno::INVAL | Errno::PROTOTYPE | Errno::NOTSOCK => {
            Refusal::new(End::Configuration, format!("{path} is no stream socket"))
        }
        other => Refusal::new(End::TryAgain { after: None }, format!("{path} could not be opened: {other}")),
    }
}

fn connect_tcp(host: &str, port: u16, until: Instant) -> Result<TcpStream, Refusal> {
    let mut last = Refusal::new(End::Unreachable, format!("the name {host} could not be resolved"));
    for address in resolve(host, port, until)? {
        let left = until.saturating_duration_since(Instant::now());
        // Shorter than the whole, so that there is time left to say something, or to try the next address.
        match TcpStream::connect_timeout(&address, (left / 2).max(Duration::from_millis(1))) {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = tcp_refusal(host, &error),
        }
    }
    Err(last)
}

/// What it means that a TCP connection failed.
pub(super) fn tcp_refusal(host: &str, error: &io::Error) -> Refusal {
    match Errno::from_io_error(error) {
        Some(code) => match network_fault(code) {
            Some(words) => Refusal::new(End::Unreachable, format!("no connection to {host}: {words}")),
            None => Refusal::new(
                End::TryAgain { after: None },
                format!("this machine could not open a connection to {host}: {code}"),
            ),
        },
        None if error.kind() == io::ErrorKind::TimedOut => {
            Refusal::new(End::Unreachable, format!("no connection to {host} in time"))
        }
        None => Refusal::new(End::TryAgain { after: None }, format!("this machine made no connection to {host}")),
    }
}

/// The addresses of a host, looked up in a thread of its own: a resolver knows no deadline, and the process ends soon.
pub(super) fn resolve(host: &str, port: u16, until: Instant) -> Result<Vec<SocketAddr>, Refusal> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let unresolved = |how: &str| Refusal::new(End::Unreachable, format!("the name {host} could not be resolved{how}"));
    let (answer, answered) = mpsc::channel();
    let name = host.to_owned();
    let look_up = move || {
        let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        let _ = answer.send(found);
    };
    std::thread::Builder::new()
        .name("resolver".to_owned())
        .spawn(look_up)
        .map_err(|_| Refusal::new(End::TryAgain { after: None }, "no thread is to be had"))?;
    let left = until.saturating_duration_since(Instant::now());
    match answered.recv_timeout(left * 3 / 4) {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Ok(_) => Err(unresolved("")),
        Err(_) => Err(unresolved(" in time")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_told_by_their_urls() {
        let unix = |path: &str| Some(Endpoint::Unix(path.into()));
        let tcp = |host: &str, port| Some(Endpoint::Tcp(host.into(), port));
        for (url, endpoint) in [
            ("unix:/run/signal-cli/socket", unix("/run/signal-cli/socket")),
            ("unix:///run/signal-cli/socket", unix("/run/signal-cli/socket")),
            ("unix:socket", None),
            ("tcp://127.0.0.1:7583", tcp("127.0.0.1", 7583)),
            ("tcp://[::1]:7583/", tcp("::1", 7583)),
            ("tcp://localhost", None),
            ("tcp://:7583", None),
            ("tcp://localhost:0", None),
            ("https://127.0.0.1", None),
        ] {
            assert_eq!(Endpoint::parse(url), endpoint, "{url}");
        }
        let local = |url| Endpoint::parse(url).map(|endpoint| endpoint.is_local());
        assert_eq!(local("tcp://localhost:1"), Some(true));
        assert_eq!(local("tcp://192.0.2.1:1"), Some(false));
    }

    #[test]
    fn rule_5_only_a_socket_that_nobody_listens_on_is_unreachable() {
        let end = |error| unix_refusal(Path::new("/run/x"), error).end;
        assert_eq!(end(Errno::CONNREFUSED), End::Unreachable);
        for error in [Errno::NOENT, Errno::ACCESS, Errno::NAMETOOLONG] {
            assert_eq!(end(error), End::Configuration);
        }
        for error in [Errno::AGAIN, Errno::MFILE, Errno::NOMEM] {
            assert_eq!(end(error), End::TryAgain { after: None });
        }
    }
}
