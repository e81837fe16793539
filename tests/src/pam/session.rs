//! A running host: one transaction of libpam, in a process of its own.

use super::built;
use super::code::Code;
use super::dialogue::{Answer, Answers, Exchange, Message, Outcome, Style};
use super::host::{Host, item};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Flags of the calls (pam(3)).
pub mod flag {
    /// PAM_SILENT
    pub const SILENT: i32 = 0x8000;
    /// PAM_ESTABLISH_CRED
    pub const ESTABLISH_CRED: i32 = 2;
}

/// Nothing in a test takes so long: a module that hangs fails the test instead of hanging it.
const PATIENCE: Duration = Duration::from_secs(90);

/// The calls of libpam that reach a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// pam_authenticate(3)
    Authenticate,
    /// pam_setcred(3)
    SetCredentials,
    /// pam_acct_mgmt(3)
    AccountManagement,
    /// pam_open_session(3)
    OpenSession,
    /// pam_close_session(3)
    CloseSession,
    /// pam_chauthtok(3)
    ChangeToken,
}

impl Call {
    fn word(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::SetCredentials => "setcred",
            Self::AccountManagement => "acct_mgmt",
            Self::OpenSession => "open_session",
            Self::CloseSession => "close_session",
            Self::ChangeToken => "chauthtok",
        }
    }
}

/// One line that libpam gave to syslog(3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Facility and level, as syslog(3) takes them.
    pub priority: i32,
    /// `pam_herald(sshd:auth):`
    pub prefix: String,
    /// The line itself.
    pub text: String,
}

/// What happens during a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The module says something and waits for [`Session::answer`], also where no reply is wanted.
    Said(Message),
    /// A line of the log.
    Logged(LogLine),
    /// libpam would now sleep, so many microseconds.
    Delayed(u32),
    /// The call is over.
    Returned(Code),
}

