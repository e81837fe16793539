//! What a running program may still do, seen from outside while a gateway keeps it waiting.

use crate::harness::{Running, SOON, eventually, send_through};
use herald_core::courier::{Answer, End, Request, decode_answer};
use herald_tests::phone::{BotApi, Fault};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use rustix::thread::{CapabilitySet, capabilities};
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A program in the middle of a request that is never answered.
fn waiting(phone: &BotApi, deadline: Duration) -> Running {
    phone.set_fault(Fault::Hang);
    let mut running = Running::start();
    running.ask(&Request { deadline, ..send_through(phone) });
    eventually(|| (phone.requests() > 0).then_some(())).expect("the request goes out");
    running
}

fn status_of(running: &Running) -> impl Fn(&str) -> String + use<> {
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).expect("it runs");
    move |key| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn rule_23_nothing_is_left_to_a_program_that_talks_to_the_network() {
    let phone = BotApi::start();
    let running = waiting(&phone, Duration::from_secs(60));
    let status = status_of(&running);
    assert_eq!(status("NoNewPrivs"), "1");
    assert_eq!(status("Umask"), "0077");
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(status(set), "0000000000000000", "{set}");
    }
    if geteuid().is_root() {
        let passwd = fs::read_to_string("/etc/passwd").expect("readable");
        let ids = |name: &str| {
            let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
            let columns: Vec<&str> = line.split(':').collect();
            Some((columns[2].to_owned(), columns[3].to_owned()))
        };
        let (uid, gid) = ids("_herald").or_else(|| ids("nobody")).expect("every system has nobody");
        assert_eq!(status("Uid"), [uid.as_str(); 4].join(" "));
        assert_eq!(status("Gid"), [gid.as_str(); 4].join(" "));
        assert_eq!(status("Groups"), "");
        assert_eq!(fs::read_link(format!("/proc/{}/cwd", running.pid())).expect("readable"), std::path::Path::new("/"));
    } else {
        assert_eq!(status("Uid"), [geteuid().as_raw().to_string().as_str(); 4].join(" "));
    }
}

#[test]
fn rule_23_what_its_host_left_open_is_closed() {
    // Only root sees which files a process that is not dumpable has open.
    if !geteuid().is_root() {
        return;
    }
    let phone = BotApi::start();
    phone.set_fault(Fault::Hang);
    let forgotten = "exec 9</etc/passwd; exec env -i \"$0\"";
    let program = env!("CARGO_BIN_EXE_herald-deliver");
    let mut running = Running::start_as(Command::new("sh").args(["-c", forgotten, program]).env_clear());
    running.ask(&send_through(&phone));
    eventually(|| (phone.requests() > 0).then_some(())).expect("the request goes out");
    let open = fs::read_dir(format!("/proc/{}/fd", running.pid())).expect("it runs");
    let open: Vec<_> = open.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()).collect();
    assert!(!open.is_empty() && !open.iter().any(|file| file.ends_with("passwd")), "{open:?}");
}

#[test]
fn rule_33_its_memory_cannot_be_dumped() {
    let phone = BotApi::start();
    let running = waiting(&phone, Duration::from_secs(60));
    // proc(5): the files of a process that is not dumpable belong to root, whoever runs it.
    let owner = fs::metadata(format!("/proc/{}/environ", running.pid())).expect("it runs");
    assert_eq!((owner.uid(), owner.gid()), (0, 0));
    let limits = fs::read_to_string(format!("/proc/{}/limits", running.pid())).expect("readable");
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).expect("a limit");
        line[name.len()..].split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(limit("Max core file size"), ["0", "0"]);
    // Soft and hard: bytes, and seconds of the processor for the longest deadline.
    assert_eq!(limit("Max data size"), [(256 << 20).to_string(), (256 << 20).to_string()]);
    let seconds: Vec<u64> = limit("Max cpu time").iter().map(|text| text.parse().expect("a limit")).collect();
    assert!(seconds[0] == seconds[1] && seconds[0] <= 62, "{seconds:?}");
}

