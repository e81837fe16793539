//! What a person sees who sits at a terminal: secrets are typed unseen, and Ctrl-C leaves the terminal as it was.
//! The terminal is a pseudo-terminal; `herald` has it as stdin and stderr. Needs root, as the commands do.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A terminal with a command on it.
struct Terminal {
    keyboard: File,
    line: OwnedFd,
    child: Child,
    screen: String,
}

impl Terminal {
    fn start(scratch: &Scratch, words: &[&str]) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&keyboard).expect("a terminal");
        unlockpt(&keyboard).expect("a terminal");
        let name = ptsname(&keyboard, Vec::new()).expect("its name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let line = rustix::fs::open(name, flags, Mode::empty()).expect("its other end");
        let end = || Stdio::from(line.try_clone().expect("a descriptor"));
        let child = Command::new(env!("CARGO_BIN_EXE_herald"))
            .env_clear()
            .arg("--config")
            .arg(scratch.0.join("herald.toml"))
            .args(words)
            .stdin(end())
            .stdout(Stdio::null())
            .stderr(end())
            .spawn()
            .expect("herald starts");
        Self { keyboard: File::from(keyboard), line, child, screen: String::new() }
    }

    /// Reads the screen until this stands there.
    fn wait_for(&mut self, text: &str) {
        let mut buffer = [0; 1024];
        let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
        while !self.screen.contains(text) {
            let ready = poll(&mut [PollFd::new(&self.keyboard, PollFlags::IN)], Some(&patience)).expect("the screen");
            assert!(ready > 0, "nothing more is said: {}", self.screen);
            let count = self.keyboard.read(&mut buffer).expect("the screen");
            self.screen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }

    fn type_in(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the keyboard");
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.line).expect("a terminal").local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    fn end(&mut self) -> ExitStatus {
        self.child.wait().expect("herald ends")
    }
}

/// A configuration whose network side is a script that answers nothing but the list of drivers.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: it needs root");
            return None;
        }
        let path = std::env::temp_dir().join(format!("herald-terminal-{}-{name}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&path).expect("a temporary folder");
        let path = path.canonicalize().expect("it was just made");
        let here = path.display();
        let config =
            format!("[paths]\nstate = \"{here}/state\"\nruntime = \"{here}/run\"\ndeliver = \"{here}/deliver\"\n");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path.join("herald.toml"))
            .expect("a file");
        file.write_all(config.as_bytes()).expect("a file");
        fs::write(path.join("drivers"), drivers().as_slice()).expect("a file");
        // The request is read, and the answer is the same to all.
        let script = format!("#!/bin/sh\ndd bs=64k count=1 >/dev/null\nexec cat '{here}/drivers'\n");
        fs::write(path.join("deliver"), script).expect("a file");
        fs::set_permissions(path.join("deliver"), fs::Permissions::from_mode(0o755)).expect("it is ours");
        Some(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn drivers() -> zeroize::Zeroizing<Vec<u8>> {
    use herald_core::courier::{Answer, Driver, FieldHelp, encode_answer};
    let token = FieldHelp { name: "token".into(), secret: true, required: true, help: "as BotFather prints it".into() };
    let driver = Driver {
        name: "telegram-bot".into(),
        channel: "telegram".into(),
        addresses: vec!["chat-id".into()],
        fields: vec![token],
    };
    encode_answer(&Answer::Drivers(vec![driver])).expect("it is short")
}

#[test]
fn rule_33_a_secret_is_typed_unseen() {
    let Some(scratch) = Scratch::new("unseen") else { return };
    let mut terminal = Terminal::start(&scratch, &["gateway", "add", "telegram-bot"]);
    assert!(terminal.echoes());
    terminal.wait_for("token: as BotFather prints it\r\ntoken: ");
    while terminal.echoes() {
        std::thread::yield_now();
    }
    terminal.type_in("110000000:FAKE-TOKENX\u{7f}\r");
    terminal.wait_for("herald: ");
    assert_eq!(terminal.end().code(), Some(1), "its answer to the check was the list of drivers");
    assert!(!terminal.screen.contains("FAKE"), "{}", terminal.screen);
    assert!(terminal.echoes(), "the terminal is as it was");
}

#[test]
fn ctrl_c_gives_up_the_question_and_leaves_the_terminal_as_it_was() {
    let Some(scratch) = Scratch::new("given-up") else { return };
    let mut terminal = Terminal::start(&scratch, &["gateway", "add", "telegram-bot"]);
    terminal.wait_for("\ntoken: ");
    while terminal.echoes() {
        std::thread::yield_now();
    }
    terminal.type_in("110000\u{3}");
    terminal.wait_for("try: ");
    assert_eq!(terminal.end().code(), Some(2), "something that must be there is missing");
    assert!(terminal.echoes(), "the terminal is as it was");
    assert!(!scratch.0.join("state").exists());
}

#[test]
fn with_json_a_person_is_not_asked() {
    let Some(scratch) = Scratch::new("json") else { return };
    for words in [&["--json", "try"][..], &["--json", "enroll", "telegram", "475721977"]] {
        let mut terminal = Terminal::start(&scratch, words);
        assert_eq!(terminal.end().code(), Some(2), "{words:?}");
    }
    let mut terminal = Terminal::start(&scratch, &["--json", "gateway", "add", "telegram-bot"]);
    assert_eq!(terminal.end().code(), Some(2));
}
