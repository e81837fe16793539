//! What display managers have in common: a screen in memory, a bus, and a desktop that says whose it is.

use super::machine::{Machine, Running};
use super::screen::FRAME;
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
const BUS: &str = "/run/dbus/system_bus_socket";
/// The X server: a display manager's arguments, as far as a screen in memory takes them. It listens in the machine's own
/// /tmp alone; names without a file are shared with the network, and so with other machines.
const X: &str = "while [ $# -gt 0 ]; do
    case $1 in
    -auth) authority=$2 ;;
    -displayfd) ready=\"-displayfd $2\" ;;
    esac
    shift
done
exec Xvfb :71 -auth \"$authority\" $ready -screen 0 800x600x24 -fbdir /run/screen -nolisten tcp -nolisten local -noreset";
/// A desktop: it says whose it is, and stays.
const SESSION: &str = "[Desktop Entry]\nName=Scratch\nExec=/usr/local/bin/desktop\nType=Application\n";
const DESKTOP: &str = "id -un >/run/desktop/opened && exec sleep infinity";
const OPENED: &str = "/run/desktop/opened";

/// The ground that a display manager stands on, for as long as this lives.
#[derive(Debug)]
pub(super) struct Desktop<'a> {
    machine: &'a Machine,
    _bus: Running,
}

impl<'a> Desktop<'a> {
    /// An account for the display manager, an X server for it to start (`/usr/local/bin/x`), one desktop to choose
    /// (`/run/sessions`), and the system's bus.
    pub(super) fn prepare(machine: &'a Machine, manager: &str) -> Self {
        machine.append("/etc/passwd", &format!("{manager}:x:103:103::/var/lib/{manager}:/bin/false"));
        machine.append("/etc/group", &format!("{manager}:x:103:"));
        machine.append("/etc/shadow", &format!("{manager}:*:20000:0:99999:7:::"));
        for (folder, mode) in [
            (FRAME, 0o700),
            ("/run/sessions", 0o755),
            ("/run/desktop", 0o1777),
            (&format!("/var/lib/{manager}"), 0o777),
            ("/tmp/.X11-unix", 0o1777),
            ("/run/dbus", 0o755),
        ] {
            machine.folder(folder, mode);
        }
        machine.write("/run/sessions/scratch.desktop", 0o644, SESSION);
        machine.install_script("/usr/local/bin/x", 0o755, X);
        machine.install_script("/usr/local/bin/desktop", 0o755, DESKTOP);
        machine.write("/etc/bus.conf", 0o644, include_str!("bus.conf"));
        let bus = machine.start(&["dbus-daemon", "--config-file=/etc/bus.conf", "--nofork", "--nopidfile"]);
        wait_until("the bus (Debian: apt install dbus-daemon)", || machine.path(BUS).exists());
        Self { machine, _bus: bus }
    }

    /// Whether somebody's desktop was opened.
    pub(super) fn is_open(&self) -> bool {
        self.machine.path(OPENED).exists()
    }

    /// Waits for the desktop, and says whose it is.
    pub(super) fn owner(&self) -> String {
        wait_until("the desktop", || self.is_open() && !self.machine.read(OPENED).is_empty());
        self.machine.read(OPENED).trim().to_owned()
    }
}

/// Waits for this, but not for ever.
pub(super) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < give_up, "{what} does not come");
        thread::sleep(Duration::from_millis(10));
    }
}
