//! System calls that fail, and processes that are killed, one after the other through a whole login (strace(1) injects
//! them): nobody gets in by one, what is remembered is as before or as after, and the next login is like any other.
//!
//! Each run of the tests takes a part of them; `HERALD_FAULTS=all` takes all, as `make reliability` does.

use herald_tests::figures::figure;
use herald_tests::pam::{Answer, Call, Code, Message, Outcome};
use herald_tests::world::{ALICE, APP_SECRET, World, another, app};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Our line alone: nothing but our own calls between the start and the end.
const ALONE: &str = "auth required pam_herald.so";
const TRACE: &str = "/tmp/trace";
const ERRORS: [&str; 9] = ["EIO", "ENOSPC", "EMFILE", "ENOMEM", "EROFS", "EAGAIN", "EINTR", "EACCES", "EPERM"];
/// Calls that cannot fail, do not return, or belong to the tracing.
const NEVER: [&str; 8] =
    ["exit_group", "exit", "rt_sigreturn", "execve", "restart_syscall", "arch_prctl", "set_tid_address", "rseq"];

/// Whoever is taken for somebody without a factor would be let in.
fn world() -> World {
    let world = World::new();
    world.configure(
        "policy.code_alone = true\npolicy.unenrolled = \"skip\"\nlimits.sends = 1000\nlimits.failures = 100\nlimits.resend_after = \"0s\"\n\
         delivery.deadline = \"5s\"",
    );
    world
}

/// One login under strace with these words; `None` if the host did not live to its end.
fn traced(world: &World, words: &[&str], answer: impl Fn(&str) -> Option<String>) -> Option<Outcome> {
    traced_typing(world, words, || {
        let code = world.phone.messages().pop().and_then(|message| message.code);
        code.and_then(|code| answer(&code))
    })
}

/// The same, with this for the first prompt.
fn traced_typing(world: &World, words: &[&str], answer: impl FnOnce() -> Option<String>) -> Option<Outcome> {
    let by = [&["strace", "-f", "-qq", "-o", TRACE], words].concat();
    let host = world.host_by(&by, "sshd", ALONE).user("alice").rhost("203.0.113.7").tty("ssh");
    let mut answer = Some(answer);
    host.try_start()?.attempt(Call::Authenticate, 0, |message: &Message| {
        if !message.style.is_prompt() {
            return Answer::Null;
        }
        match answer.take().and_then(|answer| answer()) {
            Some(text) => Answer::text(text),
            None => Answer::Code(Code::CONV_ERR),
        }
    })
}

/// How often each call was made, by the host since our module has the word and by the helper.
fn calls(world: &World) -> Vec<(String, usize)> {
    calls_of(world, traced(world, &[], |code| Some(code.to_owned())))
}

/// The same, of this login, which was the last one that was traced.
fn calls_of(world: &World, login: Option<Outcome>) -> Vec<(String, usize)> {
    assert_eq!(login.map(|outcome| outcome.code), Some(Code::SUCCESS));
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

/// What everybody in the scratch machine does again who was stopped.
const CONTINUER: &str = "while sleep 0.05; do kill -CONT -1; done";

#[test]
fn whoever_stands_still_at_any_call_for_a_while_goes_on_as_before() {
    let world = world();
    // Each waits to be continued: one third of the calls is what there is time for.
    let calls = part(calls(&world).into_iter().step_by(3).collect(), 3, 1);
    figure("logins whose host or helper stood still at one system call; as ever", calls.len());
    let mut continuer = world.machine.command("root", &["sh", "-c", CONTINUER]).spawn().expect("sh");
    let mut inside = 0;
    for (position, (name, count)) in calls.iter().enumerate() {
        let inject = format!("inject={name}:signal=STOP:when={count}");
        let is_right = position % 2 == 0;
        let outcome = traced(&world, &["-e", &format!("trace={name}"), "-e", &inject], |code| {
            Some(if is_right { code.to_owned() } else { another(code) })
        });
        let code = outcome.unwrap_or_else(|| panic!("{inject}: the host was ended")).code;
        // One that the gateway seems not to answer in time is refused, like any that could not be sent.
        let expected = if is_right { vec![Code::SUCCESS, Code::AUTHINFO_UNAVAIL] } else { vec![Code::CONV_ERR] };
        assert!(expected.contains(&code) || code == Code::AUTHINFO_UNAVAIL, "{inject}: {code:?}");
        inside += usize::from(code == Code::SUCCESS);
        recovers(&world, &inject);
    }
    assert!(inside * 10 >= calls.len() * 4, "most go on: {inside} of {} with the right code", calls.len().div_ceil(2));
    continuer.kill().and_then(|()| continuer.wait()).expect("ours");
}

#[test]
fn rule_23_a_helper_that_stands_still_at_any_call_costs_the_deadline_and_lets_nobody_in() {
    const HELPER: &str = "/usr/libexec/herald/herald-deliver";
    const REAL: &str = "/usr/libexec/herald/real";
    const PATIENCE: Duration = Duration::from_secs(12);
    let world = world();
    world.configure("policy.code_alone = true\nlimits.sends = 1000\ndelivery.deadline = \"2s\"");
    std::fs::rename(world.machine.path(HELPER), world.machine.path(REAL)).expect("in one folder");
    let helper = |options: &str| {
        world.machine.install_script(HELPER, 0o755, &format!("exec env -i strace -f -qq -o {TRACE} {options} {REAL}"));
    };
    let log_in = |typed: bool| {
        world.host("sshd", ALONE).user("alice").rhost("203.0.113.7").tty("ssh").start().authenticate(
            |message: &Message| {
                let code = world.phone.messages().pop().and_then(|message| message.code);
                match code.filter(|_| typed && message.style.is_prompt()) {
                    Some(code) => Answer::text(code),
                    None => Answer::Code(Code::CONV_ERR),
                }
            },
        )
    };
    helper("");
    let outcome = log_in(true);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?} {}", world.machine.read(TRACE));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in world.machine.read(TRACE).lines() {
        let name = line.split_once(' ').map_or("", |(_, rest)| rest.trim_start()).split('(').next().unwrap_or_default();
        if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    let all: Vec<(String, usize)> = counts.into_iter().filter(|(name, _)| !NEVER.contains(&name.as_str())).collect();
    assert!(all.len() > 20, "a sender makes more kinds of calls than these: {all:?}");
    let calls = part(all, 9, 1);
    figure("logins whose helper stood still for good at one kind of system call; none let in", calls.len());
    for (name, _) in calls {
        helper(&format!("-e trace={name} -e inject={name}:signal=STOP"));
        let begun = Instant::now();
        let outcome = log_in(false);
        assert!(begun.elapsed() < PATIENCE, "{name}: {:?}", begun.elapsed());
        assert!(![Code::SUCCESS, Code::IGNORE].contains(&outcome.code), "{name}: {outcome:?}");
        // The login ends its helper, which is the tracer here, and not what the tracer had stopped.
        world.machine.run("root", &["pkill", "-KILL", "-x", "real"], "");
        world.machine.wait_until_gone("real");
        helper("");
        recovers(&world, &name);
    }
}

