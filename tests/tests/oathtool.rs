//! Authenticator apps, played by oathtool (OATH Toolkit): what Herald shows is what others understand.

use herald_tests::world::{Terminal, World, app};

fn herald(world: &World, words: &[&str]) -> Terminal {
    world.machine.terminal("root", &[&["herald"], words].concat())
}

#[test]
fn a_code_of_another_program_enrolls_the_app_and_logs_in() {
    let world = World::new();
    let mut root = herald(&world, &["enroll", "totp", "--user", "bob", "--no-backup-codes", "--plain"]);
    root.expect("(time based, 6 digits, 30 seconds):\n\n  ");
    let secret = root.expect("\n").replace(' ', "");
    assert_eq!(secret.len(), 32, "160 bits");
    root.expect(&format!("otpauth://totp/scratch:bob?secret={secret}&issuer=scratch\n"));
    root.answer("Code from your app: ", "000000");
    root.expect("Wrong. ");
    let first = app(&secret, 0);
    root.answer("Code from your app: ", &first);
    root.succeeds();

    // What proved the app opens no door; the next one does, which a clock ahead of ours would show already.
    let mut login = herald(&world, &["try", "--user", "bob"]);
    login.answer("Code from your app: ", &first);
    login.answer("That code was used. Code from your app: ", &app(&secret, 1));
    login.expect("would be let in");
    login.succeeds();
}

#[test]
fn broken_off_it_counts_for_nothing_and_its_secret_is_never_shown_again() {
    let world = World::new();
    let mut secrets = Vec::new();
    for _ in 0..2 {
        let mut root = herald(&world, &["enroll", "totp", "--user", "bob", "--plain"]);
        root.expect("30 seconds):\n\n  ");
        secrets.push(root.expect("\n"));
        root.expect("Code from your app: ");
        root.interrupt();
        root.fails();
    }
    assert_ne!(secrets[0], secrets[1]);
    let mut login = herald(&world, &["try", "--user", "bob"]);
    login.expect("no second factor for bob");
    login.fails();
}
