//! The real screen locker of KDE Plasma on a screen in memory, with the dialog that is built into it: it runs as the person
//! whose screen it locks, so that the broker decides, and answers every question with what stands in its one field.

use herald_tests::world::{ALICE, Screen, Terminal, World, another, example};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// Nothing takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// What switches to another person's session, and comes with a whole Plasma: nobody here does.
const SESSIONS: &str = "/run/qml/org/kde/plasma/private/sessions";
const MODULE: &str = "module org.kde.plasma.private.sessions\nSessionsModel 2.0 SessionsModel.qml\n";
const MODEL: &str = "import QtQuick 2.0\nQtObject { property bool canSwitchUser: false }\n";

/// A locked screen of alice's. `--testing` leaves the keyboard to others, and nothing else.
fn lock(world: &World, screen: &Screen) -> Terminal {
    let machine = &world.machine;
    machine.write("/etc/pam.d/kde", 0o644, example("kde"));
    machine.folder(SESSIONS, 0o755);
    machine.write(&format!("{SESSIONS}/qmldir"), 0o644, MODULE);
    machine.write(&format!("{SESSIONS}/SessionsModel.qml"), 0o644, MODEL);
    let libraries = fs::read_dir("/usr/lib").expect("/usr/lib").flatten().map(|entry| entry.path());
    let greeter = libraries.map(|path| path.join("libexec/kscreenlocker_greet")).find(|path| path.exists());
    let greeter = greeter.expect("kscreenlocker (Debian: apt install libkscreenlocker5)");
    let home = format!("HOME={}", machine.home(ALICE));
    let qt = ["QT_QUICK_BACKEND=software", "QML2_IMPORT_PATH=/run/qml"];
    let program = [greeter.to_str().expect("text"), "--testing"];
    screen.hide_pointer();
    let open = screen.picture();
    let locker = machine.terminal("alice", &[&["env", &screen.display(), &home], &qt[..], &program].concat());
    screen.wait_for_another(open.as_ref());
    locker
}

/// Types this and Enter until it is heard: for some seconds after a refusal nothing is.
fn submit(screen: &Screen, text: &str, heard: impl Fn() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    loop {
        screen.type_line(text);
        let again = Instant::now() + Duration::from_secs(10);
        while Instant::now() < again {
            if heard() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        assert!(Instant::now() < give_up, "it takes no keys");
    }
}

#[test]
fn a_locked_screen_opens_with_password_and_code_in_one_field() {
    let world = World::new();
    let _broker = world.broker();
    let screen = Screen::start(&world.machine);
    let mut locker = lock(&world, &screen);
    submit(&screen, ALICE.password, || world.logged("refused") == 1);
    screen.wait_for_another(None).keep("kscreenlocker-code-sent");
    let message = world.phone.message();
    assert!(message.text.contains("Service: kde"), "{}", message.text);
    let code = message.code.expect("a code");
    submit(&screen, &format!("{}{}", ALICE.password, another(&code)), || world.logged("wrong") == 1);
    submit(&screen, &format!("{}{code}", ALICE.password), || world.logged("verified") == 1);
    locker.succeeds();
    assert_eq!((world.logged("wrong"), world.phone.messages().len()), (1, 1), "{:?}", world.log());
    assert!(world.log().iter().all(|line| line.ends_with(" via=broker")), "{:?}", world.log());
}
