//! The inside of `herald`: what admins and users type.
//!
//! Nothing is decided here that a login decides as well: that is `herald-core`, and the machine is `herald-sys`. A
//! command takes its part of the command line and gives back a [`output::Report`] or an [`error::Error`]; both are
//! printed in one place, for people or as JSON.
#![forbid(unsafe_code)]

mod backup_codes;
mod call;
pub mod command;
mod config_check;
mod doctor;
mod edit;
mod enroll;
mod error;
mod factor;
mod gateway;
mod journal;
mod language;
mod locale;
mod log;
mod manual;
mod many;
mod national;
mod output;
mod own;
mod phrases;
mod proof;
pub mod qr;
mod status;
mod terminal;
mod try_login;
mod usage;
mod voice;

use call::Call;
use command::{Command, Config, Line};
use error::Error;
use herald_sys::{hangup, process};
use locale::Locale;
use output::Report;
use std::ffi::OsString;
use std::process::ExitCode;
use std::rc::Rc;
use terminal::Terminal;
use voice::Voice;

/// The whole program.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    // For `make build`. It is no command: it would stand in what it writes.
    if let [_, word, folder] = words.as_slice() {
        if word == "__manual" {
            return output::finish(
                false,
                &Voice::english(),
                manual::write(folder.as_ref()).map_err(|error| Error::Write(folder.into(), error)),
            );
        }
    }
    // From the broker, as root: a command that somebody runs for themselves.
    if let [program, word, name, rest @ ..] = words.as_slice() {
        if word == "__self" {
            let words: Vec<OsString> = [program].into_iter().chain(rest).cloned().collect();
            // Who hangs up must not keep from the other phones what was changed.
            hangup::hold();
            // Nobody's name is not root's.
            return name.to_str().map_or(ExitCode::FAILURE, |name| speak(&words, Some(name)));
        }
    }
    speak(&words, None)
}

/// `own` is who runs the command for themselves, if it comes from the broker.
fn speak(words: &[OsString], own: Option<&str>) -> ExitCode {
    match usage::read(words) {
        usage::Read::Line(line) => {
            let json = line.global.json;
            if line.global.plain {
                output::speak_plainly();
            }
            let voice = Rc::new(Voice::new(Locale::here(&Terminal::name()), json));
            if own.is_none() && process::effective_uid() != 0 && own::is_for_oneself(&line, None) {
                match own::hand_over(words) {
                    Some(Ok(status)) => return ExitCode::from(status),
                    Some(Err(error)) => return output::finish(json, &voice, Err(error)),
                    None => {}
                }
            }
            output::finish(json, &voice, run(line, words, own, &voice))
        }
        usage::Read::Text(text) => output::finish(usage::wants_json(words), &Voice::english(), Ok(text)),
        usage::Read::Help(text) => output::show_help(&text),
        usage::Read::Error(error) => output::finish(usage::wants_json(words), &Voice::english(), Err(error)),
    }
}

fn run(line: Line, words: &[OsString], own: Option<&str>, voice: &Rc<Voice>) -> Result<Report, Error> {
    // Tokens and codes pass through here (rule 33).
    process::forbid_dumps().map_err(|error| Error::Process(error.to_string()))?;
    if needs_root(&line.command) && process::effective_uid() != 0 {
        return Err(Error::NotRoot(usage::again(words)));
    }
    if own.is_some() && !own::is_for_oneself(&line, own) {
        return Err(Error::NotRoot(usage::again(words)));
    }
    let call = Call::new(&line.global, own, voice)?;
    if call.own {
        own::prove(&call)?;
    }
    match line.command {
        Command::Gateway(command) => gateway::run(&call, command),
        Command::Enroll(command) if command.from.is_some() => {
            let path = command.from.clone().unwrap_or_default();
            many::list::run(&call, &path, &command)
        }
        Command::Enroll(command) => enroll::run(&call, &command),
        Command::BackupCodes(command) => backup_codes::run(&call, &command),
        Command::Language(command) => language::run(&call, &command),
        Command::Status(command) => status::run(&call, &command),
        Command::Enable(named) => factor::switch(&call, &named, true),
        Command::Disable(named) => factor::switch(&call, &named, false),
        Command::Remove(command) => factor::remove(&call, &command),
        Command::Prefer(named) => factor::prefer(&call, &named),
        Command::Try(command) => try_login::run(&call, &command),
        Command::Unlock(command) => factor::unlock(&call, &command),
        Command::Forget(whom) => factor::forget(&call, &whom),
        Command::Import(command) => many::import::run(&call, &command),
        Command::Export(command) => many::moving::export(&call, &command),
        Command::Restore(command) => many::moving::restore(&call, &command),
        Command::Log(command) => log::run(&call, &command),
        Command::Config(Config::Check) => config_check::run(&call),
        Command::Doctor => doctor::run(&call),
    }
}

/// Whatever reads or changes state needs root (interface, exit status 3). The list of drivers is in the program.
fn needs_root(command: &Command) -> bool {
    !matches!(command, Command::Gateway(command::Gateway::Drivers { .. }))
}