/// A running host. Dropping it kills it, wherever it is.
#[derive(Debug)]
pub struct Session {
    process: Child,
    commands: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Session {
    pub(super) fn launch(host: &Host) -> Self {
        let mut command = match host.launcher.split_first() {
            Some((program, words)) => {
                let mut command = Command::new(program);
                command.args(words);
                command
            }
            None => Command::new(built::host()),
        };
        command.env_clear().envs(host.environment.iter().map(|(name, value)| (name, value)));
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("pam-host starts");
        let (sender, lines) = channel();
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { commands: process.stdin.take(), process, lines }
    }

    /// `None` if the host is gone, or libpam starts no transaction.
    pub(super) fn open(&mut self, host: &Host) -> Option<()> {
        let folder = hex(host.folder.as_os_str().as_bytes());
        let service = hex(&host.service);
        match &host.user {
            Some(user) => self.tell(&format!("start {folder} {service} {}", hex(user)))?,
            None => self.tell(&format!("start-nameless {folder} {service}"))?,
        }
        let mut line = self.hear()?;
        // libpam complains of a stack before any call.
        while line.starts_with("log ") {
            line = self.hear()?;
        }
        if line != "started 0" {
            return None;
        }
        for (item, value) in &host.items {
            self.tell(&format!("set {item} {}", hex(value)))?;
        }
        for pair in &host.variables {
            self.tell(&format!("putenv {}", hex(pair)))?;
        }
        if host.mute { self.tell("mute") } else { Some(()) }
    }

    /// A whole pam_authenticate(3) without flags.
    pub fn authenticate(&mut self, answers: impl Answers) -> Outcome {
        self.call(Call::Authenticate, 0, answers)
    }

    /// A whole call.
    pub fn call(&mut self, call: Call, flags: i32, answers: impl Answers) -> Outcome {
        match self.attempt(call, flags, answers) {
            Some(outcome) => outcome,
            None => self.fail("it is gone"),
        }
    }

    /// A whole call in a host that may not survive it: `None` if it did not.
    pub fn attempt(&mut self, call: Call, flags: i32, mut answers: impl Answers) -> Option<Outcome> {
        self.tell(&format!("run {} {flags}", call.word()))?;
        let mut outcome = Outcome { code: Code(-1), transcript: Vec::new(), log: Vec::new(), delay: None };
        loop {
            match event(&self.hear()?) {
                Event::Said(message) => {
                    let answer = answers.answer(&message);
                    self.tell(&words(&answer))?;
                    outcome.transcript.push(Exchange { message, answer });
                }
                Event::Logged(line) => outcome.log.push(line),
                Event::Delayed(microseconds) => outcome.delay = Some(microseconds),
                Event::Returned(code) => return Some(Outcome { code, ..outcome }),
            }
        }
    }

    /// Starts a call and comes back at once; [`Session::next_event`] says how it goes.
    pub fn begin(&mut self, call: Call, flags: i32) {
        self.command(&format!("run {} {flags}", call.word()));
    }

    /// Waits for what happens next in a call that was begun.
    pub fn next_event(&mut self) -> Event {
        event(&self.line())
    }

    /// Runs to the next message and gives it back, or `None` if the call ends before.
    pub fn next_message(&mut self) -> Option<Message> {
        loop {
            match self.next_event() {
                Event::Said(message) => return Some(message),
                Event::Returned(_) => return None,
                Event::Logged(_) | Event::Delayed(_) => {}
            }
        }
    }

    /// Answers the message that waits.
    pub fn answer(&mut self, answer: &Answer) {
        self.command(&words(answer));
    }

    /// Sets an item by its number (pam_set_item(3)), also in the middle of a message, as a host may.
    pub fn set_item(&mut self, item: i32, value: impl AsRef<[u8]>) {
        self.command(&format!("set {item} {}", hex(value.as_ref())));
    }

    /// PAM_USER as it stands now.
    pub fn user(&mut self) -> Option<Vec<u8>> {
        self.command(&format!("get {}", item::USER));
        let value = self.reply_to("item");
        (value != "-").then(|| unhex(&value))
    }

    /// Everything that the process would keep of a change: environment, folder, ids, masks, signal handling,
    /// limits, descriptors, threads, children; one a line.
    pub fn surroundings(&mut self) -> String {
        self.command("surroundings");
        text(&self.reply_to("surroundings"))
    }

    /// How often these bytes stand in the memory that the host can write to.
    pub fn copies_in_memory(&mut self, bytes: impl AsRef<[u8]>) -> usize {
        self.command(&format!("search {}", hex(bytes.as_ref())));
        self.reply_to("found").parse().expect("a number")
    }

    /// All memory that the host can write to, as a core of it would hold it (core(5)).
    pub fn core(&mut self) -> Vec<u8> {
        self.command("core");
        unhex(&self.reply_to("core"))
    }

    /// Ends the transaction, which unloads the module, and starts another in the same process.
    pub fn start_again(&mut self, host: &Host) {
        self.command("end");
        if self.open(host).is_none() {
            self.fail("it is gone");
        }
    }

    /// Whether this library is loaded in the host once its transaction has ended; then another starts.
    pub fn stays_loaded(&mut self, library: &str, host: &Host) -> bool {
        self.command("end");
        let pieces = self.mapped(library);
        if self.open(host).is_none() {
            self.fail("it is gone");
        }
        assert!(self.mapped(library) > 0, "{library} is not what is loaded");
        pieces > 0
    }

    fn mapped(&mut self, library: &str) -> usize {
        self.command(&format!("mapped {}", hex(library.as_bytes())));
        self.reply_to("mapped").parse().expect("a number")
    }

    /// Opens so many descriptors in the host, for good.
    pub fn open_descriptors(&mut self, count: usize) {
        self.command(&format!("open {count}"));
    }

    /// Closes the host's stdin, stdout and stderr.
    pub fn close_stdio(&mut self) {
        self.command("hush");
    }

    /// openlog(3) in the host, under this name.
    pub fn open_log(&mut self, ident: &str) {
        self.command(&format!("ident {}", hex(ident.as_bytes())));
    }

    /// A line of the host's own for the log of its machine.
    pub fn log(&mut self, line: &str) {
        self.command(&format!("log {}", hex(line.as_bytes())));
    }

    /// From now on the host reaps every child that it has.
    pub fn reap_every_child(&mut self) {
        self.command("reap");
    }

    /// How many children it reaped like that.
    pub fn reaped(&mut self) -> usize {
        self.command("reaped");
        self.reply_to("reaped").parse().expect("a number")
    }

    /// Starts a child of the host's own that ends at once with this status.
    pub fn bear(&mut self, status: i32) {
        self.command(&format!("bear {status}"));
    }

    /// How the children of the host's own ended, as far as the host can still learn it.
    pub fn bury(&mut self) -> String {
        self.command("bury");
        self.reply_to("buried")
    }

    /// How much memory the host holds, in bytes.
    pub fn resident(&mut self) -> u64 {
        self.command("resident");
        self.reply_to("resident").parse().expect("a number")
    }

    /// Logs a user in from so many threads of the host at once, each with a handle of its own and these answers to one
    /// prompt after the other.
    pub fn authenticate_in_threads(&mut self, host: &Host, count: usize, user: &str, answers: &[&str]) -> Vec<Code> {
        let answers: Vec<String> = answers.iter().map(|answer| hex(answer.as_bytes())).collect();
        let (folder, service) = (hex(host.folder.as_os_str().as_bytes()), hex(&host.service));
        self.command(&format!("crowd {folder} {service} {count} {} {}", hex(user.as_bytes()), answers.join(" ")));
        self.reply_to("crowd").split_whitespace().map(|code| Code(number(code))).collect()
    }

    /// The process id of the host.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// pam_end(3), and the end of the process. Gives back what it wrote to stderr.
    pub fn end(mut self) -> String {
        self.command("end");
        self.commands = None;
        let mut errors = String::new();
        self.process.stderr.take().expect("a pipe").read_to_string(&mut errors).expect("text");
        let status = self.process.wait().expect("its end");
        assert!(status.success(), "pam-host: {status}: {errors}");
        errors
    }

    fn command(&mut self, line: &str) {
        if self.tell(line).is_none() {
            self.fail("it is gone");
        }
    }

    /// `None` if the host is gone.
    fn tell(&mut self, line: &str) -> Option<()> {
        let commands = self.commands.as_mut().expect("it still runs");
        writeln!(commands, "{line}").ok()
    }

    fn reply_to(&mut self, word: &str) -> String {
        let mut line = self.line();
        // Threads say what they do.
        while line.starts_with("log ") || line.starts_with("delayed ") {
            line = self.line();
        }
        match line.strip_prefix(word) {
            Some(value) => value.trim().to_owned(),
            None => panic!("pam-host said: {line}"),
        }
    }

    fn line(&mut self) -> String {
        self.hear().unwrap_or_else(|| self.fail("it is gone"))
    }

    /// `None` if the host is gone.
    fn hear(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => self.fail("it hangs"),
        }
    }

