//! docs/recovery.md, tried: each story breaks something, runs the commands that stand on the page, and logs in.

use herald_tests::pam::{Code, Outcome};
use herald_tests::phone::{BotApi, Fault};
use herald_tests::world::{self, ALICE, APP_SECRET, BEHIND_PASSWORD, BOB, Ended, Sshd, Typed, World, example};

const PAGE: &str = include_str!("../../docs/recovery.md");
const ONE_CODE: &str = "sudo herald backup-codes --user alice --count 1 --expires 1h --force";
const UNLOCK: &str = "sudo herald unlock alice";

/// Runs a line of the page, as root.
fn page(world: &World, line: &str, input: &str) -> Ended {
    let words = on_the_page(line);
    let ended = world.machine.run("root", &["sh", "-c", words], input);
    assert!(ended.status.success(), "{line}: {ended:?}");
    ended
}

/// The line without `sudo`: the machine's root runs it.
fn on_the_page(line: &str) -> &str {
    assert!(PAGE.contains(&format!("\n{line}\n")), "docs/recovery.md does not say: {line}");
    line.strip_prefix("sudo ").expect("every command is run by sudo")
}

fn log_in(world: &World, types: &[Typed]) -> Outcome {
    world.log_in("sshd", BEHIND_PASSWORD, types)
}

/// The only backup code in what `herald backup-codes` printed: five characters, a dash, five more.
fn printed_code(ended: &Ended) -> &'static str {
    let is_code = |word: &&str| word.len() == 11 && word.as_bytes()[5] == b'-';
    let code = ended.output.split_whitespace().find(is_code).unwrap_or_else(|| panic!("no code in {ended:?}"));
    code.to_owned().leak()
}

/// What alice's app shows so many steps of 30 s from now.
fn app(steps: i64) -> &'static str {
    world::app(APP_SECRET, steps).leak()
}

fn with_app(world: &World) {
    let app = format!("[[factor]]\nid = 2\nchannel = \"totp\"\nsecret = \"{APP_SECRET}\"\nstate = \"active\"");
    world.machine.append("/var/lib/herald/users/alice.toml", &app);
}

