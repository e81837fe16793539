//! `command`: a program of the admin's own.
//!
//! It is started without arguments, without a shell and with an empty environment; everything that it needs to know
//! stands on its standard input, where no other user can read it:
//!
//! ```text
//! To: +81312345678
//! Channel: sms
//! Language: en
//! Lifetime: 300
//! Code: 314159
//!
//! 314159
//! Host: matoken
//! …
//! ```
//!
//! [`launcher`] starts it, from outside of the cage. Its exit status says how it went, by the numbers of sysexits(3); the first line that it writes to standard error is
//! shown and logged.

use super::fields::{Fields, refusal, required};
use super::launcher;
use super::{Driver, Envelope, Unwell};
use crate::cage::Reach;
use crate::http::Client;
use crate::layout;
use crate::refusal::Refusal;
use herald_core::courier::{End, Fault, FieldHelp, Gateway};
use herald_core::text::display_line;
use herald_sys::watchdog;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Access, access};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, Command as Process, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The driver.
pub(crate) struct Command;

/// A program may cut it where its way is narrower.
const LONGEST_TEXT: usize = 4096;
/// What is read of a program's complaints.
const LONGEST_COMPLAINT: usize = 4096;
/// Left of the time of a try after the program was ended, to say so.
const LAST_WORDS: Duration = Duration::from_millis(50);

impl Driver for Command {
    fn name(&self) -> &str {
        "command"
    }

    /// None of its own: the gateway says which one it serves.
    fn channel(&self) -> &str {
        ""
    }

    fn addresses(&self) -> Vec<&str> {
        vec!["e164", "email", "jid", "chat-id", "uuid", "username"]
    }

    fn fields(&self) -> Vec<FieldHelp> {
        vec![required(
            "program",
            "the absolute path of a program of yours, which the user _herald may execute. It is started without \
             arguments and environment. On its standard input: lines \"To: ADDRESS\", \"Channel: NAME\", \"Language: \
             en\", \"Lifetime: SECONDS\" and \"Code: 314159\" (not with a notice), an empty line, and the message. Its exit \
             status: 0 delivered; 65 to 68 this person cannot be reached this way; 75 not now, try again; anything else \
             is a fault of the set-up. What it first writes to standard error is shown. It runs as _herald, without \
             root's rights (set-user-id programs do not work), and is ended when its time is up. Say with channel = \
             \"…\" which channel it serves",
        )]
    }

    fn takes(&self, address: &str) -> bool {
        !address.is_empty() && !address.chars().any(char::is_control)
    }

    fn check(&self, gateway: &Gateway) -> Vec<Fault> {
        program(gateway).err().unwrap_or_default()
    }

    /// Nothing: another process starts the program.
    fn reach(&self, _: &Gateway) -> Reach {
        Reach::default()
    }

    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, _: &Client, until: Instant) -> Result<(), Refusal> {
        let program = program(gateway).map_err(|faults| refusal(&faults))?;
        let input = input(&gateway.channel, envelope);
        launcher::run(program, &input, until)
    }

    fn status(&self, gateway: &Gateway, _: &Client, _: Instant) -> Result<String, Unwell> {
        let program = program(gateway).map_err(|faults| Unwell { refusal: refusal(&faults), mend: None })?;
        match access(program, Access::EXEC_OK) {
            Ok(()) => Ok(format!("{program} can be executed; it cannot be checked without sending")),
            Err(error) => Err(Unwell { refusal: not_started(program, error), mend: None }),
        }
    }
}

/// Starts the program, and waits for what becomes of it.
///
/// # Errors
/// It was not started, took too long, or says that the message was not delivered.
pub(super) fn run(program: &str, input: &str, until: Instant) -> Result<(), Refusal> {
    let mut running = Running::start(program, input)?;
    match running.ended(until)? {
        Some(status) => judge(status, &running.said),
        None => Err(Refusal::new(End::Unclear, "the program took too long and was ended")),
    }
}

/// The program of a gateway of this driver.
pub(super) fn program(gateway: &Gateway) -> Result<&str, Vec<Fault>> {
    let mut fields = Fields::open(&Command, gateway);
    let program = fields.path("program");
    fields.close(program)
}

/// What the program reads. No value can begin a line of its own: addresses and codes hold no control characters.
fn input(channel: &str, envelope: &Envelope<'_>) -> Zeroizing<String> {
    let Envelope { address, message } = envelope;
    let mut input = Zeroizing::new(String::with_capacity(1024));
    let lifetime = message.lifetime.as_secs();
    let language = display_line(&message.language, 16);
    input.push_str(&format!("To: {address}\nChannel: {channel}\nLanguage: {language}\nLifetime: {lifetime}\n"));
    if let Some(code) = &message.code {
        input.push_str("Code: ");
        input.push_str(code.expose());
        input.push('\n');
    }
    input.push('\n');
    input.push_str(&layout::plain(message, LONGEST_TEXT));
    input.push('\n');
    input
}

