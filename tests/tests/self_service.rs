//! People look after their own factors, without root: `herald` at their terminal, the broker, and root's side of it.

use herald_core::broker::{Errand, encode_errand};
use herald_tests::world::{ALICE, BOB, BROKER_SOCKET, Terminal, World, example};
use std::os::unix::fs::symlink;
use std::thread;
use std::time::{Duration, Instant};

const SENT: &str = "Code sent by Telegram to ...977: ";
const FIRST: &str = "First a code from a second factor of yours.";

fn world() -> World {
    let world = World::new();
    world.machine.write("/etc/pam.d/herald", 0o644, example("herald"));
    world
}

/// A command at the terminal of somebody who has proved themselves by a code.
fn proved(world: &World, words: &[&str]) -> Terminal {
    let mut terminal = world.machine.terminal("alice", words);
    terminal.expect(FIRST);
    terminal.expect(SENT);
    terminal.send_line(&code(world));
    terminal
}

/// The next code, behind the notices of what changed (rule 34).
fn code(world: &World) -> String {
    loop {
        if let Some(code) = world.phone.message().code {
            return code;
        }
    }
}

#[test]
fn somebody_with_a_factor_proves_it_and_looks_after_their_own() {
    let world = world();
    let _broker = world.broker();
    let seen = proved(&world, &["herald", "status"]).succeeds();
    assert!(seen.contains("alice  telegram  ...977") && !seen.contains("475721977"), "{seen}");

    let seen = proved(&world, &["herald", "language", "de"]).succeeds();
    assert!(seen.contains("alice"), "{seen}");
    assert!(seen.contains("de"), "{seen}");
    proved(&world, &["herald", "language", "default"]).succeeds();

    let mut codes = proved(&world, &["herald", "backup-codes", "--count", "2"]);
    assert_eq!(codes.succeeds().lines().filter(|line| line.contains('-')).count(), 1);
    assert!(proved(&world, &["herald", "prefer", "backup"]).succeeds().contains("backup"));
    assert!(proved(&world, &["herald", "remove", "backup"]).succeeds().contains("backup"));

    let log = world.machine.journal().text();
    assert!(log.lines().any(|line| line.contains("by=alice") && line.ends_with("via=broker")), "{log}");
    // The notices of rule 34 came along.
    assert!(world.phone.messages().iter().any(|message| message.code.is_none()));
}

#[test]
fn the_first_factor_takes_the_password() {
    let world = world();
    let _broker = world.broker();
    world.forget(ALICE);
    let chat = ALICE.chat().to_string();
    let words = ["herald", "enroll", "telegram", &chat, "--no-backup-codes"];
    let mut wrong = world.machine.terminal("alice", &words);
    wrong.expect("There is no second factor yet: first your password.");
    wrong.answer("Password: ", BOB.password);
    assert!(wrong.fails().contains("alice did not prove to be alice"), "{}", wrong.transcript());
    assert_eq!((world.phone.requests(), world.ledger(ALICE)), (0, None));

    let mut right = world.machine.terminal("alice", &words);
    right.answer("Password: ", ALICE.password);
    right.expect(SENT);
    right.send_line(&code(&world));
    assert!(right.succeeds().contains("alice can log in with a code by Telegram"), "{}", right.transcript());
    assert!(!right.transcript().contains("sudo"), "{}", right.transcript());
    // From now on it takes a code from it.
    assert!(proved(&world, &["herald", "status", "--user", "alice"]).succeeds().contains("telegram"));
}

