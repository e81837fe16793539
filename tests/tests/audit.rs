//! What is left to read after logins: every outcome once in the log, and no secret anywhere.

use herald_tests::pam::{Answer, Code, Message};
use herald_tests::phone::{BotApi, Fault};
use herald_tests::world::{ALICE, BEHIND_PASSWORD, ROOT, Sshd, Typed, World, another, example};
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

const APP_SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// What nobody may find: codes, the bot's token, the secret of an app, full addresses.
fn secrets(world: &World) -> Vec<String> {
    let mut secrets: Vec<String> = world.phone.messages().into_iter().filter_map(|message| message.code).collect();
    assert!(secrets.len() >= 4, "there were logins");
    secrets.extend([BotApi::TOKEN.to_owned(), APP_SECRET.to_owned()]);
    secrets.extend([ALICE, ROOT].map(|person| person.chat().to_string()));
    secrets
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

/// Alice as far as an app: through sshd, sudo and su, right and wrong, by the phone and by the app; then what a core
/// of the host would hold, the log, and all that stood in /proc meanwhile.
#[test]
fn rule_33_a_run_of_logins_leaves_no_secret_where_somebody_could_look() {
    let world = World::new();
    world.enroll(ROOT);
    let file = "/var/lib/herald/users/alice.toml";
    let app = format!("[[factor]]\nid = 2\nchannel = \"totp\"\nsecret = \"{APP_SECRET}\"\nstate = \"active\"");
    world.machine.append(file, &app);
    let done = AtomicBool::new(false);
    let watcher = Watcher { processes: world.machine.path("/proc"), done: &done };
    let (seen, core) = thread::scope(|scope| {
        let watching = scope.spawn(|| watcher.watch());
        let end = End(&done);
        let core = logins(&world);
        drop(end);
        (watching.join().expect("no panic"), core)
    });
    let helper = seen.iter().any(|bytes| holds(bytes, "herald-deliver"));
    assert!(helper && seen.len() > 20, "the watcher saw too little: {}", seen.len());

    let log = world.machine.journal().text();
    for secret in secrets(&world) {
        assert!(!log.contains(&secret), "{secret} stands in the log:\n{log}");
        assert!(!holds(&core, &secret), "{secret} stands in the memory of the host");
        for bytes in &seen {
            assert!(!holds(bytes, &secret), "{secret} stands in {}", String::from_utf8_lossy(bytes));
        }
    }
}

/// Gives back the memory of a host after its logins, as a core would hold it.
fn logins(world: &World) -> Vec<u8> {
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
    for right in [false, true] {
        let mut asked = false;
        let outcome = session.authenticate(|message: &Message| match message.text.as_str() {
            "Password: " => Answer::text(ALICE.password),
            _ if message.style.is_prompt() && !std::mem::replace(&mut asked, true) => {
                let code = world.phone.messages().pop().and_then(|message| message.code).expect("a code");
                Answer::text(if right { code } else { another(&code) })
            }
            _ if message.style.is_prompt() => Answer::Code(Code::CONV_ERR),
            _ => Answer::Null,
        });
        assert_eq!(outcome.code == Code::SUCCESS, right, "{outcome:?}");
    }
    let core = session.core();
    assert!(holds(&core, "203.0.113.7"), "libpam keeps where somebody comes from: a core without it is none");
    session.end();
    core
}
