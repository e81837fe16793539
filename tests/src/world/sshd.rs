//! sshd on a scratch machine, and the people who come to it.

use super::accounts::Person;
use super::machine::{Machine, Running};
use super::terminal::Terminal;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::thread;
use std::time::{Duration, Instant};

/// How long sshd may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);
const HOST_KEY: &str = "/etc/ssh/ssh_host_ed25519_key";
/// The key that [`Sshd::trust_key`] makes good.
const CLIENT_KEY: &str = "/run/client/id_ed25519";

/// A running sshd with Debian's own configuration, and what was dropped into `sshd_config.d`.
#[derive(Debug)]
pub struct Sshd<'a> {
    machine: &'a Machine,
    _process: Running,
    port: u16,
}

impl<'a> Sshd<'a> {
    /// Starts it. Each piece of configuration is a file in `sshd_config.d`, in this order; sshd takes the first
    /// value that it finds.
    pub fn start(machine: &'a Machine, pieces: &[&str]) -> Self {
        machine.folder("/etc/ssh/sshd_config.d", 0o755);
        machine.write("/etc/ssh/sshd_config", 0o644, include_str!("sshd_config"));
        for (position, piece) in pieces.iter().enumerate() {
            machine.write(&format!("/etc/ssh/sshd_config.d/{position}.conf"), 0o644, piece);
        }
        machine.folder("/run/client", 0o755);
        for key in [HOST_KEY, CLIENT_KEY] {
            let ended = machine.run("root", &["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], "");
            assert!(ended.status.success(), "{ended:?}");
        }
        for _ in 0..10 {
            if let Some((process, port)) = listen(machine) {
                let key = machine.read(&format!("{HOST_KEY}.pub"));
                machine.write("/run/client/known_hosts", 0o644, format!("[127.0.0.1]:{port} {key}"));
                return Self { machine, _process: process, port };
            }
        }
        panic!("sshd does not start:\n{}", machine.journal().text());
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Lets the client's key in for this person.
    pub fn trust_key(&self, person: Person) {
        let folder = format!("{}/.ssh", self.machine.home(person));
        let file = format!("{folder}/authorized_keys");
        self.machine.folder(&folder, 0o700);
        self.machine.write(&file, 0o600, self.machine.read(&format!("{CLIENT_KEY}.pub")));
        for path in [&folder, &file] {
            chown(self.machine.path(path), Some(person.uid()), Some(person.uid())).expect("root");
        }
    }

    /// A login by keyboard-interactive alone, tried once, at a terminal. Who gets in sees `in as NAME`.
    pub fn log_in(&self, user: &str) -> Terminal {
        let by_keyboard = ["-o", "PreferredAuthentications=keyboard-interactive", "-o", "NumberOfPasswordPrompts=1"];
        self.log_in_with(user, &by_keyboard)
    }

    /// A login with these options of ssh(1).
    pub fn log_in_with(&self, user: &str, options: &[&str]) -> Terminal {
        let words = self.words("ssh", &[options, &[&format!("{user}@127.0.0.1"), WELCOME]].concat());
        self.machine.terminal("root", &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The command line of `ssh`, `scp` or `sftp` for this server; the port goes in as an option that all three know.
    pub fn words(&self, program: &str, rest: &[&str]) -> Vec<String> {
        let port = format!("Port={}", self.port);
        let options = ["-F", "none", "-o", &port, "-o", "UserKnownHostsFile=/run/client/known_hosts", "-o"];
        let options = options.iter().chain(&["StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"]);
        [program].iter().chain(options).chain(rest).map(|word| (*word).to_owned()).collect()
    }

    /// The options that offer the client's key.
    pub fn with_key() -> [&'static str; 2] {
        ["-i", CLIENT_KEY]
    }
}

/// What the login runs.
const WELCOME: &str = "echo in as $(id -un)";

/// Lets sshd listen on a port that was free a moment ago; `None` if somebody else was quicker.
fn listen(machine: &Machine) -> Option<(Running, u16)> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).expect("loopback").port();
    let number = port.to_string();
    let words = ["/usr/sbin/sshd", "-D", "-p", &number, "-o", "ListenAddress=127.0.0.1", "-h", HOST_KEY];
    let mut sshd = machine.start(&words);
    let listening = format!("Server listening on 127.0.0.1 port {port}.");
    let give_up = Instant::now() + PATIENCE;
    loop {
        if machine.journal().records().iter().any(|record| record.text == listening) {
            return Some((sshd, port));
        }
        if sshd.has_ended() || Instant::now() > give_up {
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    }
}
