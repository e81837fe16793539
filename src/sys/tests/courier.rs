//! The way to the network side, with helpers that do everything wrong (rules 5 and 23).
//!
//! A program of its own, and one test at a time: descriptors are counted before and after, dispositions of signals
//! change, and a script that another thread is still writing cannot be executed.
#![allow(unsafe_code)] // hosts change their signals, and limits, with C functions

#[path = "../src/testing.rs"]
mod testing;

use herald_core::courier::{
    Answer, Condition, Courier, CourierError, Driver, End, Fault, Gateway, Job, Message, Request, Tried, Try,
    encode_answer, encode_request,
};
use herald_sys::Spawner;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};
use testing::{Scratch, descriptors, set_mode};

/// One test at a time.
struct Alone(#[allow(dead_code)] MutexGuard<'static, ()>);

fn alone() -> Alone {
    static ALONE: Mutex<()> = Mutex::new(());
    Alone(ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

/// A host with one helper.
struct Host {
    scratch: Scratch,
    helper: PathBuf,
}

impl Host {
    /// The helper is a shell script; `$HERE` in it is the folder of the test.
    fn with(_alone: &Alone, script: &str) -> Self {
        let scratch = Scratch::new();
        let here = scratch.path("");
        let script = format!("#!/bin/sh\nHERE={}\n{script}\n", here.display());
        let helper = scratch.file("herald-deliver", script, 0o755);
        Self { scratch, helper }
    }

    /// The helper reads the request, as much of it as there is, and then does this.
    fn that_reads_and(alone: &Alone, request: &Request, script: &str) -> Self {
        let length = encode_request(request).expect("short").len();
        Self::with(alone, &format!("head -c {length} >$HERE/request\n{script}"))
    }

    /// What the helper may `cat`: bytes in a file.
    fn prepare(&self, name: &str, bytes: &[u8]) -> &Self {
        self.scratch.file(name, bytes, 0o600);
        self
    }

    fn answer(&self, answer: &Answer) -> &Self {
        self.prepare("answer", &encode_answer(answer).expect("short"))
    }

    /// Carries a request. On no way may a descriptor be left over.
    fn carry(&self, request: &Request) -> Result<Answer, CourierError> {
        let before = descriptors();
        let result = Spawner::new(&self.helper).carry(request);
        assert_eq!(descriptors(), before, "descriptors, after {result:?}");
        result
    }

    fn failure(&self, request: &Request) -> String {
        match self.carry(request) {
            Err(CourierError::Failed(text)) => text,
            other => panic!("it should have failed, not {other:?}"),
        }
    }

    fn said(&self, name: &str) -> String {
        std::fs::read_to_string(self.scratch.path(name)).expect("the helper wrote it")
    }

    /// The process that `echo $$ >$HERE/pid` told of is gone, and reaped.
    fn assert_gone(&self) {
        let pid = self.said("pid");
        assert!(!Path::new("/proc").join(pid.trim()).exists(), "the helper is still there");
    }
}

/// Asks two gateways to deliver, in no time, so that the courier waits for one second only.
fn send() -> Request {
    let gateway = |name: &str| Gateway {
        name: name.to_owned(),
        channel: "telegram".to_owned(),
        driver: "telegram-bot".to_owned(),
        insecure: false,
        fields: Vec::new(),
        definition: None,
    };
    let to = |name: &str| Try { gateway: name.to_owned(), address: "475721977".to_owned() };
    Request {
        job: Job::Send {
            tries: vec![to("one"), to("two"), to("one")],
            message: Message {
                code: Some("000000".into()),
                lifetime: Duration::from_secs(300),
                language: "en".to_owned(),
                copy_label: "Copy".to_owned(),
                parts: Vec::new(),
            },
        },
        deadline: Duration::ZERO,
        proxy: String::new(),
        ca: String::new(),
        gateways: vec![gateway("one"), gateway("two")],
    }
}

/// A request that does not fit into a socket's buffer.
fn long() -> Request {
    Request { ca: "x".repeat(900_000), ..send() }
}

fn tried(gateway: &str, end: End) -> Tried {
    Tried { gateway: gateway.to_owned(), end, detail: String::new(), took: Duration::ZERO }
}

fn delivered() -> Answer {
    Answer::Tries(vec![tried("one", End::Unreachable), tried("two", End::Delivered)])
}

#[test]
fn a_request_arrives_whole_and_the_answer_comes_back() {
    let alone = alone();
    for request in [send(), long()] {
        let host = Host::that_reads_and(&alone, &request, "cat $HERE/answer; echo $$ >$HERE/pid");
        host.answer(&delivered());
        assert_eq!(host.carry(&request), Ok(delivered()));
        let arrived = std::fs::read(host.scratch.path("request")).expect("the helper wrote it");
        assert!(arrived == **encode_request(&request).expect("short"));
        host.assert_gone();
    }
}

#[test]
fn an_answer_may_come_in_pieces() {
    let alone = alone();
    let pieces = "head -c 2 $HERE/answer; sleep 0.05; tail -c +3 $HERE/answer | head -c 5; sleep 0.05";
    let host = Host::that_reads_and(&alone, &send(), &format!("{pieces}; tail -c +8 $HERE/answer"));
    host.answer(&delivered());
    assert_eq!(host.carry(&send()), Ok(delivered()));
}

#[test]
fn the_longest_answer_is_still_one() {
    let alone = alone();
    let host = Host::that_reads_and(&alone, &send(), "cat $HERE/answer");
    let detail = "x".repeat(65_000);
    let answer = Answer::Tries(vec![Tried { detail, ..tried("two", End::Permanent) }]);
    host.answer(&answer);
    assert_eq!(host.carry(&send()), Ok(answer));
}

#[test]
fn rule_23_the_helper_gets_a_world_of_its_own() {
    let alone = alone();
    let host = Host::that_reads_and(
        &alone,
        &send(),
        "cat /proc/$$/environ >$HERE/environ
         while read line; do echo $line; done </proc/self/status >$HERE/status
         cat /proc/$$/stat >$HERE/stat
         for fd in /proc/$$/fd/*; do readlink $fd; done >$HERE/fds
         echo $$ >$HERE/pid
         cat $HERE/answer",
    );
    host.answer(&delivered());
    // A host with open files, an ignored and a blocked signal.
    let inherited = std::fs::File::open("/etc/passwd").expect("a file");
    // SAFETY: numbers only, and sets that are ours.
    let old = unsafe {
        libc::fcntl(inherited.as_raw_fd(), libc::F_SETFD, 0);
        let mut blocked = std::mem::zeroed();
        libc::sigemptyset(&mut blocked);
        libc::sigaddset(&mut blocked, libc::SIGUSR1);
        libc::pthread_sigmask(libc::SIG_BLOCK, &blocked, std::ptr::null_mut());
        libc::signal(libc::SIGUSR2, libc::SIG_IGN)
    };
    let result = host.carry(&send());
    // SAFETY: as above.
    unsafe {
        libc::signal(libc::SIGUSR2, old);
    }
    assert_eq!(result, Ok(delivered()));
    assert_eq!(host.said("environ"), "");
    // The shell read this itself: it blocks signals while it starts a program.
    let status = host.said("status");
    let mask = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).expect("a line of proc(5)");
        u64::from_str_radix(line.split_whitespace().nth(1).expect("a value"), 16).expect("hexadecimal")
    };
    // 32 and 33 are glibc's own: posix_spawn(3) has them ignored until the first thread starts.
    assert_eq!((mask("SigBlk:"), mask("SigIgn:") & !(0b11 << 31)), (0, 0));
    let stat = host.said("stat");
    let session = stat.split_whitespace().nth(5).expect("a session");
    assert_eq!(session, host.said("pid").trim(), "a session of its own");
    let script = host.helper.to_str().expect("text");
    for target in host.said("fds").lines() {
        let own = ["socket:", "/dev/null", script].iter().any(|start| target.starts_with(start));
        // The shell's own output file of that moment.
        assert!(own || target.ends_with("/fds"), "the helper inherited {target}");
    }
}

#[test]
fn rule_22_the_host_keeps_its_signals_its_directory_and_its_umask() {
    let alone = alone();
    let host = Host::that_reads_and(&alone, &send(), "cat $HERE/answer");
    host.answer(&delivered());
    let global = || {
        let status = std::fs::read_to_string("/proc/thread-self/status").expect("/proc");
        let kept = ["Umask", "Sig", "Shd", "Uid", "Gid", "NoNewPrivs"];
        let lines =
            status.lines().filter(|line| kept.iter().any(|name| line.starts_with(name)) && !line.starts_with("SigQ"));
        (lines.map(str::to_owned).collect::<Vec<_>>(), std::env::current_dir().expect("a directory"))
    };
    let before = global();
    assert_eq!(host.carry(&send()), Ok(delivered()));
    assert_eq!(global(), before);
}

#[test]
fn what_cannot_be_started_says_why_and_sent_nothing() {
    let alone = alone();
    let host = Host::with(&alone, "exit");
    let not_started = |what: &str| match host.carry(&send()) {
        Err(CourierError::NotStarted(text)) if text.contains(what) => {}
        other => panic!("{what}: {other:?}"),
    };
    set_mode(&host.helper, 0o644);
    not_started("cannot be executed. Mend it: chmod 755");
    set_mode(&host.helper, 0o777);
    not_started("others can write to it. Mend it: chmod go-w");
    set_mode(&host.helper, 0o755);
    set_mode(&host.scratch.path(""), 0o777);
    not_started("others can write into it");
    set_mode(&host.scratch.path(""), 0o700);
    std::fs::write(&host.helper, "#!/no/such/interpreter\n").expect("ours");
    not_started("cannot be started: No such file");
    std::fs::write(&host.helper, "neither a script nor a binary").expect("ours");
    not_started("cannot be started: Exec format error");
    std::fs::remove_file(&host.helper).expect("ours");
    not_started("there is no such file. Install herald-deliver, or set paths.deliver");
    symlink("/bin/true", &host.helper).expect("a link");
    not_started("is a symbolic link");
    let too_long = Request { ca: "x".repeat(2_000_000), ..send() };
    assert!(matches!(host.carry(&too_long), Err(CourierError::NotStarted(_))));
    let too_late = Request { deadline: Duration::MAX, ..send() };
    assert!(matches!(host.carry(&too_late), Err(CourierError::NotStarted(_))));
}

#[test]
fn rule_5_a_helper_that_ends_without_an_answer_has_failed_whatever_its_exit_status() {
    let alone = alone();
    for (script, what) in [
        ("exit 0", "(exit status 0)"),
        ("exit 3", "(exit status 3)"),
        ("kill -KILL $$", "(signal 9)"),
        ("kill -SEGV $$", "(signal 11)"),
        ("head -c 3 $HERE/answer", "ended without a complete answer"),
        ("head -c 10 $HERE/answer", "ended without a complete answer"),
        ("echo $$ >$HERE/pid; exec <&- >&- sleep 60", "ended without a complete answer"),
    ] {
        let host = Host::that_reads_and(&alone, &send(), script);
        host.answer(&delivered());
        let text = host.failure(&send());
        assert!(text.contains(what), "{script}: {text}");
        if script.contains("pid") {
            host.assert_gone();
        }
    }
}

#[test]
fn rule_5_what_is_not_an_answer_is_a_failure() {
    let alone = alone();
    let good = encode_answer(&delivered()).expect("short");
    let mut trailing = good.to_vec();
    trailing.push(0);
    let mut longer_inside = good.to_vec();
    longer_inside[3] += 1;
    longer_inside.push(0);
    let too_long = [&65_537_u32.to_be_bytes()[..], &vec![0; 65_537]].concat();
    for (bytes, what) in [
        (b"HTTP/1.1 200 OK".to_vec(), "sent more than an answer"),
        (too_long, "sent more than an answer"),
        (trailing, "sent more than an answer"),
        (longer_inside, "sent what is not an answer"),
        (vec![0, 0, 0, 0], "sent what is not an answer"),
        (vec![0, 0, 0, 1, 99], "sent what is not an answer"),
        ([&good[..4], &vec![0xff; good.len() - 4]].concat(), "sent what is not an answer"),
        (Vec::new(), "ended without a complete answer"),
    ] {
        let host = Host::that_reads_and(&alone, &send(), "cat $HERE/answer");
        host.prepare("answer", &bytes);
        let text = host.failure(&send());
        assert!(text.contains(what), "{text}");
    }
}

#[test]
fn rule_5_an_answer_to_another_question_is_none() {
    let alone = alone();
    let status = Request { job: Job::Status, ..send() };
    let condition = |gateway: &str| Condition {
        gateway: gateway.to_owned(),
        ok: true,
        detail: String::new(),
        mend: String::new(),
        took: Duration::ZERO,
    };
    let check = Request { job: Job::Check, ..send() };
    let fault =
        |gateway: &str| Fault { gateway: gateway.to_owned(), field: "token".to_owned(), problem: "wrong".to_owned() };
    let describe = Request { job: Job::Describe(None), ..send() };
    let driver = Driver { name: "smtp".to_owned(), channel: "email".to_owned(), addresses: vec![], fields: vec![] };
    let tries = |list: &[(&str, End)]| Answer::Tries(list.iter().map(|(gateway, end)| tried(gateway, *end)).collect());
    let (down, done) = (End::Unreachable, End::Delivered);
    for (request, answer, fits) in [
        (send(), tries(&[]), true),
        (send(), tries(&[("one", down), ("two", down), ("one", down)]), true),
        (send(), tries(&[("one", down), ("one", done)]), true),
        (send(), tries(&[("one", done)]), true),
        (send(), tries(&[("three", down)]), false),
        (send(), tries(&[("two", down), ("two", down)]), false),
        (send(), tries(&[("one", down), ("two", down), ("one", down), ("one", down)]), false),
        (send(), tries(&[("one", done), ("two", down)]), false),
        (send(), tries(&[("one", done), ("two", done)]), false),
        (send(), Answer::Faults(vec![]), false),
        (send(), Answer::Drivers(vec![]), false),
        (send(), Answer::Status(vec![]), false),
        (status.clone(), Answer::Status(vec![condition("one"), condition("two")]), true),
        (status.clone(), Answer::Status(vec![condition("one")]), false),
        (status.clone(), Answer::Status(vec![condition("two"), condition("one")]), false),
        (status, tries(&[("one", done)]), false),
        (check.clone(), Answer::Faults(vec![fault("two")]), true),
        (check.clone(), Answer::Faults(vec![]), true),
        (check, Answer::Faults(vec![fault("three")]), false),
        (describe.clone(), Answer::Drivers(vec![driver]), true),
        (describe, Answer::Faults(vec![]), false),
    ] {
        let host = Host::that_reads_and(&alone, &request, "cat $HERE/answer");
        host.answer(&answer);
        if fits {
            assert_eq!(host.carry(&request), Ok(answer));
        } else {
            let text = host.failure(&request);
            assert!(text.contains("answered something else than was asked"), "{answer:?}: {text}");
        }
    }
}

#[test]
fn rule_5_a_helper_that_hangs_is_stopped_or_never_reads_fails_in_time_and_is_killed() {
    let alone = alone();
    for (request, script) in [
        (send(), "exec sleep 60"),
        (send(), "kill -STOP $$"),
        (send(), "head -c 10 $HERE/answer; exec sleep 60"),
        (send(), "trap '' TERM HUP INT; exec sleep 60"),
        (long(), "exec sleep 60"),
    ] {
        let host = Host::with(&alone, &format!("echo $$ >$HERE/pid\n{script}"));
        host.answer(&delivered());
        let begun = Instant::now();
        let text = host.failure(&request);
        assert!(text.contains("gave no answer within 1 s"), "{script}: {text}");
        let took = begun.elapsed();
        assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(10), "{script}: {took:?}");
        host.assert_gone();
    }
}

#[test]
fn a_helper_that_answers_and_stays_is_not_waited_for() {
    let alone = alone();
    let host = Host::that_reads_and(&alone, &send(), "echo $$ >$HERE/pid; cat $HERE/answer; exec sleep 60");
    host.answer(&delivered());
    let begun = Instant::now();
    assert_eq!(host.carry(&send()), Ok(delivered()));
    assert!(begun.elapsed() < Duration::from_secs(10));
    host.assert_gone();
}

#[test]
fn rule_23_a_helper_that_is_gone_does_not_end_the_host_by_sigpipe() {
    let alone = alone();
    // SAFETY: sets a disposition; Rust programs ignore SIGPIPE, PAM hosts do not.
    let old = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let host = Host::with(&alone, "exit 0");
    let text = host.failure(&long());
    // SAFETY: as above.
    unsafe { libc::signal(libc::SIGPIPE, old) };
    assert!(text.contains("ended without a complete answer"), "{text}");
}

#[test]
fn rule_23_a_host_that_ignores_or_reaps_its_children_gets_its_answer() {
    let alone = alone();
    for handler in [libc::SIG_IGN, reap_everything as *const () as libc::sighandler_t] {
        let good = Host::that_reads_and(&alone, &send(), "cat $HERE/answer");
        good.answer(&delivered());
        // SAFETY: sets a disposition. The handler calls only waitpid(2), which is async-signal-safe.
        let old = unsafe { libc::signal(libc::SIGCHLD, handler) };
        let answers: Vec<_> = (0..20).map(|_| good.carry(&send())).collect();
        drop(good);
        let crash = Host::that_reads_and(&alone, &send(), "exit 1");
        let text = crash.failure(&send());
        drop(crash);
        let hang = Host::with(&alone, "echo $$ >$HERE/pid; exec sleep 60");
        let late = hang.failure(&send());
        // SAFETY: as above.
        unsafe { libc::signal(libc::SIGCHLD, old) };
        assert!(answers.iter().all(|answer| *answer == Ok(delivered())), "{answers:?}");
        assert!(text.contains("ended without a complete answer"), "{text}");
        assert!(late.contains("gave no answer within 1 s"), "{late}");
        hang.assert_gone();
    }
}

extern "C" fn reap_everything(_signal: libc::c_int) {
    // SAFETY: asks for nothing back.
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {}
}

#[test]
fn rule_23_the_children_of_the_host_are_not_ours_to_reap() {
    let alone = alone();
    let host = Host::that_reads_and(&alone, &send(), "cat $HERE/answer");
    host.answer(&delivered());
    let mut child = Command::new("/bin/sh").args(["-c", "exit 7"]).spawn().expect("a shell");
    assert_eq!(host.carry(&send()), Ok(delivered()));
    assert_eq!(child.wait().expect("still ours").code(), Some(7));
}

#[test]
fn rule_23_without_a_pidfd_nothing_is_killed_and_the_helper_ends_at_hang_up() {
    let alone = alone();
    let host = Host::with(&alone, "echo $$ >$HERE/pid; exec cat >$HERE/request");
    // Room for the socket pair, and for nothing after it: pidfd_open(2) fails as it does in an old kernel.
    let limits = getrlimit(Resource::Nofile);
    let filler: Vec<OwnedFd> = (0..60).map(|_| OwnedFd::from(std::fs::File::open("/").expect("room"))).collect();
    let lowest_free = std::fs::File::open("/").expect("room").as_raw_fd();
    let room = u64::try_from(lowest_free + 2).expect("small");
    // `carry` counts descriptors, which takes some itself: count here.
    let before = descriptors();
    setrlimit(Resource::Nofile, Rlimit { current: Some(room), ..limits }).expect("lower is allowed");
    let result = Spawner::new(&host.helper).carry(&send());
    setrlimit(Resource::Nofile, limits).expect("back again");
    assert_eq!(descriptors(), before);
    drop(filler);
    assert!(matches!(&result, Err(CourierError::Failed(text)) if text.contains("no answer within")), "{result:?}");
    let request = std::fs::read(host.scratch.path("request")).expect("the helper wrote it");
    assert!(!request.is_empty(), "it read until we hung up");
    host.assert_gone();
}

#[test]
fn rule_23_a_host_without_standard_descriptors_gets_its_answer() {
    let _alone = alone();
    let program = std::env::current_exe().expect("this program");
    let arguments = ["--exact", "inside_a_host_without_standard_descriptors", "--ignored", "--test-threads=1"];
    let inside = Command::new(program).args(arguments).output().expect("it runs");
    let text = String::from_utf8_lossy(&inside.stdout);
    assert!(inside.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "closes 0 to 2: run by the test above, in a process of its own"]
fn inside_a_host_without_standard_descriptors() {
    let alone = alone();
    let host = Host::that_reads_and(&alone, &send(), "cat $HERE/answer");
    host.answer(&delivered());
    let mut results = Vec::new();
    for closed in [&[0][..], &[1], &[2], &[0, 1], &[0, 2], &[0, 1, 2]] {
        let copies: Vec<(i32, i32)> = closed
            .iter()
            .map(|&descriptor| {
                // SAFETY: numbers only; nobody uses these three meanwhile, there is one thread.
                let copy = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 100) };
                // SAFETY: as above.
                unsafe { libc::close(descriptor) };
                (descriptor, copy)
            })
            .collect();
        results.push(host.carry(&send()));
        for (descriptor, copy) in copies {
            // SAFETY: as above.
            unsafe {
                libc::dup2(copy, descriptor);
                libc::close(copy);
            }
        }
    }
    assert_eq!(results, vec![Ok(delivered()); 6]);
}

#[test]
fn a_hundred_failures_leave_nothing_behind() {
    let alone = alone();
    let host = Host::that_reads_and(&alone, &send(), "exit 1");
    let children = || std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    let before = (descriptors(), children());
    for _ in 0..100 {
        host.failure(&send());
    }
    assert_eq!((descriptors(), children()), before);
}
