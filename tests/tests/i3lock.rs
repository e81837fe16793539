//! The real i3lock on a screen in memory: it runs as the person whose screen it locks, so that the broker decides, and has
//! one field.

use herald_tests::world::{ALICE, Screen, World, another, example};
use std::process::Stdio;

#[test]
fn a_locked_screen_opens_with_password_and_code_in_one_field() {
    let world = World::new();
    let _broker = world.broker();
    world.machine.write("/etc/pam.d/i3lock", 0o644, example("i3lock"));
    let screen = Screen::start(&world.machine);
    let (display, open) = (screen.display(), screen.picture());
    let words = ["env", &display, "i3lock", "--nofork", "--color=2e3d4f"];
    let mut i3lock = world.machine.command("alice", &words);
    let mut i3lock = i3lock.stdin(Stdio::null()).spawn().expect("i3lock (Debian: apt install i3lock)");
    screen.wait_for_another(open.as_ref());

    // It says that it verifies, and that it was wrong; what is typed before that is lost.
    let refuses = |text: &str| {
        let typed = screen.type_line(text);
        let verifying = screen.wait_for_another(Some(&typed));
        screen.wait_for_another(Some(&verifying))
    };
    refuses("no password of hers");
    assert!(world.phone.messages().is_empty(), "a wrong password sends nothing");
    refuses(ALICE.password);
    let message = world.phone.message();
    assert!(message.text.contains("Service: i3lock"), "{}", message.text);
    let code = message.code.expect("a code");
    refuses(&format!("{}{}", ALICE.password, another(&code))).keep("i3lock-wrong");
    assert_eq!(i3lock.try_wait().expect("a child"), None, "it is locked");
    screen.type_line(&format!("{}{code}", ALICE.password));
    assert!(i3lock.wait().expect("a child").success());
    assert_eq!((world.logged("wrong"), world.logged("verified")), (1, 1), "{:?}", world.log());
    assert!(world.log().iter().all(|line| line.ends_with(" via=broker")), "{:?}", world.log());
}
