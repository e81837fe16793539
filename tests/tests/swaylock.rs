//! The real swaylock under sway, without a screen: it runs as the person whose screen it locks, so that the broker decides,
//! and has one field.

use herald_tests::world::{ALICE, Running, Terminal, World, another, example};
use std::os::unix::fs::chown;
use std::thread;
use std::time::{Duration, Instant};

/// Nothing takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
const FOLDER: &str = "XDG_RUNTIME_DIR=/run/alice";
const DISPLAY: &str = "WAYLAND_DISPLAY=wayland-1";
/// What swaylock says when it asks PAM, and when PAM refused.
const ASKS: &str = "received pw check request";
const REFUSED: &str = "pam_authenticate failed";

/// A compositor of alice's, in memory.
fn sway(world: &World) -> Running {
    let machine = &world.machine;
    machine.folder("/run/alice", 0o700);
    chown(machine.path("/run/alice"), Some(ALICE.uid()), Some(ALICE.uid())).expect("root");
    machine.write("/etc/sway.conf", 0o644, "output * resolution 640x480\n");
    let as_alice = ["setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--", "env", FOLDER];
    let headless = ["WLR_BACKENDS=headless", "WLR_RENDERER=pixman", "WLR_LIBINPUT_NO_DEVICES=1"];
    let sway = machine.start(&[&as_alice[..], &headless, &["sway", "-c", "/etc/sway.conf"]].concat());
    let give_up = Instant::now() + PATIENCE;
    while !machine.path("/run/alice/wayland-1").exists() {
        assert!(Instant::now() < give_up, "sway does not start (Debian: apt install sway)");
        thread::sleep(Duration::from_millis(5));
    }
    sway
}

/// Types this and Enter at the lock, until it asks PAM: before it has the keyboard, what is typed is lost.
fn submit(world: &World, lock: &mut Terminal, text: &str) {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let words = ["env", FOLDER, DISPLAY, "wtype", "-k", "Escape", text, "-k", "Return"];
        let typed = world.machine.run("alice", &words, "");
        assert!(typed.status.success(), "{typed:?} (Debian: apt install wtype)");
        if lock.shows_within(ASKS, Duration::from_secs(5)) {
            lock.expect(ASKS);
            return;
        }
        assert!(Instant::now() < give_up, "it takes no keys:\n{}", lock.transcript());
    }
}

#[test]
fn a_locked_screen_opens_with_password_and_code_in_one_field() {
    let world = World::new();
    let _broker = world.broker();
    world.machine.write("/etc/pam.d/swaylock", 0o644, example("i3lock"));
    let _sway = sway(&world);
    let words = ["env", FOLDER, DISPLAY, "swaylock", "--debug", "--color=2e3d4f"];
    let mut lock = world.machine.terminal("alice", &words);

    submit(&world, &mut lock, "no password of hers");
    lock.expect(REFUSED);
    assert!(world.phone.messages().is_empty(), "a wrong password sends nothing");
    submit(&world, &mut lock, ALICE.password);
    lock.expect(REFUSED);
    let message = world.phone.message();
    assert!(message.text.contains("Service: swaylock"), "{}", message.text);
    let code = message.code.expect("a code");
    submit(&world, &mut lock, &format!("{}{}", ALICE.password, another(&code)));
    lock.expect(REFUSED);
    submit(&world, &mut lock, &format!("{}{code}", ALICE.password));
    lock.succeeds();
    assert_eq!((world.logged("wrong"), world.logged("verified")), (1, 1), "{:?}", world.log());
    assert!(world.log().iter().all(|line| line.ends_with(" via=broker")), "{:?}", world.log());
}