    pub(super) fn fail(&mut self, why: &str) -> ! {
        let _ = self.process.kill();
        // What it started may still hold the other end: that is not waited for.
        let (sender, errors) = channel();
        if let Some(mut stderr) = self.process.stderr.take() {
            thread::spawn(move || {
                let mut text = String::new();
                let _ = stderr.read_to_string(&mut text);
                let _ = sender.send(text);
            });
        }
        let errors = errors.recv_timeout(Duration::from_secs(5)).unwrap_or_default();
        panic!("pam-host: {why}: {:?}: {errors}", self.process.wait());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Both fail if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn event(line: &str) -> Event {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["message", count, style, rest @ ..] => Event::Said(Message {
            count: count.parse().expect("a count"),
            style: Style::from_number(number(style)),
            text: text(rest.first().unwrap_or(&"")),
        }),
        ["log", priority, prefix, rest @ ..] => Event::Logged(LogLine {
            priority: number(priority),
            prefix: text(prefix),
            text: text(rest.first().unwrap_or(&"")),
        }),
        ["delayed", _, microseconds] => Event::Delayed(microseconds.parse().expect("a number")),
        ["returned", code] => Event::Returned(Code(number(code))),
        _ => panic!("pam-host said: {line}"),
    }
}

fn words(answer: &Answer) -> String {
    match answer {
        Answer::Text(bytes) => format!("text {}", hex(bytes)),
        Answer::Null => "null".to_owned(),
        Answer::Nothing => "nothing".to_owned(),
        Answer::Code(code) => format!("code {}", code.0),
        Answer::Rubbish(code) => format!("rubbish {}", code.0),
    }
}

fn number(word: &str) -> i32 {
    word.parse().expect("a number")
}

fn text(word: &str) -> String {
    String::from_utf8_lossy(&unhex(word)).into_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(word: &str) -> Vec<u8> {
    let digits: Vec<u8> = word.chars().map(|digit| digit.to_digit(16).expect("hexadecimal") as u8).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |value, digit| value * 16 + digit)).collect()
}
