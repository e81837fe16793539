//! A machine of the test's own: namespaces in which everything that a login reads or writes is in memory, and in
//! which this machine's programs run. Nothing of it is left when it is dropped, or when the test is killed.

use super::artefacts;
use super::journal::Journal;
use super::terminal::Terminal;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, Uid, kill_process};
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The name of the machine, as it stands on the phone.
pub const HOST_NAME: &str = "scratch";
/// Nothing in a test takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The machine. It has this machine's /usr, and of its /etc what a login needs; /etc, /var, /run, /root, /tmp and /dev are
/// its own, and so are its processes and its name. Its network is this machine's.
#[derive(Debug)]
pub struct Machine {
    namespaces: Child,
    first: u32,
    journal: Option<Journal>,
}

/// How a program without a terminal ended.
#[derive(Debug)]
pub struct Ended {
    /// Its status.
    pub status: ExitStatus,
    /// Its stdout.
    pub output: String,
    /// Its stderr.
    pub errors: String,
}

impl Machine {
    /// A new machine, without users.
    pub fn new() -> Self {
        assert!(rustix::process::geteuid().is_root(), "stories with real hosts need root for their namespaces");
        let folder = artefacts::module_folder();
        let mut command = Command::new("setpriv");
        // Both die with whom they belong to, also when the test is killed; and with the first process, all.
        command.args(["--pdeathsig", "KILL", "--", "unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child"]);
        command.args(["--propagation", "private", "--", "/bin/sh", "-c", include_str!("namespace.sh")]);
        command.arg("namespace.sh").arg(folder).arg(HOST_NAME);
        command.env_clear().env("PATH", PATH).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut namespaces = command.spawn().expect("setpriv and unshare (util-linux)");
        let mut line = String::new();
        BufReader::new(namespaces.stdout.take().expect("a pipe")).read_line(&mut line).expect("text");
        let Ok(first) = line.trim().parse() else {
            let mut errors = String::new();
            let _ = namespaces.stderr.take().expect("a pipe").read_to_string(&mut errors);
            panic!("no namespaces for a scratch machine: {errors}");
        };
        let mut machine = Self { namespaces, first, journal: None };
        machine.journal = Some(Journal::listen(&machine.path("/dev/log")));
        machine
    }

