//! What only shows between processes: locks whose holder dies, races for the key, the umask, and what programs of
//! our own do to themselves. Each story runs its other side as a process of its own: this program, started again
//! for one `part`, in the folder that it is told.
#![allow(unsafe_code)] // fork-like hosts change their umask and limits with C functions

#[path = "../src/testing.rs"]
mod testing;

use herald_core::account::UserName;
use herald_core::clock::{Clock, Moment};
use herald_core::config::Paths;
use herald_core::enrollment::Enrollment;
use herald_core::ledger::Ledger;
use herald_core::store::{Store, StoreError};
use herald_sys::{FileStore, OsClock, process, watchdog};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use testing::{Scratch, is_root, mode_of};

const FOLDER: &str = "HERALD_TEST_FOLDER";

/// Starts one part of this program. Its output goes through a pipe.
fn part(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// The part says so when it has come to its point; libtest's own words are passed over.
fn wait_until_ready(child: &mut Child) {
    let output = BufReader::new(child.stdout.as_mut().expect("a pipe"));
    assert!(output.lines().any(|line| line.expect("text").ends_with("ready")), "the part ended early");
}

fn ready() {
    println!("ready");
    std::io::stdout().flush().expect("a pipe");
}

/// Until the test says more, or is gone.
fn stay() {
    let _ = std::io::stdin().read(&mut [0]);
}

fn folder() -> PathBuf {
    std::env::var_os(FOLDER).expect("parts are run by their tests").into()
}

fn store(folder: &Path) -> FileStore {
    FileStore::new(&Paths { state: folder.join("state"), runtime: folder.join("run"), deliver: PathBuf::new() })
}

fn alice() -> UserName {
    UserName::new("alice")
}

#[test]
fn rule_17_after_three_seconds_the_holder_is_named_and_when_it_dies_the_lock_is_free() {
    let scratch = Scratch::new();
    let store = store(&scratch.path(""));
    let mut holder = part("part_holds_the_lock", &scratch.path("")).spawn().expect("it runs");
    wait_until_ready(&mut holder);
    let begun = Instant::now();
    assert_eq!(store.lock_ledger(&alice()).err(), Some(StoreError::Busy { holder: Some(holder.id()) }));
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(3) && waited < Duration::from_secs(20), "{waited:?}");
    assert!(store.peek_ledger(&alice()).is_ok(), "a look needs no lock");
    holder.kill().expect("ours");
    holder.wait().expect("ours");
    assert!(store.lock_ledger(&alice()).is_ok());
}

#[test]
#[ignore = "part of a story"]
fn part_holds_the_lock() {
    let _held = store(&folder()).lock_ledger(&alice()).expect("free");
    ready();
    stay();
}

#[test]
fn of_many_processes_that_make_the_key_all_get_the_same() {
    let scratch = Scratch::new();
    let start = || part("part_makes_the_key", &scratch.path("")).spawn().expect("it runs");
    let mut racers: Vec<Child> = (0..6).map(|_| start()).collect();
    racers.iter_mut().for_each(wait_until_ready);
    // All wait for this.
    racers.iter_mut().for_each(|racer| drop(racer.stdin.take()));
    assert!(racers.iter_mut().all(|racer| racer.wait().expect("ours").success()));
    let key = store(&scratch.path("")).key().expect("made");
    let mut count = 0;
    for entry in std::fs::read_dir(scratch.path("")).expect("ours") {
        let path = entry.expect("ours").path();
        if path.extension().is_some_and(|extension| extension == "key") {
            assert!(std::fs::read(path).expect("written") == key.as_slice());
            count += 1;
        }
    }
    assert_eq!(count, 6);
}

#[test]
#[ignore = "part of a story"]
fn part_makes_the_key() {
    ready();
    stay();
    let key = store(&folder()).key().expect("a key");
    std::fs::write(folder().join(format!("{}.key", std::process::id())), key.as_slice()).expect("ours");
}

#[test]
fn what_we_make_has_its_mode_under_every_umask_and_the_umask_stays() {
    for umask in ["0", "22", "77", "777"] {
        let scratch = Scratch::new();
        let status = part("part_writes_under_a_umask", &scratch.path("")).env("HERALD_TEST_UMASK", umask).status();
        assert!(status.expect("it runs").success(), "umask {umask}");
        for folder in ["state", "state/users", "state/totp", "run", "run/ledger", "run/gateways"] {
            assert_eq!(mode_of(&scratch.path(folder)), 0o700, "umask {umask}: {folder}");
        }
        for file in
            ["state/users/alice.toml", "run/key", "run/ledger/alice", "run/ledger/alice~lock", "run/gateways/one"]
        {
            assert_eq!(mode_of(&scratch.path(file)), 0o600, "umask {umask}: {file}");
        }
    }
}

