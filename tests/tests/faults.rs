//! System calls that fail, and processes that are killed, one after the other through a whole login (strace(1) injects
//! them): nobody gets in by one, what is remembered is as before or as after, and the next login is like any other.
//!
//! Each run of the tests takes a part of them; `HERALD_FAULTS=all` takes all, as `make reliability` does.

use herald_tests::figures::figure;
use herald_tests::pam::{Answer, Call, Code, Message, Outcome};
use herald_tests::world::{ALICE, World, another};
use std::collections::BTreeMap;

/// Our line alone: nothing but our own calls between the start and the end.
const ALONE: &str = "auth required pam_herald.so";
const TRACE: &str = "/tmp/trace";
const ERRORS: [&str; 7] = ["EIO", "ENOSPC", "EMFILE", "ENOMEM", "EROFS", "EAGAIN", "EINTR"];
/// Calls that cannot fail, do not return, or belong to the tracing.
const NEVER: [&str; 8] =
    ["exit_group", "exit", "rt_sigreturn", "execve", "restart_syscall", "arch_prctl", "set_tid_address", "rseq"];

fn world() -> World {
    let world = World::new();
    world.configure(
        "policy.code_alone = true\nlimits.sends = 1000\nlimits.failures = 100\nlimits.resend_after = \"0s\"\n\
         delivery.deadline = \"5s\"",
    );
    world
}

/// One login under strace with these words; `None` if the host did not live to its end.
fn traced(world: &World, words: &[&str], answer: impl Fn(&str) -> Option<String>) -> Option<Outcome> {
    let by = [&["strace", "-f", "-qq", "-o", TRACE], words].concat();
    let host = world.host_by(&by, "sshd", ALONE).user("alice").rhost("203.0.113.7").tty("ssh");
    let mut answered = false;
    host.try_start()?.attempt(Call::Authenticate, 0, |message: &Message| {
        if !message.style.is_prompt() {
            return Answer::Null;
        }
        let code = world.phone.messages().pop().and_then(|message| message.code);
        match code.filter(|_| !std::mem::replace(&mut answered, true)).and_then(|code| answer(&code)) {
            Some(text) => Answer::text(text),
            None => Answer::Code(Code::CONV_ERR),
        }
    })
}

/// How often each call was made, by the host since our module has the word and by the helper.
fn calls(world: &World) -> Vec<(String, usize)> {
    assert_eq!(traced(world, &[], |code| Some(code.to_owned())).map(|outcome| outcome.code), Some(Code::SUCCESS));
    let trace = world.machine.read(TRACE);
    let mut host = None;
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut found = Vec::new();
    for line in trace.lines() {
        let Some((process, rest)) = line.split_once(' ') else { continue };
        let name: String = rest.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if name.is_empty() || rest.contains(" resumed>") || !rest.contains('(') {
            continue;
        }
        let count = counts.entry((process.to_owned(), name.clone())).or_default();
        *count += 1;
        if rest.contains("\"herald.toml\"") && host.is_none() {
            host = Some(process.to_owned());
        }
        let ours = host.as_ref().is_some();
        if ours && !NEVER.contains(&name.as_str()) {
            found.push((name, *count));
        }
    }
    found.sort();
    found.dedup();
    assert!(found.len() > 100, "a login makes more calls than these: {found:?}");
    found
}

/// Every one, or for an ordinary run each so many: another part for each test.
fn part(all: Vec<(String, usize)>, step: usize, first: usize) -> Vec<(String, usize)> {
    match std::env::var("HERALD_FAULTS").as_deref() {
        Ok("all") => all,
        _ => all.into_iter().skip(first).step_by(step).collect(),
    }
}

/// The next login knows nothing of the fault. What a killed sender had sent may reach the phone last and be the newest
/// there: that it is good no more costs nothing, and the one before it is typed then.
fn recovers(world: &World, what: &str) {
    let host = world.host("sshd", ALONE).user("alice").rhost("203.0.113.7").tty("ssh");
    let mut prompts = 0;
    let outcome = host.start().authenticate(|message: &Message| {
        if !message.style.is_prompt() {
            return Answer::Null;
        }
        prompts += 1;
        let mut codes = world.phone.messages().into_iter().rev().filter_map(|message| message.code);
        match prompts {
            1 => Answer::text("r"),
            // Codes that are good no more are not counted: a wrong one would end it.
            2..=4 if !message.text.starts_with("Wrong") => {
                Answer::text(codes.nth(prompts - 2).expect("as many as were sent"))
            }
            _ => Answer::Code(Code::CONV_ERR),
        }
    });
    assert_eq!(outcome.code, Code::SUCCESS, "after {what}: {outcome:?}");
    assert_eq!(world.machine.held_locks("/run/herald/ledger"), Vec::<String>::new(), "after {what}");
}

