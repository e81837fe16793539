//! Taking over what the real google-authenticator program wrote, and a list of thousands.

use herald_tests::world::{ALICE, BOB, Person, ROOT, World};
use std::fmt::Write;
use std::process::Command;
use std::time::{Duration, Instant};

/// What an app with this secret shows now.
fn app(secret: &str) -> String {
    let shown = Command::new("oathtool").args(["--totp", "--base32", secret]).output();
    String::from_utf8(shown.expect("oathtool (Debian: apt install oathtool)").stdout).expect("digits").trim().to_owned()
}

/// Sets somebody up as its manual says; gives the secret.
fn google_authenticator(world: &World, person: Person, words: &[&str]) -> String {
    let entry = world.machine.run("root", &["getent", "passwd", person.name], "").output;
    let home = entry.split(':').nth(5).expect("a home");
    let state = format!("{home}/.google_authenticator");
    let common = ["google-authenticator", "--force", "--quiet", "--qr-mode=NONE", "--secret", &state, "--no-confirm"];
    let ended = world.machine.run(person.name, &[&common, words].concat(), "");
    assert!(ended.status.success(), "{ended:?} (Debian: apt install libpam-google-authenticator)");
    world.machine.read(&state).lines().next().expect("a secret").to_owned()
}

#[test]
fn apps_of_google_authenticator_go_on_as_before() {
    let world = World::new();
    let time_based = ["--time-based", "--disallow-reuse", "--rate-limit=3", "--rate-time=30", "--minimal-window"];
    google_authenticator(&world, ALICE, &time_based);
    let secret = google_authenticator(&world, BOB, &time_based);
    google_authenticator(&world, ROOT, &["--counter-based", "--no-rate-limit", "--minimal-window"]);
    let ended = world.machine.run("root", &["herald", "import", "google-authenticator", "--all"], "");
    assert_eq!(ended.status.code(), Some(1), "one could not be taken over: {ended:?}");
    assert!(
        ended.output.contains("bob: the app goes on as before.\n  left behind: scratch codes of eight digits (5)"),
        "{ended:?}"
    );
    assert!(ended.output.contains("alice: the app goes on as before.\n"), "{ended:?}");
    assert!(ended.output.contains("root: not taken over: it counts logins"), "{ended:?}");
    let told = world.phone.message();
    assert_eq!(told.chat, ALICE.chat(), "rule 34");
    let mut login = world.machine.terminal("root", &["herald", "try", "--user", "bob"]);
    login.answer("Code from your app: ", &app(&secret));
    login.succeeds();
    let again = world.machine.run("root", &["herald", "--json", "import", "google-authenticator", "--user", "bob"], "");
    assert!(again.status.success() && again.output.contains("\"changed\":false"), "{again:?}");
}

#[test]
fn whoever_looks_on_sees_how_far_a_list_is() {
    const PEOPLE: u32 = 200;
    let world = World::new();
    let names: Vec<String> = (0..PEOPLE).map(|number| format!("person{number}")).collect();
    world.machine.add_users(&names, 100_000, ALICE);
    let line = |(name, chat): (&String, u32)| format!("{name},telegram,{chat},\n");
    let list: String = names.iter().zip(600_000_000..).map(line).collect();
    world.machine.write("/run/list.csv", 0o644, &list);
    let mut root = world.machine.terminal("root", &["herald", "enroll", "--from", "/run/list.csv"]);
    root.expect(&format!("[####################{}] 100 of 200", " ".repeat(20)));
    root.expect("[########################################] 200 of 200");
    // The bar makes room for the result.
    root.expect("\u{1b}[K200 enrolled, 0 so already.\n");
    root.succeeds();
}

#[test]
fn a_list_of_ten_thousand_takes_seconds() {
    const PEOPLE: u32 = 10_000;
    let world = World::new();
    let (mut passwd, mut list) = (world.machine.read("/etc/passwd"), String::from("user,channel,address,label\n"));
    for number in 0..PEOPLE {
        let id = 100_000 + number;
        writeln!(passwd, "person{number}:x:{id}:{id}::/nonexistent:/usr/sbin/nologin").expect("text");
        writeln!(list, "person{number},telegram,{},", 600_000_000 + number).expect("text");
    }
    world.machine.write("/etc/passwd", 0o644, passwd);
    world.machine.write("/run/list.csv", 0o644, &list);
    let begun = Instant::now();
    let ended = world.machine.run("root", &["herald", "enroll", "--from", "/run/list.csv"], "");
    let took = begun.elapsed();
    assert!(ended.status.success(), "{}", ended.errors);
    assert_eq!(ended.errors, "10000 enrolled, 0 so already.\n");
    assert_eq!(ended.output.lines().count(), 10_001);
    eprintln!("10,000 people took {took:?}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert!(world.phone.messages().is_empty());

    // One that is wrong keeps everybody out, and the same again changes nothing.
    let ended =
        world.machine.run("root", &["herald", "--json", "enroll", "--from", "-"], "person1,telegram,7\nx,y,z\n");
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let person = world.machine.read("/var/lib/herald/users/person1.toml");
    assert!(person.contains("600000001") && !person.contains("\"7\""), "{person}");
}
