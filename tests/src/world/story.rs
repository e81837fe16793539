//! A scratch machine with Herald on it, a phone, and the checks that hold at the end of every story.

use super::accounts::{self, ALICE, Person};
use super::machine::Machine;
use super::phone::Phone;
use super::{artefacts, stacks};
use crate::pam::{Host, own_program};
use crate::phone::BotApi;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::thread;

/// Where one story happens.
pub struct World {
    /// The machine.
    pub machine: Machine,
    /// The phone of all people of the story.
    pub phone: Phone,
}

impl World {
    /// A machine on which Herald was installed and set up as the README says, with the example stacks; alice is
    /// enrolled.
    pub fn new() -> Self {
        let machine = Machine::new();
        accounts::install(&machine);
        let world = Self { machine, phone: Phone::new() };
        world.install();
        world.enroll(ALICE);
        world
    }

    fn install(&self) {
        let machine = &self.machine;
        machine.folder("/usr/libexec/herald", 0o755);
        self.machine.install(&artefacts::deliver(), "/usr/libexec/herald/herald-deliver");
        self.machine.install(&artefacts::herald(), "/usr/local/bin/herald");
        let modules = artefacts::module_folder();
        self.machine.install(&artefacts::module(), &format!("{}/pam_herald.so", modules.display()));
        machine.folder("/etc/herald", 0o755);
        for folder in ["/var/lib/herald", "/var/lib/herald/users", "/var/lib/herald/totp"] {
            machine.folder(folder, 0o700);
        }
        machine.write("/etc/herald/phone-ca.pem", 0o644, self.phone.ca_pem());
        machine.write("/etc/herald/telegram.token", 0o600, format!("{}\n", BotApi::TOKEN));
        self.configure("");
        stacks::install(machine);
    }

    /// Writes herald.toml anew: these lines, which are dotted keys and then tables, and one gateway.
    pub fn configure(&self, lines: &str) {
        let gateway = format!(
            "[[gateway]]\ndriver = \"telegram-bot\"\ntoken_file = \"/etc/herald/telegram.token\"\napi_url = \"{}\"\n",
            self.phone.url()
        );
        self.configure_with(lines, &gateway);
    }

    /// Writes herald.toml anew with other gateways.
    pub fn configure_with(&self, lines: &str, gateways: &str) {
        let text = format!("delivery.ca_file = \"/etc/herald/phone-ca.pem\"\n{lines}\n{gateways}");
        self.machine.write("/etc/herald/herald.toml", 0o600, text);
    }

    /// Enrolls somebody for Telegram, without a word to them.
    pub fn enroll(&self, person: Person) {
        self.enroll_at(person.name, person.chat());
    }

    /// Enrolls an account, by the name of its file, for this chat.
    pub fn enroll_at(&self, file_name: &str, chat: i64) {
        let text = format!(
            "version = 1\n[[factor]]\nid = 1\nchannel = \"telegram\"\naddress = \"{chat}\"\nstate = \"active\"\n\
             enrolled = 2026-11-22T02:00:00Z\n"
        );
        self.machine.write(&format!("/var/lib/herald/users/{file_name}.toml"), 0o600, text);
    }

    /// Takes somebody's enrollment away.
    pub fn forget(&self, person: Person) {
        fs::remove_file(self.machine.path(&format!("/var/lib/herald/users/{}.toml", person.name))).expect("enrolled");
    }

    /// A PAM host on the machine that uses a service with this stack. Its log goes into the outcome.
    pub fn host(&self, service: &str, stack: &str) -> Host {
        self.host_by(&[], service, stack)
    }

    /// The same, started by a command that runs the command behind its own words: `prlimit --nofile=9`.
    pub fn host_by(&self, words: &[&str], service: &str, stack: &str) -> Host {
        const PROGRAM: &str = "/usr/local/bin/pam-host";
        self.install_own("pam-host");
        self.machine.write(&format!("/etc/pam.d/{service}"), 0o644, stack);
        let command = self.machine.command("root", &[words, &[PROGRAM]].concat());
        let launcher = [command.get_program()].into_iter().chain(command.get_args()).map(OsStr::to_owned).collect();
        Host::launched(launcher, Path::new("/etc/pam.d"), service)
    }

    /// Installs a program of these tests.
    pub(super) fn install_own(&self, name: &str) {
        let path = format!("/usr/local/bin/{name}");
        if !self.machine.path(&path).exists() {
            self.machine.install(&own_program(name), &path);
        }
    }

    /// What the module said so far, through a real host.
    pub fn log(&self) -> Vec<String> {
        self.machine.journal().herald()
    }

    /// How often the module said a line with this first word so far.
    pub fn logged(&self, event: &str) -> usize {
        self.log().iter().filter(|line| line.split(' ').next() == Some(event)).count()
    }

    /// What is remembered about somebody between two tries; `None` if nothing is.
    pub fn ledger(&self, person: Person) -> Option<String> {
        fs::read_to_string(self.machine.path(&format!("/run/herald/ledger/{}", person.name))).ok()
    }

    /// What holds at the end of every story: nothing is left running or locked, nothing secret was logged.
    fn check_the_end(&self) {
        self.machine.wait_until_gone("herald-broker");
        self.machine.wait_until_gone("herald-deliver");
        assert_eq!(self.machine.held_locks("/run/herald/ledger"), Vec::<String>::new(), "a lock is left");
        let log = self.machine.journal().text();
        for secret in self.secrets() {
            assert!(!log.contains(&secret), "{secret} stands in the log:\n{log}");
        }
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the log of the scratch machine:\n{}", self.machine.journal().text());
        } else {
            self.check_the_end();
        }
    }
}