#[test]
fn on_fedora_the_first_factor_takes_the_password_too() {
    let world = world();
    let _broker = world.broker();
    world.forget(ALICE);
    // As authselect writes it, as far as Debian has the modules.
    let password_auth = "auth required pam_env.so\n\
        auth required pam_faildelay.so delay=2000000\n\
        auth sufficient pam_unix.so nullok\n\
        auth required pam_deny.so\n\
        account required pam_unix.so\n";
    world.machine.write("/etc/pam.d/password-auth", 0o644, password_auth);
    world.machine.write("/etc/pam.d/other", 0o644, "auth required pam_deny.so\naccount required pam_deny.so\n");
    std::fs::remove_file(world.machine.path("/etc/pam.d/common-auth")).expect("root");
    std::fs::remove_file(world.machine.path("/etc/pam.d/herald")).expect("root");
    let words = ["herald", "enroll", "telegram", &ALICE.chat().to_string(), "--no-backup-codes"];
    let none = world.machine.terminal("alice", &words).fails();
    assert!(
        none.contains("try: sudo cp /usr/share/doc/herald/pam.d-example/fedora/herald /etc/pam.d/herald"),
        "{none}"
    );
    world.machine.write("/etc/pam.d/herald", 0o644, example("fedora/herald"));

    let mut wrong = world.machine.terminal("alice", &words);
    wrong.answer("Password: ", BOB.password);
    assert!(wrong.fails().contains("alice did not prove to be alice"), "{}", wrong.transcript());
    assert_eq!((world.phone.requests(), world.ledger(ALICE)), (0, None));
    let mut right = world.machine.terminal("alice", &words);
    right.answer("Password: ", ALICE.password);
    right.expect(SENT);
    right.send_line(&code(&world));
    assert!(right.succeeds().contains("alice can log in with a code by Telegram"), "{}", right.transcript());
}

#[test]
fn a_factor_that_came_while_the_password_was_typed_is_asked_for() {
    let begun = [&["enroll", "telegram", "110000977"][..], &["status"], &["language", "de"], &["prefer", "telegram"]];
    for words in begun {
        let world = world();
        let _broker = world.broker();
        world.forget(ALICE);
        let mut terminal = world.machine.terminal("alice", &[&["herald"], words].concat());
        terminal.expect("Password: ");
        world.enroll(ALICE);
        terminal.send_line(ALICE.password);
        terminal.expect(FIRST);
        terminal.expect(SENT);
        assert_eq!(world.phone.message().chat, ALICE.chat(), "the one that she has, not the one that she wants");
        terminal.send_line("");
        assert!(terminal.fails().contains("alice did not prove to be alice"), "{}", terminal.transcript());
    }
}

#[test]
fn a_factor_that_was_disabled_while_the_password_was_typed_is_not_got_round() {
    let world = world();
    let _broker = world.broker();
    world.forget(ALICE);
    let mut terminal = world.machine.terminal("alice", &["herald", "enroll", "telegram", "110000977"]);
    terminal.expect("Password: ");
    world.enroll(ALICE);
    let disabled = world.machine.run("root", &["herald", "disable", "telegram", "--user", "alice"], "");
    assert!(disabled.status.success(), "{disabled:?}");
    terminal.send_line(ALICE.password);
    assert!(terminal.fails().contains("the factors of alice were disabled by an admin"), "{}", terminal.transcript());
}

#[test]
fn what_lets_root_pass_without_a_password_proves_nobody() {
    let world = world();
    let _broker = world.broker();
    world.forget(ALICE);
    world.machine.write("/etc/pam.d/herald", 0o644, "auth sufficient pam_rootok.so\naccount required pam_permit.so\n");
    let words = ["herald", "enroll", "telegram", &ALICE.chat().to_string(), "--no-backup-codes"];
    let mut terminal = world.machine.terminal("alice", &words);
    assert!(terminal.fails().contains("alice did not prove to be alice"), "{}", terminal.transcript());
    assert_eq!(world.phone.requests(), 0);
}

