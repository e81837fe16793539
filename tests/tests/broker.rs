//! Hosts that are not root, through real libpam, the real broker and whoever means no good by it.

use herald_core::broker::{Wish, encode_hello};
use herald_core::login::{Attempt, Evidence};
use herald_tests::figures::figure;
use herald_tests::pam::{Answer, Code, Event, Message};
use herald_tests::phone::Phones;
use herald_tests::world::{ALICE, BEHIND_PASSWORD, BOB, BROKER_SOCKET, Typed, World, example};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

const SENT: &str = "Code sent by Telegram to ...977: ";
const ALONE: &str = "auth required pam_herald.so";
const CANNOT: &str = "The second factor could not be checked.";

#[test]
fn a_locker_that_runs_as_its_user_asks_for_password_and_code() {
    let world = World::new();
    let _broker = world.broker();
    let locker = world.locker("alice", "xscreensaver", &example("xscreensaver"));
    let outcome = world.log_in_at(&locker, &[Typed::Wrong, Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    assert_eq!(outcome.prompts(), ["Password: ", SENT, &format!("Wrong, 2 tries left. {SENT}")]);
    assert_eq!(outcome.log_lines(), Vec::<&str>::new(), "the broker logs, not the host");
    let log = world.log();
    assert_eq!(log.len(), 3, "{log:?}");
    for (line, event) in log.iter().zip(["sent", "wrong", "verified"]) {
        assert!(line.starts_with(&format!("{event} user=alice ")) && line.ends_with(" via=broker"), "{line}");
    }
    let message = world.phone.messages().remove(0);
    assert!(message.chat == ALICE.chat() && message.text.contains("xscreensaver"), "{}", message.text);
    let wrong_password = locker.start().authenticate(["no password of hers"]);
    assert_eq!((wrong_password.code, wrong_password.prompts().len()), (Code::AUTH_ERR, 1), "{wrong_password:?}");
    assert_eq!(world.phone.messages().len(), 1);
}

#[test]
fn without_a_broker_a_host_that_is_not_root_is_refused_and_reads_nothing_of_heralds() {
    let world = World::new();
    // Whatever could be read: what alice may not read is refused, what is not read changes nothing.
    world.configure("policy.exempt = [\"alice\"]");
    let by = ["setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--"];
    let trace = ["strace", "-f", "-qq", "-o", "/tmp/calls", "-e", "trace=%file,socket"];
    let host = world.host_by(&[&by[..], &trace].concat(), "i3lock", ALONE).user("alice").tty(":0");
    let outcome = world.log_in_at(&host, &[]);
    assert_eq!((outcome.code, outcome.prompts().len()), (Code::SYSTEM_ERR, 0), "{outcome:?}");
    assert!(outcome.errors()[0].starts_with(CANNOT), "{outcome:?}");
    assert!(outcome.log_lines()[0].contains("herald-broker.socket"), "{outcome:?}");
    let calls = world.machine.read("/tmp/calls");
    assert!(!calls.contains("/etc/herald") && !calls.contains("/var/lib/herald") && !calls.contains("/run/herald/"));
    // It reaches one thing, on this machine: no network.
    assert!(calls.contains("socket(AF_UNIX") && !calls.contains("AF_INET"), "{calls}");
}

#[test]
fn a_caller_verifies_only_itself_and_root_anybody() {
    let world = World::new();
    world.enroll(BOB);
    let _broker = world.broker();
    let bob_as_alice = world.locker("bob", "i3lock", ALONE).user("alice");
    let outcome = world.log_in_at(&bob_as_alice, &[Typed::Text("123456")]);
    assert_eq!((outcome.code, outcome.prompts().len()), (Code::AUTH_ERR, 0), "{outcome:?}");
    assert_eq!(world.phone.requests(), 0);
    assert_eq!(world.log(), ["refused user=alice uid=2002 reason=not_the_caller via=broker"]);
    // polkit's agent helper is root in a cage, and goes the same way.
    let polkit = world.host("polkit-1", &example("polkit-1")).user("alice");
    let outcome = world.log_in_at(&polkit, &[Typed::Right]);
    assert_eq!((outcome.code, outcome.prompts()), (Code::SUCCESS, vec!["Password: ", SENT]), "{outcome:?}");
    assert!(world.log().last().is_some_and(|line| line.contains("via=broker")));
}

/// polkit's own program, as its unit cages it: no network, and nothing that can be written.
#[test]
fn polkits_helper_asks_for_a_code_where_it_could_neither_send_nor_remember_one() {
    let world = World::new();
    let _broker = world.broker();
    world.machine.write("/etc/pam.d/polkit-1", 0o644, example("polkit-1"));
    let caged = "mount --rbind /run /run && mount -o remount,ro,bind /run && mount --rbind /var /var && \
                 mount -o remount,ro,bind /var && ! touch /run/x 2>/dev/null && \
                 exec setpriv --reuid=alice --regid=alice --init-groups -- /usr/lib/polkit-1/polkit-agent-helper-1 alice";
    let mut command = world.machine.command("root", &["unshare", "--mount", "--net", "sh", "-c", caged]);
    let mut helper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("polkit (Debian: polkitd)");
    let mut lines = BufReader::new(helper.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let mut said = || lines.next().unwrap_or_else(|| panic!("it ended:\n{}", world.machine.journal().text()));
    let mut stdin = helper.stdin.take().expect("a pipe");
    let mut types = |line: &str| writeln!(stdin, "{line}").expect("it reads");
    types("the cookie of a request that nobody made");
    assert_eq!(said(), "PAM_PROMPT_ECHO_OFF Password: ");
    types(ALICE.password);
    assert_eq!(said(), format!("PAM_PROMPT_ECHO_OFF {SENT}"));
    types(&world.phone.code());
    // There is no polkitd here that could take what it found.
    assert_eq!(said(), "FAILURE");
    let _ = helper.wait();
    assert!(
        world.log().last().is_some_and(|line| line.starts_with("verified user=alice") && line.ends_with("via=broker"))
    );
}

#[test]
fn where_no_broker_listens_polkits_helper_decides_itself() {
    let world = World::new();
    let outcome = world.log_in_at(&world.host("polkit-1", BEHIND_PASSWORD).user("alice"), &[Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    assert!(outcome.log_lines().iter().all(|line| !line.contains("via=broker")), "{outcome:?}");
}

#[test]
fn rule_10_a_locker_that_answers_every_prompt_with_the_password_is_refused_and_the_password_stays_with_it() {
    let world = World::new();
    let _broker = world.broker();
    let parrot = world.locker("alice", "i3lock", BEHIND_PASSWORD);
    let outcome = parrot.start().authenticate(|message: &Message| match message.style.is_prompt() {
        true => Answer::text(ALICE.password),
        false => Answer::Null,
    });
    assert_eq!((outcome.code, outcome.prompts().len()), (Code::AUTH_ERR, 2), "{outcome:?}");
    assert_eq!((world.logged("wrong"), world.logged("refused")), (0, 1), "{:?}", world.log());
}

#[test]
fn a_locker_with_one_field_takes_password_and_code_in_it() {
    let world = World::new();
    let _broker = world.broker();
    let types = |text: &str| {
        let answer = |message: &Message| if message.style.is_prompt() { Answer::text(text) } else { Answer::Null };
        world.locker("alice", "i3lock", &example("i3lock")).start().authenticate(answer)
    };
    let first = types(ALICE.password);
    assert_eq!((first.code, first.prompts()), (Code::AUTH_ERR, vec!["Password: "]), "{first:?}");
    let code = world.phone.code();
    let second = types(&format!("{}{code}", ALICE.password));
    assert_eq!((second.code, second.prompts()), (Code::SUCCESS, vec!["Password: "]), "{second:?}");
    assert_ne!(types(&format!("{}{code}", ALICE.password)).code, Code::SUCCESS, "good once");
}

#[test]
fn rule_22_nothing_of_a_host_is_changed_by_the_way_to_the_broker() {
    let world = World::new();
    let _broker = world.broker();
    let host = world.locker("alice", "xscreensaver", BEHIND_PASSWORD);
    let mut session = host.start();
    let before = session.surroundings();
    let outcome = session.authenticate(|message: &Message| match message.text.as_str() {
        "Password: " => Answer::text(ALICE.password),
        text if text.starts_with("Code") => Answer::text(world.phone.code()),
        _ => Answer::Null,
    });
    assert_eq!((outcome.code, session.surroundings()), (Code::SUCCESS, before));
    // Also in a host that has closed its first three: what it writes there must not go to the broker.
    let mut session = host.start();
    session.close_stdio();
    let outcome = session.authenticate([ALICE.password]);
    assert_eq!(outcome.code, Code::CONV_ERR, "{outcome:?}");
}

/// What the module makes of somebody who listens as this user and says this, whoever asks.
fn believes(world: &World, listener: &str, said: &str) -> Code {
    let socket = format!("/tmp/{listener}.sock");
    let _fake = world.listener(listener, &socket, &["/usr/bin/printf", said]);
    // However it got there: /run is root's.
    let place = world.machine.path(BROKER_SOCKET);
    let _ = fs::remove_file(&place);
    symlink(socket, place).expect("root");
    let outcome = world.log_in_at(&world.locker("alice", "i3lock", ALONE), &[]);
    outcome.code
}

#[test]
fn only_a_whole_verdict_of_roots_is_believed() {
    const SUCCESS: &str = r"\000\000\000\003\001\003\001";
    let world = World::new();
    assert_eq!(believes(&world, "root", SUCCESS), Code::SUCCESS, "so that what follows says something");
    assert_eq!(believes(&world, "bob", SUCCESS), Code::SYSTEM_ERR);
    assert_eq!(believes(&world, "alice", SUCCESS), Code::SYSTEM_ERR, "not even her own");
    for broken in [
        r"",
        r"\000\000\000",
        r"\000\000\000\003\001\003",
        r"\000\000\000\002\001\003",
        r"\000\000\000\004\001\003\001\000",
        r"\000\000\000\003\002\003\001",
        r"\000\000\000\003\001\003\012",
        r"\000\000\020\001\001\003\001",
        r"\377\377\377\377\001\003\001",
        r"\000\000\000\004\001\004\000\000\000\000\000",
        r"HTTP/1.1 200 OK",
    ] {
        assert_eq!(believes(&world, "root", broken), Code::SYSTEM_ERR, "{broken}");
    }
}

#[test]
fn a_broker_that_is_killed_at_the_prompt_lets_nobody_in_and_the_code_stays_good() {
    let world = World::new();
    let _broker = world.broker();
    let locker = world.locker("alice", "xscreensaver", BEHIND_PASSWORD);
    let mut session = locker.start();
    let outcome = session.authenticate(|message: &Message| match message.text.as_str() {
        "Password: " => Answer::text(ALICE.password),
        text if text.starts_with("Code") => {
            let code = world.phone.code();
            let processes = world.machine.processes();
            let broker = processes.iter().find_map(|process| process.strip_prefix("herald-broker("));
            let id = broker.expect("a broker serves").trim_end_matches(')').to_owned();
            assert!(world.machine.run("root", &["kill", "-KILL", &id], "").status.success());
            Answer::text(code)
        }
        _ => Answer::Null,
    });
    assert_eq!(outcome.code, Code::SYSTEM_ERR, "{outcome:?}");
    assert_eq!(world.log_in_at(&locker, &[Typed::Right]).code, Code::SUCCESS);
    assert_eq!(world.phone.messages().len(), 1);
}

#[test]
fn a_locker_that_is_killed_at_the_prompt_takes_its_broker_along() {
    let world = World::new();
    let _broker = world.broker();
    let mut session = world.locker("alice", "xscreensaver", ALONE).start();
    session.begin(herald_tests::pam::Call::Authenticate, 0);
    let Event::Said(message) = session.next_event() else { panic!("no prompt") };
    assert_eq!(message.text, "Enter sends a code by Telegram: ");
    assert!(world.machine.processes().iter().any(|process| process.starts_with("herald-broker(")));
    drop(session);
    world.machine.wait_until_gone("herald-broker");
    assert_eq!(world.log(), ["refused user=alice tty=broker reason=conversation via=broker"]);
}

fn hello_of(user: &str) -> Vec<u8> {
    let attempt =
        Attempt { service: "i3lock".into(), user: user.into(), claimed: Some(Evidence::Missing), ..Attempt::default() };
    encode_hello(Wish::Login, &attempt).expect("fits").to_vec()
}

#[test]
fn floods_silence_half_frames_and_noise_of_one_user_harm_no_other() {
    let world = World::new();
    world.enroll(BOB);
    let _broker = world.broker();
    let hello = hello_of("bob");
    let brokers = || world.machine.processes().iter().filter(|process| process.starts_with("herald-broker(")).count();
    let nuisances: [(&str, &[u8]); 6] = [
        ("60", b""),
        ("40", &hello[..hello.len() / 2]),
        ("40", &hello),
        ("40", b"\xff\xff\xff\xff noise"),
        ("again", b""),
        ("again", &hello),
    ];
    let hostile: Vec<_> = nuisances.iter().map(|(count, bytes)| world.knock("bob", count, bytes)).collect();
    let locker = world.locker("alice", "xscreensaver", BEHIND_PASSWORD);
    for _ in 0..3 {
        let outcome = world.log_in_at(&locker, &[Typed::Right]);
        assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    }
    // Whoever holds connections has ten seats, whatever they open; and nothing of it reached bob's phone.
    let give_up = Instant::now() + Duration::from_secs(20);
    drop(hostile.into_iter().skip(4).collect::<Vec<_>>());
    while brokers() > 10 {
        assert!(Instant::now() < give_up, "{} brokers", brokers());
        thread::sleep(Duration::from_millis(20));
    }
    assert!(world.phone.messages().iter().all(|message| message.chat == ALICE.chat()));
}

#[test]
fn a_caller_who_says_nothing_is_shown_the_door() {
    let world = World::new();
    let _broker = world.broker();
    let _silent = world.knock("bob", "5", b"");
    let _half = world.knock("alice", "5", b"\0\0");
    // The connections stay open on their side.
    world.machine.wait_until_gone("herald-broker");
}

/// How much: a thousand conversations, a hundred at once, unless one wants to be quick.
const PEOPLE: usize = 100;
const EACH: usize = 10;

#[test]
fn a_thousand_conversations_a_hundred_at_once_end_as_they_should_and_leave_nothing() {
    let world = World::new();
    world.configure("delivery.deadline = \"60s\"");
    let _broker = world.broker();
    let names: Vec<String> = (0..PEOPLE).map(|number| format!("person{number:03}")).collect();
    world.machine.add_users(&names, 10_000, ALICE);
    let chat = |number: usize| 600_000_000 + i64::try_from(number).expect("small");
    let lockers: Vec<_> = names.iter().map(|name| world.locker(name, "xscreensaver", ALONE)).collect();
    for (number, name) in names.iter().enumerate() {
        world.enroll_at(name, chat(number));
    }
    let phones = Phones::new(&world.phone);
    let began = Instant::now();
    thread::scope(|scope| {
        let _end = phones.until_dropped();
        scope.spawn(|| phones.receive());
        let people: Vec<_> = lockers
            .iter()
            .enumerate()
            .map(|(number, locker)| {
                let phones = &phones;
                scope.spawn(move || {
                    let mut session = locker.start();
                    for turn in 0..EACH {
                        if turn > 0 {
                            session.start_again(locker);
                        }
                        let outcome = session.authenticate(|message: &Message| match message.text.as_str() {
                            text if text.starts_with("Enter sends") => Answer::empty(),
                            text if text.starts_with("Code sent") => Answer::text(phones.newest(chat(number))),
                            _ => Answer::Null,
                        });
                        assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
                        phones.forget(chat(number));
                    }
                    session.end();
                })
            })
            .collect();
        for person in people {
            person.join().expect("everybody gets in");
        }
    });
    assert_eq!(phones.arrived(), PEOPLE * EACH);
    assert_eq!((world.logged("verified"), world.logged("sent")), (PEOPLE * EACH, PEOPLE * EACH));
    figure("conversations through the broker, and at once", format!("{} and {PEOPLE}", PEOPLE * EACH));
    figure("seconds for all of them", began.elapsed().as_secs());
    // Processes and locks: looked at when the world ends.
}
