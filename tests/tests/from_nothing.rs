//! The way of the README, with the commands themselves: from a machine where nothing is set up to a login, and through
//! what an admin does later.

use herald_tests::phone::BotApi;
use herald_tests::world::{ALICE, Ended, Sshd, World, another, example};
use std::fs;

const SENT: &str = "Code sent by Telegram to ...977: ";

/// Herald is installed; one setting is made, and nobody is enrolled.
fn fresh() -> World {
    let world = World::new();
    world.forget(ALICE);
    fs::remove_file(world.machine.path("/etc/herald/telegram.token")).expect("a file");
    let text = "# Our own CA.\ndelivery.ca_file = \"/etc/herald/phone-ca.pem\"\n";
    world.machine.write("/etc/herald/herald.toml", 0o600, text);
    world
}

fn herald(world: &World, words: &[&str], input: &str) -> Ended {
    let ended = world.machine.run("root", &[&["herald"], words].concat(), input);
    assert!(ended.status.success(), "{words:?}: {ended:?}");
    assert!(!ended.output.contains(BotApi::TOKEN) && !ended.errors.contains(BotApi::TOKEN), "{ended:?}");
    ended
}

fn add_gateway(world: &World) {
    let url = format!("api_url={}", world.phone.url());
    herald(
        world,
        &["gateway", "add", "telegram-bot", "--set", "token=-", "--set", &url],
        &format!("{}\n", BotApi::TOKEN),
    );
}

fn sshd(world: &World) -> Sshd<'_> {
    Sshd::start(&world.machine, &[&example("sshd_config.d/herald.conf")])
}

#[test]
fn from_a_bot_token_to_the_first_login() {
    let world = fresh();
    let machine = &world.machine;
    add_gateway(&world);
    let config = machine.read("/etc/herald/herald.toml");
    assert!(config.starts_with("# Our own CA.\n"), "comments are kept: {config}");
    let status = herald(&world, &["gateway", "status", "--json"], "");
    assert!(status.output.contains(&format!("@{}", BotApi::NAME)), "{status:?}");

    let mut enroll = machine.terminal("root", &["herald", "enroll", "telegram", "475721977", "--user", "alice"]);
    enroll.expect(SENT);
    enroll.send_line(&world.phone.code());
    enroll.answer("make ten now? [Y/n] ", "n");
    enroll.succeeds();
    machine.journal().wait_for(&["enrolled user=alice ", "by=root"]);

    let mut rehearsal = machine.terminal("root", &["herald", "try", "--user", "alice"]);
    rehearsal.expect(SENT);
    rehearsal.send_line(&world.phone.code());
    rehearsal.succeeds();

    let sshd = sshd(&world);
    let mut alice = sshd.log_in("alice");
    alice.answer("Password: ", ALICE.password);
    alice.expect(SENT);
    alice.send_line(&world.phone.code());
    alice.expect("in as alice");
    alice.succeeds();
    assert_eq!(world.phone.messages().iter().filter(|message| message.code.is_some()).count(), 3);
    herald(&world, &["config", "check"], "");
}

#[test]
fn rule_13_disabling_removing_and_enabling_change_the_next_login_and_end_live_codes() {
    let world = fresh();
    add_gateway(&world);
    herald(&world, &["enroll", "telegram", "475721977", "--user", "alice", "--assume-verified"], "");
    let status = herald(&world, &["status", "--user", "alice", "--json"], "");
    assert!(status.output.contains("...977") && !status.output.contains("475721977"), "{status:?}");
    let sshd = sshd(&world);

    let mut alice = sshd.log_in("alice");
    alice.answer("Password: ", ALICE.password);
    alice.expect(SENT);
    let code = world.phone.code();
    herald(&world, &["disable", "telegram", "--user", "alice"], "");
    alice.send_line(&code);
    assert!(!alice.fails().contains("in as"), "{}", alice.transcript());

    let mut alice = sshd.log_in("alice");
    alice.answer("Password: ", ALICE.password);
    assert!(alice.fails().contains("herald enroll telegram --user alice"), "{}", alice.transcript());

    herald(&world, &["enable", "telegram", "--user", "alice"], "");
    let mut alice = sshd.log_in("alice");
    alice.answer("Password: ", ALICE.password);
    alice.expect(SENT);
    let codes: Vec<String> = world.phone.messages().into_iter().filter_map(|message| message.code).collect();
    assert_eq!(codes.len(), 2);
    alice.send_line(&codes[1]);
    alice.expect("in as alice");
    alice.succeeds();
    assert_eq!((world.logged("sent"), world.logged("verified")), (2, 1));
}

#[test]
fn rule_16_unlock_opens_for_the_next_login() {
    let world = World::new();
    world.configure("limits.failures = 3");
    let sshd = sshd(&world);
    let mut alice = sshd.log_in("alice");
    alice.answer("Password: ", ALICE.password);
    alice.expect(SENT);
    let code = world.phone.code();
    alice.send_line(&another(&code));
    alice.answer("Wrong, 2 tries left. ", &another(&code));
    alice.answer("Wrong, 1 try left. ", &another(&code));
    assert!(alice.fails().contains("locked for 10 min. On scratch, root can run: herald unlock alice"));
    assert_eq!(world.phone.message().code, None, "word of the lock");
    let status = herald(&world, &["status", "--user", "alice", "--json"], "");
    assert!(status.output.replace(' ', "").contains("\"locked\":true"), "{status:?}");

    herald(&world, &["unlock", "alice"], "");
    world.machine.journal().wait_for(&["unlocked user=alice ", "by=root"]);
    let mut alice = sshd.log_in("alice");
    alice.answer("Password: ", ALICE.password);
    alice.expect(SENT);
    alice.send_line(&world.phone.code());
    alice.expect("in as alice");
    alice.succeeds();
}

#[test]
fn who_is_not_root_changes_nothing() {
    let world = World::new();
    for words in [
        &["herald", "unlock", "alice"][..],
        &["herald", "disable", "telegram"],
        &["herald", "gateway", "remove", "telegram-bot"],
    ] {
        let ended = world.machine.run("alice", words, "");
        assert_eq!(ended.status.code(), Some(3), "{ended:?}");
        assert!(ended.errors.contains("try: sudo herald"), "{ended:?}");
    }
}