#[test]
fn a_lost_phone_is_replaced_and_its_codes_are_good_no_more() {
    let world = World::new();
    assert_eq!(log_in(&world, &[]).code, Code::CONV_ERR);
    let message = world.phone.messages().pop().expect("a message on the old phone");
    let on_the_old_phone: &'static str = message.code.expect("a code").leak();
    page(&world, "sudo herald disable telegram --user alice", "");
    let outcome = log_in(&world, &[Typed::Text(on_the_old_phone)]);
    assert_ne!(outcome.code, Code::SUCCESS, "{outcome:?}");

    let made = printed_code(&page(&world, ONE_CODE, ""));
    let outcome = log_in(&world, &[Typed::Text(made)]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");

    let words = on_the_page("sudo herald enroll telegram 475721888 --user alice --force");
    assert!(words.contains(&BOB.chat().to_string()), "the new phone of the story is bob's old one");
    let mut enroll = world.machine.terminal("root", &["sh", "-c", words]);
    enroll.expect("Code sent by Telegram to ...888: ");
    let code = world.phone.messages().into_iter().filter(|message| message.chat == BOB.chat());
    enroll.send_line(&code.filter_map(|message| message.code).next_back().expect("a code on the new phone"));
    enroll.keep_answering(&[("[Y/n] ", "n")]);
    enroll.finish();
    let outcome = log_in(&world, &[Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    assert!(outcome.prompts()[1].contains("...888"), "{outcome:?}");
}

#[test]
fn a_blocked_bot_is_unblocked_and_a_revoked_token_is_replaced() {
    let world = World::new();
    world.phone.set_fault_for(ALICE.chat(), Fault::Blocked);
    let outcome = log_in(&world, &[]);
    assert_ne!(outcome.code, Code::SUCCESS);
    assert!(outcome.errors()[0].contains("could be delivered"), "{outcome:?}");
    world.phone.set_fault_for(ALICE.chat(), Fault::None);
    assert_eq!(log_in(&world, &[Typed::Right]).code, Code::SUCCESS);

    let gateway = format!(
        "[[gateway]]\ndriver = \"telegram-bot\"\ntoken = \"110000000:FAKE-TOKEN-THAT-WAS-REVOKED-LONG-AGO\"\n\
         api_url = \"{}\"\n",
        world.phone.url()
    );
    world.configure_with("", &gateway);
    assert_ne!(log_in(&world, &[]).code, Code::SUCCESS);
    let status = world.machine.run("root", &["sh", "-c", on_the_page("sudo herald gateway status")], "");
    assert!(!status.status.success() && status.output.contains("telegram-bot"), "{status:?}");
    page(&world, "sudo herald gateway set telegram-bot token=-", &format!("{}\n", BotApi::TOKEN));
    page(&world, "sudo herald gateway status", "");
    assert_eq!(log_in(&world, &[Typed::Right]).code, Code::SUCCESS);
}

#[test]
fn without_a_gateway_a_backup_code_made_by_root_opens_the_door() {
    let world = World::new();
    world.phone.set_fault(Fault::HangBeforeTls);
    world.configure("delivery.deadline = \"2s\"");
    assert_eq!(log_in(&world, &[]).code, Code::AUTHINFO_UNAVAIL);
    let made = printed_code(&page(&world, ONE_CODE, ""));
    let outcome = log_in(&world, &[Typed::Text(made)]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    assert_ne!(log_in(&world, &[Typed::Text(made)]).code, Code::SUCCESS, "once");
}

#[test]
fn after_the_clock_was_wrong_unlock_lets_the_app_in_again() {
    let world = World::new();
    with_app(&world);
    // While the clock stood years ahead, a code of the app was used.
    world.machine.write("/var/lib/herald/totp/alice", 0o600, "2 99999999\n");
    let outcome = log_in(&world, &[Typed::Text(app(0))]);
    assert_ne!(outcome.code, Code::SUCCESS, "{outcome:?}");
    let doctor = world.machine.run("root", &["sh", "-c", on_the_page("sudo herald doctor")], "");
    assert!(doctor.output.contains("sudo herald unlock alice"), "{doctor:?}");
    page(&world, UNLOCK, "");
    let outcome = log_in(&world, &[Typed::Text(app(1))]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    // Codes that are sent did not care.
    assert_eq!(log_in(&world, &[Typed::Right]).code, Code::SUCCESS);
}

#[test]
fn on_a_full_disk_codes_go_on_and_backup_codes_wait_for_room() {
    let world = World::new();
    with_app(&world);
    let made = printed_code(&page(&world, ONE_CODE, ""));
    let script = "cp -a /var/lib/herald /tmp/kept && mount -t tmpfs -o size=256k,mode=700 scratch /var/lib/herald \
                  && cp -a /tmp/kept/. /var/lib/herald";
    assert!(world.machine.run("root", &["sh", "-c", script], "").status.success());
    let filled = world.machine.run("root", &["sh", "-c", "cat /dev/zero > /var/lib/herald/filler"], "");
    assert!(filled.errors.contains("No space left"), "{filled:?}");

    let outcome = log_in(&world, &[Typed::Text(made), Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    assert!(!outcome.log_lines().iter().any(|line| line.starts_with("wrong ")), "not counted: {outcome:?}");
    assert_eq!(log_in(&world, &[Typed::Text(app(0))]).code, Code::SUCCESS);

    std::fs::remove_file(world.machine.path("/var/lib/herald/filler")).expect("a file");
    let outcome = log_in(&world, &[Typed::Text(made)]);
    assert_eq!(outcome.code, Code::SUCCESS, "it was not used up: {outcome:?}");
}

#[test]
fn a_broken_configuration_refuses_everybody_until_the_line_that_check_names_is_mended() {
    let world = World::new();
    world.configure("limits.failurs = 4\npolicy.unenrolled = \"maybe\"");
    assert_eq!(log_in(&world, &[]).code, Code::SERVICE_ERR);
    let check = world.machine.run("root", &["sh", "-c", on_the_page("sudo herald config check")], "");
    assert!(!check.status.success(), "{check:?}");
    for words in ["line 2", "limits.failurs", "line 3", "policy.unenrolled"] {
        assert!(check.output.contains(words), "{words}: {check:?}");
    }
    let mended = world.machine.run("root", &["sed", "-i", "2,3d", "/etc/herald/herald.toml"], "");
    assert!(mended.status.success(), "{mended:?}");
    page(&world, "sudo herald config check", "");
    assert_eq!(log_in(&world, &[Typed::Right]).code, Code::SUCCESS);
}

#[test]
fn a_deleted_state_folder_is_made_again_and_restored() {
    let world = World::new();
    world.configure("policy.unenrolled = \"skip\"");
    assert!(PAGE.contains("`sudo herald export /root/herald-export.toml`"));
    let export = world.machine.run("root", &["herald", "export", "/root/herald-export.toml"], "");
    assert!(export.status.success(), "{export:?}");
    std::fs::remove_dir_all(world.machine.path("/var/lib/herald")).expect("a folder");
    assert_eq!(log_in(&world, &[]).code, Code::SERVICE_ERR, "also where the unenrolled may pass");
    page(
        &world,
        "sudo install -d -m 700 -o root -g root /var/lib/herald /var/lib/herald/users /var/lib/herald/totp",
        "",
    );
    page(&world, "sudo herald restore /root/herald-export.toml", "");
    let outcome = log_in(&world, &[Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");

    // What is in memory comes back by itself.
    std::fs::remove_dir_all(world.machine.path("/run/herald")).expect("a folder");
    assert_eq!(log_in(&world, &[Typed::Right]).code, Code::SUCCESS);
}

#[test]
fn an_unreadable_ledger_and_a_lock_end_with_unlock() {
    let world = World::new();
    assert_eq!(log_in(&world, &[Typed::Right]).code, Code::SUCCESS);
    world.machine.write("/run/herald/ledger/alice", 0o600, "failures = \"many\"");
    let outcome = log_in(&world, &[]);
    assert!(![Code::SUCCESS, Code::IGNORE].contains(&outcome.code), "{outcome:?}");
    assert!(outcome.log_lines().iter().any(|line| line.contains("/run/herald/ledger/alice")), "{outcome:?}");
    page(&world, UNLOCK, "");
    assert_eq!(log_in(&world, &[Typed::Right]).code, Code::SUCCESS);

    world.configure("limits.failures = 3");
    assert_eq!(log_in(&world, &[Typed::Wrong; 3]).code, Code::MAXTRIES);
    assert_eq!(log_in(&world, &[]).code, Code::MAXTRIES);
    page(&world, UNLOCK, "");
    assert_eq!(log_in(&world, &[Typed::Right]).code, Code::SUCCESS);
}

#[test]
fn without_our_line_the_password_alone_opens_the_door() {
    let world = World::new();
    world.configure("frobnicate = 1");
    page(&world, "sudo sed -i '/pam_herald/s/^/#/' /etc/pam.d/sshd", "");
    let sshd = Sshd::start(&world.machine, &[&example("sshd_config.d/herald.conf")]);
    let mut alice = sshd.log_in("alice");
    alice.answer("Password: ", ALICE.password);
    alice.expect("in as alice");
    alice.succeeds();
    assert_eq!(world.phone.requests(), 0);
}

/// What the page says to do afterwards.
#[test]
fn afterwards_a_whole_login_is_tried() {
    let world = World::new();
    on_the_page("sudo herald doctor");
    let mut attempt = world.machine.terminal("root", &["sh", "-c", on_the_page("sudo herald try --user alice")]);
    attempt.expect("Code sent by Telegram to ...977: ");
    attempt.send_line(&world.phone.code());
    attempt.expect("would be let in");
    attempt.succeeds();
}
