//! The way to the network side: one request into `herald-deliver`, one answer out of it (rule 23).
//!
//! The line is one socket pair, the helper's stdin and stdout. When either end is gone, the other knows. The answer
//! alone is the verdict; everything else is an error that says what happened.
#![forbid(unsafe_code)]

use crate::child::Child;
use crate::files::check_executable;
use crate::line::{Broken, Line, raised};
use crate::way::text;
use herald_core::courier::{
    Answer, Courier, CourierError, End, Job, MAX_ANSWER, Request, decode_answer, encode_request,
};
use herald_core::machine::FileError;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
        let frame = encode_request(request)
            .map_err(|_| not_started("the request is longer than 1 MiB. Shorten the files it takes in".to_owned()))?;
        let (child, socket) = self.start()?;
        let mut line = Line::new(socket);
        line.allow(time).ok_or_else(|| not_started("the deadline is too far".to_owned()))?;
        let payload = line.send(&frame).and_then(|()| line.receive(MAX_ANSWER)).and_then(|payload| {
            // Nothing may stand behind the frame.
            if line.has_more() { Err(Broken::TooLong) } else { Ok(payload) }
        });
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
