//! `herald import`: secrets of authenticator apps from other systems. What cannot be taken over is said.

use super::passwd;
use crate::call::{Call, Installation};
use crate::command::{Import, ImportGoogle};
use crate::error::Error;
use crate::output::Report;
use crate::voice::Voice;
use herald_core::account::UserName;
use herald_core::machine::{Machine, Trust};
use herald_core::provider::TOTP_CHANNEL;
use herald_core::secret::Secret;
use herald_core::text::display_line;
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::Errno;
use serde::Serialize;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

const LONGEST_STATE: usize = 64 * 1024;
const LONGEST_USERS_FILE: usize = 16 << 20;

#[derive(Serialize)]
struct Document {
    ok: bool,
    changed: bool,
    users: Vec<Person>,
}

/// What came of one person.
#[derive(Serialize)]
struct Person {
    user: String,
    changed: bool,
    /// Why nothing was taken over.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_behind: Vec<String>,
}

/// What another system knows of a person.
#[derive(Debug, PartialEq)]
struct Found {
    secret: Result<Secret, String>,
    left_behind: Vec<String>,
}

pub(crate) fn run(call: &Call, command: &Import) -> Result<Report, Error> {
    let installation = call.installation()?;
    installation.store.prepare()?;
    let people = match command {
        Import::GoogleAuthenticator(command) => google(call, &installation, command)?,
        Import::Oath { file } => oath(call, &installation, file)?,
    };
    let changed = people.iter().any(|person| person.changed);
    let ok = people.iter().all(|person| person.error.is_none());
    let text = shown(&call.voice, &people);
    Ok(Report::new(&Document { ok, changed, users: people }, text).with(ok))
}

fn google(call: &Call, installation: &Installation, command: &ImportGoogle) -> Result<Vec<Person>, Error> {
    let entries = if command.all {
        passwd::everybody()?
    } else {
        let user = call.user(&command.whom)?;
        passwd::of(user.as_str())?.into_iter().collect()
    };
    let mut people = Vec::new();
    for entry in entries {
        let path = Path::new(&entry.home).join(".google_authenticator");
        let found = match state_of(&path, entry.uid) {
            Ok(Some(text)) => google_state(&call.voice, &text),
            Ok(None) if command.all => continue,
            Ok(None) => Found {
                secret: Err(call.voice.say(|texts| texts.no_such_file, &[("file", &path.display().to_string())])),
                left_behind: Vec::new(),
            },
            Err(problem) => Found { secret: Err(problem), left_behind: Vec::new() },
        };
        people.push(taken_over(call, installation, &UserName::new(entry.name), found));
    }
    Ok(people)
}

/// The text of a file in a folder that belongs to somebody else; `None` if there is none. It is opened without
/// following a link or waiting for anybody, and must be that person's own and theirs alone.
fn state_of(path: &Path, uid: u32) -> Result<Option<Zeroizing<String>>, String> {
    let shown = path.display();
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match open(path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(Errno::LOOP) => return Err(format!("{shown} is a symbolic link")),
        Err(error) => return Err(format!("{shown}: {}", std::io::Error::from(error))),
    };
    let stat = fstat(&file).map_err(|error| format!("{shown}: {}", std::io::Error::from(error)))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(format!("{shown} is not a regular file"));
    }
    // A hard link could be anybody's file.
    if stat.st_uid != uid || stat.st_nlink != 1 {
        return Err(format!("{shown} does not belong to user id {uid} alone"));
    }
    if stat.st_mode & 0o077 != 0 {
        return Err(format!("others can read or write {shown}: its secret is worth nothing"));
    }
    let mut text = Zeroizing::new(String::with_capacity(LONGEST_STATE + 1));
    let limit = u64::try_from(LONGEST_STATE + 1).unwrap_or(u64::MAX);
    let read = File::from(file).take(limit).read_to_string(&mut text);
    match read {
        Ok(length) if length > LONGEST_STATE => Err(format!("{shown} is longer than 64 KiB")),
        Ok(_) => Ok(Some(text)),
        Err(error) => Err(format!("{shown}: {error}")),
    }
}

