//! The login session of a process: the terminal session of its kernel, and when that began.
#![allow(unsafe_code)] // getsid(2)

use crate::files::READ;
use rustix::fs::{Mode, open};

/// The session of this process by its leader's id and the moment that the leader started, in clock ticks since boot
/// (getsid(2); proc(5), `/proc/PID/stat`, field 22): ids are used again, moments are not.
///
/// `None` if the leader is gone, or outside of our PID namespace (pid_namespaces(7)): a session that cannot be told from
/// another is none.
pub(crate) fn current() -> Option<String> {
    let leader = leader()?;
    let file = open(format!("/proc/{leader}/stat"), READ, Mode::empty()).ok()?;
    // Longer than the line is: numbers of 20 digits at most, and a name of 16 bytes.
    let mut line = [0; 1024];
    let length = rustix::io::read(&file, &mut line).ok()?;
    let line = String::from_utf8_lossy(line.get(..length)?);
    Some(format!("{leader}@{}", started(&line)?))
}

/// rustix's own `getsid` takes the 0 that stands for a leader outside of our PID namespace for a process.
fn leader() -> Option<libc::pid_t> {
    // SAFETY: takes a number and gives one; 0 asks for the calling process.
    let leader = unsafe { libc::getsid(0) };
    (leader > 0).then_some(leader)
}

/// The name of a process may hold blanks and parentheses: what counts begins behind the last one.
fn started(stat: &str) -> Option<&str> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(19)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::process::Command;

    /// Prints this process's session, in a process of its own.
    #[test]
    #[ignore = "part of a story: prints its session"]
    fn part_prints_its_session() {
        println!("session: {:?}", current());
    }

    /// What a process that `with` starts sees: `setsid`, or `unshare` with options.
    fn seen(with: &[&str]) -> String {
        let [program, options @ ..] = with else { panic!("no program") };
        let this = std::env::current_exe().expect("this test");
        let part = ["session::tests::part_prints_its_session", "--exact", "--ignored", "--nocapture"];
        let output = Command::new(program).args(options).arg(this).args(part).output().expect("util-linux");
        let output = String::from_utf8(output.stdout).expect("text");
        let seen = output.lines().find_map(|line| Some(line.split_once("session: ")?.1));
        seen.unwrap_or_else(|| panic!("no session in {output}")).to_owned()
    }

    #[test]
    fn a_process_stays_in_its_session_and_another_session_is_another() {
        assert_eq!(current(), current());
        let (one, other) = (seen(&["setsid", "--wait"]), seen(&["setsid", "--wait"]));
        for seen in [&one, &other] {
            let parts = seen.strip_prefix("Some(\"").and_then(|seen| seen.strip_suffix("\")"));
            let (leader, started) = parts.and_then(|seen| seen.split_once('@')).expect("an id and a moment");
            assert!(leader.parse::<u32>().is_ok() && started.parse::<u64>().is_ok(), "{seen}");
        }
        assert_ne!(one, other);
    }

    #[test]
    fn a_session_whose_leader_is_outside_of_our_pid_namespace_is_none() {
        assert_eq!(seen(&["unshare", "--pid", "--fork", "--mount-proc"]), "None");
    }

    #[test]
    fn the_name_of_the_leader_changes_nothing() {
        let stat = "4711 (a) b) (c) S 1 4711 4711 34816 4711 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 9 9\n";
        assert_eq!(started(stat), Some("987654"));
        assert_eq!(started("4711 (sh) S 1"), None);
    }
}