/// write(2) takes what still fits below RLIMIT_FSIZE and refuses the rest.
#[test]
fn a_write_that_is_cut_short_leaves_the_old_state_and_lets_nobody_in() {
    let world = world();
    let log_in = |limit: &str, answer: Option<&str>| {
        let by = ["env", "--ignore-signal=XFSZ", "prlimit", limit];
        let host = world.host_by(&by, "sshd", ALONE).user("alice").rhost("203.0.113.7").tty("ssh");
        host.start().authenticate(|message: &Message| match answer.filter(|_| message.style.is_prompt()) {
            Some(answer) => Answer::text(answer),
            None => Answer::Code(Code::CONV_ERR),
        })
    };
    assert_eq!(log_in("--fsize=unlimited", None).code, Code::CONV_ERR);
    let code = world.phone.messages().pop().and_then(|message| message.code).expect("one was sent");
    let before = world.ledger(ALICE).expect("a live code");
    let whole = before.len();
    for limit in [0, 1, 10, 11, whole / 4, whole / 2, whole - whole / 8] {
        let outcome = log_in(&format!("--fsize={limit}"), Some(&code));
        assert_eq!(outcome.code, Code::SYSTEM_ERR, "{limit} of {whole} bytes: {outcome:?}");
        assert_eq!(world.ledger(ALICE).as_deref(), Some(before.as_str()), "{limit} of {whole} bytes");
    }
    assert_eq!(log_in("--fsize=unlimited", Some(&code)).code, Code::SUCCESS);
}

const ENROLLMENT: &str = "/var/lib/herald/users/alice.toml";

/// Alice with an app and codes on paper, and nothing that is sent.
struct Offline {
    world: World,
    paper: Vec<String>,
    enrollment: String,
}

impl Offline {
    fn new() -> Self {
        let world = world();
        let app = format!(
            "version = 1\n[[factor]]\nid = 1\nchannel = \"totp\"\nsecret = \"{APP_SECRET}\"\nstate = \"active\"\n"
        );
        world.machine.write(ENROLLMENT, 0o600, app);
        let made = world.machine.run("root", &["herald", "--json", "backup-codes", "--user", "alice", "--force"], "");
        let codes = made.output.split("\"codes\":[\"").nth(1).and_then(|rest| rest.split("\"]").next());
        let paper = codes.unwrap_or_else(|| panic!("{made:?}")).split("\",\"").map(str::to_owned).collect();
        let enrollment = world.machine.read(ENROLLMENT);
        let offline = Self { world, paper, enrollment };
        assert_eq!((offline.paper.len(), offline.left()), (10, 10));
        offline
    }

    /// As if nothing had been typed yet: the same app, and all codes on the paper.
    fn begin_again(&self) {
        self.world.machine.write(ENROLLMENT, 0o600, &self.enrollment);
        for used in ["/run/herald/ledger/alice", "/var/lib/herald/totp/alice"] {
            // The first login of all makes it.
            let _ = std::fs::remove_file(self.world.machine.path(used));
        }
    }

