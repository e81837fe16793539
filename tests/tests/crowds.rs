//! Many sessions of one user at the same moment: each a process of its own, all at one ledger.

use herald_tests::figures::figure;
use herald_tests::pam::{Answer, Call, Code, Event, Message, Session};
use herald_tests::world::{ALICE, APP_SECRET, BEHIND_PASSWORD, BOB, Typed, World, another, app};

const CROWD: usize = 100;

/// Sessions from one place, all at their first prompt for the code.
fn crowd(world: &World) -> Vec<Session> {
    let host = world.host("sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh");
    let mut sessions: Vec<Session> = (0..CROWD).map(|_| host.start()).collect();
    for session in &mut sessions {
        session.begin(Call::Authenticate, 0);
        assert_eq!(session.next_message().expect("a prompt").text, "Password: ");
    }
    for session in &mut sessions {
        session.answer(&Answer::text(ALICE.password));
    }
    for session in &mut sessions {
        let prompt = session.next_message().expect("a prompt").text;
        assert!(prompt.starts_with("Code sent by Telegram to ...977"), "{prompt}");
    }
    sessions
}

/// How one of them ends, and what it says before it goes at the next prompt.
fn end(session: &mut Session) -> (Code, Vec<Message>, Vec<String>) {
    let (mut said, mut log) = (Vec::new(), Vec::new());
    loop {
        match session.next_event() {
            Event::Said(message) => {
                let gone = Answer::Code(Code::CONV_ERR);
                session.answer(if message.style.is_prompt() { &gone } else { &Answer::Null });
                said.push(message);
            }
            Event::Logged(line) => log.push(line.text),
            Event::Delayed(_) => {}
            Event::Returned(code) => return (code, said, log),
        }
    }
}

#[test]
fn rule_13_a_right_code_that_all_type_at_once_lets_one_of_them_in() {
    let world = World::new();
    let mut sessions = crowd(&world);
    let code = world.phone.code();
    assert_eq!(world.phone.messages().len(), 1, "one code for all");
    for session in &mut sessions {
        session.answer(&Answer::text(&code));
    }
    let ends: Vec<_> = sessions.iter_mut().map(end).collect();
    let inside = ends.iter().filter(|(code, _, _)| *code == Code::SUCCESS).count();
    assert_eq!(inside, 1, "{ends:?}");
    for (code, said, log) in ends.iter().filter(|(code, _, _)| *code != Code::SUCCESS) {
        assert_eq!(*code, Code::CONV_ERR);
        assert!(said[0].text.starts_with("That code was used. ") && said[0].text.contains(" ...977"), "{said:?}");
        assert!(!log.iter().any(|line| line.starts_with("wrong ")), "rule 15: {log:?}");
    }
    assert_eq!(world.phone.messages().len(), 2, "one new code for all who came too late");
    let ledger = world.ledger(ALICE).expect("a ledger");
    assert!(!ledger.contains("\nfailures = ") || ledger.contains("\nfailures = 0\n"), "rule 15: {ledger}");
    figure(
        "processes that typed the same right code at once, and those let in",
        format!("{} and {inside}", ends.len()),
    );
}

#[test]
fn rule_17_wrong_answers_that_all_type_at_once_get_no_more_tries_than_one_after_the_other() {
    let world = World::new();
    let mut sessions = crowd(&world);
    let code = world.phone.code();
    for session in &mut sessions {
        session.answer(&Answer::text(another(&code)));
    }
    let ends: Vec<_> = sessions.iter_mut().map(end).collect();
    let wrong = ends.iter().flat_map(|(_, _, log)| log).filter(|line| line.starts_with("wrong ")).count();
    assert_eq!(wrong, 3, "{ends:?}");
    let ledger = world.ledger(ALICE).expect("failures are remembered");
    assert!(ledger.contains("\nfailures = 3\n"), "no count is lost, and none is made twice: {ledger}");
    assert!(ends.iter().all(|(code, _, _)| matches!(*code, Code::CONV_ERR | Code::AUTH_ERR)), "{ends:?}");
    assert_eq!(world.phone.messages().len(), 2, "one new code for all whose challenge had died");
    figure(
        "processes that typed a wrong code at once, and answers that were compared before the code died",
        format!("{} and {wrong}", ends.len()),
    );
}

#[test]
fn rule_19_fifty_processes_that_race_for_one_backup_code_let_one_of_them_in() {
    const RACERS: usize = 50;
    let world = World::new();
    let made = world.machine.run("root", &["herald", "--json", "backup-codes", "--user", "bob"], "");
    let code = made.output.split("\"codes\":[\"").nth(1).and_then(|rest| rest.get(..11)).expect("a code").to_owned();
    let mut sessions: Vec<Session> = (0..RACERS)
        .map(|number| {
            let host = world.host("sshd", BEHIND_PASSWORD).user("bob").tty("ssh");
            host.rhost(format!("203.0.113.{number}")).start()
        })
        .collect();
    for (text, answer) in [("Password: ", BOB.password), ("Backup code: ", code.as_str())] {
        for session in &mut sessions {
            if text == "Password: " {
                session.begin(Call::Authenticate, 0);
            }
            assert_eq!(session.next_message().expect("a prompt").text, text);
        }
        for session in &mut sessions {
            session.answer(&Answer::text(answer));
        }
    }
    let ends: Vec<_> = sessions.iter_mut().map(end).collect();
    let inside = ends.iter().filter(|(code, _, _)| *code == Code::SUCCESS).count();
    assert_eq!(inside, 1, "{ends:?}");
    for (code, said, log) in ends.iter().filter(|(code, _, _)| *code != Code::SUCCESS) {
        match *code {
            Code::CONV_ERR => assert_eq!(said[0].text, "That code was used. Backup code: "),
            // Rule 17: whoever stands in the queue for more than 3 s is refused.
            code => assert!(code == Code::SYSTEM_ERR && log[0].starts_with("error user=bob "), "{ends:?}"),
        }
    }
    let status = world.machine.run("root", &["herald", "--json", "status", "--user", "bob"], "");
    assert!(status.output.contains("\"left\":9"), "{status:?}");
    figure(
        "processes that typed the same code on paper at once, and those let in",
        format!("{} and {inside}", ends.len()),
    );
}

