//! Whole logins by a script of bytes: what is configured, what fails, what is typed and when. Whatever the script, some
//! things hold. The same function is what a fuzzer drives.

use crate::world::*;
use herald_core::account::UserName;
use herald_core::courier::{CourierError, End};
use herald_core::enrollment::{Factor, State};
use herald_core::login::{Attempt, Verdict};
use herald_core::secret::SecretBytes;
use herald_core::store::StoreError;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;
use totp_rs::{Algorithm, TOTP};

#[cfg(test)]
#[path = "../../../../fuzz/replay.rs"]
mod replay;

/// Bytes, and zero for ever behind their end.
struct Script<'a>(std::slice::Iter<'a, u8>);

impl Script<'_> {
    fn next(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    fn chance(&mut self) -> bool {
        self.next() & 1 == 1
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::from(self.next()) % all.len()].clone()
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.next() % 24);
        (0..length).map(|_| char::from(self.next())).collect()
    }
}

/// Plays up to four logins of alice, and checks each.
///
/// # Panics
/// If anything happened that never may.
pub fn play(bytes: &[u8]) {
    let mut script = Script(bytes.iter());
    let world = World::new();
    let mut settings = String::new();
    let may_skip = script.one_of(&["", "", "unenrolled", "undelivered"]);
    if !may_skip.is_empty() {
        settings.push_str(&format!("[policy]\n{may_skip} = \"skip\"\n"));
    }
    settings.push_str(script.one_of(&[
        "",
        "[limits]\nfailures = 3\n",
        "[code]\nattempts = 1\n",
        "[limits]\nsends = 1\n",
    ]));
    world.configure(&settings);
    world.add_gateway("second", script.one_of(&["telegram", "signal"]));
    if script.chance() {
        world.enroll("alice", "signal", "+81312345678");
    }
    let more = script.next();
    if more % 8 == 7 {
        world.set_state("alice", 1, State::Disabled);
    }
    // Where the script has ended there is none.
    let has_app = more & 0x18 == 0x18;
    if has_app {
        add_app(&world);
    }

    let mut spent = BTreeSet::new();
    for _ in 0..=script.next() % 4 {
        world.log.borrow_mut().clear();
        disturb(&world, &mut script);
        let attempt = attempt(&world, &mut script);
        let typed = Rc::new(RefCell::new(Vec::new()));
        let steps: Vec<Step> = (0..12).map(|_| step(&mut script, has_app, &typed)).collect();
        let story = world.log_in(&attempt, steps);
        check(&world, &story, &typed.borrow(), has_app, &mut spent, may_skip);
        undisturb(&world);
    }
}

