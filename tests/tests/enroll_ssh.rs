//! Enrolling inside the login (`unenrolled = "enroll"`), through the real sshd and the real ssh: the password, a link, a
//! tap on the phone, the code that arrives there, and inside.

use herald_tests::world::{ALICE, BOB, HOST_NAME, Sshd, Terminal, World, another, example};

const OPEN: &str = "Open https://t.me/herald_phone_bot?start=";
const SENT: &str = "Code sent by Telegram to ...888: ";

/// Bob has an account and a phone, and nothing else.
fn world() -> World {
    let world = World::new();
    world.configure("policy.unenrolled = \"enroll\"");
    world
}

fn sshd(world: &World) -> Sshd<'_> {
    Sshd::start(&world.machine, &[&example("sshd_config.d/herald.conf")])
}

/// Bob as far as the link; what it carries.
fn as_far_as_the_link(sshd: &Sshd<'_>) -> (Terminal, String) {
    let mut bob = sshd.log_in("bob");
    bob.answer("Password: ", BOB.password);
    let nonce = nonce(&mut bob);
    (bob, nonce)
}

fn nonce(bob: &mut Terminal) -> String {
    bob.expect(OPEN);
    let nonce = bob.expect(" and press START, then type ok: ");
    assert_eq!(nonce.len(), 32, "128 bits");
    nonce
}

/// Bob as far as the prompt for the first code; the code.
fn as_far_as_the_code(world: &World, sshd: &Sshd<'_>) -> (Terminal, String) {
    let (mut bob, nonce) = as_far_as_the_link(sshd);
    world.phone.press_start(BOB.chat(), "Bob", &nonce);
    bob.send_line("ok");
    bob.expect(SENT);
    let message = world.phone.message();
    assert_eq!(message.chat, BOB.chat());
    (bob, message.code.expect("a code"))
}

fn enrollment(world: &World) -> String {
    std::fs::read_to_string(world.machine.path("/var/lib/herald/users/bob.toml")).unwrap_or_default()
}

fn gets_in(mut bob: Terminal) {
    bob.expect("in as bob");
    bob.succeeds();
}

#[test]
fn from_nothing_to_inside_and_the_second_login_asks_for_a_code() {
    let world = world();
    let sshd = sshd(&world);
    let (mut bob, start) = as_far_as_the_link(&sshd);
    // Too early; then strangers, a guess, and the link in a group.
    bob.send_line("ok");
    bob.expect("START was not seen yet. ");
    assert_eq!(nonce(&mut bob), start, "the same link");
    world.phone.press_start(600_600_600, "Mallory", "");
    world.phone.press_start(600_600_600, "Mallory", &another(&start));
    world.phone.write(-100_200, "group", BOB.chat(), "Bob", &format!("/start {start}"));
    bob.send_line("ok");
    bob.expect("START was not seen yet. ");
    world.phone.press_start(BOB.chat(), "Bob", &start);
    bob.send_line("ok");
    bob.expect(SENT);
    let message = world.phone.message();
    assert_eq!(message.chat, BOB.chat());
    assert!(message.text.contains(HOST_NAME) && message.text.contains("127.0.0.1"), "{}", message.text);
    let code = message.code.expect("a code");
    bob.send_line(&another(&code));
    bob.answer(&format!("Wrong, 2 tries left. {SENT}"), &code);
    gets_in(bob);
    let welcome = world.phone.message();
    assert!(welcome.text.starts_with("bob at scratch now gets login codes here."), "{}", welcome.text);
    assert!(enrollment(&world).contains("state = \"active\""), "{}", enrollment(&world));
    assert_eq!(world.phone.updates_waiting(), 4, "what was written to the bot is still there for others");
    world.machine.journal().wait_for(&["enrolled user=bob channel=telegram to=...888 by=bob"]);

    // Without the right code nobody is in any more, with it bob is.
    let mut bob = sshd.log_in("bob");
    bob.answer("Password: ", BOB.password);
    bob.expect(SENT);
    let code = world.phone.code();
    bob.send_line(&another(&code));
    bob.answer("Wrong, 2 tries left. ", &another(&code));
    bob.answer("Wrong, 1 try left. ", &another(&code));
    assert!(!bob.fails().contains("in as"), "{}", bob.transcript());
    let mut bob = sshd.log_in("bob");
    bob.answer("Password: ", BOB.password);
    bob.answer(SENT, &world.phone.code());
    gets_in(bob);
    assert!(world.phone.messages().iter().all(|message| message.chat == BOB.chat()));
}

