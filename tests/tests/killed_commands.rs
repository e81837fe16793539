//! Commands that are killed (SIGKILL) at each step that changes anything leave the old state or the new.
//!
//! The steps are the system calls of one undisturbed run; strace(1) kills the command at the first of them, at the
//! second, and so on.

use herald_tests::world::{ALICE, World};
use std::fs;
use std::io::{Read, Write};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Every call that opens, writes, renames, locks or talks to the network side; those that a machine lacks are passed
/// over (`?`).
const CALLS: [&str; 15] = [
    "openat",
    "write",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "fchmod",
    "flock",
    "sendto",
];
const USERS: &str = "/var/lib/herald/users";
const LEDGERS: &str = "/run/herald/ledger";

struct Story {
    world: World,
    /// The enrollments as they were: names of files, and what stands in them.
    old: Vec<(String, String)>,
    words: Vec<&'static str>,
    /// At which calls it is killed.
    calls: &'static [&'static str],
}

impl Story {
    fn new(words: &[&'static str]) -> Self {
        let world = World::new();
        // A code that never went out is asked for again at once.
        world.configure("limits.resend_after = \"0s\"");
        let old = vec![("alice.toml".to_owned(), world.machine.read(&format!("{USERS}/alice.toml")))];
        Self { world, old, words: [&["herald"], words].concat(), calls: &CALLS }
    }

    /// Everybody as they were, and nothing of what a killed command left.
    fn reset(&self) {
        for folder in [USERS, LEDGERS] {
            for entry in fs::read_dir(self.world.machine.path(folder)).into_iter().flatten().flatten() {
                fs::remove_file(entry.path()).expect("root");
            }
        }
        for (name, text) in &self.old {
            self.world.machine.write(&format!("{USERS}/{name}"), 0o600, text);
        }
    }

    /// Runs the command behind these words, with somebody at the phone who presses START behind its link and types the
    /// code that came, or asks for one where none did. Gives how it ended, and what was shown.
    fn play(&self, words: &[&str]) -> (ExitStatus, String) {
        let before = self.world.phone.messages().len();
        let mut command = self.world.machine.command("root", &[words, &self.words].concat());
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut herald = command.spawn().expect("strace (Debian: apt install strace)");
        let mut keys = herald.stdin.take().expect("a pipe");
        let mut errors = herald.stderr.take().expect("a pipe");
        let shown = Arc::new(Mutex::new(String::new()));
        let screen = Arc::clone(&shown);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = errors.read(&mut bytes) {
                screen.lock().expect("a screen").push_str(&String::from_utf8_lossy(&bytes[..length]));
            }
        });
        let (mut answered, mut pressed) = (0_usize, false);
        let status = loop {
            if let Some(status) = herald.try_wait().expect("a child") {
                break status;
            }
            let text = shown.lock().expect("a screen").clone();
            if let Some((nonce, _)) = text.split_once("?start=").and_then(|(_, rest)| rest.split_once('\n')) {
                if !pressed {
                    self.world.phone.press_start(CHAT, "Alice", nonce);
                }
                pressed = true;
            }
            // Also behind "A new code in 1 s. " or "Wrong, 2 tries left. ".
            if text.matches("Code sent by").count() > answered {
                answered += 1;
                let codes = self.world.phone.messages().split_off(before).into_iter();
                let code = codes.filter_map(|message| message.code).next_back().unwrap_or_else(|| "r".to_owned());
                // It may have been killed meanwhile.
                let _ = writeln!(keys, "{code}");
            }
            thread::sleep(Duration::from_millis(2));
        };
        reader.join().expect("a reader");
        let shown = shown.lock().expect("a screen").clone();
        (status, shown)
    }

    /// The calls of an undisturbed run, by name and number; files that are only read are no step.
    fn steps(&self) -> Vec<(&'static str, usize)> {
        let traced = self.calls.iter().map(|call| format!("?{call}")).collect::<Vec<_>>().join(",");
        let (status, shown) = self.play(&["strace", "--output=/tmp/trace", &format!("--trace={traced}")]);
        assert!(status.success(), "{shown}");
        let trace = self.world.machine.read("/tmp/trace");
        let mut steps = Vec::new();
        for call in self.calls {
            let made = trace.lines().filter(|line| line.starts_with(&format!("{call}(")));
            let changing = made.enumerate().filter(|(_, line)| *call != "openat" || !line.contains("O_RDONLY"));
            steps.extend(changing.map(|(position, _)| (*call, position + 1)));
        }
        steps
    }

    /// Kills it at the nth of these calls. Who waits for somebody looks as often as it takes, and so may be done before.
    fn kill_at(&self, call: &str, nth: usize) -> bool {
        let inject = format!("--inject={call}:signal=KILL:when={nth}");
        let (status, _) = self.play(&["strace", "--output=/dev/null", &format!("--trace={call}"), &inject]);
        !status.success()
    }

    /// Everybody's factors, without when they were enrolled; that the files are whole is a part of it. A factor that
    /// waits for its code is none.
    fn factors(&self) -> Vec<String> {
        let ended = self.world.machine.run("root", &["herald", "--json", "status", "--all"], "");
        assert!(ended.status.success(), "the state cannot be read any more: {ended:?}");
        let document: serde_json::Value = serde_json::from_str(&ended.output).expect("JSON");
        let users = document["users"].as_array().expect("users").iter();
        let of_all = users.flat_map(|user| {
            let factors = user["factors"].as_array().expect("factors").iter();
            let active = factors.filter(|factor| factor["state"] != "pending");
            active.map(|factor| {
                let fields = ["id", "channel", "address", "label", "state", "left"].map(|key| factor[key].to_string());
                format!("{} {}", user["user"], fields.join(" "))
            })
        });
        of_all.collect()
    }

    /// Kills it at each step; gives how many there were, and how many of them left the new state.
    fn tell(&self) -> (usize, usize) {
        let before = self.factors();
        // Once before: folders and the key of this boot are made only once.
        let (status, shown) = self.play(&[]);
        assert!(status.success(), "{shown}");
        self.reset();
        let steps = self.steps();
        let after = self.factors();
        assert_ne!(before, after, "the command changes something");
        let (mut killed, mut new) = (0, 0);
        for (call, nth) in steps {
            self.reset();
            let was_killed = self.kill_at(call, nth);
            let found = self.factors();
            assert!(found == after || was_killed && found == before, "killed at {call} {nth}: {found:?}");
            killed += usize::from(was_killed);
            if found == after {
                new += usize::from(was_killed);
                continue;
            }
            let (status, shown) = self.play(&[]);
            assert!(status.success(), "killed at {call} {nth}, and then: {shown}");
            assert_eq!(self.factors(), after, "killed at {call} {nth}");
        }
        (killed, new)
    }
}

