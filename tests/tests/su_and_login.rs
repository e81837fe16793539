//! The real su, and login's stack.

use herald_tests::world::{ALICE, BOB, ROOT, World, another};

#[test]
fn rule_2_su_to_root_asks_for_roots_password_and_roots_factor() {
    let world = World::new();
    world.enroll(ROOT);
    let mut su = world.machine.terminal("alice", &["su", "root", "-c", "echo in as $(id -un)"]);
    su.answer("Password: ", ROOT.password);
    su.expect("Code sent by Telegram to ...101: ");
    let message = world.phone.message();
    assert_eq!((message.chat, world.phone.messages().len()), (ROOT.chat(), 1));
    assert!(message.text.contains("User: root (asked for by alice)"), "{}", message.text);
    su.send_line(message.code.as_deref().expect("a code"));
    assert!(su.succeeds().ends_with("in as root\n"));
    let log = world.log();
    assert!(
        log.len() == 2 && log.iter().all(|line| line.contains("user=root") && line.contains("to=...101")),
        "{log:?}"
    );
    assert_eq!(world.ledger(ALICE), None);
}

#[test]
fn su_to_root_is_refused_where_root_has_no_factor_and_says_how_to_enroll() {
    let world = World::new();
    let mut su = world.machine.terminal("alice", &["su", "root", "-c", "echo in as $(id -un)"]);
    su.answer("Password: ", ROOT.password);
    let rest = su.fails();
    assert!(rest.contains("herald enroll telegram --user root"), "{rest}");
    assert!(!rest.contains("in as"), "{rest}");
    assert_eq!(world.phone.requests(), 0);
    assert!(world.log()[0].starts_with("refused user=root "), "{:?}", world.log());
}

#[test]
fn su_with_a_wrong_code_is_refused() {
    let world = World::new();
    world.enroll(BOB);
    let mut su = world.machine.terminal("alice", &["su", "bob", "-c", "echo in as $(id -un)"]);
    su.answer("Password: ", BOB.password);
    su.expect("Code sent by Telegram to ...888: ");
    let code = world.phone.code();
    su.send_line(&another(&code));
    su.answer("Wrong, 2 tries left. ", &another(&code));
    su.answer("Wrong, 1 try left. ", &another(&code));
    let rest = su.fails();
    assert!(rest.contains("Wrong code, no tries left."), "{rest}");
    assert!(!rest.contains("in as"), "{rest}");
    assert_eq!((world.logged("wrong"), world.logged("verified")), (3, 0));
}

#[test]
fn su_with_a_wrong_password_sends_nothing() {
    let world = World::new();
    world.enroll(ROOT);
    let mut su = world.machine.terminal("alice", &["su", "root", "-c", "echo in as $(id -un)"]);
    su.answer("Password: ", ALICE.password);
    assert!(su.fails().contains("Authentication failure"));
    assert_eq!((world.phone.requests(), world.log().len()), (0, 0));
}

#[test]
fn root_becomes_anybody_without_being_asked() {
    let world = World::new();
    let mut su = world.machine.terminal("root", &["su", "alice", "-c", "echo in as $(id -un)"]);
    assert_eq!(su.succeeds(), "in as alice\n");
    assert_eq!((world.phone.requests(), world.log().len()), (0, 0));
}

/// Rule 5: the caller of su sets the limits under which our helper is started, and may be able to starve it. Whatever
/// comes of that, the door stays shut, also where `undelivered = "skip"` would open it for a gateway that is down.
#[test]
fn rule_5_a_caller_who_starves_the_helper_does_not_get_in() {
    let world = World::new();
    world.enroll(ROOT);
    world.configure("policy.undelivered = \"skip\"\ndelivery.deadline = \"2s\"");
    let limits = ["--nproc=0", "--nofile=5", "--nofile=7", "--cpu=0", "--data=4096", "--fsize=0"];
    let room = [8, 16].map(|mebibytes: u32| format!("--as={}", mebibytes << 20));
    for limit in limits.into_iter().chain(room.iter().map(String::as_str)) {
        let words = [&["prlimit", limit][..], &["--", "su", "root", "-c", "echo in as $(id -un)"]].concat();
        let mut su = world.machine.terminal("alice", &words);
        su.keep_answering(&[("Password: ", ROOT.password), ("Code", "123456")]);
        su.finish();
        assert!(!su.shown().contains("in as root"), "{limit}: {}", su.transcript());
    }
    assert_eq!((world.logged("skipped"), world.logged("verified")), (0, 0), "{:?}", world.log());
    assert!(world.logged("error") > 0, "some of them come as far as the helper");
}

/// login(1) itself wants to be the leader of a fresh line; pamtester asks in its name, with its stack.
fn login(world: &World, user: &str) -> herald_tests::world::Terminal {
    world.machine.terminal("root", &["pamtester", "-I", "tty=tty1", "login", user, "authenticate", "acct_mgmt"])
}

#[test]
fn login_asks_for_the_password_and_then_the_code() {
    let world = World::new();
    let mut login = login(&world, "alice");
    login.answer("Password: ", ALICE.password);
    login.expect("Code sent by Telegram to ...977: ");
    login.send_line(&world.phone.code());
    login.succeeds();
    let log = world.log();
    assert!(log[1].starts_with("verified user=alice ") && log[1].contains("tty=tty1"), "{log:?}");
}

#[test]
fn login_with_a_wrong_password_or_without_a_code_is_refused() {
    let world = World::new();
    let mut wrong_password = login(&world, "alice");
    wrong_password.answer("Password: ", "not the password");
    wrong_password.fails();
    assert_eq!(world.phone.requests(), 0);

    let mut no_code = login(&world, "alice");
    no_code.answer("Password: ", ALICE.password);
    no_code.answer("Code sent by Telegram to ...977: ", "");
    assert!(no_code.fails().contains("No code was typed."));
    assert_eq!((world.phone.messages().len(), world.logged("verified")), (1, 0));
}