#[test]
fn broken_off_anywhere_nobody_is_enrolled_and_the_next_login_begins_anew() {
    let world = world();
    let sshd = sshd(&world);
    let (mut bob, _) = as_far_as_the_link(&sshd);
    bob.interrupt();
    bob.fails();
    let (bob, first) = as_far_as_the_link(&sshd);
    bob.hang_up();
    let (mut bob, _) = as_far_as_the_code(&world, &sshd);
    bob.send_line("");
    assert!(bob.fails().contains("No code was typed."), "{}", bob.transcript());
    assert!(!enrollment(&world).contains("[[factor]]"), "{}", enrollment(&world));
    // sshd kills whoever asks when the line is cut: what was begun is not proved, and counts for nothing.
    let (bob, _) = as_far_as_the_code(&world, &sshd);
    bob.kill();
    world.machine.wait_until_gone("herald-deliver");
    assert!(!enrollment(&world).contains("\"active\""), "{}", enrollment(&world));

    // A link that was shown before opens nothing now; the one that is shown does.
    let (mut bob, second) = as_far_as_the_link(&sshd);
    assert_ne!(first, second);
    world.phone.press_start(BOB.chat(), "Bob", &first);
    bob.send_line("ok");
    bob.expect("START was not seen yet. ");
    world.phone.press_start(BOB.chat(), "Bob", &second);
    bob.send_line("ok");
    bob.expect("Code sent by Telegram to ...888");
    bob.expect(": ");
    let codes: Vec<String> = world.phone.messages().into_iter().filter_map(|message| message.code).collect();
    bob.send_line(codes.last().expect("a code"));
    gets_in(bob);
}

#[test]
fn wrong_codes_enroll_nobody_and_count() {
    let world = world();
    world.configure("policy.unenrolled = \"enroll\"\nlimits.failures = 3");
    let sshd = sshd(&world);
    let (mut bob, code) = as_far_as_the_code(&world, &sshd);
    bob.send_line(&another(&code));
    bob.answer("Wrong, 2 tries left. ", &another(&code));
    bob.answer("Wrong, 1 try left. ", &another(&code));
    assert!(bob.fails().contains("Too many wrong codes: locked for 10 min."), "{}", bob.transcript());
    assert!(!enrollment(&world).contains("[[factor]]"), "{}", enrollment(&world));
    let (mut bob, nonce) = as_far_as_the_link(&sshd);
    world.phone.messages();
    world.phone.press_start(BOB.chat(), "Bob", &nonce);
    bob.send_line("ok");
    assert!(bob.fails().contains("Too many wrong codes: locked for "), "{}", bob.transcript());
}

#[test]
fn a_key_is_evidence_enough_and_a_wrong_password_is_none() {
    let world = world();
    world.machine.write("/etc/pam.d/sshd", 0o644, example("sshd-key-only"));
    let shipped = example("sshd_config.d/herald.conf");
    let chosen = shipped
        .replace("\nAuthenticationMethods ", "\n#")
        .replace("\n#AuthenticationMethods", "\nAuthenticationMethods");
    let sshd = Sshd::start(&world.machine, &[&chosen]);
    sshd.trust_key(BOB);
    let mut bob = sshd.log_in_with("bob", &Sshd::with_key());
    let start = nonce(&mut bob);
    world.phone.press_start(BOB.chat(), "Bob", &start);
    bob.send_line("ok");
    bob.answer(SENT, &world.phone.code());
    gets_in(bob);
    world.phone.message();

    let world = self::world();
    let sshd = self::sshd(&world);
    let mut stranger = sshd.log_in("bob");
    stranger.answer("Password: ", "not the password");
    assert!(!stranger.fails().contains(OPEN), "{}", stranger.transcript());
    assert_eq!(world.phone.requests(), 0);
}

#[test]
fn until_the_day_people_are_let_in_with_a_notice_and_afterwards_they_must() {
    let world = World::new();
    let until = |day: &str| world.configure(&format!("policy.unenrolled = \"enroll\"\npolicy.enroll_until = {day}"));
    until("2199-01-31");
    let sshd = sshd(&world);
    let mut bob = sshd.log_in("bob");
    bob.answer("Password: ", BOB.password);
    bob.expect("No second factor yet. From 2199-01-31 on it is needed: herald enroll telegram");
    gets_in(bob);
    assert_eq!((world.phone.requests(), world.logged("skipped")), (0, 1));
    let mut alice = sshd.log_in("alice");
    alice.answer("Password: ", ALICE.password);
    alice.expect("Code sent by Telegram to ...977: ");
    alice.send_line(&world.phone.code());
    alice.expect("in as alice");
    alice.succeeds();

    until("2020-01-31");
    let (mut bob, code) = as_far_as_the_code(&world, &sshd);
    bob.send_line(&code);
    gets_in(bob);
    world.phone.message();
}
