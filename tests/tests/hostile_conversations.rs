//! Conversations as broken and hostile hosts lead them, behind a right password and through real libpam. None of them
//! gets in, goes on without end, brings the host down, or locks alice.

use herald_tests::figures::figure;
use herald_tests::pam::{Answer, Call, Code, Event, Message, Outcome, Session};
use herald_tests::world::{ALICE, BEHIND_PASSWORD, ROOT, Typed, World};
use std::thread;
use std::time::Duration;

/// What sshd answers for users that it refuses (auth-pam.c, fake_password): this text, cut or repeated to the length
/// of what was typed.
const JUNK: &[u8] = b"\x08\n\r\x7fINCORRECT";

fn session(world: &World) -> Session {
    world.host("sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh").start()
}

/// The password, and then this to every prompt, without end.
fn always(world: &World, answer: &Answer) -> Outcome {
    let mut session = session(world);
    let outcome = session.authenticate(|message: &Message| {
        if message.text == "Password: " {
            Answer::text(ALICE.password)
        } else if message.style.is_prompt() {
            answer.clone()
        } else {
            Answer::Null
        }
    });
    assert_eq!(session.end(), "", "the host lives, and rule 27: nothing on stderr");
    outcome
}

/// No lock, and no budget used up: a person with the right code is let in.
fn still_open(world: &World, what: &str) {
    let outcome = world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "after {what}: {outcome:?}");
}

#[test]
fn rule_10_whatever_a_host_answers_without_end_ends_within_ten_prompts_and_locks_nobody() {
    let world = World::new();
    world.configure("limits.sends = 1000");
    let mut replies: Vec<(String, Answer)> = vec![
        ("no text".into(), Answer::Null),
        ("success and no response at all, as LightDM may".into(), Answer::Nothing),
        ("an empty line".into(), Answer::empty()),
        ("her own password".into(), Answer::text(ALICE.password)),
        ("her name".into(), Answer::text("alice")),
        ("a question mark".into(), Answer::text("?")),
        ("the letter r".into(), Answer::text("r")),
        ("bytes that are no text".into(), Answer::text(b"\xff\xfe\xc3\x28")),
        ("a lone continuation byte before six digits".into(), Answer::text(b"\x80123456")),
        ("only blanks".into(), Answer::text("      ")),
        ("only dashes".into(), Answer::text("------")),
        ("a right-to-left override".into(), Answer::text("\u{202e}654321")),
    ];
    for code in [Code::CONV_ERR, Code::CONV_AGAIN, Code::BUF_ERR, Code::AUTH_ERR, Code::IGNORE, Code(-1), Code(4711)] {
        replies.push((format!("{code:?}"), Answer::Code(code)));
        replies.push((format!("{code:?} and a pointer to nowhere"), Answer::Rubbish(code)));
    }
    for length in [511, 512, 513, 4096, 100_000] {
        replies.push((format!("{length} letters"), Answer::text(vec![b'x'; length])));
        replies.push((format!("{length} digits"), Answer::text(vec![b'7'; length])));
        replies.push((
            format!("{length} blanks and a code"),
            Answer::text([vec![b' '; length], b"123456".into()].concat()),
        ));
    }
    for length in 1..=2 * JUNK.len() {
        let junk = JUNK.iter().cycle().take(length).copied().collect::<Vec<u8>>();
        replies.push((format!("sshd's junk of {length} bytes"), Answer::text(junk)));
    }
    let (hosts, mut most) = (replies.len(), 0);
    for (what, answer) in replies {
        let outcome = always(&world, &answer);
        assert_ne!(outcome.code, Code::SUCCESS, "{what}: {outcome:?}");
        assert_ne!(outcome.code, Code::MAXTRIES, "{what} locks: {outcome:?}");
        let prompts = outcome.prompts().len();
        assert!((2..=11).contains(&prompts), "{what}: {prompts} prompts: {outcome:?}");
        assert!(outcome.prompts().iter().all(|prompt| prompt.len() < 512), "{outcome:?}");
        still_open(&world, &what);
        most = most.max(prompts);
    }
    figure("replies that a host gave to every prompt, each in a host of its own; none let in, none locked", hosts);
    figure("most prompts that it took to end one of them", most);
}

#[test]
fn rule_10_the_first_password_of_another_is_a_wrong_answer_and_not_a_way_in() {
    let world = World::new();
    let outcome = always(&world, &Answer::text(ROOT.password));
    assert_eq!(outcome.code, Code::AUTH_ERR, "{outcome:?}");
    still_open(&world, "another's password");
}

/// `LightDM`, `kscreenlocker` and others answer messages that want no answer in their own ways, and some know no other
/// style than prompts: the verdict is the one that it would have been.
#[test]
fn messages_that_want_no_answer_take_any() {
    let world = World::new();
    world.configure("limits.sends = 1000\nlimits.failures = 100");
    let odd = [
        Answer::Nothing,
        Answer::Null,
        Answer::text("thanks"),
        Answer::text("123456"),
        Answer::text([b'x'; 4096]),
        Answer::Code(Code::CONV_ERR),
        Answer::Code(Code::CONV_AGAIN),
        Answer::Rubbish(Code::CONV_ERR),
    ];
    let count = odd.len().to_string();
    let made = world.machine.run(
        "root",
        &["herald", "--json", "backup-codes", "--user", "alice", "--count", &count, "--force"],
        "",
    );
    let codes = made.output.split("\"codes\":[\"").nth(1).and_then(|rest| rest.split("\"]").next());
    let paper: Vec<&str> = codes.unwrap_or_else(|| panic!("{made:?}")).split("\",\"").collect();
    figure("answers to messages that want none; each verdict as ever", 2 * odd.len());
    for (odd, on_paper) in odd.iter().zip(paper) {
        // How many codes are left is a remark; why somebody is refused is an error message.
        for (typed, expected) in [(on_paper, Code::SUCCESS), ("000000x", Code::AUTH_ERR)] {
            let mut session = session(&world);
            let outcome = session.authenticate(|message: &Message| match message.text.as_str() {
                "Password: " => Answer::text(ALICE.password),
                _ if message.style.is_prompt() => Answer::text(typed),
                _ => odd.clone(),
            });
            let said = outcome.infos().len() + outcome.errors().len();
            assert_eq!((outcome.code, said), (expected, 1), "{odd:?}: {outcome:?}");
            assert_eq!(session.end(), "", "{odd:?}");
        }
    }
}