/// Alice with an app, whose codes do not die of wrong answers: only the lock stops them.
#[test]
fn rule_16_a_hundred_wrong_answers_at_once_are_counted_to_the_last_one() {
    let world = World::new();
    world.configure("limits.failures = 100");
    let factor =
        format!("version = 1\n[[factor]]\nid = 1\nchannel = \"totp\"\nsecret = \"{APP_SECRET}\"\nstate = \"active\"\n");
    world.machine.write("/var/lib/herald/users/alice.toml", 0o600, factor);
    let wrong = another(&app(APP_SECRET, 0));
    let host = world.host("sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh");
    let mut sessions: Vec<Session> = (0..CROWD).map(|_| host.start()).collect();
    for (text, answer) in [("Password: ", ALICE.password), ("Code from your app: ", wrong.as_str())] {
        for session in &mut sessions {
            if text == "Password: " {
                session.begin(Call::Authenticate, 0);
            }
            assert_eq!(session.next_message().expect("a prompt").text, text);
        }
        // The last one waits until all others are counted.
        for session in sessions.iter_mut().take(if text == "Password: " { CROWD } else { CROWD - 1 }) {
            session.answer(&Answer::text(answer));
        }
    }
    let mut last = sessions.pop().expect("a hundred");
    let ends: Vec<_> = sessions.iter_mut().map(end).collect();
    assert!(ends.iter().all(|(code, _, _)| *code == Code::CONV_ERR), "{ends:?}");
    let ledger = world.ledger(ALICE).expect("failures are remembered");
    assert!(ledger.contains("\nfailures = 99\n"), "{ledger}");
    last.answer(&Answer::text(&wrong));
    let (code, _, log) = end(&mut last);
    assert!(code == Code::MAXTRIES && log.iter().any(|line| line.starts_with("locked ")), "{code:?} {log:?}");
    figure(
        "processes that typed a wrong code of an app at once, and answers counted",
        format!("{CROWD} and {}", ends.len() + 1),
    );
}

/// Sessions from everywhere, behind the right password: other services, terminals and peers. Each is at its first
/// prompt for the code, or was refused.
fn from_everywhere(world: &World) -> (Vec<Session>, Vec<Code>) {
    let services = ["sshd", "sshd-alice", "login", "cockpit"];
    let mut sessions: Vec<Session> = (0..20)
        .map(|number: usize| {
            let host = world.host(services[number % services.len()], BEHIND_PASSWORD).user("alice");
            host.rhost(format!("203.0.113.{}", number % 5)).tty(format!("pts/{}", number % 3)).start()
        })
        .collect();
    for session in &mut sessions {
        session.begin(Call::Authenticate, 0);
        assert_eq!(session.next_message().expect("a prompt").text, "Password: ");
    }
    for session in &mut sessions {
        session.answer(&Answer::text(ALICE.password));
    }
    let mut refused = Vec::new();
    sessions.retain_mut(|session| {
        let message = session.next_message().expect("a message");
        if message.style.is_prompt() {
            assert!(message.text.starts_with("Code sent by Telegram to ...977"), "{message:?}");
            return true;
        }
        session.answer(&Answer::Null);
        refused.push(end(session).0);
        false
    });
    (sessions, refused)
}

#[test]
fn rule_11_sessions_everywhere_at_once_share_one_budget() {
    let world = World::new();
    let (sessions, refused) = from_everywhere(&world);
    assert_eq!((sessions.len(), world.phone.messages().len()), (5, 5), "five codes, whoever asks from wherever");
    assert!(refused.iter().all(|code| *code == Code::MAXTRIES), "{refused:?}");
    let all = sessions.len() + refused.len();
    figure(
        "sessions everywhere that asked for a code at once, and codes sent",
        format!("{all} and {}", sessions.len()),
    );
}

#[test]
fn rule_16_sessions_everywhere_at_once_share_one_lock() {
    let world = World::new();
    world.configure("limits.sends = 100");
    let (mut sessions, _) = from_everywhere(&world);
    assert_eq!(sessions.len(), 20);
    // No code of six digits that was sent: none of these is ever right.
    let sent: Vec<String> = world.phone.messages().into_iter().filter_map(|message| message.code).collect();
    let wrong = (0..).map(|number: u32| format!("{number:06}")).find(|code| !sent.contains(code)).expect("many");
    for session in &mut sessions {
        session.answer(&Answer::text(&wrong));
    }
    let ends: Vec<_> = sessions.iter_mut().map(end).collect();
    let counted = ends.iter().flat_map(|(_, _, log)| log).filter(|line| line.starts_with("wrong ")).count();
    assert_eq!(counted, 5, "{ends:?}");
    figure(
        "sessions everywhere that typed a wrong code at once, and answers before the lock",
        format!("{} and {counted}", ends.len()),
    );
    assert!(ends.iter().all(|(code, _, _)| [Code::MAXTRIES, Code::CONV_ERR].contains(code)), "{ends:?}");
    assert_eq!(ends.iter().filter(|(code, _, _)| *code == Code::MAXTRIES).count(), 16, "four were told `wrong` before");
    // The right code of any of them is worth nothing now.
    let outcome = world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Right]);
    assert_eq!(outcome.code, Code::MAXTRIES, "{outcome:?}");
}