#[test]
fn rule_23_it_ends_when_nobody_waits_for_it() {
    let phone = BotApi::start();
    let mut running = waiting(&phone, Duration::from_secs(60));
    let (other, _) = std::os::unix::net::UnixStream::pair().expect("a pair");
    drop(std::mem::replace(&mut running.socket, other));
    assert!(running.ended().is_some(), "long before its deadline");
}

#[test]
fn rule_23_it_answers_within_its_deadline_whatever_the_gateway_does() {
    let phone = BotApi::start();
    let started = Instant::now();
    let mut running = waiting(&phone, Duration::from_secs(2));
    let bytes = running.bytes();
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(matches!(decode_answer(&bytes[4..]), Ok(Answer::Tries(tries)) if tries[0].end == End::Unclear));
}

#[test]
fn nothing_but_a_whole_request_is_answered() {
    let phone = BotApi::start();
    let frame = herald_core::courier::encode_request(&send_through(&phone)).expect("fits");
    let mut bent = frame.to_vec();
    bent[4] ^= 0xff;
    for bytes in [&frame[..frame.len() - 1], &frame[..2], &bent, &[0xff; 64], &[0; 4], b""] {
        let mut running = Running::start();
        running.socket.write_all(bytes).expect("it reads");
        running.socket.shutdown(std::net::Shutdown::Write).expect("open");
        assert_eq!(running.bytes(), b"", "{} bytes", bytes.len());
        assert!(!running.ended().expect("it ends").success());
    }
    assert_eq!(phone.connections(), 0);
}

#[test]
fn rule_21_an_environment_is_refused() {
    let mut running = Running::start_as(
        Command::new(env!("CARGO_BIN_EXE_herald-deliver")).env_clear().env("HTTPS_PROXY", "http://127.0.0.1:1"),
    );
    assert_eq!(running.ended().expect("it ends").code(), Some(2));
}

#[test]
fn a_start_by_hand_says_what_to_use_instead() {
    let output = Command::new(env!("CARGO_BIN_EXE_herald-deliver"))
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("never by hand") && text.contains("try: herald gateway status"), "{text}");
    assert_eq!(output.stdout, b"");
}

/// A caller of `su` chooses the limits of everything that it starts.
#[test]
fn rule_5_limits_of_a_caller_never_look_like_a_network_that_is_down() {
    let phone = BotApi::start();
    let script = format!("ulimit -n 4; ulimit -c 0; exec env -i {}", env!("CARGO_BIN_EXE_herald-deliver"));
    let mut running = Running::start_as(Command::new("/bin/sh").env_clear().args(["-c", &script]));
    let _ = running.socket.write_all(&herald_core::courier::encode_request(&send_through(&phone)).expect("fits"));
    let bytes = running.bytes();
    let own = capabilities(None).expect("readable");
    if own.effective.contains(CapabilitySet::SYS_RESOURCE) {
        assert!(matches!(decode_answer(&bytes[4..]), Ok(Answer::Tries(tries)) if tries[0].end == End::Delivered));
        assert!(phone.next_message(SOON).is_some());
    } else {
        assert_eq!(bytes, b"", "no answer is never taken for one");
    }
}

/// And freezes it, so that the connection "times out".
#[test]
fn rule_5_a_program_that_was_stopped_does_not_call_the_gateway_unreachable() {
    let phone = BotApi::start();
    phone.set_fault(Fault::HangBeforeTls);
    let mut running = Running::start();
    running.ask(&Request { deadline: Duration::from_secs(4), ..send_through(&phone) });
    eventually(|| (phone.connections() > 0).then_some(())).expect("it connects");
    let pid = Pid::from_child(&running.child);
    kill_process(pid, Signal::STOP).expect("it runs");
    std::thread::sleep(Duration::from_millis(3200));
    kill_process(pid, Signal::CONT).expect("it is there");
    let bytes = running.bytes();
    let answer = decode_answer(&bytes[4..]).expect("an answer");
    assert!(matches!(&answer, Answer::Tries(tries) if tries[0].end == End::TryAgain { after: None }), "{answer:?}");
}