/// A program that was started; ended with everything that it started when this is dropped.
struct Running {
    child: Child,
    group: Option<Pid>,
    complaints: Option<ChildStderr>,
    said: Vec<u8>,
}

impl Running {
    fn start(program: &str, input: &str) -> Result<Self, Refusal> {
        let mut process = Process::new(program);
        process.env_clear().current_dir("/").process_group(0);
        process.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = process.spawn().map_err(|error| match Errno::from_io_error(&error) {
            Some(error) => not_started(program, error),
            None => Refusal::new(End::Configuration, format!("{program} could not be started")),
        })?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        watchdog::take_along(group);
        let complaints = child.stderr.take();
        if let Some(complaints) = &complaints {
            let _ = rustix::io::ioctl_fionbio(complaints, true);
        }
        // All of it fits into a pipe (pipe(7)), so this never waits. A program that does not read it says why by its
        // exit status.
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(input.as_bytes());
        }
        Ok(Self { child, group, complaints, said: Vec::new() })
    }

    /// Waits for its end; `None` if its time is up.
    fn ended(&mut self, until: Instant) -> Result<Option<ExitStatus>, Refusal> {
        let lost = |_| Refusal::new(End::Unclear, "the program was started and cannot be watched");
        let pid = self.group.ok_or_else(|| lost(Errno::SRCH))?;
        let process = pidfd_open(pid, PidfdFlags::empty()).map_err(lost)?;
        loop {
            let left = until.saturating_duration_since(Instant::now()).saturating_sub(LAST_WORDS);
            let Ok(time) = Timespec::try_from(left) else { return Ok(None) };
            let mut watched = vec![PollFd::new(&process, PollFlags::IN)];
            if let Some(complaints) = &self.complaints {
                watched.push(PollFd::new(complaints, PollFlags::IN));
            }
            match poll(&mut watched, Some(&time)) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(lost(error)),
            }
            let over = watched.first().is_some_and(|process| !process.revents().is_empty());
            self.listen();
            if over {
                return self.child.wait().map(Some).map_err(|_| lost(Errno::CHILD));
            }
        }
    }

    /// Takes what it complains about; what is too much is read and dropped.
    fn listen(&mut self) {
        let mut chunk = [0; 1024];
        while let Some(complaints) = &mut self.complaints {
            match complaints.read(&mut chunk) {
                Ok(0) => self.complaints = None,
                Ok(read) if self.said.len() < LONGEST_COMPLAINT => {
                    self.said.extend_from_slice(chunk.get(..read).unwrap_or_default());
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.complaints = None,
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The leader of the group may be gone and reaped; while one of the group lives, its number is not given away.
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        watchdog::take_along(None);
    }
}

fn not_started(program: &str, error: Errno) -> Refusal {
    let (end, why) = match error {
        Errno::NOENT | Errno::NOTDIR => {
            (End::Configuration, "there is no such program, or none that its first line (#!) names".to_owned())
        }
        Errno::ACCESS | Errno::PERM => {
            (End::Configuration, "the user _herald may not execute it: see its mode and that of its folders".to_owned())
        }
        Errno::NOEXEC => {
            (End::Configuration, "it is neither a program nor a script with #! as its first line".to_owned())
        }
        // Too many processes, no memory: of the machine, and for now.
        Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE | Errno::TXTBSY => {
            (End::TryAgain { after: None }, error.to_string())
        }
        _ => (End::Configuration, error.to_string()),
    };
    Refusal::new(end, format!("{program} could not be started: {why}"))
}

/// sysexits(3): EX_DATAERR, EX_NOINPUT, EX_NOUSER and EX_NOHOST are about the person, EX_TEMPFAIL about now. Shown is the
/// first line that says something.
pub(crate) fn judge(status: ExitStatus, said: &[u8]) -> Result<(), Refusal> {
    // A code of 0 alone is not enough: beside it other bits of the status may be set.
    if status.success() {
        return Ok(());
    }
    let end = match status.code() {
        Some(65..=68) => End::Permanent,
        Some(75) => End::TryAgain { after: None },
        Some(_) => End::Configuration,
        None => End::Unclear,
    };
    let ours = match (status.code(), status.signal()) {
        (Some(code), _) => format!("the program ended with exit status {code}"),
        (None, Some(signal)) => format!("the program was ended by signal {signal}"),
        (None, None) => "the program ended".to_owned(),
    };
    let said = String::from_utf8_lossy(said);
    let complaint = said.lines().map(str::trim).find(|line| !line.is_empty());
    Err(Refusal::new(end, complaint.map_or(ours, str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Folder, client, faulty, gateway, message, notice, send, status};
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn script(folder: &Folder, body: &str) -> Gateway {
        let path = folder.0.join("program");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("writable");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
        let mut gateway = gateway("command", &[("program", path.to_str().expect("a path"))]);
        gateway.channel = "pager".into();
        gateway
    }

    /// A fork of another test may hold a script open that was just written (ETXTBSY): tried again, as the class says.
    fn sent(gateway: &Gateway) -> Result<(), Refusal> {
        loop {
            match send(&Command, gateway, "+81312345678") {
                Err(refusal) if refusal.detail.contains("busy") => {}
                ended => return ended,
            }
        }
    }

    #[test]
    fn rule_33_the_program_gets_everything_on_its_standard_input_and_nothing_elsewhere() {
        let folder = Folder::new("command-input");
        let seen = folder.0.join("seen");
        let seen = seen.display();
        let gateway = script(&folder, &format!("{{ cat; echo \"args: $#\"; /usr/bin/env; pwd; }} > {seen}"));
        assert_eq!(sent(&gateway), Ok(()));
        let seen = fs::read_to_string(folder.0.join("seen")).expect("written");
        // The shell itself sets PWD and the like.
        let (input, rest) = seen.split_once("args: 0\n").expect("no arguments");
        assert_eq!(
            input,
            "To: +81312345678\nChannel: pager\nLanguage: en\nLifetime: 300\nCode: 314159\n\n\
             314159\nHost: matoken\nType it only at matoken.\n"
        );
        assert!(!rest.contains("PATH=") && !rest.contains("HOME=") && rest.ends_with("/\n"), "{rest}");
    }

    #[test]
    fn a_notice_has_no_code() {
        let notice = notice();
        let input = input("pager", &Envelope { address: "alice", message: &notice });
        assert!(!input.contains("Code:") && input.ends_with("\n\nalice was locked on matoken.\n"), "{}", *input);
    }

    #[test]
    fn its_exit_status_is_the_class_and_its_first_complaint_the_words() {
        let folder = Folder::new("command-exit");
        for (body, end, words) in [
            ("echo pager is off >&2; exit 75", End::TryAgain { after: None }, "pager is off"),
            ("exit 65", End::Permanent, "exit status 65"),
            ("printf '\\n  nobody of that name\\nmore\\n' >&2; exit 67", End::Permanent, "nobody of that name"),
            ("exit 68", End::Permanent, "exit status 68"),
            ("exit 1", End::Configuration, "exit status 1"),
            ("exit 78", End::Configuration, "exit status 78"),
            ("kill -9 $$", End::Unclear, "signal 9"),
        ] {
            let refused = sent(&script(&folder, body)).expect_err(body);
            assert_eq!(refused.end, end, "{body}: {}", refused.detail);
            assert!(refused.detail.contains(words), "{body}: {}", refused.detail);
        }
    }

    #[test]
    fn a_program_that_hangs_is_ended_at_its_deadline_with_all_that_it_started() {
        let folder = Folder::new("command-hang");
        let pid = folder.0.join("pid");
        let gateway = script(&folder, &format!("sleep 600 & echo $! > {}; wait", pid.display()));
        let started = Instant::now();
        let message = message();
        let envelope = Envelope { address: "alice", message: &message };
        let refused =
            Command.send(&gateway, &envelope, &client(), started + Duration::from_secs(2)).expect_err("ended");
        assert_eq!(refused.end, End::Unclear, "{}", refused.detail);
        assert!(started.elapsed() < Duration::from_secs(10));
        let pid = fs::read_to_string(&pid).expect("it ran");
        let stat = format!("/proc/{}/stat", pid.trim());
        let gone = || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        let begun = Instant::now();
        while !gone() {
            assert!(begun.elapsed() < Duration::from_secs(10), "what it started is still there");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_program_may_complain_at_length_and_read_nothing() {
        let folder = Folder::new("command-noise");
        let gateway =
            script(&folder, "exec 0<&-; i=0; while [ $i -lt 20000 ]; do echo noise $i >&2; i=$((i+1)); done; exit 75");
        let refused = sent(&gateway).expect_err("refused");
        assert_eq!((refused.end, refused.detail.as_str()), (End::TryAgain { after: None }, "noise 0"));
    }

    #[test]
    fn what_cannot_be_executed_is_the_admins_to_mend() {
        let folder = Folder::new("command-missing");
        let file = folder.0.join("file");
        fs::write(&file, "text").expect("writable");
        for (path, words) in [("/nonexistent/program", "no such program"), (file.to_str().expect("a path"), "may not")]
        {
            let gateway = gateway("command", &[("program", path)]);
            for refused in [sent(&gateway).expect_err(path), status(&Command, &gateway).expect_err(path)] {
                assert_eq!(refused.end, End::Configuration);
                assert!(refused.detail.contains(words), "{}", refused.detail);
            }
        }
        let there = status(&Command, &script(&folder, "exit 0")).expect("executable");
        assert!(there.contains("cannot be checked without sending"), "{there}");
        assert_eq!(faulty(&Command, &gateway("command", &[("program", "sendpage")])), ["program"]);
    }

    #[test]
    fn no_address_begins_a_line_of_its_own() {
        assert!(Command.takes("+81312345678") && Command.takes("alice@example.org") && Command.takes("475721977"));
        assert!(!Command.takes("") && !Command.takes("alice\nCode: 1"));
    }
}
