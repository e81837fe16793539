//! The host's end of the broker (`herald_core::broker`): a login that is decided elsewhere, with the conversation here.
//!
//! Nothing but a complete verdict from a process of root's is one. Whatever else happens is PAM_SYSTEM_ERR.
#![allow(unsafe_code)] // getsockopt(2): rustix's own takes the 0 of a process outside of our PID namespace for an id

use crate::line::{Broken, Line, raised};
use crate::way::text;
use herald_core::audit::{self, Audit, Severity};
use herald_core::broker::{
    FromBroker, FromHost, MAX_FRAME, SOCKET, Wish, decode_from_broker, encode_from_host, encode_hello,
};
use herald_core::conversation::{Conversation, Reply};
use herald_core::login::{Attempt, Shapes, Verdict};
use herald_core::machine::Machine;
use herald_core::phrases;
use herald_core::wire::Malformed;
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::time::Duration;
use zeroize::Zeroizing;

/// polkit's agent helper runs in a unit without network and with a read-only system: even as root it can neither send a
/// code nor write what became of it. It is known by its service, since how it is caged differs from one version to the
/// next; where no broker listens, it is the module itself that tries.
const CAGED: &str = "polkit-1";
/// How long the broker may take to take the connection: as long as systemd needs for those before it.
const ARRIVAL: Duration = Duration::from_secs(10);
/// How long it may take to say the next thing: a code and the notice of a lock, each with the longest deadline that the
/// configuration allows (60 s), and some locks.
const PATIENCE: Duration = Duration::from_secs(150);

/// Whether a host that uses this service cannot be where Herald decides: whoever is not root may not read a single file
/// of Herald's.
pub fn is_needed(service: &str) -> bool {
    !rustix::process::geteuid().is_root()
        || (service == CAGED && rustix::fs::access(SOCKET, rustix::fs::Access::EXISTS).is_ok())
}

/// Has a login decided by the broker.
pub fn authenticate(attempt: &Attempt, conversation: &mut dyn Conversation, audit: &dyn Audit) -> Verdict {
    let verdict = match Broker::connect().and_then(|mut broker| broker.converse(attempt, conversation)) {
        Ok(FromBroker::Verdict(verdict)) => return verdict,
        Ok(_) => failed("sent what is no verdict", audit),
        Err(problem) => failed(&problem, audit),
    };
    conversation.error(&phrases::of("").could_not_check(&crate::System.host_name()));
    verdict
}

/// Has the broker say what a code of this user can look like now.
///
/// # Errors
/// The verdict, if it does not.
pub fn shapes_behind(attempt: &Attempt, audit: &dyn Audit) -> Result<Shapes, Verdict> {
    let said = Broker::connect().and_then(|mut broker| {
        broker.hello(Wish::Shapes, attempt)?;
        broker.hear()
    });
    match said {
        Ok(FromBroker::Shapes(shapes)) => Ok(shapes),
        Ok(FromBroker::Verdict(verdict)) if verdict != Verdict::Success && verdict != Verdict::Ignore => Err(verdict),
        Ok(_) => Err(failed("sent what was not asked for", audit)),
        Err(problem) => Err(failed(&problem, audit)),
    }
}

fn failed(problem: &str, audit: &dyn Audit) -> Verdict {
    let line = audit::Line::new("error").because(format!("the broker at {SOCKET}: {problem}"));
    audit.record(Severity::Error, line.as_str());
    Verdict::SystemError
}

/// The user id of whoever is at the other end of a UNIX socket, or listened there (unix(7), SO_PEERCRED).
///
/// # Errors
/// It is no such socket, or not connected.
pub fn peer(socket: impl AsFd) -> Result<u32, Errno> {
    let mut peer = libc::ucred { pid: 0, uid: libc::uid_t::MAX, gid: libc::gid_t::MAX };
    let size = size_of::<libc::ucred>();
    let mut length = libc::socklen_t::try_from(size).map_err(|_| Errno::INVAL)?;
    let descriptor = socket.as_fd().as_raw_fd();
    // SAFETY: `peer` has room for the `length` bytes that we say it has, and outlives the call; any bytes are a `ucred`.
    let result = unsafe {
        libc::getsockopt(descriptor, libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut peer).cast(), &raw mut length)
    };
    // A socket that has no peer says so by the ids of nobody.
    if result == 0 && usize::try_from(length) == Ok(size) && peer.uid != libc::uid_t::MAX {
        Ok(peer.uid)
    } else {
        Err(Errno::NOTCONN)
    }
}

/// A connected broker.
pub(crate) struct Broker(pub(crate) Line);

impl Broker {
    /// Only root can listen for logins: the folder of the socket is root's, and so is whoever made it.
    pub(crate) fn connect() -> Result<Self, String> {
        let open = || -> Result<OwnedFd, Errno> {
            let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
            let socket = raised(socket)?;
            // Connecting waits where many others do.
            set_socket_timeout(&socket, Timeout::Send, Some(ARRIVAL))?;
            connect(&socket, &SocketAddrUnix::new(SOCKET)?)?;
            Ok(socket)
        };
        let socket = open().map_err(|error| match error {
            Errno::NOENT | Errno::CONNREFUSED => {
                "nobody listens. Try: systemctl enable --now herald-broker.socket".into()
            }
            error => text(error),
        })?;
        match peer(&socket) {
            Ok(0) => Ok(Self(Line::new(socket))),
            Ok(other) => Err(format!("belongs to user id {other}, not to root")),
            Err(error) => Err(text(error)),
        }
    }

    /// The whole conversation, to the last frame.
    fn converse(&mut self, attempt: &Attempt, conversation: &mut dyn Conversation) -> Result<FromBroker, String> {
        self.hello(Wish::Login, attempt)?;
        loop {
            match self.hear()? {
                FromBroker::Ask { prompt, echo } => {
                    let reply = match conversation.ask(&prompt, echo) {
                        Err(_) => FromHost::NoReply,
                        Ok(Reply::Empty) => FromHost::Reply(Default::default()),
                        Ok(Reply::FirstFactor) => FromHost::FirstFactor,
                        Ok(Reply::Text(reply))
                            if attempt.authtok.as_ref().is_some_and(|token| token.same_as(&reply)) =>
                        {
                            FromHost::FirstFactor
                        }
                        Ok(Reply::Text(reply)) => FromHost::Reply(reply),
                    };
                    self.say(&reply)?;
                }
                FromBroker::Error(text) => conversation.error(&text),
                FromBroker::Info(text) => conversation.info(&text),
                end => return Ok(end),
            }
        }
    }

    fn hello(&mut self, wish: Wish, attempt: &Attempt) -> Result<(), String> {
        self.send(encode_hello(wish, attempt))
    }

    fn say(&mut self, said: &FromHost) -> Result<(), String> {
        self.send(encode_from_host(said))
    }

    fn send(&mut self, frame: Result<Zeroizing<Vec<u8>>, Malformed>) -> Result<(), String> {
        let frame = frame.map_err(|_| "what was typed is too long for it".to_owned())?;
        self.wait_for(|line| line.send(&frame))
    }

    fn hear(&mut self) -> Result<FromBroker, String> {
        let payload = self.wait_for(|line| line.receive(MAX_FRAME))?;
        decode_from_broker(&payload).map_err(|malformed| malformed.to_string())
    }

    /// The person may take as long as the host lets them; the broker may not.
    fn wait_for<T>(&mut self, step: impl FnOnce(&Line) -> Result<T, Broken>) -> Result<T, String> {
        let _ = self.0.allow(PATIENCE);
        step(&self.0).map_err(|broken| broken.to_string())
    }
}
