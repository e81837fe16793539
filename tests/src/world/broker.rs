//! The broker of a scratch machine: its socket, and whoever takes the connections.

use super::artefacts;
use super::story::World;
use crate::pam::Host;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::chown;
use std::process::{Child, ChildStdin, Stdio};

/// Where the module looks for it.
pub const BROKER_SOCKET: &str = "/run/herald-broker.sock";
const PROGRAM: &str = "/usr/libexec/herald/herald-broker";
const SHADOW_GROUP: u32 = 42;

/// Somebody who listens where the broker does, or knocks there. Dropping it ends that process.
#[derive(Debug)]
pub struct Somebody {
    process: Child,
    stdin: Option<ChildStdin>,
}

impl World {
    /// Starts the broker as its socket unit would: root listens, and a process for each connection serves it, with the
    /// capabilities that its service unit leaves.
    pub fn broker(&self) -> Somebody {
        self.machine.install(&artefacts::broker(), PROGRAM);
        // What Debian's unix_chkpwd(8) reads for those who are not root.
        chown(self.machine.path("/etc/shadow"), None, Some(SHADOW_GROUP)).expect("root");
        self.machine.set_mode("/etc/shadow", 0o640);
        let bounding = format!("--bounding-set=-all,{}", capabilities().join(","));
        self.listener("root", BROKER_SOCKET, &["/usr/bin/setpriv", "--no-new-privs", &bounding, "--", PROGRAM])
    }

    /// Somebody listens at this socket, and runs this for every connection.
    pub fn listener(&self, user: &str, socket: &str, program: &[&str]) -> Somebody {
        self.install_own("listener");
        self.start(user, &[&["/usr/local/bin/listener", socket], program].concat())
    }

    /// Somebody who opens connections to the broker (`knock`): so many at once, or `again` and again, with these bytes on
    /// each.
    pub fn knock(&self, user: &str, count: &str, bytes: &[u8]) -> Somebody {
        self.install_own("knock");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.start(user, &["/usr/local/bin/knock", BROKER_SOCKET, count, &hex])
    }

    /// A PAM host that runs as this user, as a screen locker does.
    pub fn locker(&self, user: &str, service: &str, stack: &str) -> Host {
        let as_user = format!("--reuid={user}");
        let group = format!("--regid={user}");
        self.host_by(&["setpriv", &as_user, &group, "--init-groups", "--"], service, stack).user(user).tty(":0")
    }

    fn start(&self, user: &str, words: &[&str]) -> Somebody {
        let mut command = self.machine.command(user, words);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        let said = BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line);
        assert!(said.is_ok_and(|length| length > 0), "{words:?} does not start");
        Somebody { stdin: process.stdin.take(), process }
    }
}

/// What stands in the unit, as setpriv(1) has it: `+setuid`.
fn capabilities() -> Vec<String> {
    const UNIT: &str = include_str!("../../../packaging/systemd/herald-broker@.service");
    let set = UNIT.lines().find_map(|line| line.strip_prefix("CapabilityBoundingSet=")).expect("a line of the unit");
    assert!(UNIT.contains("\nNoNewPrivileges=yes\n"));
    set.split(' ').map(|name| name.replacen("CAP_", "+", 1).to_lowercase()).collect()
}

impl Drop for Somebody {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.process.wait();
    }
}