    /// Where this test finds a path of the machine. It must not lead over a link.
    pub fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.first))
    }

    /// The log.
    pub fn journal(&self) -> &Journal {
        self.journal.as_ref().expect("set when it was made")
    }

    /// Makes a folder of root's, and those above it.
    pub fn folder(&self, path: &str, mode: u32) {
        let real = self.path(path);
        fs::create_dir_all(&real).unwrap_or_else(|error| panic!("{path}: {error}"));
        fs::set_permissions(&real, Permissions::from_mode(mode)).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Writes a file of root's. Not for programs: other threads of a test fork while this one writes, and what somebody
    /// has open for writing cannot be executed.
    pub fn write(&self, path: &str, mode: u32, text: impl AsRef<[u8]>) {
        let real = self.path(path);
        fs::write(&real, text).unwrap_or_else(|error| panic!("{path}: {error}"));
        fs::set_permissions(&real, Permissions::from_mode(mode)).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Gives a file another mode.
    pub fn set_mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), Permissions::from_mode(mode)).expect("root");
    }

    /// Installs a program of this machine, under another name perhaps.
    pub fn install(&self, from: &Path, to: &str) {
        let status = Command::new("cp").arg("--preserve=mode").arg(from).arg(self.path(to)).status().expect("cp");
        assert!(status.success(), "{} to {to}: {status}", from.display());
    }

    /// Installs a shell script.
    pub fn install_script(&self, to: &str, mode: u32, script: &str) {
        let ended = self.run("root", &["tee", to], &format!("#!/bin/sh\n{script}\n"));
        assert!(ended.status.success(), "{ended:?}");
        fs::set_permissions(self.path(to), Permissions::from_mode(mode)).expect("root");
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Adds a line to a file of root's.
    pub fn append(&self, path: &str, line: &str) {
        let text = self.read(path);
        fs::write(self.path(path), format!("{text}{line}\n")).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// A program on the machine, run by this user in an environment that says nothing.
    pub fn command(&self, user: &str, words: &[&str]) -> Command {
        self.prepared(user, &[], words)
    }

    /// Runs a program without a terminal to its end, with this on its stdin.
    pub fn run(&self, user: &str, words: &[&str], input: &str) -> Ended {
        let mut command = self.prepared(user, &["setsid", "--wait"], words);
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut process = process.unwrap_or_else(|error| panic!("{words:?}: {error}"));
        // Who does not read to the end is no failure of the test.
        let _ = process.stdin.take().expect("a pipe").write_all(input.as_bytes());
        let output = reader(process.stdout.take().expect("a pipe"));
        let errors = reader(process.stderr.take().expect("a pipe"));
        let give_up = Instant::now() + PATIENCE;
        let status = loop {
            match process.try_wait().expect("a child") {
                Some(status) => break status,
                None if Instant::now() < give_up => thread::sleep(Duration::from_millis(2)),
                None => {
                    let _ = process.kill();
                    panic!("{words:?} does not end:\n{}", self.journal().text());
                }
            }
        };
        let text = |reader: thread::JoinHandle<String>| reader.join().expect("a reader");
        Ended { status, output: text(output), errors: text(errors) }
    }

    /// Runs a program at a terminal of this user. Ctrl-C ends it, also where whoever runs the tests ignores that.
    pub fn terminal(&self, user: &str, words: &[&str]) -> Terminal {
        let session = ["env", "--default-signal=INT", "setsid", "--ctty", "--wait"];
        Terminal::start(self.prepared(user, &session, words), self.uid(user))
    }

    /// Starts a program that stays until what is given back is dropped.
    pub fn start(&self, words: &[&str]) -> Running {
        let mut command = self.command("root", words);
        let entry = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Running(entry.unwrap_or_else(|error| panic!("{words:?}: {error}")))
    }

    /// Every process but the first, as `name(id)`.
    pub fn processes(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("/proc")).expect("/proc").flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let named =
            |id| Some(format!("{}({id})", fs::read_to_string(self.path(&format!("/proc/{id}/comm"))).ok()?.trim()));
        ids.filter(|id| *id != 1).filter_map(named).collect()
    }

    /// Waits until no process has this name, or fails.
    pub fn wait_until_gone(&self, name: &str) {
        let prefix = format!("{name}(");
        let is_there = |process: &String| process.starts_with(&prefix);
        let give_up = Instant::now() + PATIENCE;
        while self.processes().iter().any(is_there) {
            assert!(Instant::now() < give_up, "{name} is still there: {:?}", self.processes());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The lock files in this folder that somebody holds.
    pub fn held_locks(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return Vec::new() };
        let held = |path: &PathBuf| {
            let file = File::open(path).expect("a lock file");
            matches!(flock(&file, FlockOperation::NonBlockingLockExclusive), Err(Errno::WOULDBLOCK))
        };
        let paths = entries.flatten().map(|entry| entry.path());
        let locks = paths.filter(|path| path.to_string_lossy().ends_with("~lock")).filter(held);
        locks.map(|path| path.display().to_string()).collect()
    }

    fn prepared(&self, user: &str, session: &[&str], words: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        let first = self.first.to_string();
        command.args(["--pdeathsig", "KILL", "--"]);
        command.args(["nsenter", "--target", &first, "--mount", "--pid", "--uts", "--"]).args(session);
        if user != "root" {
            let (uid, gid) = (format!("--reuid={user}"), format!("--regid={}", self.gid(user)));
            command.args(["setpriv", &uid, &gid, "--init-groups", "--"]);
        }
        command.args(words).env_clear().env("PATH", PATH).env("LC_ALL", "C.UTF-8").env("TERM", "dumb");
        command
    }

    fn uid(&self, user: &str) -> Uid {
        Uid::from_raw(self.passwd(user, 2).parse().expect("a number"))
    }

    fn gid(&self, user: &str) -> String {
        self.passwd(user, 3)
    }

    fn passwd(&self, user: &str, field: usize) -> String {
        let text = self.read("/etc/passwd");
        let line = text.lines().find(|line| line.split(':').next() == Some(user));
        let line = line.unwrap_or_else(|| panic!("the machine has no user {user}"));
        line.split(':').nth(field).expect("a field").to_owned()
    }
}

/// A program that stays. The process is the way into the namespaces; the program is its only child.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_some()
    }
}

impl Drop for Running {
    /// The program first, whose end is then waited for by the way in: left to itself it would be a child of whoever
    /// is the first process here, and as long as that one takes no notice the machine could not end.
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// Kills the only child of this way into the namespaces, and waits for both.
pub(super) fn end(entry: &mut Child) {
    let id = entry.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    for child in children.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)) {
        let _ = kill_process(child, Signal::KILL);
    }
    if children.trim().is_empty() {
        let _ = entry.kill();
    }
    let _ = entry.wait();
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.journal = None;
        // With the first process all others end, and the one that made the namespaces waits for it. While that one is
        // there, the id is still the first's.
        if matches!(self.namespaces.try_wait(), Ok(None)) {
            let first = i32::try_from(self.first).ok().and_then(Pid::from_raw);
            let _ = first.map(|first| kill_process(first, Signal::KILL));
            let _ = self.namespaces.wait();
        }
    }
}

const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

fn reader(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