/// `~/.google_authenticator` (google-authenticator-libpam, FILEFORMAT): the secret, options behind `"`, and scratch
/// codes of eight digits.
fn google_state(voice: &Voice, text: &str) -> Found {
    let mut lines = text.lines();
    let secret = lines.next().unwrap_or_default().trim();
    let mut left_behind = Vec::new();
    let (mut scratch, mut time_based, mut counting) = (0, false, false);
    for line in lines.map(str::trim) {
        match line.strip_prefix('"').map(str::trim) {
            Some(option) => {
                let name = option.split_whitespace().next().unwrap_or_default();
                time_based |= name == "TOTP_AUTH";
                counting |= name == "HOTP_COUNTER";
                match name {
                    "STEP_SIZE" if option != "STEP_SIZE 30" => {
                        let problem = voice.word(|texts| texts.other_steps);
                        return Found { secret: Err(problem), left_behind };
                    }
                    "TIME_SKEW" => left_behind.push(voice.word(|texts| texts.wrong_clock_left)),
                    _ => {}
                }
            }
            None if !line.is_empty() => scratch += 1,
            None => {}
        }
    }
    if scratch > 0 {
        left_behind.push(voice.say(|texts| texts.scratch_codes_left, &[("count", &scratch.to_string())]));
    }
    let secret =
        if counting && !time_based { Err(voice.word(|texts| texts.counts_logins)) } else { Ok(Secret::from(secret)) };
    Found { secret, left_behind }
}

/// pam_oath's users file: `HOTP/T30/6 user pin hex …` (liboath, usersfile).
fn oath(call: &Call, installation: &Installation, path: &Path) -> Result<Vec<Person>, Error> {
    let path = std::path::absolute(path).map_err(|error| Error::Write(path.to_path_buf(), error))?;
    let text = call.machine.files().read(&path, Trust::Secret, LONGEST_USERS_FILE).map_err(Error::File)?;
    let mut people = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((name, found)) = oath_line(&call.voice, line) else {
            let mend = "TYPE USER PIN SECRET on each line".to_owned();
            return Err(Error::Foreign(path, "it is no users file of pam_oath".to_owned(), mend));
        };
        people.push(match call.machine.users().find(name).map_err(Error::Users)? {
            Some(account) => taken_over(call, installation, &account.name, found),
            None => Person {
                user: display_line(name, 64),
                changed: false,
                error: Some(call.voice.word(|texts| texts.nobody_of_that_name)),
                left_behind: Vec::new(),
            },
        });
    }
    Ok(people)
}

fn oath_line<'l>(voice: &Voice, line: &'l str) -> Option<(&'l str, Found)> {
    let mut fields = line.split_whitespace();
    let (kind, name, pin, secret) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let mut left_behind = Vec::new();
    if !matches!(pin, "-" | "+") {
        left_behind.push(voice.word(|texts| texts.pin_left));
    }
    let secret = match kind {
        "HOTP/T30" | "HOTP/T30/6" => base32(secret).ok_or_else(|| "its secret is not in hexadecimal".to_owned()),
        _ if kind.starts_with("HOTP/T") => Err(format!("{kind} is not six digits every 30 s")),
        _ => Err(voice.word(|texts| texts.counts_logins)),
    };
    Some((name, Found { secret, left_behind }))
}

/// Hexadecimal as base32 (RFC 4648).
fn base32(hex: &str) -> Option<Secret> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(hex.len());
    let (mut bits, mut held) = (0u32, 0u32);
    if hex.is_empty() || hex.len() % 2 != 0 {
        return None;
    }
    for digit in hex.chars() {
        held = (held << 4) | digit.to_digit(16)?;
        bits += 4;
        if bits >= 5 {
            bits -= 5;
            text.push(char::from(*ALPHABET.get((held >> bits) as usize & 31)?));
            held &= (1 << bits) - 1;
        }
    }
    if bits > 0 {
        text.push(char::from(*ALPHABET.get((held << (5 - bits)) as usize & 31)?));
    }
    Some(Secret::new(text))
}

