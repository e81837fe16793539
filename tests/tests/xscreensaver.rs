//! The real xscreensaver on a screen in memory: it runs as the person whose screen it locks, so that the broker decides, and
//! shows every question in its dialog.

use herald_tests::world::{ALICE, Running, Screen, World, another, example};
use std::os::unix::fs::chown;
use std::thread;
use std::time::{Duration, Instant};

/// Nothing takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// No saver, no fading, and no end to the time for an answer: what is shown changes when something is said.
const SETTINGS: &str = "mode: blank\nlock: True\nfade: False\nunfade: False\nsplash: False\npasswdTimeout: 1:00:00\n";
/// What it says in detail.
const LOG: &str = "/tmp/xscreensaver.log";

/// A locked screen of alice's.
struct Locker<'a> {
    world: &'a World,
    screen: Screen<'a>,
    _xscreensaver: Running,
}

impl<'a> Locker<'a> {
    fn start(world: &'a World) -> Self {
        let machine = &world.machine;
        machine.write("/etc/pam.d/xscreensaver", 0o644, example("xscreensaver"));
        let home = machine.home(ALICE);
        let settings = format!("{home}/.xscreensaver");
        machine.write(&settings, 0o600, SETTINGS);
        chown(machine.path(&settings), Some(ALICE.uid()), Some(ALICE.uid())).expect("root");
        let screen = Screen::start(machine);
        screen.hide_pointer();
        let as_alice = ["setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--", "env"];
        let xscreensaver = machine.start(
            &[
                &as_alice[..],
                &[&format!("HOME={home}"), &screen.display(), "xscreensaver", "--no-splash", "--verbose", "--log", LOG],
            ]
            .concat(),
        );
        let locker = Self { world, screen, _xscreensaver: xscreensaver };
        locker.wait_until(|| locker.command("-lock").is_some());
        locker.wait_until(|| locker.is_locked());
        locker
    }

    /// What xscreensaver-command(1) says; `None` while there is no xscreensaver yet.
    fn command(&self, what: &str) -> Option<String> {
        let display = self.screen.display();
        let ended = self.world.machine.run("alice", &["env", &display, "xscreensaver-command", what], "");
        ended.status.success().then_some(ended.output)
    }

    fn is_locked(&self) -> bool {
        self.command("-time").is_some_and(|said| said.contains("screen locked"))
    }

    fn wait_until(&self, is_so: impl Fn() -> bool) {
        let give_up = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(
                Instant::now() < give_up,
                "it does not come (Debian: apt install xscreensaver):\n{}",
                self.world.machine.read(LOG)
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it asked for as the first, the second, and so on, once it has.
    fn question(&self, number: usize) -> String {
        self.wait_until(|| self.questions().len() >= number);
        self.questions().swap_remove(number - 1)
    }

    /// The same, where a key has to be pressed first. It is not heard in the first second, and while a refusal is shown.
    fn wake(&self, number: usize) -> String {
        self.wait_until(|| {
            self.screen.press("BackSpace");
            self.questions().len() >= number
        });
        self.question(number)
    }

    fn questions(&self) -> Vec<String> {
        let log = self.world.machine.read(LOG);
        let asked =
            log.lines().filter_map(|line| line.split_once("pam_conversation (ECHO_OFF=\"")?.1.split('"').next());
        asked.map(str::to_owned).collect()
    }
}

#[test]
fn the_dialog_asks_for_the_password_and_then_for_the_code() {
    let world = World::new();
    let _broker = world.broker();
    let locker = Locker::start(&world);
    let screen = &locker.screen;
    assert_eq!(locker.wake(1), "Password: ");
    screen.type_line("no password of hers");
    assert_eq!(locker.wake(2), "Password: ");
    assert!(world.phone.messages().is_empty(), "a wrong password sends nothing");
    screen.type_line(ALICE.password);
    assert_eq!(locker.question(3), "Code sent by Telegram to ...977: ");
    let message = world.phone.message();
    assert!(message.text.contains("Service: xscreensaver"), "{}", message.text);
    let code = message.code.expect("a code");
    screen.type_line(&another(&code)).keep("xscreensaver-code");
    assert_eq!(locker.question(4), "Wrong, 2 tries left. Code sent by Telegram to ...977: ");
    assert!(locker.is_locked());
    screen.type_line(&code).keep("xscreensaver-wrong-code");
    locker.wait_until(|| !locker.is_locked());
    assert_eq!((world.logged("wrong"), world.logged("verified")), (1, 1), "{:?}", world.log());
    assert!(world.log().iter().all(|line| line.ends_with(" via=broker")), "{:?}", world.log());
}

/// CVE-2021-31924: with Escape here, in place of a PIN, pam-u2f could be got around.
#[test]
fn escape_in_place_of_a_code_opens_nothing_and_the_code_stays_good() {
    let world = World::new();
    let _broker = world.broker();
    let locker = Locker::start(&world);
    let screen = &locker.screen;
    locker.wake(1);
    screen.type_line(ALICE.password);
    assert_eq!(locker.question(2), "Code sent by Telegram to ...977: ");
    screen.press("Escape");
    locker.wake(3);
    assert!(locker.is_locked());
    screen.type_line(ALICE.password);
    assert!(locker.question(4).ends_with(" ago: "), "{}", locker.question(4));
    screen.type_line(&world.phone.code());
    locker.wait_until(|| !locker.is_locked());
    assert_eq!((world.logged("verified"), world.phone.messages().len()), (1, 1), "{:?}", world.log());
}
