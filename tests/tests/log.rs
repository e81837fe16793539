//! `herald log` reads what real hosts and Herald itself logged.

use herald_tests::world::{ALICE, World};

#[test]
fn the_trail_of_a_login_is_read_as_it_was_written() {
    let world = World::new();
    let mut sudo = world.machine.terminal("alice", &["sudo", "id", "-un"]);
    sudo.answer("password for alice: ", ALICE.password);
    sudo.expect("Code sent by Telegram to ...977: ");
    sudo.send_line(&world.phone.code());
    assert!(sudo.succeeds().ends_with("root\n"), "{}", sudo.transcript());
    let disabled = world.machine.run("root", &["herald", "disable", "telegram", "--user", "alice"], "");
    assert!(disabled.status.success(), "{disabled:?}");

    // As rsyslog writes them, one behind the other.
    let records = world.machine.journal().records();
    let line = |(second, record): (usize, &herald_tests::world::Record)| {
        format!("2026-11-22T02:00:{second:02}.000001+00:00 scratch {}: {}\n", record.from, record.text)
    };
    let text: String = records.iter().enumerate().map(line).collect();
    assert!(text.contains("pam_unix(sudo"), "there is more in the log than ours: {text}");
    world.machine.write("/var/log/auth.log", 0o640, text);

    let ended = world.machine.run("root", &["herald", "--json", "log", "--user", "alice"], "");
    let document: serde_json::Value = serde_json::from_str(&ended.output).unwrap_or_else(|_| panic!("{ended:?}"));
    let entries = document["entries"].as_array().expect("entries").iter();
    let told: Vec<String> = entries
        .map(|entry| {
            ["service", "event", "user", "channel", "to", "by"].map(|key| entry[key].as_str().unwrap_or("-")).join(" ")
        })
        .collect();
    assert_eq!(
        told,
        [
            "sudo sent alice telegram ...977 -",
            "sudo verified alice telegram ...977 -",
            "herald disabled alice telegram ...977 root",
        ]
    );
}
