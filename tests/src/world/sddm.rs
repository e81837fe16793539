//! SDDM with the greeter that is built into it on a scratch machine, on a screen in memory.

use super::desktop::{Desktop, wait_until};
use super::machine::Machine;
use super::screen::{DISPLAY, Picture, Screen};
use super::stacks::example;
use super::terminal::Terminal;

const LOG: &str = "/var/log/sddm.log";

/// SDDM, running. Its greeter offers the first person, and one field.
#[derive(Debug)]
pub struct Sddm<'a> {
    machine: &'a Machine,
    _sddm: Terminal,
    desktop: Desktop<'a>,
    screen: Screen<'a>,
}

impl<'a> Sddm<'a> {
    /// Starts it with the example's stack, and waits for its greeter.
    pub fn start(machine: &'a Machine) -> Self {
        machine.write("/etc/pam.d/sddm", 0o644, example("sddm"));
        let desktop = Desktop::prepare(machine, "sddm");
        machine.write("/etc/sddm.conf", 0o644, include_str!("sddm.conf"));
        // Without a terminal it logs to systemd's journal alone.
        let sddm = machine.terminal("root", &["env", "QT_QUICK_BACKEND=software", "sddm"]);
        let display = format!(":{DISPLAY}");
        let mut sddm = Self { machine, _sddm: sddm, desktop, screen: Screen::new(machine, &display, "/dev/null") };
        wait_until("SDDM's greeter (Debian: apt install sddm)", || sddm.log().contains("from greeter: Connect"));
        sddm.screen = Screen::new(machine, &display, &sddm.authority());
        let greeter = sddm.screen.wait_for_another(None);
        sddm.screen.hide_pointer();
        sddm.screen.wait_for_another(Some(&greeter));
        sddm
    }

    /// Types this into the field, and waits until it is refused; gives what that looks like.
    pub fn refuses(&self, text: &str) -> Picture {
        let before = self.refused();
        self.screen.type_line(text);
        wait_until("a refusal", || self.refused() > before);
        self.screen.wait_for_another(None)
    }

    /// Types this into the field, and waits for the desktop; gives whose it is.
    pub fn open_desktop(&self, text: &str) -> String {
        self.screen.type_line(text);
        self.desktop.owner()
    }

    /// Whether somebody's desktop was opened.
    pub fn is_open(&self) -> bool {
        self.desktop.is_open()
    }

    fn refused(&self) -> usize {
        self.log().matches("Auth: sddm-helper exited with 1").count()
    }

    /// The key to its X server, whose name it makes up.
    fn authority(&self) -> String {
        let log = self.log();
        let key = log.split_once("Adding cookie to \"").and_then(|(_, rest)| rest.split('"').next());
        key.expect("it says so").to_owned()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.machine.path(LOG)).unwrap_or_default()
    }
}

impl Drop for Sddm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}