#[test]
fn rule_13_who_answers_after_the_codes_lifetime_is_not_let_in_by_it() {
    let world = World::new();
    world.configure("code.lifetime = \"30s\"");
    let mut session = session(&world);
    session.begin(Call::Authenticate, 0);
    assert_eq!(session.next_message().expect("a prompt").text, "Password: ");
    session.answer(&Answer::text(ALICE.password));
    assert!(session.next_message().expect("a prompt").text.starts_with("Code sent "));
    let old = world.phone.code();
    // It is the module's own clock that has to move on.
    thread::sleep(Duration::from_secs(31));
    session.answer(&Answer::text(&old));
    let said = session.next_message().expect("a prompt").text;
    assert!(said.starts_with("That code has expired. Code sent "), "{said}");
    session.answer(&Answer::text(world.phone.code()));
    assert_eq!(returned(&mut session), Code::SUCCESS);
}

fn returned(session: &mut Session) -> Code {
    loop {
        match session.next_event() {
            Event::Returned(code) => return code,
            Event::Said(message) => {
                assert!(!message.style.is_prompt(), "{message:?}");
                session.answer(&Answer::Null);
            }
            Event::Logged(_) | Event::Delayed(_) => {}
        }
    }
}

#[test]
fn a_conversation_that_ends_the_process_leaves_neither_lock_nor_helper_and_the_code_stays_good() {
    let world = World::new();
    let mut gone = session(&world);
    gone.begin(Call::Authenticate, 0);
    assert_eq!(gone.next_message().expect("a prompt").text, "Password: ");
    gone.answer(&Answer::text(ALICE.password));
    assert!(gone.next_message().expect("a prompt").text.starts_with("Code sent "));
    drop(gone);
    world.machine.wait_until_gone("pam-host");
    assert_eq!(world.machine.held_locks("/run/herald/ledger"), Vec::<String>::new());
    let outcome = world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    assert!(outcome.prompts()[1].ends_with(" ago: "), "taken up: {outcome:?}");
    assert_eq!(world.phone.messages().len(), 1);
}

/// Numbers of items (pam_set_item(3)).
const SERVICE: i32 = 1;
const USER: i32 = 2;
const RHOST: i32 = 4;
const AUTHTOK: i32 = 6;

#[test]
fn rule_2_a_host_that_changes_its_mind_during_the_prompt_changes_nothing() {
    let world = World::new();
    world.enroll(ROOT);
    let mut session = session(&world);
    session.begin(Call::Authenticate, 0);
    assert_eq!(session.next_message().expect("a prompt").text, "Password: ");
    session.answer(&Answer::text(ALICE.password));
    session.next_message().expect("a prompt");
    let code = world.phone.code();
    for (item, value) in [(USER, "root"), (SERVICE, "sudo"), (RHOST, "198.51.100.1"), (AUTHTOK, "other")] {
        session.set_item(item, value);
    }
    session.answer(&Answer::text(&code));
    let mut log = Vec::new();
    let end = loop {
        match session.next_event() {
            Event::Logged(line) => log.push(line.text),
            Event::Returned(code) => break code,
            Event::Said(_) => session.answer(&Answer::Null),
            Event::Delayed(_) => {}
        }
    };
    assert_eq!(end, Code::SUCCESS);
    let verified = log.iter().find(|line| line.starts_with("verified ")).expect("a line");
    assert!(verified.contains("user=alice ") && verified.contains("rhost=203.0.113.7"), "{verified}");
    assert_eq!(world.ledger(ROOT), None);
}

/// pam(3) forbids it, and hosts do it: the conversation calls the library again.
#[test]
fn a_conversation_that_calls_the_library_again_gets_no_yes_from_it() {
    let world = World::new();
    let calls =
        [Call::Authenticate, Call::SetCredentials, Call::AccountManagement, Call::OpenSession, Call::ChangeToken];
    figure("calls of libpam from inside a prompt; none let in", calls.len());
    for inner in calls {
        let mut session = session(&world);
        session.begin(Call::Authenticate, 0);
        assert_eq!(session.next_message().expect("a prompt").text, "Password: ");
        session.answer(&Answer::text(ALICE.password));
        assert!(session.next_message().expect("a prompt").text.starts_with("Code sent "));
        session.begin(inner, 0);
        let mut codes = Vec::new();
        // First the inner call returns, then the outer one, which nobody answers.
        while codes.len() < 2 {
            match session.next_event() {
                Event::Returned(code) => {
                    codes.push(code);
                    if codes.len() == 1 {
                        session.answer(&Answer::Code(Code::CONV_ERR));
                    }
                }
                Event::Said(_) => session.answer(&Answer::Code(Code::CONV_ERR)),
                Event::Logged(_) | Event::Delayed(_) => {}
            }
        }
        assert_ne!(codes[1], Code::SUCCESS, "{inner:?}: {codes:?}");
        drop(session);
        still_open(&world, &format!("{inner:?} inside a prompt"));
    }
}
