//! Enrolling at a terminal, with the real herald and herald-deliver: a link, a person who presses START behind it, and
//! strangers who write to the same bot.

use herald_tests::world::{ALICE, BOB, HOST_NAME, Terminal, World, another};

const CONFLICT: &str =
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";

fn enrolls(world: &World, words: &[&str]) -> Terminal {
    let command = [&["env", "TERM=xterm", "herald", "enroll", "telegram"], words].concat();
    world.machine.terminal("root", &command)
}

const WEBHOOK: &str = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the \
                       webhook first";

/// What the link carries.
fn nonce(terminal: &mut Terminal) -> String {
    terminal.expect("https://t.me/herald_phone_bot?start=");
    terminal.expect("\n").trim_end_matches(|character: char| !character.is_ascii_hexdigit()).chars().take(32).collect()
}

fn enrollment(world: &World, user: &str) -> Option<String> {
    std::fs::read_to_string(world.machine.path(&format!("/var/lib/herald/users/{user}.toml"))).ok()
}

#[test]
fn one_command_and_one_tap() {
    let world = World::new();
    let mut root = enrolls(&world, &["--user", "bob", "--no-backup-codes"]);
    let nonce = nonce(&mut root);
    assert_eq!(nonce.len(), 32, "128 bits");
    root.expect("Waiting for START: ");
    // Somebody else's START, a guess, a group in which the link was posted, a sentence with the link in it.
    let stranger = 600_600_600;
    world.phone.press_start(stranger, "Mallory", "");
    world.phone.press_start(stranger, "Mallory", &another(&nonce));
    world.phone.write(-100_200, "group", BOB.chat(), "Bob", &format!("/start {nonce}"));
    world.phone.write(stranger, "private", stranger, "Mallory", &format!("is it /start {nonce}?"));
    root.expect("Waiting for START: 4:5");
    assert_eq!(enrollment(&world, "bob"), None, "nothing is written yet");
    world.phone.press_start(BOB.chat(), "Bob", &nonce);
    root.expect("START came from Bob, ...888.");
    root.expect("Code sent by Telegram to ...888: ");
    let message = world.phone.message();
    assert_eq!(message.chat, BOB.chat());
    let code = message.code.expect("a code");
    root.send_line(&another(&code));
    root.expect("Wrong, 2 tries left. Code sent by Telegram to ...888: ");
    root.send_line(&code);
    root.expect("bob can log in with a code by Telegram to ...888.");
    root.succeeds();
    let welcome = world.phone.message();
    assert!(welcome.text.contains("bob") && welcome.text.contains(HOST_NAME), "{}", welcome.text);
    assert!(welcome.text.contains("herald remove telegram --user bob"), "{}", welcome.text);
    assert_eq!(world.phone.updates_waiting(), 5, "what others wrote is still there for others");
    assert!(world.phone.messages().iter().all(|message| message.chat == BOB.chat()));
    let file = enrollment(&world, "bob").expect("enrolled");
    assert!(file.contains("\"888\"") || file.contains(&BOB.chat().to_string()), "{file}");

    // And it counts.
    let mut login = world.machine.terminal("root", &["herald", "try", "--user", "bob"]);
    login.expect("Code sent by Telegram to ...888: ");
    login.send_line(&world.phone.code());
    login.succeeds();
}

#[test]
fn the_qr_code_is_drawn_in_colours_of_its_own_or_not_at_all() {
    let world = World::new();
    let drawn = |words: &[&str]| {
        let mut root = enrolls(&world, &[&["--user", "bob"], words].concat());
        nonce(&mut root);
        let shown = root.expect("Waiting for START");
        root.interrupt();
        root.fails();
        shown
    };
    let utf8 = drawn(&["--qr=utf8"]);
    assert!(utf8.contains("\x1b[30;107m") && utf8.contains('▀'), "{utf8}");
    assert!(utf8.lines().count() <= 24, "{utf8}");
    let ascii = drawn(&["--qr=ascii"]);
    assert!(ascii.contains("##") && ascii.is_ascii(), "{ascii}");
    assert!(!drawn(&["--qr=none"]).contains("##"));
    let mut bare = world.machine.terminal("root", &["herald", "enroll", "telegram", "--user", "bob", "--qr=utf8"]);
    let shown = bare.expect("Waiting for START");
    assert!(shown.contains("█████████") && !shown.contains("\x1b[30"), "no colours: light dots are drawn: {shown}");
    bare.interrupt();
    bare.fails();
    let mut plain = enrolls(&world, &["--user", "bob", "--plain"]);
    plain.expect("Waiting for START, at most 5 min.");
    assert!(!plain.shown().contains("##") && !plain.shown().contains('▀'), "{}", plain.shown());
    plain.interrupt();
    plain.fails();
    assert_eq!(enrollment(&world, "bob"), None, "Ctrl-C leaves nothing half done");
}

