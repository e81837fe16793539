//! LightDM with its GTK greeter on a scratch machine, on a screen in memory.

use super::desktop::{Desktop, wait_until};
use super::machine::{Machine, Running};
use super::screen::{DISPLAY, Picture, Screen};
use super::stacks::example;

/// LightDM, running.
#[derive(Debug)]
pub struct LightDm<'a> {
    machine: &'a Machine,
    _lightdm: Running,
    desktop: Desktop<'a>,
    screen: Screen<'a>,
}

impl<'a> LightDm<'a> {
    /// Starts it with the example's stack.
    pub fn start(machine: &'a Machine) -> Self {
        machine.write("/etc/pam.d/lightdm", 0o644, example("lightdm"));
        let desktop = Desktop::prepare(machine, "lightdm");
        for folder in
            ["/etc/lightdm", "/etc/gtk-3.0", "/var/cache/lightdm", "/var/log/lightdm", "/var/lib/lightdm-data"]
        {
            machine.folder(folder, 0o755);
        }
        machine.write("/etc/lightdm/lightdm.conf", 0o644, include_str!("lightdm.conf"));
        machine.write("/etc/lightdm/lightdm-gtk-greeter.conf", 0o644, include_str!("lightdm-gtk-greeter.conf"));
        // Without it the picture would never stand still.
        machine.write("/etc/gtk-3.0/settings.ini", 0o644, "[Settings]\ngtk-cursor-blink=0\ngtk-enable-animations=0\n");
        let lightdm = machine.start(&["lightdm", "--debug"]);
        let authority = format!("/var/run/lightdm/root/:{DISPLAY}");
        let screen = Screen::new(machine, &format!(":{DISPLAY}"), &authority);
        Self { machine, _lightdm: lightdm, desktop, screen }
    }

    /// Waits for the greeter.
    pub fn greeter(&self) -> Picture {
        wait_until("the greeter", || self.prompts() > 0);
        let greeter = self.screen.wait_for_another(None);
        self.screen.hide_pointer();
        self.screen.wait_for_another(Some(&greeter))
    }

    /// Types an answer, and waits for the next question; gives what it looks like.
    pub fn answer(&self, text: &str) -> Picture {
        let before = self.prompts();
        let typed = self.screen.type_line(text);
        wait_until("another question", || self.prompts() > before);
        self.screen.wait_for_another(Some(&typed))
    }

    /// Types the last answer, and waits for the desktop; gives whose it is.
    pub fn open_desktop(&self, text: &str) -> String {
        self.screen.type_line(text);
        self.desktop.owner()
    }

    /// Whether somebody's desktop was opened.
    pub fn is_open(&self) -> bool {
        self.desktop.is_open()
    }

    /// How often the greeter was asked to ask something.
    fn prompts(&self) -> usize {
        self.log().matches("DEBUG: Prompt greeter with").count()
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
