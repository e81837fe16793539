//! LightDM with its GTK greeter on a scratch machine, on a screen in memory.

use super::machine::{Machine, Running};
use super::screen::{DISPLAY, FRAME, Picture, Screen};
use super::stacks::example;
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
const BUS: &str = "/run/dbus/system_bus_socket";
/// The X server: LightDM's arguments, as far as a screen in memory takes them. It listens in the machine's own /tmp
/// alone; names without a file are shared with the network, and so with other machines.
const X: &str = "display=$1
while [ $# -gt 0 ]; do
    case $1 in -auth) authority=$2 ;; esac
    shift
done
exec Xvfb \"$display\" -auth \"$authority\" -screen 0 640x480x24 -fbdir /run/screen -nolisten tcp -nolisten local -noreset";
/// A desktop: it says whose it is, and stays.
const SESSION: &str = "[Desktop Entry]\nName=Scratch\nExec=/usr/local/bin/desktop\nType=Application\n";
const DESKTOP: &str = "id -un >/run/desktop/opened && exec sleep infinity";
const OPENED: &str = "/run/desktop/opened";

/// LightDM, running.
#[derive(Debug)]
pub struct LightDm<'a> {
    machine: &'a Machine,
    /// LightDM, and the bus that its greeter insists on.
    _processes: [Running; 2],
    screen: Screen<'a>,
}

impl<'a> LightDm<'a> {
    /// Starts it with the example's stack.
    pub fn start(machine: &'a Machine) -> Self {
        machine.write("/etc/pam.d/lightdm", 0o644, example("lightdm"));
        machine.append("/etc/passwd", "lightdm:x:103:103::/var/lib/lightdm:/bin/false");
        machine.append("/etc/group", "lightdm:x:103:");
        machine.append("/etc/shadow", "lightdm:*:20000:0:99999:7:::");
        for (folder, mode) in [
            ("/etc/lightdm", 0o755),
            ("/etc/gtk-3.0", 0o755),
            (FRAME, 0o700),
            ("/run/sessions", 0o755),
            ("/run/desktop", 0o1777),
            ("/var/lib/lightdm", 0o777),
            ("/var/cache/lightdm", 0o755),
            ("/var/log/lightdm", 0o755),
            ("/tmp/.X11-unix", 0o1777),
            ("/run/dbus", 0o755),
            ("/var/lib/lightdm-data", 0o755),
        ] {
            machine.folder(folder, mode);
        }
        machine.write("/etc/lightdm/lightdm.conf", 0o644, include_str!("lightdm.conf"));
        machine.write("/etc/lightdm/lightdm-gtk-greeter.conf", 0o644, include_str!("lightdm-gtk-greeter.conf"));
        // Without it the picture would never stand still.
        machine.write("/etc/gtk-3.0/settings.ini", 0o644, "[Settings]\ngtk-cursor-blink=0\ngtk-enable-animations=0\n");
        machine.write("/run/sessions/scratch.desktop", 0o644, SESSION);
        machine.install_script("/usr/local/bin/x", 0o755, X);
        machine.install_script("/usr/local/bin/desktop", 0o755, DESKTOP);
        machine.write("/etc/bus.conf", 0o644, include_str!("bus.conf"));
        let bus = machine.start(&["dbus-daemon", "--config-file=/etc/bus.conf", "--nofork", "--nopidfile"]);
        let give_up = Instant::now() + PATIENCE;
        while !machine.path(BUS).exists() {
            assert!(Instant::now() < give_up, "no bus (Debian: apt install dbus-daemon)");
            thread::sleep(Duration::from_millis(2));
        }
        let lightdm = machine.start(&["lightdm", "--debug"]);
        let authority = format!("/var/run/lightdm/root/:{DISPLAY}");
        Self { machine, _processes: [lightdm, bus], screen: Screen::new(machine, &format!(":{DISPLAY}"), &authority) }
    }

    /// Waits for the greeter.
    pub fn greeter(&self) -> Picture {
        self.wait_until("the greeter", || self.prompts() > 0);
        let greeter = self.screen.wait_for_another(None);
        self.screen.hide_pointer();
        self.screen.wait_for_another(Some(&greeter))
    }

    /// Types an answer, and waits for the next question; gives what it looks like.
    pub fn answer(&self, text: &str) -> Picture {
        let before = self.prompts();
        let typed = self.screen.type_line(text);
        self.wait_until("another question", || self.prompts() > before);
        self.screen.wait_for_another(Some(&typed))
    }

    /// Types the last answer, and waits for the desktop; gives whose it is.
    pub fn open_desktop(&self, text: &str) -> String {
        self.screen.type_line(text);
        self.wait_until("the desktop", || self.is_open() && !self.machine.read(OPENED).is_empty());
        self.machine.read(OPENED).trim().to_owned()
    }

    /// Whether somebody's desktop was opened.
    pub fn is_open(&self) -> bool {
        self.machine.path(OPENED).exists()
    }

    /// How often the greeter was asked to ask something.
    fn prompts(&self) -> usize {
        self.log().matches("DEBUG: Prompt greeter with").count()
    }

    fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let give_up = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < give_up, "{what} does not come");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it and its greeter logged, for a message of failure.
    pub fn log(&self) -> String {
        let logs = ["lightdm.log", "seat0-greeter.log", "x-71.log"].map(|name| format!("/var/log/lightdm/{name}"));
        logs.map(|path| std::fs::read_to_string(self.machine.path(&path)).unwrap_or_default()).join("\n")
    }
}

impl Drop for LightDm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}
