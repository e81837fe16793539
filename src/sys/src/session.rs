//! The login session of a process: the terminal session of its kernel, and when that began.
#![forbid(unsafe_code)]

use crate::files::READ;
use rustix::fs::{Mode, open};
use rustix::process::{Pid, getsid};

/// The session of this process by its leader's id and the moment that the leader started, in clock ticks since boot
/// (getsid(2); proc(5), `/proc/PID/stat`, field 22): ids are used again, moments are not.
///
/// `None` without a session, or if its leader is gone.
pub(crate) fn current() -> Option<String> {
    let leader = Pid::as_raw(getsid(None).ok());
    let file = open(format!("/proc/{leader}/stat"), READ, Mode::empty()).ok()?;
    // Longer than the line is: numbers of 20 digits at most, and a name of 16 bytes.
    let mut line = [0; 1024];
    let length = rustix::io::read(&file, &mut line).ok()?;
    let line = String::from_utf8_lossy(line.get(..length)?);
    Some(format!("{leader}@{}", started(&line)?))
}

/// The name of a process may hold blanks and parentheses: what counts begins behind the last one.
fn started(stat: &str) -> Option<&str> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(19)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_stays_in_its_session_and_another_session_is_another() {
        let here = current().expect("a session");
        assert_eq!(current(), Some(here.clone()));
        let (leader, started) = here.split_once('@').expect("two parts");
        assert!(leader.parse::<u32>().is_ok() && started.parse::<u64>().is_ok(), "{here}");
    }

    #[test]
    fn the_name_of_the_leader_changes_nothing() {
        let stat = "4711 (a) b) (c) S 1 4711 4711 34816 4711 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 9 9\n";
        assert_eq!(started(stat), Some("987654"));
        assert_eq!(started("4711 (sh) S 1"), None);
    }
}
