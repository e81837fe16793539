//! `herald export` and `herald restore`: all enrollments as one file, for a machine that moves.

use super::begun::Begun;
use crate::call::Call;
use crate::command::{Export, Restore};
use crate::error::Error;
use crate::output::{Changed, Report};
use herald_core::account::UserName;
use herald_core::enrollment::Enrollment;
use herald_core::machine::{FileError, Machine, Trust};
use herald_core::text::display_line;
use herald_sys::check_trusted;
use rustix::stdio::stdout;
use rustix::termios::isatty;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};
use zeroize::Zeroizing;

/// The longest file that is restored, in bytes.
const LONGEST: usize = 64 << 20;
const VERSION: i64 = 1;

/// Writes every enrollment, secrets included, into a new file of root's (0600), or to stdout if that is no terminal.
pub(crate) fn export(call: &Call, command: &Export) -> Result<Report, Error> {
    let installation = call.installation()?;
    let mut people = Vec::new();
    for user in installation.store.enrolled_users()? {
        people.push((installation.enrollment(&user)?, user));
    }
    let text = written(&people)?;
    let count = people.len();
    match &command.file {
        Some(path) => {
            let path = std::path::absolute(path).map_err(|error| Error::Write(path.clone(), error))?;
            create(&path, &text)?;
            let shown = path.display().to_string();
            let document = Changed::new(true, json!({"file": shown, "users": count}));
            Ok(Report::new(
                &document,
                call.voice.say(|texts| texts.exported, &[("file", &shown), ("count", &count.to_string())]),
            ))
        }
        None if call.json || isatty(stdout()) => {
            let problem = call.voice.word(|texts| texts.not_on_a_screen);
            Err(Error::Usage(problem, "sudo herald export /root/herald-export.toml".to_owned()))
        }
        None => Ok(Report::new(&json!({"ok": true}), text.as_str())),
    }
}

/// Puts the enrollments of such a file in the place of those that these people have here.
pub(crate) fn restore(call: &Call, command: &Restore) -> Result<Report, Error> {
    let path = std::path::absolute(&command.file).map_err(|error| Error::Write(command.file.clone(), error))?;
    let text = call.machine.files().read(&path, Trust::Secret, LONGEST).map_err(Error::File)?;
    let mut people = read(&path, &text)?;
    let mut strangers = Vec::new();
    for (user, _) in &mut people {
        match call.machine.users().find(user.as_str()).map_err(Error::Users)? {
            Some(account) => *user = account.name,
            None => strangers.push(user.to_string()),
        }
    }
    let installation = call.installation()?;
    installation.store.prepare()?;
    let failed = |error| Error::Registrar { user: "everybody".to_owned(), what: String::new(), error };
    let count = people.len();
    let registrar = installation.registrar(call);
    let changes = registrar.plan_restore(people).map_err(failed)?;
    let changed = changes.len();
    if changed > 0 {
        let begun = Begun::note(&installation, changes.iter().map(|(user, before, after)| (user, before, after)))?;
        registrar.restore(&changes, &|| begun.end()).map_err(failed)?;
    }
    let counts = [("count", &*count.to_string()), ("changed", &changed.to_string())];
    let mut said = call.voice.say(|texts| texts.restored, &counts) + "\n";
    if !strangers.is_empty() {
        let names = strangers.iter().map(|name| display_line(name, 64)).collect::<Vec<_>>().join(", ");
        said.push_str(&(call.voice.say(|texts| texts.without_account, &[("names", &names)]) + "\n"));
    }
    let document = json!({"users": count, "restored": changed, "without_account": strangers});
    Ok(Report::new(&Changed::new(changed > 0, document), said))
}

fn written(people: &[(Enrollment, UserName)]) -> Result<Zeroizing<String>, Error> {
    let mut document = DocumentMut::new();
    document.insert("version", value(VERSION));
    let mut users = ArrayOfTables::new();
    for (enrollment, user) in people {
        let failed = |error: herald_core::enrollment::EnrollmentError| {
            Error::Foreign(PathBuf::from(user.as_str()), error.to_string(), "remove some of the factors".to_owned())
        };
        let mut table = Table::new();
        table.insert("name", value(user.as_str()));
        table.insert("enrollment", value(enrollment.to_toml().map_err(failed)?.as_str()));
        users.push(table);
    }
    document.insert("user", Item::ArrayOfTables(users));
    Ok(Zeroizing::new(document.to_string()))
}

fn read(path: &Path, text: &str) -> Result<Vec<(UserName, Enrollment)>, Error> {
    let wrong = |problem: String| {
        Error::Foreign(path.to_owned(), problem, "restore the file that herald export wrote".to_owned())
    };
    let document: DocumentMut = text.parse().map_err(|_| wrong("it is no export of Herald".to_owned()))?;
    match document.get("version").and_then(Item::as_integer) {
        Some(VERSION) => {}
        Some(other) => return Err(wrong(format!("it has version {other}, this Herald knows {VERSION}"))),
        None => return Err(wrong("it is no export of Herald".to_owned())),
    }
    let mut people = Vec::new();
    for table in document.get("user").and_then(Item::as_array_of_tables).into_iter().flatten() {
        let text = |key: &str| table.get(key).and_then(Item::as_str);
        let (Some(name), Some(enrollment)) = (text("name"), text("enrollment")) else {
            return Err(wrong("somebody in it lacks a name or an enrollment".to_owned()));
        };
        let shown = display_line(name, 64);
        let enrollment = Enrollment::parse(enrollment).map_err(|error| wrong(format!("{shown}: {error}")))?;
        people.push((UserName::new(name), enrollment));
    }
    Ok(people)
}

/// A new file in a folder of root's: elsewhere somebody could put another in its place (rule 26).
fn create(path: &Path, text: &str) -> Result<(), Error> {
    match check_trusted(path, Trust::Secret) {
        Err(FileError::Missing(missing)) if missing == path => {}
        Err(FileError::Missing(folder)) => {
            return Err(Error::Foreign(folder, "there is no such folder".to_owned(), "make it first".to_owned()));
        }
        Ok(()) => {
            let mend = "name another, or remove it first".to_owned();
            return Err(Error::Foreign(path.to_owned(), "it is there already".to_owned(), mend));
        }
        Err(error) => return Err(Error::File(error)),
    }
    let failed = |error| Error::Write(path.to_owned(), error);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let done = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = done {
        // Half of it is worth nothing.
        let _ = std::fs::remove_file(path);
        return Err(failed(error));
    }
    Ok(())
}