#[test]
fn another_reader_of_the_bot_is_explained_and_waited_for() {
    for (conflict, explained, mend) in [
        (
            CONFLICT,
            "another program reads this bot's updates; trying on.",
            "stop it for a moment, or make a bot of its own for Herald",
        ),
        (
            WEBHOOK,
            "this bot has a webhook; trying on.",
            "delete it (deleteWebhook), or make a bot of its own for Herald",
        ),
    ] {
        another_reader(conflict, explained, mend);
    }
}

fn another_reader(conflict: &str, explained: &str, mend: &str) {
    let world = World::new();
    world.phone.set_conflict(Some(conflict));
    let mut root = enrolls(&world, &["--user", "bob", "--no-backup-codes"]);
    root.expect(explained);
    root.expect(mend);
    let nonce = nonce(&mut root);
    root.expect("Waiting for START: 4:5");
    world.phone.press_start(BOB.chat(), "Bob", &nonce);
    world.phone.set_conflict(None);
    root.expect("START came from Bob, ...888.");
    root.expect("Code sent by Telegram to ...888: ");
    root.send_line(&world.phone.code());
    root.succeeds();
    world.phone.message();
}

#[test]
fn messages_that_hide_the_start_are_forgotten_only_if_somebody_says_so() {
    let world = World::new();
    for number in 0..100 {
        world.phone.write(number + 1, "private", number + 1, "Somebody", "hello");
    }
    let mut root = enrolls(&world, &["--user", "bob"]);
    root.expect("100 messages of others wait for this bot");
    root.answer("[y/N] ", "");
    root.expect(": --drop-pending");
    root.fails();
    assert_eq!(world.phone.updates_waiting(), 100);

    let mut root = enrolls(&world, &["--user", "bob", "--drop-pending", "--no-backup-codes"]);
    let nonce = nonce(&mut root);
    root.expect("Waiting for START");
    assert_eq!(world.phone.updates_waiting(), 0);
    world.phone.press_start(BOB.chat(), "Bob", &nonce);
    root.expect("Code sent by Telegram to ...888: ");
    root.send_line(&world.phone.code());
    root.succeeds();
    world.phone.message();
}

#[test]
fn whoever_has_a_factor_proves_it_before_another_is_added() {
    let world = World::new();
    let mut root = enrolls(&world, &["666000666", "--user", "alice"]);
    root.expect("alice has a second factor already");
    root.expect("Code sent by Telegram to ...977: ");
    root.interrupt();
    root.fails();
    assert!(!enrollment(&world, "alice").expect("enrolled").contains("666000666"));
}

#[test]
fn a_code_from_the_old_phone_lets_the_new_one_in() {
    let world = World::new();
    let mut root = enrolls(&world, &["666000666", "--user", "alice"]);
    root.answer("Code sent by Telegram to ...977: ", &world.phone.code());
    root.expect("Code sent by Telegram to ...666: ");
    let message = world.phone.message();
    assert_eq!(message.chat, 666_000_666);
    root.send_line(&message.code.expect("a code"));
    root.succeeds();
    let notice = world.phone.message();
    assert_eq!(notice.chat, ALICE.chat(), "rule 34");
}

#[test]
fn backup_codes_are_offered_at_the_first_enrollment_and_open_the_door_once() {
    let world = World::new();
    let mut root = enrolls(&world, &["800800800", "--user", "bob"]);
    root.expect("Code sent by Telegram to ...800: ");
    root.send_line(&world.phone.code());
    root.answer("make ten now? [Y/n] ", "");
    root.expect("each good once:\n\n  ");
    let code = root.expect(" ");
    root.succeeds();
    world.phone.message();
    let log_in = || {
        let mut login = world.machine.terminal("root", &["herald", "try", "--user", "bob"]);
        login.expect("Code sent by Telegram to ...800");
        login.answer(": ", &code);
        login
    };
    let mut first = log_in();
    first.expect("9 backup codes are left.");
    first.succeeds();
    let mut second = log_in();
    second.expect("That code was used. ");
    second.interrupt();
    second.fails();
}

#[test]
fn who_reads_japanese_enrolls_in_japanese_and_says_yes_in_full_width() {
    let world = World::new();
    let herald = ["herald", "enroll", "telegram", "--user", "bob", "--qr=none"];
    let words = [&["env", "LC_ALL=ja_JP.UTF-8", "TERM=xterm"][..], &herald].concat();
    let mut root = world.machine.terminal("root", &words);
    root.expect("スマホでこのリンクを開き、STARTを押してください:");
    let nonce = nonce(&mut root);
    root.expect("STARTを待っています: 残り ");
    world.phone.press_start(BOB.chat(), "Bob", &nonce);
    root.expect("Bob (...888) がSTARTを押しました。");
    root.answer("Telegramで...888にコードを送りました: ", &world.phone.code());
    root.answer("バックアップコードを作りますか? [Y/n] ", "ｙ");
    root.expect("一つにつき一回だけ使えます");
    root.expect("bobはTelegramで...888に届くコードでログインできます。");
    root.succeeds();
    world.phone.message();
}
