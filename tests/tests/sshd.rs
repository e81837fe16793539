//! Logins through the real sshd and the real ssh, with the shipped stack and configuration.

use herald_tests::world::{ALICE, HOST_NAME, ROOT, Sshd, Terminal, World, another, example};

const SENT: &str = "Code sent by Telegram to ...977: ";

fn sshd(world: &World) -> Sshd<'_> {
    Sshd::start(&world.machine, &[&example("sshd_config.d/herald.conf")])
}

/// As the examples say for a key and a code without a password. Alice's key is good.
fn for_keys_only(world: &World) -> Sshd<'_> {
    world.machine.write("/etc/pam.d/sshd", 0o644, example("sshd-key-only"));
    let shipped = example("sshd_config.d/herald.conf");
    let either = "\nAuthenticationMethods publickey,keyboard-interactive keyboard-interactive\n";
    assert!(shipped.contains(either) && shipped.contains("\n#AuthenticationMethods publickey,keyboard-interactive\n"));
    let chosen = shipped.replace(either, "\n").replace("\n#AuthenticationMethods", "\nAuthenticationMethods");
    let sshd = Sshd::start(&world.machine, &[&chosen]);
    sshd.trust_key(ALICE);
    sshd
}

/// Alice as far as the prompt for the code.
fn alice_with_her_password(sshd: &Sshd<'_>) -> Terminal {
    let mut alice = sshd.log_in("alice");
    alice.answer("Password: ", ALICE.password);
    alice
}

fn gets_in(mut terminal: Terminal) {
    terminal.expect("in as alice");
    terminal.succeeds();
}

fn is_refused(mut terminal: Terminal) -> String {
    let rest = terminal.fails();
    assert!(rest.contains("Permission denied"), "{}", terminal.transcript());
    assert!(!terminal.shown().contains("in as"), "{}", terminal.transcript());
    rest
}

#[test]
fn the_password_and_then_the_code_from_the_phone() {
    let world = World::new();
    let sshd = sshd(&world);
    let mut alice = alice_with_her_password(&sshd);
    alice.expect(SENT);
    let message = world.phone.message();
    alice.send_line(message.code.as_deref().expect("a code"));
    gets_in(alice);

    assert_eq!((message.chat, world.phone.messages().len()), (ALICE.chat(), 1));
    for said in [HOST_NAME, "sshd", "alice", "127.0.0.1", "5 min"] {
        assert!(message.text.contains(said), "{said}: {}", message.text);
    }
    let log = world.log();
    let origin = "rhost=127.0.0.1 tty=ssh";
    assert_eq!(log.len(), 2, "{log:?}");
    assert!(log[0].starts_with("sent user=alice channel=telegram gateway=telegram-bot to=...977 "), "{log:?}");
    assert!(log[1].starts_with("verified user=alice channel=telegram gateway=telegram-bot to=...977 "), "{log:?}");
    assert!(log.iter().all(|line| line.contains(origin)), "{log:?}");
}

#[test]
fn a_key_and_then_the_code_without_a_password() {
    let world = World::new();
    // As `passwd --lock` leaves it: no password is right.
    assert!(world.machine.run("root", &["sed", "-i", "s/^alice:/alice:!/", "/etc/shadow"], "").status.success());
    let sshd = for_keys_only(&world);
    let mut alice = sshd.log_in_with("alice", &Sshd::with_key());
    assert!(!alice.expect(SENT).contains("assword"));
    alice.send_line(&world.phone.code());
    gets_in(alice);

    let without_key = sshd.log_in_with("alice", &["-o", "PubkeyAuthentication=no"]);
    is_refused(without_key);
    assert_eq!(world.phone.messages().len(), 1);
    assert_eq!((world.logged("sent"), world.logged("verified")), (1, 1));
}

#[test]
fn a_key_does_not_get_around_the_code() {
    let world = World::new();
    let sshd = for_keys_only(&world);
    let mut alice = sshd.log_in_with("alice", &[&Sshd::with_key()[..], &["-o", "NumberOfPasswordPrompts=1"]].concat());
    alice.expect(SENT);
    let code = world.phone.code();
    for left in ["2 tries", "1 try"] {
        alice.send_line(&another(&code));
        alice.expect(&format!("Wrong, {left} left. {SENT}"));
    }
    alice.send_line(&another(&code));
    is_refused(alice);
    assert_eq!((world.logged("wrong"), world.logged("verified")), (3, 0));
}

#[test]
fn a_key_does_not_get_around_the_password_where_that_is_asked_for() {
    let world = World::new();
    let sshd = sshd(&world);
    sshd.trust_key(ALICE);
    let options = [&Sshd::with_key()[..], &["-o", "NumberOfPasswordPrompts=1"]].concat();
    let mut alice = sshd.log_in_with("alice", &options);
    alice.answer("Password: ", "not the password");
    is_refused(alice);
    assert_eq!(world.phone.requests(), 0);

    let mut alice = sshd.log_in_with("alice", &options);
    alice.answer("Password: ", ALICE.password);
    alice.expect(SENT);
    alice.send_line(&world.phone.code());
    gets_in(alice);
}