/// An authenticator app with the secret of RFC 6238's test vectors.
fn add_app(world: &World) {
    let app = Factor {
        id: 9,
        channel: "totp".into(),
        address: None,
        label: None,
        state: State::Active,
        enrolled: None,
        secret: Some("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into()),
        salt: None,
        codes: None,
        expires: None,
    };
    let mut enrollments = world.enrollments.borrow_mut();
    enrollments.get_mut(&UserName::new("alice")).expect("enrolled").factors.push(app);
}

/// What the app shows so many steps from now, and the number of that step.
fn app_shows(world: &World, steps: i64) -> (u64, String) {
    let step = (world.wall.get() / 30).checked_add_signed(steps).expect("long after 1970");
    let app = TOTP::new_unchecked(Algorithm::SHA1, 6, 0, 30, b"12345678901234567890".to_vec());
    (step, app.generate(step * 30))
}

/// Something in the machine that does not work.
fn disturb(world: &World, script: &mut Script<'_>) {
    let ends = [End::Delivered, End::Unreachable, End::Unclear, End::Permanent, End::Configuration];
    for gateway in ["bot", "second"] {
        if script.next() % 4 == 3 {
            world.behaves(gateway, script.one_of(&ends));
        }
    }
    match script.next() % 16 {
        1 => world.name_service_down.set(true),
        2 => *world.broken_enrollments.borrow_mut() = Some(StoreError::State("not ours".into())),
        3 => *world.broken_enrollments.borrow_mut() = Some(StoreError::Failed("no space left".into())),
        4 => *world.courier_error.borrow_mut() = Some(CourierError::NotStarted("missing".into())),
        5 => *world.courier_error.borrow_mut() = Some(CourierError::Failed("killed".into())),
        6 => world.writes_left.set(Some(u32::from(script.next() % 12))),
        7 => world.disk_full.set(true),
        _ => {}
    }
}

fn undisturb(world: &World) {
    world.name_service_down.set(false);
    *world.broken_enrollments.borrow_mut() = None;
    *world.courier_error.borrow_mut() = None;
    world.writes_left.set(None);
    world.disk_full.set(false);
    for gateway in ["bot", "second"] {
        world.behaves(gateway, End::Delivered);
    }
}

fn attempt(world: &World, script: &mut Script<'_>) -> Attempt {
    let attempt = match script.next() % 4 {
        0 => world.local("sudo"),
        1 => Attempt { service: "gdm-password".into(), ..world.local("gdm-password") },
        _ => world.ssh(),
    };
    match script.next() % 8 {
        0 => Attempt { authtok: None, ..attempt },
        1 => Attempt { authtok: Some(SecretBytes::from(&b"\x08\n\r\x7fINCORRECT"[..])), ..attempt },
        2 => Attempt { user: script.one_of(&[&b"ALICE"[..], b"bob", b"nobody", b"\xff"]).to_vec(), ..attempt },
        3 => Attempt { rhost: place(script), tty: place(script), ..attempt },
        _ => attempt,
    }
}

/// Without digits: these stand in the log, and a fuzzer that has learned the next code writes it there.
fn place(script: &mut Script<'_>) -> String {
    script.text().replace(|character: char| character.is_ascii_digit(), "x")
}

/// What is done at one prompt, and when. What is typed is noted when it is typed.
fn step(script: &mut Script<'_>, has_app: bool, typed: &Rc<RefCell<Vec<String>>>) -> Step {
    let action = script.next() % 16;
    let wait = Duration::from_secs(script.one_of(&[0, 0, 0, 1, 31, 301, 601, 90_000]));
    let wish = script.one_of(&["r", "?", "1", "2", "signal", "telegram", "R ", "\x08\n\r\x7fIN", "correct horse"]);
    let text = if action < 3 { script.text() } else { String::new() };
    let typed = Rc::clone(typed);
    Step::Decided(Box::new(move |world: &World| {
        world.wait(wait);
        let codes = world.codes();
        let answer = match action {
            0..3 => text,
            3..6 => wish.to_owned(),
            6 => return Step::Enter,
            7 => return Step::BreaksOff,
            8 => {
                world.set_state("alice", 1, State::Disabled);
                return Step::AWrongCode;
            }
            9..11 => return Step::AWrongCode,
            11 => codes.first().cloned().unwrap_or_default(),
            15 if has_app => app_shows(world, 0).1,
            _ => codes.last().cloned().unwrap_or_default(),
        };
        typed.borrow_mut().push(answer.clone());
        types(&answer)
    }))
}

fn check(world: &World, story: &Story, typed: &[String], has_app: bool, spent: &mut BTreeSet<String>, may_skip: &str) {
    let log = world.log.borrow().join("\n");
    let words: Vec<&str> = log.lines().filter_map(|line| line.split(' ').next()).collect();
    let ends = words.iter().filter(|word| ["verified", "refused", "locked", "skipped"].contains(word)).count();
    let broken = matches!(story.verdict, Verdict::ServiceError | Verdict::SystemError);
    assert!(ends == 1 || (broken && ends == 0 && words.contains(&"error")), "one line ends a login: {story:?}\n{log}");
    assert!(story.prompts.len() <= 10, "rule 10: {story:?}");
    match story.verdict {
        Verdict::Success => {
            let by_app = |last: &String| {
                let shown = (-1..=1).map(|steps| app_shows(world, steps)).find(|(_, code)| has_app && code == last);
                shown.map(|(step, _)| format!("step {step}"))
            };
            let sent = |last: &String| world.codes().contains(last).then(|| last.clone());
            let last = typed.last().and_then(|last| sent(last).or_else(|| by_app(last)));
            let last = last.unwrap_or_else(|| panic!("in without a code of alice's: {typed:?} {story:?}\n{log}"));
            assert!(spent.insert(last), "rules 13, 19: a code is good once: {story:?}\n{log}");
            assert!(words.contains(&"verified"), "{log}");
        }
        Verdict::Ignore => {
            assert!(!may_skip.is_empty() && words.contains(&"skipped"), "rule 3: {story:?}\n{log}");
            let asked = story.prompts.iter().any(|prompt| prompt.contains("Code sent"));
            assert!(!asked, "rule 5: who has a code is not skipped: {story:?}\n{log}");
        }
        _ => assert!(!words.contains(&"verified") && !words.contains(&"skipped"), "{story:?}\n{log}"),
    }
}

/// xorshift64 (Marsaglia): the same scripts in every run.
#[cfg(test)]
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[4]
    };
    (0..400).map(|_| next()).collect()
}

#[test]
fn whatever_is_typed_and_whatever_fails_only_a_code_that_was_sent_lets_anybody_in_and_once() {
    for seed in 0..1500 {
        play(&bytes(seed));
    }
    replay::replay("login", 20, play);
}