fn taken_over(call: &Call, installation: &Installation, user: &UserName, found: Found) -> Person {
    let Found { secret, left_behind } = found;
    let taken = secret.and_then(|secret| {
        let what = TOTP_CHANNEL.to_owned();
        let failed = |error| Error::Registrar { user: user.to_string(), what, error }.said(&call.voice).0;
        installation.registrar(call).vouch_app(user, None, &secret).map_err(failed)
    });
    let (changed, error) = match taken {
        Ok(changed) => (changed, None),
        Err(problem) => (false, Some(problem)),
    };
    Person { user: user.to_string(), changed, error, left_behind }
}

fn shown(voice: &Voice, people: &[Person]) -> String {
    let mut text = String::new();
    for person in people {
        let user = display_line(&person.user, 64);
        let user = ("user", user.as_str());
        text.push_str(&match (&person.error, person.changed) {
            (Some(problem), _) => voice.say(|texts| texts.not_taken_over, &[user, ("problem", problem)]),
            (None, true) => voice.say(|texts| texts.app_goes_on, &[user]),
            (None, false) => voice.say(|texts| texts.app_known, &[user]),
        });
        text.push('\n');
        for left in &person.left_behind {
            text.push_str(&format!("  {}\n", voice.say(|texts| texts.left_behind, &[("what", left)])));
        }
    }
    if people.is_empty() {
        text.push_str(&(voice.word(|texts| texts.nothing_to_take_over) + "\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_google_authenticator_wrote_is_understood_and_what_stays_behind_is_said() {
        let text = "GEZDGNBVGY3TQOJQGEZDGNBVGY\n\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 17\n\" DISALLOW_REUSE\n\
                    \" TOTP_AUTH\n12345678\n23456789\n";
        let found = google_state(&Voice::english(), text);
        assert_eq!(found.secret, Ok(Secret::from("GEZDGNBVGY3TQOJQGEZDGNBVGY")));
        assert_eq!(found.left_behind, ["scratch codes of eight digits (2): make new ones with herald backup-codes"]);
        assert!(google_state(&Voice::english(), "GEZDGNBVGY3TQOJQ\n\" HOTP_COUNTER 1\n").secret.is_err());
        assert!(google_state(&Voice::english(), "GEZDGNBVGY3TQOJQ\n\" STEP_SIZE 60\n\" TOTP_AUTH\n").secret.is_err());
    }

    #[test]
    fn lines_of_pam_oath_are_understood() {
        let secret = |line: &str| oath_line(&Voice::english(), line).map(|(_, found)| found.secret.is_ok());
        assert_eq!(secret("HOTP/T30 alice - 3132333435363738393031323334353637383930"), Some(true));
        assert_eq!(secret("HOTP/T30/6\tbob\t1234\t00"), Some(true));
        assert_eq!(secret("HOTP/T30/8 bob - 00"), Some(false));
        assert_eq!(secret("HOTP/T60/6 bob - 00"), Some(false));
        assert_eq!(secret("HOTP bob - 00"), Some(false));
        assert_eq!(secret("HOTP/T30 bob"), None);
        assert_eq!(
            base32("3132333435363738393031323334353637383930"),
            Some(Secret::from("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"))
        );
        assert_eq!(base32("ff"), Some(Secret::from("74")));
        assert_eq!(base32("fg"), None);
    }

    #[test]
    fn rule_26_a_file_in_somebodys_home_is_read_only_if_it_is_theirs_and_theirs_alone() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = std::env::temp_dir().join(format!("herald-import-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("a folder");
        let file = folder.join("state");
        std::fs::write(&file, "GEZDGNBVGY3TQOJQ\n").expect("a file");
        let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("it is ours");
        let us = rustix::process::geteuid().as_raw();
        mode(0o600);
        assert!(state_of(&file, us).expect("ours").is_some());
        assert!(state_of(&file, us + 1).is_err(), "somebody else's");
        mode(0o640);
        assert!(state_of(&file, us).is_err(), "others can read it");
        mode(0o600);
        symlink(&file, folder.join("link")).expect("a link");
        assert!(state_of(&folder.join("link"), us).is_err(), "a link");
        std::fs::hard_link(&file, folder.join("hard")).expect("a link");
        assert!(state_of(&file, us).is_err(), "a hard link");
        assert!(state_of(&folder, us).is_err(), "a folder");
        assert!(state_of(&folder.join("none"), us).expect("no error").is_none());
        std::fs::remove_dir_all(&folder).expect("ours");
    }
}
