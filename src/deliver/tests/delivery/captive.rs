//! Attempts from inside of the cage, each shown to work outside of it, by the same user.

use crate::harness::{CHAT, CODE, Running, eventually, gateway, send, send_through, tries};
use herald_core::courier::{Answer, End, Field, Gateway, Job, Message, Request, decode_answer};
use herald_sys::process::landlock_version;
use herald_tests::phone::{BotApi, Fault};
use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::Command;

/// As the kernel numbers them (errno(3)).
const EPERM: i32 = 1;
const EACCES: i32 = 13;
const EAFNOSUPPORT: i32 = 97;

fn captive() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_herald-deliver")).with_file_name("examples/captive");
    assert!(program.exists(), "cargo builds it with all tests, or: cargo build -p herald-deliver --examples");
    program
}

/// Works without the cage, or nothing is shown by what does not work in it.
fn works_outside(attempt: &str, object: &str) {
    let output = Command::new(captive()).args([attempt, object]).env_clear().output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{attempt} {object} outside: {said}");
}

/// The error's number; `None` where it works.
fn tried_inside(gateways: &[Gateway], attempt: &str, object: &str) -> Option<i32> {
    let mut request = send(gateways.to_vec(), &[]);
    if let Job::Send { message: Message { language, copy_label, .. }, .. } = &mut request.job {
        (*language, *copy_label) = (attempt.to_owned(), object.to_owned());
    }
    let mut running = Running::start_as(Command::new(captive()).env_clear());
    running.ask(&request);
    let bytes = running.bytes();
    let Some(payload) = bytes.get(4..) else { panic!("{attempt} {object}: no answer") };
    match decode_answer(payload) {
        Ok(Answer::Tries(tries)) if tries[0].end == End::Delivered => None,
        Ok(Answer::Tries(tries)) => Some(tries[0].detail.parse().expect("a number")),
        other => panic!("{attempt} {object}: {other:?}"),
    }
}

fn of(driver: &str, field: &str, value: &str) -> Vec<Gateway> {
    let fields = vec![(field.to_owned(), Field::Text(value.into()))];
    vec![Gateway { driver: driver.into(), channel: "sms".into(), fields, ..gateway("own", "") }]
}

fn web(port: u16) -> Vec<Gateway> {
    vec![gateway("telegram", &format!("http://127.0.0.1:{port}"))]
}

/// Says loudly what this kernel cannot show.
fn landlock(least: u32) -> bool {
    let here = landlock_version().unwrap_or_default();
    if here < least {
        eprintln!("NOT SHOWN: this kernel has landlock {here}, and {least} is needed (CONFIG_SECURITY_LANDLOCK, lsm=)");
    }
    here >= least
}

/// A folder into which everybody may write.
struct Open(PathBuf);