#[test]
fn a_call_that_fails_lets_nobody_in_with_a_wrong_code() {
    let world = world();
    let errors = ERRORS.iter().cycle();
    let calls = part(calls(&world), 6, 0);
    figure("logins with a wrong code, in each of which one system call failed; none let in", calls.len());
    for ((name, count), error) in calls.into_iter().zip(errors) {
        let inject = format!("inject={name}:error={error}:when={count}");
        let outcome = traced(&world, &["-e", &format!("trace={name}"), "-e", &inject], |code| Some(another(code)));
        if let Some(outcome) = outcome {
            assert!(![Code::SUCCESS, Code::IGNORE, Code::PERM_DENIED].contains(&outcome.code), "{inject}: {outcome:?}");
        }
        recovers(&world, &inject);
    }
}

#[test]
fn rule_17_a_call_that_fails_makes_no_code_good_twice() {
    let world = world();
    let errors = ERRORS.iter().cycle().skip(3);
    let mut inside = 0;
    let calls = part(calls(&world), 6, 2);
    figure("logins with a right code, in each of which one system call failed; no code good twice", calls.len());
    for ((name, count), error) in calls.into_iter().zip(errors) {
        let inject = format!("inject={name}:error={error}:when={count}");
        let used = std::cell::RefCell::new(None);
        let outcome = traced(&world, &["-e", &format!("trace={name}"), "-e", &inject], |code| {
            used.replace(Some(code.to_owned()));
            Some(code.to_owned())
        });
        if outcome.is_some_and(|outcome| outcome.code == Code::SUCCESS) {
            inside += 1;
            let again = traced(&world, &["-e", "trace=none"], |_| used.borrow().clone());
            assert_ne!(again.map(|outcome| outcome.code), Some(Code::SUCCESS), "{inject}: good twice");
        }
        recovers(&world, &inject);
    }
    assert!(inside > 0, "some faults do not matter");
}

#[test]
fn rule_17_whoever_is_killed_at_any_call_leaves_the_old_state_or_the_new() {
    let world = world();
    let calls = part(calls(&world), 6, 4);
    figure("logins whose host or helper was killed at one system call; none let in, the next one as ever", calls.len());
    for (name, count) in calls {
        let inject = format!("inject={name}:signal=KILL:when={count}");
        let outcome = traced(&world, &["-e", &format!("trace={name}"), "-e", &inject], |code| Some(another(code)));
        if let Some(outcome) = outcome {
            assert!(![Code::SUCCESS, Code::IGNORE, Code::PERM_DENIED].contains(&outcome.code), "{inject}: {outcome:?}");
        }
        world.machine.wait_until_gone("herald-deliver");
        recovers(&world, &inject);
    }
}

/// Who kills the session in time sees no verdict that was not paid for.
#[test]
fn rule_17_killing_the_session_before_the_answer_is_judged_saves_no_guess() {
    let world = world();
    let (mut unpaid, mut paid) = (0, 0);
    let calls = part(calls(&world), 5, 1);
    figure("guesses whose session was killed at one system call; no verdict that was not paid for", calls.len());
    for (name, count) in calls {
        let inject = format!("inject={name}:signal=KILL:when={count}");
        let mut said = Vec::new();
        let by = ["strace", "-f", "-qq", "-o", TRACE, "-e", &format!("trace={name}"), "-e", &inject];
        let host = world.host_by(&by, "sshd", ALONE).user("alice").rhost("203.0.113.7").tty("ssh");
        if let Some(mut session) = host.try_start() {
            session.attempt(Call::Authenticate, 0, |message: &Message| {
                said.push(message.text.clone());
                let code = world.phone.messages().pop().and_then(|message| message.code);
                match code.filter(|_| said.len() == 1 && message.style.is_prompt()) {
                    Some(code) => Answer::text(another(&code)),
                    None => Answer::Code(Code::CONV_ERR),
                }
            });
        }
        let ledger = world.ledger(ALICE).unwrap_or_default();
        let counted = ledger.contains("failures = 1\n");
        assert!(counted || ledger.is_empty() || ledger.contains("failures = 0\n"), "{inject}: {ledger}");
        if said.iter().any(|line| line.starts_with("Wrong, ")) {
            assert!(counted, "{inject}: it was said and not paid for: {ledger}");
        }
        *if counted { &mut paid } else { &mut unpaid } += 1;
        world.machine.wait_until_gone("herald-deliver");
        recovers(&world, &inject);
    }
    assert!(paid > 0 && unpaid > 0, "some were killed before, some after: {paid}, {unpaid}");
}