#[test]
#[ignore = "part of a story"]
fn part_writes_under_a_umask() {
    let umask = std::env::var("HERALD_TEST_UMASK").expect("given");
    let umask = libc::mode_t::from_str_radix(&umask, 8).expect("octal");
    // SAFETY: takes a number; there is no other thread that makes files.
    unsafe { libc::umask(umask) };
    let store = store(&folder());
    store.prepare().expect("made");
    let enrollment = Enrollment { language: Some("ja".to_owned()), ..Enrollment::default() };
    store.save_enrollment(&alice(), &enrollment).expect("saved");
    assert_eq!(store.enrollment(&alice()), Ok(Some(enrollment)));
    let mut ledger = store.lock_ledger(&alice()).expect("free");
    ledger.write(&Ledger::default()).expect("written");
    assert_eq!(ledger.read(), Ok(Ledger::default()));
    store.key().expect("made");
    store.set_retry_after("one", Moment::from_millis(1)).expect("written");
    // SAFETY: as above.
    assert_eq!(unsafe { libc::umask(umask) }, umask);
}

#[test]
fn the_store_leaves_no_descriptor_behind() {
    let scratch = Scratch::new();
    let status = part("part_counts_descriptors", &scratch.path("")).status();
    assert!(status.expect("it runs").success());
}

#[test]
#[ignore = "part of a story: other tests of one process open files as well"]
fn part_counts_descriptors() {
    let store = store(&folder());
    let before = testing::descriptors();
    for round in 0..50 {
        // In the first rounds nothing is there; then it is; then it is broken.
        if round == 10 {
            store.prepare().expect("made");
        }
        let _ = store.enrollment(&alice());
        let _ =
            store.save_enrollment(&alice(), &Enrollment { language: Some("ja".to_owned()), ..Enrollment::default() });
        let _ = store.enrolled_users();
        if let Ok(mut ledger) = store.lock_ledger(&alice()) {
            let _ = ledger.write(&Ledger::default());
            let _ = ledger.read();
        }
        let _ = (store.key(), store.peek_ledger(&alice()), store.retry_after("one"), OsClock.boot_id());
        let _ = store.set_retry_after("one", OsClock.now());
        let _ = store.lock_enrollment(&alice());
        if round == 20 {
            testing::set_mode(&folder().join("run/ledger/alice"), 0o666);
            testing::set_mode(&folder().join("state/users/alice.toml"), 0o666);
        }
        if round == 30 {
            testing::set_mode(&folder().join("run"), 0o777);
            testing::set_mode(&folder().join("state"), 0o777);
        }
        assert_eq!(testing::descriptors(), before, "round {round}");
    }
}

#[test]
fn rule_33_a_program_of_ours_leaves_no_core() {
    let status = part("part_forbids_dumps", Path::new("/")).status();
    assert!(status.expect("it runs").success());
}

#[test]
#[ignore = "part of a story: changes the whole process"]
fn part_forbids_dumps() {
    process::forbid_dumps().expect("allowed");
    process::no_new_privileges().expect("allowed");
    let core = rustix::process::getrlimit(rustix::process::Resource::Core);
    assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
    let dumpable = rustix::process::dumpable_behavior();
    assert_eq!(dumpable, Ok(rustix::process::DumpableBehavior::NotDumpable));
    let status = std::fs::read_to_string("/proc/thread-self/status").expect("/proc");
    assert!(status.contains("NoNewPrivs:\t1"));
}

#[test]
fn rule_23_root_is_given_up_for_good_and_in_every_thread() {
    let status = part("part_gives_up_root", Path::new("/")).status();
    assert!(status.expect("it runs").success());
}

#[test]
#[ignore = "part of a story: changes the whole process"]
fn part_gives_up_root() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let early = std::thread::spawn(move || {
        wait.recv().expect("the other thread");
        ids_of_this_thread()
    });
    let before = process::effective_uid();
    if is_root() {
        for impossible in [&["no-such-user-here"][..], &["root"], &[]] {
            assert!(process::drop_to(impossible, &[]).is_err(), "{impossible:?}");
            assert_eq!(process::effective_uid(), 0);
        }
        let account = process::drop_to(&["no-such-user-here", "nobody"], &[46, 0, 20, 46]);
        let account = account.expect("there is a nobody");
        assert_eq!(account.as_ref().map(|account| account.name.as_str()), Some("nobody"));
        assert_ne!(process::effective_uid(), 0);
        assert!(std::fs::read("/etc/shadow").is_err());
        let groups = ids_of_this_thread().pop().expect("a line of groups");
        let groups: Vec<&str> = groups.split_whitespace().skip(1).collect();
        assert_eq!(groups, ["20", "46"], "those that were asked for, and never root's");
    } else {
        assert_eq!(process::drop_to(&["nobody"], &[]), Ok(None));
        assert_eq!(process::effective_uid(), before);
    }
    go.send(()).expect("the other thread");
    let ids = early.join().expect("no panic");
    assert_eq!(ids, ids_of_this_thread());
    let uid = process::effective_uid().to_string();
    assert!(ids[0].split_whitespace().skip(1).all(|id| id == uid), "{ids:?}");
    assert_eq!(process::drop_to(&["root"], &[]), Ok(None), "once is enough");
}