    /// How many codes on the paper are still good.
    fn left(&self) -> usize {
        let enrollment = self.world.machine.read(ENROLLMENT);
        // A hash each: 256 bits in hexadecimal.
        enrollment.split('"').filter(|word| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit())).count()
    }

    fn traced(&self, words: &[&str], typed: &str) -> Option<Code> {
        let outcome = traced_typing(&self.world, words, || Some(typed.to_owned()));
        outcome.map(|outcome| outcome.code)
    }

    /// Whether this opens the door, at the first prompt and without any fault.
    fn opens(&self, typed: &str) -> bool {
        let host = self.world.host("sshd", ALONE).user("alice").rhost("203.0.113.7").tty("ssh");
        let mut typed = Some(typed);
        let outcome =
            host.start().authenticate(|message: &Message| match typed.take_if(|_| message.style.is_prompt()) {
                Some(typed) => Answer::text(typed),
                None if message.style.is_prompt() => Answer::Code(Code::CONV_ERR),
                None => Answer::Null,
            });
        outcome.code == Code::SUCCESS
    }

    /// All calls of a login by what is typed here, each with an error that it ends with once.
    fn faults(&self, typed: &str, step: usize, first: usize) -> Vec<[String; 2]> {
        self.begin_again();
        let login = traced_typing(&self.world, &[], || Some(typed.to_owned()));
        let calls = part(calls_of(&self.world, login), step, first).into_iter().zip(ERRORS.iter().cycle());
        let fault = |((name, count), error): ((String, usize), &&str)| {
            [format!("trace={name}"), format!("inject={name}:error={error}:when={count}")]
        };
        calls.map(fault).collect()
    }
}

#[test]
fn a_call_that_fails_lets_nobody_in_with_a_wrong_code_of_an_app_or_of_paper() {
    let alice = Offline::new();
    let faults = alice.faults(&app(APP_SECRET, 0), 12, 0);
    figure(
        "logins with a wrong code of an app or of paper, in each of which one call failed; none let in",
        faults.len(),
    );
    for (position, [trace, inject]) in faults.into_iter().enumerate() {
        alice.begin_again();
        let wrong = if position % 2 == 0 { another(&app(APP_SECRET, 0)) } else { "zzzzz-zzzzz".to_owned() };
        let code = alice.traced(&["-e", &trace, "-e", &inject], &wrong);
        assert!(![Code::SUCCESS, Code::IGNORE, Code::PERM_DENIED].map(Some).contains(&code), "{inject}: {code:?}");
        assert_eq!(alice.left(), alice.paper.len(), "{inject}: a code on paper is lost");
        assert!(alice.opens(&app(APP_SECRET, 0)) && alice.opens(&alice.paper[0]), "after {inject}");
    }
}

#[test]
fn a_call_that_fails_makes_no_code_of_an_app_good_twice() {
    let alice = Offline::new();
    let faults = alice.faults(&app(APP_SECRET, 0), 12, 3);
    figure("logins by an app, in each of which one system call failed; no code good twice", faults.len());
    let mut inside = 0;
    for [trace, inject] in faults {
        alice.begin_again();
        let typed = app(APP_SECRET, 0);
        let opened = alice.traced(&["-e", &trace, "-e", &inject], &typed) == Some(Code::SUCCESS);
        inside += usize::from(opened);
        let tries = [opened, alice.opens(&typed), alice.opens(&typed)];
        assert!(tries.iter().filter(|opened| **opened).count() <= 1, "{inject}: good twice: {tries:?}");
        assert!(alice.opens(&app(APP_SECRET, 1)), "after {inject}");
        assert_eq!(alice.left(), alice.paper.len(), "{inject}: a code on paper is lost");
    }
    assert!(inside > 0, "some faults do not matter");
}

#[test]
fn a_call_that_fails_makes_no_code_of_paper_good_twice_and_loses_no_other() {
    let alice = Offline::new();
    let faults = alice.faults(&alice.paper[0], 12, 6);
    figure("logins by a code on paper, in each of which one call failed; none good twice, no other lost", faults.len());
    let mut inside = 0;
    for [trace, inject] in faults {
        alice.begin_again();
        let typed = &alice.paper[0];
        let opened = alice.traced(&["-e", &trace, "-e", &inject], typed) == Some(Code::SUCCESS);
        inside += usize::from(opened);
        let tries = [opened, alice.opens(typed), alice.opens(typed)];
        assert!(tries.iter().filter(|opened| **opened).count() <= 1, "{inject}: good twice: {tries:?}");
        assert_eq!(alice.left(), alice.paper.len() - 1, "{inject}: {tries:?}");
        assert!(alice.opens(&alice.paper[1]) && alice.opens(&app(APP_SECRET, 0)), "after {inject}");
    }
    assert!(inside > 0, "some faults do not matter");
}
