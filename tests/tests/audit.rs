//! What is left to read after logins: every outcome once in the log, and no secret anywhere.

use herald_tests::pam::{Answer, Code, Message};
use herald_tests::phone::{BotApi, Fault};
use herald_tests::world::{ALICE, APP_SECRET, BEHIND_PASSWORD, ROOT, Sshd, Typed, World, another, app, example};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The lines that end a login.
const ENDS: [&str; 5] = ["verified", "refused", "locked", "skipped", "error"];

/// What happened first, and the first words of all lines.
type Case = (&'static str, fn(&World), &'static [Typed], &'static [&'static str]);

#[test]
fn every_outcome_is_logged_once() {
    let cases: [Case; 13] = [
        ("right", |_| {}, &[Typed::Right], &["sent", "verified"]),
        ("wrong, then right", |_| {}, &[Typed::Wrong, Typed::Right], &["sent", "wrong", "verified"]),
        ("wrong", |_| {}, &[Typed::Wrong; 3], &["sent", "wrong", "wrong", "wrong", "refused"]),
        ("another shape", |_| {}, &[Typed::Text("hello"), Typed::Right], &["sent", "wrong", "verified"]),
        ("gone", |_| {}, &[], &["sent", "refused"]),
        ("again", |_| {}, &[Typed::Text("?"), Typed::Right], &["sent", "verified"]),
        ("its password", |_| {}, &[Typed::Text(ALICE.password)], &["sent", "refused"]),
        (
            "locks",
            |world| world.configure("limits.failures = 3"),
            &[Typed::Wrong; 3],
            &["sent", "wrong", "wrong", "wrong", "locked"],
        ),
        ("unenrolled", |world| world.forget(ALICE), &[], &["refused"]),
        ("exempt", |world| world.configure("policy.exempt = [\"alice\"]"), &[], &["skipped"]),
        ("down", |world| world.phone.set_fault(Fault::Broken), &[], &["undelivered", "refused"]),
        (
            "down and skipped",
            |world| {
                world.configure("policy.undelivered = \"skip\"");
                world.phone.set_fault(Fault::Broken);
            },
            &[],
            &["undelivered", "skipped"],
        ),
        ("set up wrong", |world| world.configure("frobnicate = 1"), &[], &["error"]),
    ];
    for (name, prepare, types, expected) in cases {
        let world = World::new();
        prepare(&world);
        let outcome = world.log_in("sshd", BEHIND_PASSWORD, types);
        let words: Vec<&str> = outcome.log_lines().iter().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(words, expected, "{name}: {outcome:?}");
        let ends = words.iter().filter(|word| ENDS.contains(word)).count();
        assert_eq!(ends, 1, "{name}: {outcome:?}");
    }
}

/// Looks at the command line and environment of every process of the machine, over and over.
struct Watcher<'a> {
    processes: PathBuf,
    done: &'a AtomicBool,
}

impl Watcher<'_> {
    fn watch(&self) -> BTreeSet<Vec<u8>> {
        let mut seen = BTreeSet::new();
        while !self.done.load(Ordering::Relaxed) {
            for entry in fs::read_dir(&self.processes).into_iter().flatten().flatten() {
                for file in ["cmdline", "environ"] {
                    // It may have ended meanwhile.
                    if let Ok(bytes) = fs::read(entry.path().join(file)) {
                        seen.insert(bytes);
                    }
                }
            }
            thread::yield_now();
        }
        seen
    }
}

/// Ends the watching, also where a login fails the test.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The same secret as an app holds it: without base32 around it (RFC 4648).
const APP_KEY: &[u8] = b"Hello!\xde\xad\xbe\xefHello!\xde\xad\xbe\xef";

/// What nobody may find: codes that were sent, shown or made, also those that were typed wrong, the bot's token, the
/// secret of an app, full addresses.
fn secrets(world: &World, typed: &[String]) -> Vec<Vec<u8>> {
    let mut secrets: Vec<String> = world.phone.messages().into_iter().filter_map(|message| message.code).collect();
    assert!(secrets.len() >= 5 && typed.len() >= 15, "there were logins, with {typed:?}");
    secrets.extend(typed.iter().cloned());
    secrets.extend([BotApi::TOKEN.to_owned(), APP_SECRET.to_owned()]);
    secrets.extend([ALICE, ROOT].map(|person| person.chat().to_string()));
    secrets.into_iter().map(String::into_bytes).chain([APP_KEY.to_vec()]).collect()
}

fn holds(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret)
}

/// Every file below these folders of the machine.
fn files(world: &World, folders: &[&str]) -> Vec<(PathBuf, Vec<u8>)> {
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| world.machine.path(folder)).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            match entry.file_type().expect("a type") {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => files.push((entry.path(), fs::read(entry.path()).expect("root"))),
                _ => {}
            }
        }
    }
    files
}

