//! Self-service: somebody runs a command of `herald` for themselves. It runs as root, at the terminal that the caller sent
//! along, with the caller's name fixed; which commands that may be, and what has to be proved first, is `herald`'s to say.

use herald_core::account::Account;
use herald_core::broker::{Errand, encode_status};
use herald_sys::line::Line;
use herald_sys::{check_executable, watchdog};
use rustix::fs::{FileType, fstat};
use rustix::process::Pid;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long somebody may take: to find the phone, install an app, write codes down.
const ERRAND: Duration = Duration::from_secs(20 * 60);
/// What a change and its notices may take to be finished after that: some locks, and the longest deadline.
const GRACE: Duration = Duration::from_secs(90);
/// The exit status of a command that could not be run.
const FAILED: u8 = 1;

/// Runs it to its end, and says its exit status to the caller; whoever hangs up ends it.
pub(crate) fn run(account: &Account, errand: &Errand, terminal: Vec<OwnedFd>, mut line: Line) {
    if terminal.iter().any(speaks_for_root) {
        return;
    }
    let Ok([input, output, errors]) = <[OwnedFd; 3]>::try_from(terminal) else { return };
    let status = program().and_then(|program| {
        let mut command = Command::new(program);
        command.args(["__self", account.name.as_str()]).args(errand.words.iter().map(|word| OsStr::from_bytes(word)));
        command.env_clear().envs(errand.environment()).current_dir("/").process_group(0);
        command.stdin(Stdio::from(input)).stdout(Stdio::from(output)).stderr(Stdio::from(errors));
        let mut child = command.spawn().ok()?;
        // Our ends of the caller's terminal are closed with it.
        drop(command);
        watchdog::take_along(i32::try_from(child.id()).ok().and_then(Pid::from_raw));
        let guarded = line.as_fd().try_clone_to_owned();
        let guarded = guarded.and_then(|line| watchdog::hang_up_with(line, Instant::now() + ERRAND, GRACE));
        if guarded.is_err() {
            let _ = child.kill();
        }
        let ended = child.wait();
        watchdog::take_along(None);
        ended.ok()?.code().and_then(|code| u8::try_from(code).ok())
    });
    if let (Ok(frame), Some(())) = (encode_status(status.unwrap_or(FAILED)), line.allow(Duration::from_secs(1))) {
        let _ = line.send(&frame);
    }
}

/// Whether what is written there would be root's word: behind a socket the kernel says who wrote (unix(7), SCM_CREDENTIALS),
/// and the journal believes it. Terminals, pipes and files only know who opened them.
fn speaks_for_root(descriptor: &OwnedFd) -> bool {
    fstat(descriptor).map_or(true, |found| FileType::from_raw_mode(found.st_mode) == FileType::Socket)
}

/// `herald`, where the package has it beside this program, or where an admin put it.
fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let beside = own.ancestors().nth(3).map(|prefix| prefix.join("bin/herald"));
    let places = beside.into_iter().chain(["/usr/bin/herald", "/usr/local/bin/herald"].map(PathBuf::from));
    places.into_iter().find(|place| check_executable(place).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixDatagram, UnixStream};

    #[test]
    fn rule_31_nothing_is_written_to_a_socket_where_it_would_be_roots_word() {
        let (stream, _other) = UnixStream::pair().expect("a pair");
        let datagrams = UnixDatagram::unbound().expect("a socket");
        let (_reader, pipe) = std::io::pipe().expect("a pipe");
        let file = std::fs::File::open("/dev/null").expect("a device");
        let said =
            [stream.into(), datagrams.into(), pipe.into(), file.into()].map(|one: OwnedFd| speaks_for_root(&one));
        assert_eq!(said, [true, true, false, false]);
    }
}