#[test]
fn a_wrong_code_or_none_shows_and_changes_nothing() {
    let world = world();
    let _broker = world.broker();
    let before = world.machine.read("/var/lib/herald/users/alice.toml");
    for words in [&["herald", "remove", "telegram"][..], &["herald", "enroll", "telegram", "110000977"]] {
        let mut terminal = world.machine.terminal("alice", words);
        terminal.expect("Code sent by Telegram to ...977");
        terminal.expect(": ");
        terminal.send_line("");
        let seen = terminal.fails();
        assert!(seen.contains("alice did not prove to be alice"), "{seen}");
    }
    assert_eq!(world.machine.read("/var/lib/herald/users/alice.toml"), before);
    let piped = world.machine.run("alice", &["herald", "status"], "123456\n");
    assert_eq!((piped.status.code(), piped.output.as_str()), (Some(1), ""), "{piped:?}");
    assert!(piped.errors.contains("try: run it at a terminal, without --json"), "{piped:?}");
    let json = world.machine.run("alice", &["herald", "--json", "status"], "");
    assert!(
        json.status.code() == Some(1) && json.output.starts_with(r#"{"ok":false,"error":"a code from alice"#),
        "{json:?}"
    );
}

#[test]
fn what_an_admin_disabled_is_not_got_round_by_the_password() {
    let world = world();
    let _broker = world.broker();
    let words = ["herald", "disable", "telegram", "--user", "alice"];
    assert!(world.machine.run("root", &words, "").status.success());
    let mut terminal = world.machine.terminal("alice", &["herald", "enroll", "telegram", "110000977"]);
    assert!(terminal.fails().contains("the factors of alice were disabled by an admin"), "{}", terminal.transcript());
}

#[test]
fn rule_3_factors_that_cannot_be_read_are_not_got_round_by_the_password() {
    let world = world();
    let _broker = world.broker();
    for text in ["version = 1\n[[factor", "version = 99\n", ""] {
        world.machine.write("/var/lib/herald/users/alice.toml", 0o600, text);
        let mut terminal = world.machine.terminal("alice", &["herald", "enroll", "telegram", "110000977"]);
        let seen = terminal.fails();
        assert!(!seen.contains("password") && seen.contains("\ntry: "), "{seen}");
        assert_eq!(world.machine.read("/var/lib/herald/users/alice.toml"), text);
    }
    assert_eq!(world.phone.requests(), 0);
}

/// Whoever has proved nothing yet learns that much and no more; root reads the rest in the log.
#[test]
fn what_is_wrong_with_the_machine_is_told_to_the_log_and_not_to_whoever_asks() {
    let world = world();
    let _broker = world.broker();
    let asks = || world.machine.terminal("alice", &["herald", "status"]).fails();
    let told = "herald: two-factor login is not set up right on this machine\n\
                try: tell whoever administers it: the log says what is wrong\n";
    world.configure("limits.failurs = 4\npolicy.unenrolled = \"maybe\"");
    assert_eq!(asks(), told);
    let log = world.machine.journal().text();
    let words = "herald.toml:2:_limits.failurs";
    assert!(log.lines().any(|line| line.contains(words) && line.ends_with("by=alice via=broker")), "{log}");
    world.configure("");
    world.machine.write("/var/lib/herald/users/alice.toml", 0o600, "version = 1\n[[factor");
    assert_eq!(asks(), told);
    assert!(world.machine.journal().text().contains("users/alice.toml"));
    // A folder that is gone stays gone, or nobody would be enrolled any more.
    let moved = world.machine.run("root", &["mv", "/var/lib/herald/users", "/tmp/users"], "");
    assert!(moved.status.success(), "{moved:?}");
    assert_eq!(asks(), told);
    assert!(!world.machine.path("/var/lib/herald/users").exists());
    assert_eq!(world.phone.requests(), 0);
}

/// Ten at a time; more are turned away, from the same person only, until one of the ten ends or hangs up.
#[test]
fn who_takes_all_seats_takes_their_own_and_has_them_back_by_hanging_up() {
    let world = world();
    world.configure("limits.sends = 1000");
    world.enroll(BOB);
    let _broker = world.broker();
    let open = |user: &str| {
        let mut terminal = world.machine.terminal(user, &["herald", "status"]);
        terminal.expect(FIRST);
        terminal
    };
    let mut alices: Vec<Terminal> = (0..10).map(|_| open("alice")).collect();
    let seen = world.machine.terminal("alice", &["herald", "status"]).fails();
    assert!(seen.contains("ten commands and prompts of one person") && seen.contains("\ntry: "), "{seen}");
    // What others do is as ever.
    drop(open("bob"));
    alices.pop();
    // The process that served it has to see that first.
    let broker = |process: &&String| process.starts_with("herald-broker(");
    let give_up = Instant::now() + Duration::from_secs(20);
    while world.machine.processes().iter().filter(broker).count() > 9 {
        assert!(Instant::now() < give_up, "{:?}", world.machine.processes());
        thread::sleep(Duration::from_millis(5));
    }
    drop(open("alice"));
}

#[test]
fn everything_else_stays_roots() {
    let world = world();
    world.enroll(BOB);
    let broker = world.broker();
    let only_root = |words: &[&str]| {
        let ended = world.machine.run("bob", words, "");
        assert_eq!((ended.status.code(), ended.output.as_str()), (Some(3), ""), "{words:?}: {ended:?}");
        assert!(ended.errors.starts_with("herald: only root may do that\ntry: sudo herald "), "{words:?}: {ended:?}");
    };
    for words in [
        &["herald", "status", "--user", "alice"][..],
        &["herald", "status", "--all"],
        &["herald", "remove", "telegram", "--user", "alice"],
        &["herald", "enroll", "telegram", "1", "--assume-verified"],
        &["herald", "backup-codes", "--force"],
        &["herald", "--config", "/etc/herald/telegram.token", "status"],
        &["herald", "gateway", "status"],
        &["herald", "unlock", "bob"],
    ] {
        only_root(words);
    }
    // Root's side looks at it anew, whatever sent it.
    for words in [&["status", "--user", "alice"][..], &["gateway", "status"], &["--config", "/etc/shadow", "status"]] {
        let ended = world.machine.run("root", &[&["herald", "__self", "bob"], words].concat(), "");
        assert_eq!((ended.status.code(), ended.output.as_str()), (Some(3), ""), "{words:?}: {ended:?}");
    }
    // Nobody becomes somebody by the word of it.
    let ended = world.machine.run("bob", &["herald", "__self", "alice", "status"], "");
    assert!(!ended.output.contains("977"), "{ended:?}");
    drop(broker);
    only_root(&["herald", "status"]);
    assert_eq!(world.phone.requests(), 0);
}

#[test]
fn a_terminal_is_handed_to_root_and_to_nobody_else() {
    let world = world();
    // Bob would read it and write to it.
    let _fake = world.listener("bob", "/tmp/bob.sock", &["/usr/bin/cat"]);
    symlink("/tmp/bob.sock", world.machine.path(BROKER_SOCKET)).expect("root");
    let mut terminal = world.machine.terminal("alice", &["herald", "status"]);
    let seen = terminal.fails();
    assert_eq!(seen, "herald: only root may do that\ntry: sudo herald status\n");
}

#[test]
fn who_hangs_up_takes_roots_side_along() {
    let world = world();
    let _broker = world.broker();
    let mut terminal = world.machine.terminal("alice", &["herald", "status"]);
    terminal.expect(SENT);
    terminal.hang_up();
    world.machine.wait_until_gone("herald");
    world.machine.wait_until_gone("herald-broker");
}

#[test]
fn rule_34_who_hangs_up_does_not_keep_a_change_from_the_other_phones() {
    let world = world();
    let _broker = world.broker();
    let terminal = proved(&world, &["herald", "backup-codes", "--count", "2"]);
    // The notice is on its way for longer than it takes to hang up.
    world.phone.set_latency(Duration::from_secs(1));
    while !world.machine.read("/var/lib/herald/users/alice.toml").contains("backup") {
        std::thread::sleep(Duration::from_millis(1));
    }
    terminal.hang_up();
    let notice = world.phone.next_message(Duration::from_secs(30)).expect("a notice");
    assert!(notice.code.is_none(), "{notice:?}");
    world.machine.wait_until_gone("herald");
    world.machine.wait_until_gone("herald-broker");
}

#[test]
fn a_command_without_a_terminal_or_from_root_is_not_run() {
    let world = world();
    let _broker = world.broker();
    let errand = Errand { words: vec![b"status".to_vec()], variables: Vec::new() };
    let frame = encode_errand(&errand).expect("fits");
    let knocking = ["alice", "root"].map(|user| world.knock(user, "3", &frame));
    world.machine.wait_until_gone("herald-broker");
    assert!(!world.machine.processes().iter().any(|process| process.starts_with("herald(")));
    drop(knocking);
}
