//! A process beside this one that starts the admin's own programs.
//!
//! Inside the cage nothing can be started, and what is started there would have to live in it: a script could not even
//! start its interpreter. So the process divides in two before the cage closes. This side talks to the network and can
//! start nothing; the other side never sees the network, and starts the one program that the gateway names, when it is
//! told to, with what it is told as standard input.

use super::command;
use crate::refusal::Refusal;
use herald_core::courier::{Answer, End, Gateway, Job, Malformed, Request, Tried, decode_answer, encode_answer};
use herald_sys::process::{Side, fork};
use herald_sys::watchdog;
use rustix::fs::{Mode, OFlags};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// More than any input of a program or any answer has.
const LONGEST: usize = 64 * 1024;

static LAUNCHERS: OnceLock<Vec<Launcher>> = OnceLock::new();

/// The other side of a division.
struct Launcher {
    /// What it starts.
    program: String,
    /// The line to it; or why there is none.
    line: Result<Mutex<UnixStream>, Refusal>,
}

/// Divides the process for each program that a request may start. Only while there is one thread. Of the other sides,
/// each ends itself at `deadline`, and when this one is gone; they never come back from here.
pub(crate) fn divide(request: &Request, deadline: Instant) {
    let Job::Send { .. } = request.job else { return };
    let is_command = |gateway: &&Gateway| gateway.driver == "command";
    let mut launchers: Vec<Launcher> = Vec::new();
    for gateway in request.gateways.iter().filter(is_command) {
        let Ok(program) = command::program(gateway) else { continue };
        if !launchers.iter().any(|known| known.program == program) {
            let refusal = |_| Refusal::new(End::TryAgain { after: None }, "no process is to be had");
            let line = start(program, deadline).map(Mutex::new).map_err(refusal);
            launchers.push(Launcher { program: program.to_owned(), line });
        }
    }
    let _ = LAUNCHERS.set(launchers);
}

/// Starts a program, by its launcher where there is one, and waits for what becomes of it.
///
/// # Errors
/// It was not started, took too long, or says that the message was not delivered.
pub(super) fn run(program: &str, input: &str, until: Instant) -> Result<(), Refusal> {
    let launchers = LAUNCHERS.get().map(Vec::as_slice).unwrap_or_default();
    let Some(launcher) = launchers.iter().find(|known| known.program == program) else {
        // Nothing was divided, so nothing is closed: the driver's own tests.
        return command::run(program, input, until);
    };
    let mut line = launcher.line.as_ref().map_err(Clone::clone)?.lock().unwrap_or_else(PoisonError::into_inner);
    let lost = |_| Refusal::new(End::Unclear, "the program was started and cannot be watched");
    tell(&mut line, input, until).and_then(|()| hear(&mut line)).map_err(lost)?
}

/// Divides the process. The line to the other side comes back only on this one.
fn start(program: &str, deadline: Instant) -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    match fork()? {
        Side::Parent => Ok(ours),
        Side::Child => {
            drop(ours);
            std::process::exit(if serve(program, theirs, deadline).is_ok() { 0 } else { 1 })
        }
    }
}

/// The other side: starts the program whenever it is told to, until the line is hung up.
fn serve(program: &str, mut line: UnixStream, deadline: Instant) -> io::Result<()> {
    // Whoever waits for the answer must see the line hung up when the side that answers is gone.
    let nothing = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    watchdog::die_with(line.try_clone()?, deadline)?;
    while let Some((input, until)) = told(&mut line)? {
        let ended = command::run(program, &input, until);
        answer(&mut line, ended)?;
    }
    Ok(())
}

/// How much time there is, in milliseconds, and the length of what follows.
fn tell(line: &mut UnixStream, input: &str, until: Instant) -> io::Result<()> {
    let left = until.saturating_duration_since(Instant::now());
    let milliseconds = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    let length = u32::try_from(input.len()).map_err(io::Error::other)?;
    line.write_all(&milliseconds.to_be_bytes())?;
    line.write_all(&length.to_be_bytes())?;
    line.write_all(input.as_bytes())
}

/// `None` once nobody will say anything more.
fn told(line: &mut UnixStream) -> io::Result<Option<(Zeroizing<String>, Instant)>> {
    let mut milliseconds = [0; 8];
    match line.read_exact(&mut milliseconds) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let until = Instant::now() + Duration::from_millis(u64::from_be_bytes(milliseconds));
    let text = read_text(line)?;
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    Ok(Some((Zeroizing::new(text), until)))
}

/// As the answer of a whole process with one try: its frame begins with its length, too.
fn answer(line: &mut UnixStream, ended: Result<(), Refusal>) -> io::Result<()> {
    let Refusal { end, detail } = ended.err().unwrap_or_else(|| Refusal::new(End::Delivered, ""));
    let tried = Tried { gateway: String::new(), end, detail, took: Duration::ZERO };
    let frame = encode_answer(&Answer::Tries(vec![tried])).map_err(|Malformed| io::ErrorKind::InvalidData)?;
    line.write_all(&frame)
}

fn hear(line: &mut UnixStream) -> io::Result<Result<(), Refusal>> {
    let payload = read_text(line)?;
    match decode_answer(&payload) {
        Ok(Answer::Tries(tries)) => match tries.into_iter().next() {
            Some(Tried { end: End::Delivered, .. }) => Ok(Ok(())),
            Some(Tried { end, detail, .. }) => Ok(Err(Refusal::new(end, detail))),
            None => Err(io::ErrorKind::InvalidData.into()),
        },
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// What arrives of this on the other side of a division.
#[cfg(any(test, fuzzing))]
pub(crate) fn passed_on(ended: Result<(), Refusal>) -> io::Result<Result<(), Refusal>> {
    let (mut here, mut there) = UnixStream::pair()?;
    answer(&mut there, ended)?;
    hear(&mut here)
}

fn read_text(line: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    line.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = vec![0; length];
    line.read_exact(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_and_answered_arrives_as_it_was() {
        let (mut here, mut there) = UnixStream::pair().expect("a pair");
        tell(&mut here, "To: alice\n\n314159", Instant::now() + Duration::from_secs(5)).expect("written");
        let (input, until) = told(&mut there).expect("read").expect("something");
        assert_eq!(*input, "To: alice\n\n314159");
        let left = until.saturating_duration_since(Instant::now());
        assert!(left > Duration::from_secs(4) && left <= Duration::from_secs(5), "{left:?}");
        let refused = Refusal::new(End::TryAgain { after: None }, "pager is off");
        for ended in [Ok(()), Err(refused)] {
            assert_eq!(passed_on(ended.clone()).expect("read"), ended);
        }
        drop(here);
        assert!(told(&mut there).expect("the end").is_none());
    }
}
