//! A person at a terminal: a program on a pseudo-terminal of its own, what it shows, and what is typed.

use super::machine::end;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, fchown, open};
use rustix::process::Uid;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use rustix::time::Timespec;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take to show something. libpam makes people wait up to 3 s for a refusal.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program and the terminal it runs on. Dropping it hangs up.
#[derive(Debug)]
pub struct Terminal {
    line: Option<OwnedFd>,
    process: Child,
    /// Everything that was shown.
    shown: String,
    /// How far the test has read.
    read: usize,
    /// What was shown and typed, for a message of failure.
    transcript: String,
}

impl Terminal {
    /// Starts a program on a new terminal that belongs to this user. The command has to make it its controlling
    /// terminal: `setsid --ctty`.
    pub(super) fn start(mut command: Command, owner: Uid) -> Self {
        let line = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pseudo-terminal");
        grantpt(&line).and_then(|()| unlockpt(&line)).expect("a pseudo-terminal");
        let path = ptsname(&line, Vec::new()).expect("its name");
        let screen =
            open(&*path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).expect("its other end");
        fchown(&screen, Some(owner), None).expect("root");
        tcsetwinsize(&line, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).expect("a window");
        let stdio = || Stdio::from(screen.try_clone().expect("a descriptor"));
        let process = command.stdin(stdio()).stdout(stdio()).stderr(stdio()).spawn();
        let process = process.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { line: Some(line), process, shown: String::new(), read: 0, transcript: String::new() }
    }

    /// Waits until this text is shown behind what was read so far, and gives back what stands before it.
    pub fn expect(&mut self, text: &str) -> String {
        let give_up = Instant::now() + PATIENCE;
        loop {
            if let Some(position) = self.shown[self.read..].find(text) {
                let before = self.shown[self.read..self.read + position].to_owned();
                self.read += position + text.len();
                return before;
            }
            if !self.receive(give_up) {
                let end = if self.line.is_none() { "the program ended" } else { "nothing more came" };
                panic!("expected {text:?}, but {end}:\n{}", self.transcript());
            }
        }
    }

    /// Whether this text comes within that time; what was read so far stays so.
    pub fn shows_within(&mut self, text: &str, time: Duration) -> bool {
        let give_up = Instant::now() + time;
        while !self.shown[self.read..].contains(text) {
            if !self.receive(give_up) {
                return false;
            }
        }
        true
    }

    /// Waits for a prompt and types an answer.
    pub fn answer(&mut self, prompt: &str, text: &str) {
        self.expect(prompt);
        self.send_line(text);
    }

    /// Answers whichever of these prompts comes, each as often as it comes, to the end of the program or for 20
    /// prompts. Who is asked and how often is then to be read in what was shown.
    pub fn keep_answering(&mut self, answers: &[(&str, &str)]) {
        for _ in 0..20 {
            let give_up = Instant::now() + PATIENCE;
            let first = loop {
                let unread = &self.shown[self.read..];
                let found =
                    answers.iter().filter_map(|(prompt, text)| Some((unread.find(prompt)? + prompt.len(), *text)));
                match found.min_by_key(|(position, _)| *position) {
                    Some(first) => break first,
                    None if self.receive(give_up) => {}
                    None => return,
                }
            };
            self.read += first.0;
            self.send_line(first.1);
        }
    }

    /// Types a line.
    pub fn send_line(&mut self, text: &str) {
        self.type_keys(&format!("{text}\n"));
    }

    /// Types Ctrl-C, as people do: again, if nothing comes of it. sudo misses a signal that comes between its prompt and
    /// its read(2).
    pub fn interrupt(&mut self) {
        let shown = self.shown.len();
        while self.line.is_some() && self.shown.len() == shown {
            self.type_keys("\x03");
            // Later than any delay that PAM puts behind a refusal: each Ctrl-C also drops what was written and not yet
            // read (termios(3), NOFLSH), so one more in that moment would take the program's last words along.
            let again = Instant::now() + Duration::from_secs(10);
            while self.receive(again) && self.shown.len() == shown {}
        }
    }

    /// Types Ctrl-D.
    pub fn end_of_file(&mut self) {
        self.type_keys("\x04");
    }

    /// Waits for the end of the program. Gives back whether it succeeded, and all that was shown and not yet read.
    pub fn finish(&mut self) -> (ExitStatus, String) {
        let give_up = Instant::now() + PATIENCE;
        while self.receive(give_up) {}
        let rest = self.shown[self.read..].to_owned();
        self.read = self.shown.len();
        let status = loop {
            match self.process.try_wait().expect("a child") {
                Some(status) => break status,
                None if Instant::now() < give_up => thread::sleep(Duration::from_millis(5)),
                None => panic!("the program does not end:\n{}", self.transcript()),
            }
        };
        (status, rest)
    }

    /// The program ends, and with success.
    pub fn succeeds(&mut self) -> String {
        let (status, rest) = self.finish();
        assert!(status.success(), "{status}:\n{}", self.transcript());
        rest
    }

    /// The program ends, and with failure.
    pub fn fails(&mut self) -> String {
        let (status, rest) = self.finish();
        assert!(!status.success(), "{status}:\n{}", self.transcript());
        rest
    }

    /// Everything that was shown so far.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Everything that was shown and typed so far.
    pub fn transcript(&self) -> &str {
        &self.transcript
    }

    /// The line is cut: the program gets SIGHUP, as when a window is closed.
    pub fn hang_up(mut self) {
        self.line = None;
    }

    /// The program is gone from one moment to the next.
    pub fn kill(mut self) {
        end(&mut self.process);
    }

    /// The id of the process that was started.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    fn type_keys(&mut self, keys: &str) {
        self.transcript.push_str(&format!("«{}»", keys.escape_debug()));
        let Some(line) = &self.line else {
            panic!("the program ended before {keys:?} was typed:\n{}", self.transcript)
        };
        let mut bytes = keys.as_bytes();
        while !bytes.is_empty() {
            let written = rustix::io::write(line, bytes).expect("a terminal");
            bytes = &bytes[written..];
        }
    }

    /// Reads what comes next; false if nothing comes any more.
    fn receive(&mut self, give_up: Instant) -> bool {
        let Some(line) = &self.line else { return false };
        let left = give_up.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).expect("a short time");
        let mut buffer = [0; 4096];
        match poll(&mut [PollFd::new(line, PollFlags::IN)], Some(&left)) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => panic!("poll: {error}"),
        }
        match rustix::io::read(line, &mut buffer) {
            Ok(length @ 1..) => {
                let text = String::from_utf8_lossy(&buffer[..length]).replace('\r', "");
                self.shown.push_str(&text);
                self.transcript.push_str(&text);
                true
            }
            // EIO: nobody has the other end open any more.
            Ok(_) | Err(_) => {
                self.line = None;
                false
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.line = None;
        end(&mut self.process);
    }
}
