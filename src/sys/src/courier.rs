//! The way to the network side: one request into `herald-deliver`, one answer out of it (rule 23).
//!
//! The line is one socket pair, the helper's stdin and stdout. When either end is gone, the other knows. The answer
//! alone is the verdict; everything else is an error that says what happened.
#![forbid(unsafe_code)]

use crate::child::Child;
use crate::files::check_executable;
use crate::way::text;
use herald_core::courier::{
    Answer, Courier, CourierError, End, Job, MAX_ANSWER, Request, decode_answer, encode_request,
};
use herald_core::machine::FileError;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::Timespec;
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What the helper gets beyond the deadline of the request; it ends itself then, too.
const GRACE: Duration = Duration::from_secs(1);

/// Starts one `herald-deliver` for each request.
#[derive(Clone, Debug)]
pub struct Spawner {
    program: PathBuf,
}

impl Spawner {
    /// A courier that starts this program, an absolute path.
    pub fn new(program: &Path) -> Self {
        Self { program: program.to_owned() }
    }

    fn start(&self) -> Result<(Child, OwnedFd), CourierError> {
        let path = self.program.display();
        check_executable(&self.program).map_err(|error| match error {
            FileError::Missing(missing) => not_started(format!(
                "{}: there is no such file. Install herald-deliver, or set paths.deliver",
                missing.display()
            )),
            other => not_started(other.to_string()),
        })?;
        let failed = |error| not_started(format!("{path} cannot be started: {}", text(error)));
        let program = CString::new(self.program.as_os_str().as_bytes()).map_err(|_| failed(Errno::INVAL))?;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .and_then(|(ours, theirs)| Ok((raised(ours)?, raised(theirs)?)))
            .map_err(failed)?;
        let child = Child::spawn(&program, c"herald-deliver", theirs.as_fd()).map_err(failed)?;
        Ok((child, ours))
    }
}

impl Courier for Spawner {
    fn carry(&self, request: &Request) -> Result<Answer, CourierError> {
        let time = request.deadline.saturating_add(GRACE);
        let deadline =
            Instant::now().checked_add(time).ok_or_else(|| not_started("the deadline is too far".to_owned()))?;
        let frame = encode_request(request)
            .map_err(|_| not_started("the request is longer than 1 MiB. Shorten the files it takes in".to_owned()))?;
        let (child, socket) = self.start()?;
        let line = Line { socket, deadline };
        let payload = line.send(&frame).and_then(|()| line.receive());
        // Hang up before the end is waited for: a helper that is still at it takes that as its own.
        drop(line);
        match payload {
            Ok(payload) => {
                child.finish();
                let answer = decode_answer(&payload).map_err(|_| failed("sent what is not an answer"))?;
                if fits(&answer, request) { Ok(answer) } else { Err(failed("answered something else than was asked")) }
            }
            // It is at its end by itself, or as good as.
            Err(Broken::Closed) => Err(failed(&match child.finish() {
                Some(end) => format!("ended without a complete answer ({end})"),
                None => "ended without a complete answer".to_owned(),
            })),
            Err(Broken::Late) => Err(failed(&format!("gave no answer within {} s", time.as_secs()))),
            Err(Broken::TooLong) => Err(failed("sent more than an answer")),
            Err(Broken::System(error)) => Err(failed(&format!("could not be talked to: {}", text(error)))),
        }
    }
}

/// Our end of the socket pair, and when the conversation is over.
struct Line {
    socket: OwnedFd,
    deadline: Instant,
}

/// Why there is no answer.
enum Broken {
    Late,
    Closed,
    TooLong,
    System(Errno),
}

impl Line {
    fn send(&self, mut bytes: &[u8]) -> Result<(), Broken> {
        while !bytes.is_empty() {
            // Without MSG_NOSIGNAL a helper that is gone would end the host by SIGPIPE.
            match send(&self.socket, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) => self.cope(error, PollFlags::OUT)?,
            }
        }
        Ok(())
    }

    /// The payload of one frame, and nothing behind it.
    fn receive(&self) -> Result<Zeroizing<Vec<u8>>, Broken> {
        let mut length = [0; 4];
        self.fill(&mut length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_ANSWER {
            return Err(Broken::TooLong);
        }
        let mut payload = Zeroizing::new(vec![0; length]);
        self.fill(&mut payload)?;
        match recv(&self.socket, &mut [0], RecvFlags::DONTWAIT) {
            Ok((_, 1..)) => Err(Broken::TooLong),
            _ => Ok(payload),
        }
    }

    fn fill(&self, buffer: &mut [u8]) -> Result<(), Broken> {
        let mut filled = 0;
        while filled < buffer.len() {
            match recv(&self.socket, &mut buffer[filled..], RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return Err(Broken::Closed),
                Ok((_, count)) => filled += count,
                Err(error) => self.cope(error, PollFlags::IN)?,
            }
        }
        Ok(())
    }

    /// Waits if there is something to wait for.
    fn cope(&self, error: Errno, events: PollFlags) -> Result<(), Broken> {
        match error {
            Errno::AGAIN => self.wait(events),
            Errno::INTR => Ok(()),
            Errno::PIPE | Errno::CONNRESET => Err(Broken::Closed),
            other => Err(Broken::System(other)),
        }
    }

    fn wait(&self, events: PollFlags) -> Result<(), Broken> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Broken::Late);
            }
            let left = Timespec::try_from(left).map_err(|_| Broken::Late)?;
            match poll(&mut [PollFd::new(&self.socket, events)], Some(&left)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(Broken::System(error)),
            }
        }
    }
}

/// Moves a descriptor above 2: hosts close 0 to 2, and the helper's own would be put over it.
fn raised(descriptor: OwnedFd) -> Result<OwnedFd, Errno> {
    if descriptor.as_raw_fd() > 2 { Ok(descriptor) } else { fcntl_dupfd_cloexec(&descriptor, 3) }
}

/// Whether an answer is one to this request: of its kind, and only about gateways that were named in it.
fn fits(answer: &Answer, request: &Request) -> bool {
    match (&request.job, answer) {
        (Job::Describe(_), Answer::Drivers(_)) | (Job::FindChat { .. }, Answer::Chat(_)) => true,
        (Job::Check, Answer::Faults(faults)) => {
            faults.iter().all(|fault| request.gateways.iter().any(|gateway| gateway.name == fault.gateway))
        }
        (Job::Status, Answer::Status(conditions)) => {
            let asked = request.gateways.iter().map(|gateway| &gateway.name);
            asked.eq(conditions.iter().map(|condition| &condition.gateway))
        }
        (Job::Send { tries, .. }, Answer::Tries(tried)) => {
            // In the order in which they were asked for, none twice; after a delivery there is no other try.
            let mut asked = tries.iter();
            let delivered = tried.iter().position(|one| one.end == End::Delivered);
            tried.iter().all(|one| asked.any(|wanted| wanted.gateway == one.gateway))
                && delivered.is_none_or(|position| position + 1 == tried.len())
        }
        _ => false,
    }
}

fn not_started(text: String) -> CourierError {
    CourierError::NotStarted(text)
}

fn failed(what: &str) -> CourierError {
    CourierError::Failed(format!("herald-deliver {what}. Try: sudo herald doctor"))
}