#[test]
fn a_wrong_code_and_then_the_right_one() {
    let world = World::new();
    let sshd = sshd(&world);
    let mut alice = alice_with_her_password(&sshd);
    alice.expect(SENT);
    let code = world.phone.code();
    alice.send_line(&another(&code));
    alice.answer(&format!("Wrong, 2 tries left. {SENT}"), &code);
    gets_in(alice);
    assert_eq!(world.phone.messages().len(), 1);
    assert_eq!(world.log()[1], "wrong user=alice rhost=127.0.0.1 tty=ssh left=2");
    assert_eq!(world.logged("verified"), 1);
}

#[test]
fn rule_13_three_wrong_answers_end_the_code_and_the_login() {
    let world = World::new();
    let sshd = sshd(&world);
    let mut alice = alice_with_her_password(&sshd);
    alice.expect(SENT);
    let code = world.phone.code();
    alice.send_line(&another(&code));
    alice.answer("Wrong, 2 tries left. ", &another(&code));
    alice.answer("Wrong, 1 try left. ", &another(&code));
    assert!(is_refused(alice).contains("Wrong code, no tries left."));
    assert_eq!(world.log().last().expect("lines"), "refused user=alice rhost=127.0.0.1 tty=ssh reason=wrong-answers");

    // The right code has died with the wrong answers, and the next login says so.
    let mut again = alice_with_her_password(&sshd);
    again.expect(SENT);
    let fresh = world.phone.code();
    again.send_line(&code);
    again.answer(&format!("That code has expired. {SENT}"), &fresh);
    gets_in(again);
    assert_eq!(world.phone.messages().len(), 2);
    assert_eq!((world.logged("wrong"), world.logged("verified")), (3, 1));
}

#[test]
fn a_wrong_password_sends_nothing() {
    let world = World::new();
    let sshd = sshd(&world);
    let mut alice = sshd.log_in("alice");
    alice.answer("Password: ", "not the password");
    is_refused(alice);
    assert_eq!(world.phone.requests(), 0);
    assert_eq!(world.log(), Vec::<String>::new());
    assert_eq!(world.ledger(ALICE), None);
}

#[test]
fn rule_8_nothing_is_sent_for_users_that_sshd_refuses() {
    let world = World::new();
    world.enroll(ROOT);
    let shipped = example("sshd_config.d/herald.conf");
    let sshd = Sshd::start(&world.machine, &["PermitRootLogin no\nDenyUsers alice\n", &shipped]);
    let mut refused = Vec::new();
    for (user, password) in [("nobody-of-that-name", "anything"), ("root", ROOT.password), ("alice", ALICE.password)] {
        let mut somebody = sshd.log_in(user);
        somebody.answer("Password: ", password);
        refused.push(somebody);
    }
    refused.into_iter().for_each(|somebody| drop(is_refused(somebody)));
    assert_eq!(world.phone.requests(), 0);
    assert_eq!((world.ledger(ROOT), world.ledger(ALICE)), (None, None));
    assert_eq!(world.log(), Vec::<String>::new(), "the shipped stack ends before it comes to us");
}

#[test]
fn rule_8_nothing_is_sent_for_them_where_the_stack_lets_everybody_come_to_us() {
    let world = World::new();
    world.enroll(ROOT);
    world.machine.write("/etc/pam.d/sshd", 0o644, "auth required pam_herald.so\n@include common-auth\n");
    let shipped = example("sshd_config.d/herald.conf");
    let sshd = Sshd::start(&world.machine, &["PermitRootLogin no\n", &shipped]);
    let mut refused = Vec::new();
    for (user, password) in [("nobody-of-that-name", "anything"), ("root", ROOT.password), ("alice", ALICE.password)] {
        let mut somebody = sshd.log_in(user);
        somebody.answer("Code: ", "123456");
        somebody.answer("Password: ", password);
        refused.push(somebody);
    }
    refused.into_iter().for_each(|somebody| drop(is_refused(somebody)));
    assert_eq!(world.phone.requests(), 0);
    assert_eq!((world.ledger(ROOT), world.ledger(ALICE)), (None, None), "nobody is counted");
    let log = world.log();
    let expected = [("?", "unknown-user"), ("root", "no-evidence"), ("alice", "no-evidence")];
    for (line, (user, reason)) in log.iter().zip(expected) {
        assert_eq!(*line, format!("refused user={user} rhost=127.0.0.1 tty=ssh reason={reason}"));
    }
    assert_eq!(log.len(), 3, "{log:?}");
}

#[test]
fn rule_10_where_the_password_method_is_left_on_the_log_says_the_mend() {
    let world = World::new();
    let sshd = Sshd::start(&world.machine, &["PasswordAuthentication yes\nKbdInteractiveAuthentication no\n"]);
    let mut alice = sshd.log_in_with("alice", &["-o", "NumberOfPasswordPrompts=1"]);
    alice.answer("alice@127.0.0.1's password: ", ALICE.password);
    is_refused(alice);
    let refused = world.machine.journal().wait_for(&["refused user=alice"]);
    for mend in ["PasswordAuthentication_no", "KbdInteractiveAuthentication_yes"] {
        assert!(refused.contains(mend), "{refused}");
    }
    assert_eq!(world.logged("wrong"), 0, "it is no guess");
    assert_eq!(world.phone.messages().len(), 1, "the password was right");
}