/// Alice with a phone, an app and codes on paper: through sshd, sudo, su and a host of ours, right and wrong; then what
/// a core of the host would hold, all logs, what is remembered between two tries, and all that stood in /proc meanwhile.
#[test]
fn rule_33_a_run_of_logins_leaves_no_secret_where_somebody_could_look() {
    let world = World::new();
    world.enroll(ROOT);
    let file = "/var/lib/herald/users/alice.toml";
    let with_app = format!("[[factor]]\nid = 2\nchannel = \"totp\"\nsecret = \"{APP_SECRET}\"\nstate = \"active\"");
    world.machine.append(file, &with_app);
    let made = world.machine.run("root", &["herald", "--json", "backup-codes", "--user", "alice", "--force"], "");
    let codes = made.output.split("\"codes\":[\"").nth(1).and_then(|rest| rest.split("\"]").next());
    let paper: Vec<String> = codes.unwrap_or_else(|| panic!("{made:?}")).split("\",\"").map(str::to_owned).collect();
    assert!(world.phone.message().text.contains("has new backup codes"), "rule 34");
    let done = AtomicBool::new(false);
    let watcher = Watcher { processes: world.machine.path("/proc"), done: &done };
    let (seen, left) = thread::scope(|scope| {
        let watching = scope.spawn(|| watcher.watch());
        let end = End(&done);
        let left = logins(&world, &paper);
        drop(end);
        (watching.join().expect("no panic"), left)
    });
    let helper = seen.iter().any(|bytes| holds(bytes, b"herald-deliver"));
    assert!(helper && seen.len() > 20, "the watcher saw too little: {}", seen.len());

    let of_host = left.log.join("\n");
    for word in ["sent ", "wrong ", "verified user=alice channel=telegram", "channel=totp", "channel=backup"] {
        assert!(of_host.contains(word), "{word}: {of_host}");
    }
    let log = format!("{}{of_host}", world.machine.journal().text());
    let kept = files(&world, &["/run/herald", "/var/lib/herald/totp", "/tmp"]);
    assert!(kept.iter().any(|(path, _)| path.ends_with("ledger/alice")), "{kept:?}");
    let unspelled = paper.iter().map(|code| code.replace('-', ""));
    let typed: Vec<String> = left.typed.into_iter().chain(unspelled).chain(paper.iter().cloned()).collect();
    for secret in secrets(&world, &typed) {
        let name = String::from_utf8_lossy(&secret);
        assert!(!holds(log.as_bytes(), &secret), "{name} stands in the log:\n{log}");
        assert!(!holds(&left.core, &secret), "{name} stands in the memory of the host");
        for bytes in &seen {
            assert!(!holds(bytes, &secret), "{name} stands in {}", String::from_utf8_lossy(bytes));
        }
        for (path, bytes) in &kept {
            assert!(!holds(bytes, &secret), "{name} stands in {}", path.display());
        }
    }
}

/// What is left after logins.
struct Left {
    /// The memory of a host, as a core would hold it.
    core: Vec<u8>,
    /// What it logged.
    log: Vec<String>,
    /// What was typed at its prompts, and no phone ever showed.
    typed: Vec<String>,
}

fn logins(world: &World, paper: &[String]) -> Left {
    let sshd = Sshd::start(&world.machine, &[&example("sshd_config.d/herald.conf")]);
    let mut alice = sshd.log_in("alice");
    alice.answer("Password: ", ALICE.password);
    alice.expect("Code sent by Telegram to ...977: ");
    let code = world.phone.code();
    alice.send_line(&another(&code));
    alice.answer("Wrong, 2 tries left. ", &code);
    alice.succeeds();

    let mut su = world.machine.terminal("alice", &["su", "root", "-c", "true"]);
    su.answer("Password: ", ROOT.password);
    su.expect("Code sent by Telegram to ...101: ");
    su.send_line(&world.phone.code());
    su.succeeds();

    let mut sudo = world.machine.terminal("alice", &["sudo", "-k", "id", "-un"]);
    sudo.answer("password for alice: ", ALICE.password);
    sudo.expect("Code sent by Telegram to ...977: ");
    sudo.send_line(&world.phone.code());
    sudo.succeeds();

    let host = world.host("sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh");
    let mut session = host.start();
    let (mut log, mut typed) = (Vec::new(), Vec::new());
    let shown = app(APP_SECRET, 0);
    let on_paper = paper.first().expect("ten");
    // What is typed, the newest code of the phone where nothing is said, and whether it is right.
    for (types, right) in [
        (None, true),
        (Some(another(&shown)), false),
        (Some(shown), true),
        (Some("zzzzz-zzzzz".to_owned()), false),
        (Some(on_paper.clone()), true),
        (None, false),
    ] {
        let mut asked = false;
        let outcome = session.authenticate(|message: &Message| match message.text.as_str() {
            "Password: " => Answer::text(ALICE.password),
            _ if message.style.is_prompt() && !std::mem::replace(&mut asked, true) => {
                let newest = || world.phone.messages().pop().and_then(|message| message.code).expect("a code");
                let text = match &types {
                    Some(text) => text.clone(),
                    None if right => newest(),
                    None => another(&newest()),
                };
                typed.push(text.clone());
                Answer::text(text)
            }
            _ if message.style.is_prompt() => Answer::Code(Code::CONV_ERR),
            _ => Answer::Null,
        });
        assert_eq!(outcome.code == Code::SUCCESS, right, "{outcome:?}");
        log.extend(outcome.log_lines().into_iter().map(str::to_owned));
    }
    let core = session.core();
    assert!(holds(&core, b"203.0.113.7"), "libpam keeps where somebody comes from: a core without it is none");
    session.end();
    Left { core, log, typed }
}
