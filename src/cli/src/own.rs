//! Self-service: what people may do for themselves without root, through the broker.
//!
//! The same program runs twice: as the person, who hands over the command and the terminal, and as root behind the broker
//! with the person's name fixed (`herald __self NAME …`). Root's side trusts nothing of the other: it looks at the command
//! anew, and first has the person prove a factor that they have, or for the first one their password.

use crate::call::{Call, Installation};
use crate::command::{BackupCodes, Command, Enroll, Line, Remove, Status};
use crate::error::Error;
use crate::proof::existing_factor;
use crate::terminal::Terminal;
use herald_core::account::UserName;
use herald_core::audit::{self, Audit, Severity};
use herald_core::broker::{Errand, VARIABLES};
use herald_core::enrollment::State;
use herald_sys::{errand, password};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The PAM service that asks for the password before a first factor.
const SERVICE: &std::ffi::CStr = c"herald";
/// Where services have their files.
const STACKS: [&str; 3] = ["/etc/pam.d/herald", "/usr/lib/pam.d/herald", "/usr/etc/pam.d/herald"];

/// Whether somebody may ask for this: one of the commands about themselves, without a word that is for admins. `name` is who
/// asks, where that is known.
pub(crate) fn is_for_oneself(line: &Line, name: Option<&str>) -> bool {
    if line.global.config.is_some() {
        return false;
    }
    let whom = match &line.command {
        Command::Enroll(Enroll {
            whom, from: None, assume_verified: false, force: false, drop_pending: false, ..
        })
        | Command::BackupCodes(BackupCodes { whom, force: false, .. })
        | Command::Status(Status { whom, all: false }) => whom,
        Command::Remove(Remove { named, force: false }) | Command::Prefer(named) => &named.whom,
        Command::Language(command) => &command.whom,
        _ => return false,
    };
    whom.user.as_deref().is_none_or(|user| name.is_none_or(|name| name == user))
}

/// Hands the command over to the broker. Gives its exit status; `None` if no broker is there.
pub(crate) fn hand_over(words: &[OsString]) -> Option<Result<u8, Error>> {
    // A stopped process would leave the terminal to two readers.
    herald_sys::process::never_stop();
    let words = words.iter().skip(1).map(|word| word.as_bytes().to_vec()).collect();
    let variable = |name: &&str| Some(((*name).to_owned(), std::env::var(name).ok()?));
    let errand = Errand { words, variables: VARIABLES.iter().filter_map(variable).collect() };
    errand::run(&errand).map_err(Error::Broker).transpose()
}

/// Has the person prove who they are, before anything is done or shown. What is wrong with the machine is not theirs to read
/// until then: it goes into the log.
pub(crate) fn prove(call: &Call) -> Result<(), Error> {
    match proved(call) {
        Err(error) if error.is_of_the_machine() => {
            for line in error.pair().0.lines() {
                let line = audit::Line::new("error").because(line).with("by", &call.by);
                call.journal.record(Severity::Error, line.as_str());
            }
            Err(Error::NotSetUp)
        }
        other => other,
    }
}

fn proved(call: &Call) -> Result<(), Error> {
    let installation = call.installation()?;
    let user = UserName::new(call.by.as_str());
    let mut terminal = call.terminal();
    if call.json || !terminal.is_interactive() {
        return Err(Error::OwnProof(call.by.clone(), None));
    }
    // Absent is only what is not in a folder that is there, and a missing one is not theirs to make; factors that cannot be
    // read are not none (rule 3).
    if !by_password(call, &installation, &user)? {
        return by_factor(call, &installation, &user, &mut terminal);
    }
    if !STACKS.iter().any(|stack| Path::new(stack).exists()) {
        let fedoras = !Path::new("/etc/pam.d/common-auth").exists() && Path::new("/etc/pam.d/password-auth").exists();
        return Err(Error::NoService(if fedoras { "fedora/herald" } else { "herald" }));
    }
    terminal.show(&call.voice.word(|texts| texts.password_first));
    match password::proves(SERVICE, user.as_str(), &Terminal::name(), &mut terminal) {
        // As long as the password is typed, factors come, and are switched off.
        true if by_password(call, &installation, &user)? => Ok(()),
        true => by_factor(call, &installation, &user, &mut terminal),
        false => {
            let said = terminal.said().unwrap_or_else(|| call.voice.phrases().refused());
            Err(Error::OwnProof(call.by.clone(), Some(said)))
        }
    }
}

/// Whether the password is all that there is to prove it by. What an admin switched off is not got round by it.
fn by_password(call: &Call, installation: &Installation, user: &UserName) -> Result<bool, Error> {
    let enrollment = installation.enrollment(user)?;
    let has_none = enrollment.active().next().is_none();
    if has_none && enrollment.factors.iter().any(|factor| factor.state == State::Disabled) {
        return Err(Error::OnlyAdmins(call.by.clone()));
    }
    Ok(has_none)
}

/// A code from a factor. If the last one has gone since it was seen, nothing is proved.
fn by_factor(call: &Call, installation: &Installation, user: &UserName, terminal: &mut Terminal) -> Result<(), Error> {
    existing_factor(call, installation, user, terminal, false)?;
    if call.proved.get() { Ok(()) } else { Err(Error::OwnProof(call.by.clone(), None)) }
}

/// How the same is said to an admin, and to the person.
pub(crate) fn again(call: &Call, command: &str, user: &UserName) -> String {
    if call.own { format!("herald {command}") } else { format!("sudo herald {command} --user {user}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn is_mine(words: &str) -> bool {
        let line = Line::try_parse_from(format!("herald {words}").split(' ')).expect(words);
        is_for_oneself(&line, Some("alice"))
    }

    #[test]
    fn people_look_after_themselves_and_nobody_else() {
        for mine in [
            "status",
            "--json status --user alice",
            "enroll telegram",
            "enroll totp --label tablet --qr none",
            "enroll sms +81312345678 --user alice",
            "remove telegram:phone",
            "backup-codes --count 3",
            "prefer totp",
            "language ja",
        ] {
            assert!(is_mine(mine), "{mine}");
        }
        for not_mine in [
            "status --all",
            "status --user bob",
            "--config /tmp/x status",
            "enroll telegram 1 --assume-verified",
            "enroll telegram 1 --force",
            "enroll telegram --drop-pending",
            "enroll telegram 1 --user bob",
            "enroll --from people.csv",
            "remove telegram --force",
            "remove telegram --user root",
            "backup-codes --force",
            "prefer totp --user bob",
            "language ja --user bob",
            "disable telegram",
            "enable telegram",
            "try",
            "unlock alice",
            "forget",
            "log",
            "doctor",
            "export",
            "gateway status",
            "config check",
        ] {
            assert!(!is_mine(not_mine), "{not_mine}");
        }
    }
}