/// The lines `Uid`, `Gid` and `Groups` of proc(5).
fn ids_of_this_thread() -> Vec<String> {
    let status = std::fs::read_to_string("/proc/thread-self/status").expect("/proc");
    let wanted = |line: &&str| ["Uid:", "Gid:", "Groups:"].iter().any(|name| line.starts_with(name));
    status.lines().filter(wanted).map(str::to_owned).collect()
}

/// Runs the part below with a socket as its standard input, and gives our end of it.
fn watched(millis: &str, session: bool) -> (Child, UnixStream, Scratch) {
    let scratch = Scratch::new();
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    let mut command = part("part_is_watched", &scratch.path(""));
    command.env("HERALD_TEST_MILLIS", millis).stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
    if session {
        // SAFETY: setsid(2) is async-signal-safe and all that is done between fork and exec.
        unsafe { command.pre_exec(|| rustix::process::setsid().map(drop).map_err(Into::into)) };
    }
    let mut child = command.spawn().expect("it runs");
    // The command keeps its end until it is dropped.
    drop(command);
    wait_until_ready(&mut child);
    (child, ours, scratch)
}

#[test]
fn rule_23_the_helper_ends_when_nobody_waits_for_it_and_takes_its_children_along() {
    let (mut child, ours, scratch) = watched("60000", true);
    assert_eq!(child.try_wait().expect("ours"), None);
    let grandchildren = std::fs::read_to_string(scratch.path("children")).expect("written");
    drop(ours);
    assert_eq!(child.wait().expect("ours").signal(), Some(libc::SIGKILL));
    // Its parent is gone: init, or whoever takes its place, reaps it.
    let ended = |pid: &str| {
        let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
        stat.map_or(true, |stat| stat.contains(") Z "))
    };
    let begun = Instant::now();
    while !grandchildren.split_whitespace().all(ended) {
        assert!(begun.elapsed() < Duration::from_secs(20), "a grandchild is still there");
        std::thread::yield_now();
    }
}

#[test]
fn rule_23_the_helper_ends_at_its_deadline_although_somebody_waits() {
    let begun = Instant::now();
    let (mut child, _ours, _scratch) = watched("200", false);
    let status = child.wait().expect("ours");
    assert_eq!(status.code(), Some(1), "without a session of its own it ends alone");
    assert!(begun.elapsed() >= Duration::from_millis(200) && begun.elapsed() < Duration::from_secs(20));
}

/// The journal would call it a failed conversation.
#[test]
fn whoever_hangs_up_when_all_is_done_ends_the_process_without_a_failure() {
    let scratch = Scratch::new();
    let mut child = part("part_has_nothing_left_to_end", &scratch.path("")).process_group(0).spawn().expect("it runs");
    drop(child.stdin.take());
    assert_eq!(child.wait().expect("ours").code(), Some(0));
}

#[test]
#[ignore = "part of a story: ends the whole process"]
fn part_has_nothing_left_to_end() {
    let until = Instant::now() + Duration::from_secs(60);
    watchdog::hang_up_with(std::io::stdin(), until, Duration::from_secs(60)).expect("a thread");
    loop {
        std::thread::park();
    }
}

#[test]
#[ignore = "part of a story: ends the whole process"]
#[allow(clippy::zombie_processes)] // that the watchdog ends them both is the story
fn part_is_watched() {
    let millis = std::env::var("HERALD_TEST_MILLIS").expect("given").parse().expect("a number");
    // SAFETY: both take nothing, give a number, and never fail.
    let leader = unsafe { libc::getpgrp() == libc::getpid() };
    let sleeper = || {
        let mut sleep = Command::new("/bin/sleep");
        sleep.arg("60").stdin(Stdio::null());
        sleep
    };
    let child = leader.then(|| sleeper().spawn().expect("sleep(1)"));
    if let Some(child) = &child {
        // One in our group, and one in a group of its own that was named.
        let other = sleeper().process_group(0).spawn().expect("sleep(1)");
        let group = i32::try_from(other.id()).ok().and_then(rustix::process::Pid::from_raw);
        watchdog::take_along(group);
        std::fs::write(folder().join("children"), format!("{} {}", child.id(), other.id())).expect("ours");
    }
    watchdog::die_with(std::io::stdin(), Instant::now() + Duration::from_millis(millis)).expect("a thread");
    ready();
    if let Some(mut child) = child {
        child.wait().expect("ours");
    }
    loop {
        std::thread::park();
    }
}
