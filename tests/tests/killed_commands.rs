//! Commands that are killed (SIGKILL) at each step that changes anything leave the old state or the new.
//!
//! The steps are the system calls of one undisturbed run; strace(1) kills the command at the first of them, at the
//! second, and so on.

use herald_tests::world::{ALICE, World};
use std::fs;

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
const OLD: &str = "/var/lib/herald/users/alice.toml";

struct Story {
    world: World,
    old: String,
    words: Vec<&'static str>,
}

impl Story {
    fn new(words: &[&'static str]) -> Self {
        let world = World::new();
        let old = world.machine.read(OLD);
        Self { world, old, words: [&["herald"], words].concat() }
    }

    /// Alice as she was, and nothing of what a killed command left.
    fn reset(&self) {
        for folder in ["/var/lib/herald/users", "/run/herald/ledger"] {
            for entry in fs::read_dir(self.world.machine.path(folder)).into_iter().flatten().flatten() {
                fs::remove_file(entry.path()).expect("root");
            }
        }
        self.world.machine.write(OLD, 0o600, &self.old);
    }

    /// The calls of an undisturbed run, by name and number; files that are only read are no step.
    fn steps(&self) -> Vec<(&'static str, usize)> {
        let traced = CALLS.map(|call| format!("?{call}")).join(",");
        let trace = format!("--trace={traced}");
        let words = [&["strace", "--output=/tmp/trace", &trace][..], &self.words].concat();
        let ended = self.world.machine.run("root", &words, "");
        assert!(ended.status.success(), "{ended:?} (Debian: apt install strace)");
        let trace = self.world.machine.read("/tmp/trace");
        let mut steps = Vec::new();
        for call in CALLS {
            let made = trace.lines().filter(|line| line.starts_with(&format!("{call}(")));
            let changing = made.enumerate().filter(|(_, line)| call != "openat" || !line.contains("O_RDONLY"));
            steps.extend(changing.map(|(position, _)| (call, position + 1)));
        }
        steps
    }

    /// Kills it at the nth of these calls.
    fn kill_at(&self, call: &str, nth: usize) {
        let inject = format!("--inject={call}:signal=KILL:when={nth}");
        let trace = format!("--trace={call}");
        let words = [&["strace", "--output=/dev/null", &trace, &inject][..], &self.words].concat();
        let ended = self.world.machine.run("root", &words, "");
        assert!(!ended.status.success(), "{call} {nth}: it was not killed: {ended:?}");
    }

    /// The factors of alice, without when they were enrolled; that the file is whole is a part of it.
    fn factors(&self) -> Vec<String> {
        let ended = self.world.machine.run("root", &["herald", "--json", "status", "--user", "alice"], "");
        assert!(ended.status.success(), "the state cannot be read any more: {ended:?}");
        let document: serde_json::Value = serde_json::from_str(&ended.output).expect("JSON");
        let factors = document["users"][0]["factors"].as_array().expect("factors").iter();
        let shown = |factor: &serde_json::Value| {
            let text = |key: &str| factor[key].to_string();
            [text("id"), text("channel"), text("address"), text("label"), text("state"), text("left")].join(" ")
        };
        factors.map(shown).collect()
    }

    /// Kills it at each step; gives how many there were, and how many of them left the new state.
    fn tell(&self) -> (usize, usize) {
        let before = self.factors();
        // Once before: folders and the key of this boot are made only once.
        assert!(self.world.machine.run("root", &self.words, "").status.success());
        self.reset();
        let steps = self.steps();
        let after = self.factors();
        assert_ne!(before, after, "the command changes something");
        let (mut killed, mut new) = (0, 0);
        for (call, nth) in steps {
            self.reset();
            self.kill_at(call, nth);
            let found = self.factors();
            assert!(found == before || found == after, "killed at {call} {nth}: {found:?}");
            killed += 1;
            if found == after {
                new += 1;
                continue;
            }
            let again = self.world.machine.run("root", &self.words, "");
            assert!(again.status.success(), "killed at {call} {nth}, and then: {again:?}");
            assert_eq!(self.factors(), after, "killed at {call} {nth}");
        }
        (killed, new)
    }
}

fn tell(words: &[&'static str]) {
    let (killed, new) = Story::new(words).tell();
    println!("{}: killed {killed} times, {new} of them when it was done", words.join(" "));
    assert!(new > 0 && new < killed, "kills before and after the change: {new} of {killed}");
}

#[test]
fn an_enrollment_that_is_killed_leaves_the_old_state_or_the_new() {
    tell(&["enroll", "telegram", "475721888", "--user", "alice", "--label", "tablet", "--assume-verified"]);
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