impl Open {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("herald-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("ours");
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a path").to_owned()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn rule_23_files_that_it_does_not_need_cannot_be_read_and_none_written() {
    if !landlock(3) {
        return;
    }
    let open = Open::new("captive-files");
    let mine = open.path("mine");
    fs::write(&mine, "x").expect("writable");
    fs::set_permissions(&mine, fs::Permissions::from_mode(0o666)).expect("ours");
    for (attempt, object) in [
        ("read", "/etc/passwd"),
        ("read", &mine),
        ("read", "/proc/cpuinfo"),
        ("list", "/etc"),
        ("list", "/proc"),
        ("write", &mine),
        ("write", &open.path("new")),
        ("make-folder", &open.path("folder")),
        ("remove", &mine),
    ] {
        assert_eq!(tried_inside(&web(443), attempt, object), Some(EACCES), "{attempt} {object}");
        works_outside(attempt, object);
    }
    assert_eq!(tried_inside(&web(443), "read", "/etc/shadow"), Some(EACCES));
    assert_eq!(tried_inside(&web(443), "read", "/etc/resolv.conf"), None);
    let sms = of("modemmanager", "modem", "0");
    assert_eq!(tried_inside(&sms, "read", "/etc/resolv.conf"), Some(EACCES), "no name is looked up for a modem");
}

#[test]
fn rule_23_only_the_outbox_of_the_gateway_can_be_written_to() {
    if !landlock(3) {
        return;
    }
    let (outbox, other) = (Open::new("captive-outbox"), Open::new("captive-other"));
    let gammu = of("gammu-smsd", "outbox", &outbox.path(""));
    assert_eq!(tried_inside(&gammu, "write", &outbox.path("new")), None);
    assert_eq!(tried_inside(&gammu, "write", &other.path("new")), Some(EACCES));
    assert_eq!(tried_inside(&gammu, "make-folder", &outbox.path("folder")), Some(EACCES));
    assert_eq!(tried_inside(&gammu, "read", &outbox.path("new")), Some(EACCES), "what others put there is not ours");
}

#[test]
fn rule_23_no_program_can_be_started_not_even_the_admins_own() {
    let own = of("command", "program", "/bin/true");
    for gateways in [&own, &web(443)] {
        assert_eq!(tried_inside(gateways, "execute", "/bin/true"), Some(EPERM));
        assert_eq!(tried_inside(gateways, "start", "/bin/true"), Some(EPERM));
    }
    works_outside("execute", "/bin/true");
    works_outside("start", "/bin/true");
}

#[test]
fn rule_23_other_processes_and_the_kernel_are_out_of_reach() {
    // Another one of the same user, which a signal would reach.
    let phone = BotApi::start();
    phone.set_fault(Fault::Hang);
    let mut other = Running::start();
    other.ask(&send_through(&phone));
    eventually(|| (phone.requests() > 0).then_some(())).expect("it waits");
    let other = other.pid().to_string();
    for (attempt, object) in
        [("trace", ""), ("signal", &*other), ("new-namespace", ""), ("be-dumpable", ""), ("listen", "")]
    {
        let error = tried_inside(&web(443), attempt, object);
        assert!(matches!(error, Some(EPERM | EACCES)), "{attempt}: {error:?}");
        works_outside(attempt, object);
    }
}

#[test]
fn rule_23_what_was_given_up_cannot_be_taken_back_and_more_than_the_limits_not_be_had() {
    const ENOMEM: i32 = 12;
    for attempt in ["become-root", "join-roots-group", "raise-limits"] {
        assert_eq!(tried_inside(&web(443), attempt, ""), Some(EPERM), "{attempt}");
    }
    let much = (512_u32 << 20).to_string();
    assert_eq!(tried_inside(&web(443), "use-memory", &much), Some(ENOMEM));
    works_outside("use-memory", &much);
    assert_eq!(tried_inside(&web(443), "use-memory", "1048576"), None, "what it needs it has");
}

#[test]
fn rule_23_only_the_port_of_the_gateway_can_be_connected_to() {
    if !landlock(4) {
        return;
    }
    let here = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let [own, other] = [0, 1].map(|which: usize| here[which].local_addr().expect("bound").port());
    assert_eq!(tried_inside(&web(own), "connect", &own.to_string()), None);
    assert_eq!(tried_inside(&web(own), "connect", &other.to_string()), Some(EACCES));
    works_outside("connect", &other.to_string());
    let mail = Gateway {
        driver: "smtp".into(),
        channel: "email".into(),
        fields: vec![
            ("host".into(), Field::Text("127.0.0.1".into())),
            ("from".into(), Field::Text("herald@example.org".into())),
            ("port".into(), Field::Integer(own.into())),
        ],
        ..gateway("mail", "")
    };
    assert_eq!(tried_inside(std::slice::from_ref(&mail), "connect", &own.to_string()), None);
    assert_eq!(tried_inside(&[mail], "connect", &other.to_string()), Some(EACCES));
}

#[test]
fn rule_23_who_talks_to_a_daemon_of_this_machine_has_no_network() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = port.local_addr().expect("bound").port().to_string();
    let open = Open::new("captive-socket");
    let path = open.path("socket");
    let _daemon = UnixListener::bind(&path).expect("a socket");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("ours");
    let signal = of("signal-cli", "url", &format!("unix:{path}"));
    assert_eq!(tried_inside(&signal, "connect-unix", &path), None);
    for (attempt, object) in [("connect", port.as_str()), ("udp", "")] {
        assert_eq!(tried_inside(&signal, attempt, object), Some(EPERM), "{attempt}");
        works_outside(attempt, object);
    }
    // Nobody is talked to by a folder or by a program.
    for gateways in [of("gammu-smsd", "outbox", &open.path("")), of("command", "program", "/bin/true")] {
        assert_eq!(tried_inside(&gateways, "connect-unix", &path), Some(EPERM));
    }
    if landlock(9) {
        let stranger = open.path("other");
        let _other = UnixListener::bind(&stranger).expect("a socket");
        fs::set_permissions(&stranger, fs::Permissions::from_mode(0o666)).expect("ours");
        assert_eq!(tried_inside(&signal, "connect-unix", &stranger), Some(EACCES));
        works_outside("connect-unix", &stranger);
    }
}

