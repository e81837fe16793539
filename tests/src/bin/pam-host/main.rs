//! A PAM host for tests: does what it is told on stdin, line by line, and says on stdout what happens.
//!
//! It is a process of its own because much of what a host has is global: PAM_AUTHTOK comes in through the
//! environment (pam_wrapper's pam_set_items), and a test may want to kill it in the middle of a prompt. The words are
//! those of `herald_tests::pam`, which is the other end; values are in hexadecimal.

mod application;
mod children;
mod choice_list;
mod crowd;
mod surroundings;
mod syslog;
mod wire;

use application::Application;
use wire::{hex, say, unhex};

fn main() {
    let mut application = Application::default();
    while let Some(command) = next_command() {
        obey(&mut application, &command);
    }
}

/// One line from the test, as words.
struct Command(Vec<String>);

impl Command {
    fn verb(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    fn number(&self, position: usize) -> i32 {
        self.0.get(position).and_then(|word| word.parse().ok()).expect("a number")
    }

    /// A value in hexadecimal; an absent one is empty.
    fn bytes(&self, position: usize) -> Vec<u8> {
        unhex(self.0.get(position).map_or("", String::as_str))
    }
}

/// `None` at the end of the input: the test has gone, or wants this host to vanish.
fn next_command() -> Option<Command> {
    let line = wire::line()?;
    let command = Command(line.split_whitespace().map(str::to_owned).collect());
    // The line may hold a reply, of which a test will ask whether any copy is left.
    wipe(line.into_bytes());
    Some(command)
}

fn obey(application: &mut Application, command: &Command) {
    match command.verb() {
        "start" => say(&format!("started {}", application.start(command.bytes(1), command.bytes(2), command.bytes(3)))),
        "start-nameless" => say(&format!("started {}", application.start_nameless(command.bytes(1), command.bytes(2)))),
        "mute" => application.mute(),
        "set" => application.set_item(command.number(1), command.bytes(2)),
        "get" => {
            say(&format!("item {}", application.item(command.number(1)).map_or("-".to_owned(), |value| hex(&value))))
        }
        "putenv" => application.put_environment(command.bytes(1)),
        "run" => {
            let code = application.run(command.0.get(1).map_or("", String::as_str), command.number(2));
            say(&format!("returned {code}"));
        }
        "crowd" => say(&format!("crowd {}", crowd::run(command.bytes(1), command.bytes(2), &command.0))),
        "open" => surroundings::open_many(command.number(1)),
        "hush" => wire::leave_stdio(),
        "ident" => syslog::open(command.bytes(1)),
        "log" => syslog::say(command.bytes(1)),
        "reap" => children::reap_all(),
        "reaped" => say(&format!("reaped {}", children::reaped())),
        "bear" => children::bear(command.number(1)),
        "bury" => say(&format!("buried {}", children::bury())),
        "resident" => say(&format!("resident {}", surroundings::resident())),
        "surroundings" => say(&format!("surroundings {}", hex(surroundings::describe().as_bytes()))),
        "search" => say(&format!("found {}", surroundings::search(command.0.get(1).map_or("", String::as_str)))),
        "mapped" => say(&format!("mapped {}", surroundings::mapped(&command.bytes(1)))),
        "core" => say(&format!("core {}", hex(&surroundings::core()))),
        "end" => application.end(),
        verb => panic!("no such command: {verb}"),
    }
}

/// Overwrites what may be a copy of a reply.
fn wipe(mut bytes: Vec<u8>) {
    bytes.iter_mut().for_each(|byte| *byte = 0);
    std::hint::black_box(&bytes);
}