/// Where alice's new phone is reached.
const CHAT: i64 = 475_721_888;

fn tell(words: &[&'static str]) {
    judge(words, &Story::new(words));
}

fn judge(words: &[&'static str], story: &Story) {
    let (killed, new) = story.tell();
    println!("{}: killed {killed} times, {new} of them when it was done", words.join(" "));
    assert!(new > 0 && new < killed, "kills before and after the change: {new} of {killed}");
}

#[test]
fn an_enrollment_that_is_killed_leaves_the_old_state_or_the_new() {
    tell(&["enroll", "telegram", "475721888", "--user", "alice", "--label", "tablet", "--assume-verified"]);
}

#[test]
fn an_enrollment_with_a_code_that_is_killed_leaves_the_old_state_or_the_new() {
    tell(&["enroll", "telegram", "475721888", "--user", "alice", "--label", "tablet", "--force"]);
}

#[test]
fn an_enrollment_by_link_that_is_killed_leaves_the_old_state_or_the_new() {
    let words = ["enroll", "telegram", "--user", "alice", "--label", "tablet", "--force"];
    let mut story = Story::new(&words);
    // Each run waits a second for START: only where files change.
    story.calls = &["fsync", "rename", "renameat", "renameat2", "linkat", "unlink", "unlinkat", "sendto"];
    judge(&words, &story);
}

#[test]
fn a_list_that_is_killed_leaves_the_old_state_or_the_new() {
    let words = ["enroll", "--from", "/root/people.csv"];
    let story = Story::new(&words);
    let list = "alice,telegram,475721888,tablet\nbob,telegram,475721666,\nroot,telegram,475721555,\n";
    story.world.machine.write("/root/people.csv", 0o600, list);
    judge(&words, &story);
}

#[test]
fn a_removal_that_is_killed_leaves_the_old_state_or_the_new() {
    tell(&["remove", "telegram", "--user", "alice", "--force"]);
}

#[test]
fn backup_codes_that_are_killed_leave_the_old_state_or_the_new() {
    tell(&["backup-codes", "--user", "alice", "--force"]);
}

#[test]
fn who_is_killed_at_the_prompt_is_not_enrolled_and_can_be() {
    let world = World::new();
    world.forget(ALICE);
    let words = ["herald", "enroll", "telegram", "475721977", "--user", "alice", "--no-backup-codes"];
    let mut first = world.machine.terminal("root", &words);
    first.expect("Code sent by Telegram to ...977: ");
    let code = world.phone.code();
    first.kill();
    let status = world.machine.run("root", &["herald", "--json", "status", "--user", "alice"], "").output;
    assert!(!status.contains("\"active\""), "{status}");

    let mut second = world.machine.terminal("root", &words);
    // The code that is on its way is asked for again, not sent again.
    second.answer("Code sent by Telegram to ...977", &code);
    second.succeeds();
    let status = world.machine.run("root", &["herald", "--json", "status", "--user", "alice"], "").output;
    assert!(status.contains("\"active\""), "{status}");
}