#[test]
fn rule_23_strange_sockets_are_out_of_reach() {
    assert_eq!(tried_inside(&web(443), "crypto-socket", ""), Some(EPERM));
    let outside = Command::new(captive()).args(["crypto-socket", ""]).env_clear().output().expect("it starts");
    let said = String::from_utf8_lossy(&outside.stdout);
    assert!(outside.status.success() || said.contains(&format!("os error {EAFNOSUPPORT}")), "{said}");
    if landlock(6) {
        let name = format!("herald-captive-{}", std::process::id());
        let _abstract = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).expect("a name"));
        assert_eq!(tried_inside(&web(443), "connect-abstract", &name), Some(EPERM));
        works_outside("connect-abstract", &name);
    }
}

#[test]
fn rule_23_every_thread_is_behind_the_filter() {
    let phone = BotApi::start();
    phone.set_fault(Fault::Hang);
    let mut running = Running::start();
    running.ask(&send_through(&phone));
    eventually(|| (phone.requests() > 0).then_some(())).expect("it waits");
    let threads = fs::read_dir(format!("/proc/{}/task", running.pid())).expect("it runs");
    let mut seen = 0;
    for thread in threads {
        let status = fs::read_to_string(thread.expect("one").path().join("status")).expect("readable");
        let filters = status.lines().find_map(|line| line.strip_prefix("Seccomp:")).expect("a line").trim();
        assert_eq!(filters, if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) { "2" } else { "0" });
        assert!(status.contains("NoNewPrivs:\t1"));
        seen += 1;
    }
    assert!(seen >= 3, "main thread, watchdog, pulse");
}

#[test]
fn a_name_is_looked_up_in_the_cage() {
    let phone = BotApi::start_plain();
    let url = phone.url().replace("127.0.0.1", "localhost");
    let request = send(vec![gateway("telegram", &url)], &[("telegram", CHAT)]);
    assert_eq!(tries(&request)[0].end, End::Delivered, "by /etc/hosts");
}

#[test]
fn what_one_gateway_needs_the_next_one_cannot_use() {
    // The first writes a file, the second talks to the network: each in a cage of its own.
    let (phone, outbox) = (BotApi::start(), Open::new("captive-both"));
    let mut files = of("gammu-smsd", "outbox", &outbox.path("nonexistent"));
    files.push(gateway("telegram", &phone.url()));
    let mut request: Request = send(files, &[("own", "+81312345678"), ("telegram", CHAT)]);
    request.ca = phone.ca_pem().into();
    let ends: Vec<End> = tries(&request).into_iter().map(|tried| tried.end).collect();
    assert_eq!(ends, [End::Configuration, End::Delivered]);
    assert_eq!(phone.next_message(crate::harness::SOON).and_then(|message| message.code).as_deref(), Some(CODE));
}
