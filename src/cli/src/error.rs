//! What can go wrong, in pairs: what happened, and what to do.

use crate::voice::Voice;
use herald_core::account::NameServiceError;
use herald_core::config::ConfigError;
use herald_core::courier::CourierError;
use herald_core::machine::{FileError, LoadError};
use herald_core::registrar::RegistrarError;
use herald_core::store::StoreError;
use std::path::PathBuf;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line cannot be understood: what is wrong, and how it is done.
    Usage(String, String),
    /// Only root may: the command line with sudo.
    NotRoot(String),
    /// The process could not be confined.
    Process(String),
    /// The user database.
    Users(NameServiceError),
    /// Nobody of that name.
    NoSuchUser(String),
    /// The file that `--config` names is not there.
    NoConfig(PathBuf),
    /// A file.
    File(FileError),
    /// What stands in `herald.toml`.
    Config(ConfigError),
    /// Enrollments, ledgers.
    Store(StoreError),
    /// The network side.
    Courier(CourierError),
    /// A change of somebody's factors.
    Registrar {
        /// Whose.
        user: String,
        /// What was to be changed: a channel, or a factor's name.
        what: String,
        /// Why it was not.
        error: RegistrarError,
    },
    /// No driver of that name; those there are.
    NoSuchDriver(String, Vec<String>),
    /// No gateway of that name; those there are.
    NoSuchGateway(String, Vec<String>),
    /// Another gateway has that name.
    NameTaken(String),
    /// A field that must be there was not given: its name and help, and the gateway or driver.
    FieldMissing {
        /// Its name.
        field: String,
        /// What it is and where it is found.
        help: String,
        /// Whether to say how to pass it on stdin.
        option: String,
    },
    /// A gateway cannot work with its fields: what is wrong with each, and what to do.
    Faults(String, Vec<String>, String),
    /// The service does not answer as it should, and nothing was written: gateway, what is wrong, what to do.
    Unwell(String, String, String),
    /// A test message was not delivered: gateway, what is wrong, what to do.
    Undelivered(String, String, String),
    /// `herald.toml` cannot be written: where, and why.
    Write(PathBuf, std::io::Error),
    /// `herald.toml` changed while it was edited.
    ChangedMeanwhile(PathBuf),
    /// `herald.toml` has a form that is not edited.
    NotEditable(PathBuf, String),
    /// The trial login ended in a refusal: what was said, and what to do.
    Refused(String, String),
    /// Somebody's factors change only with a code from one of them: whose, and what was said at the end of the
    /// dialogue, if there was one.
    ProofNeeded(String, Option<String>),
    /// Somebody who looks after themselves did not prove who they are: who, and what was said at the end of the dialogue, if
    /// there was one.
    OwnProof(String, Option<String>),
    /// Herald cannot be used on this machine: for whoever may not know why.
    NotSetUp,
    /// Their factors were disabled: whose.
    OnlyAdmins(String),
    /// There is no PAM service that could ask for a password. Holds the example for this distribution.
    NoService(&'static str),
    /// The broker did not come to an end: why.
    Broker(String),
    /// Nobody pressed START behind the link in time: why not, as far as it is known, and what to do.
    NoStart(String, String),
    /// More updates of others wait than can be seen at once.
    Hidden(u32),
    /// Neither a journal nor a log file can be read.
    NoLog,
    /// A file that is to be read: which, what is wrong with it, and what it should be.
    Foreign(PathBuf, String, String),
}

impl Error {
    /// A file that somebody named cannot be read.
    pub(crate) fn unreadable(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Foreign(path.to_owned(), plain(error), "look at the path".to_owned())
    }

    /// Whether it tells of files, of the configuration or of the network side, and not of whoever asks.
    pub(crate) fn is_of_the_machine(&self) -> bool {
        matches!(
            self,
            Self::Users(_)
                | Self::NoConfig(_)
                | Self::File(_)
                | Self::Config(_)
                | Self::Store(_)
                | Self::Courier(_)
                | Self::Registrar { .. }
                | Self::Write(..)
                | Self::Foreign(..)
        )
    }

    /// The exit status: 1 failed, 2 usage, 3 not permitted.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(..) | Self::FieldMissing { .. } => 2,
            Self::Registrar { error: RegistrarError::Ambiguous(_), .. } => 2,
            Self::Registrar { error: RegistrarError::Address(_) | RegistrarError::Label, .. } => 2,
            Self::NotRoot(_) => 3,
            _ => 1,
        }
    }

    /// What went wrong, and what to do, in English.
    pub(crate) fn pair(&self) -> (String, String) {
        self.said(&Voice::english())
    }

    /// The same in the language of the call, where it is about people and not about gateways, files or the machine.
    pub(crate) fn said(&self, voice: &Voice) -> (String, String) {
        match self {
            Self::NotRoot(again) => (voice.word(|texts| texts.only_root), again.clone()),
            Self::NoSuchUser(name) => {
                (voice.say(|texts| texts.no_such_user, &[("user", name)]), voice.word(|texts| texts.look_for_the_name))
            }
            Self::Registrar { user, what, error } => registrar(voice, user, what, error),
            Self::ProofNeeded(user, None) => (
                voice.say(|texts| texts.proof_needed, &[("user", user)]),
                voice.say(|texts| texts.ask_at_terminal, &[("user", user)]),
            ),
            Self::ProofNeeded(user, Some(said)) => (
                voice.say(|texts| texts.not_proved, &[("user", user), ("said", &voice.behind_a_colon(said))]),
                voice.say(|texts| texts.again_or_vouch, &[("user", user)]),
            ),
            Self::OwnProof(user, None) => (
                voice.say(|texts| texts.proof_needed_of_you, &[("user", user)]),
                voice.word(|texts| texts.at_your_terminal),
            ),
            Self::OwnProof(user, Some(said)) => (
                voice.say(|texts| texts.not_proved, &[("user", user), ("said", &voice.behind_a_colon(said))]),
                voice.word(|texts| texts.same_again),
            ),
            Self::OnlyAdmins(user) => (
                voice.say(|texts| texts.factors_disabled, &[("user", user)]),
                format!("sudo herald status --user {user}"),
            ),
            Self::Hidden(others) => (
                voice.say(|texts| texts.hidden, &[("count", &others.to_string())]),
                voice.word(|texts| texts.drop_them),
            ),
            other => other.of_the_machine(),
        }
    }

    /// What only admins read.
    fn of_the_machine(&self) -> (String, String) {
        let pair = |problem: &str, mend: &str| (problem.to_owned(), mend.to_owned());
        match self {
            Self::Usage(problem, mend) => pair(problem, mend),
            Self::Process(text) => pair(text, "run it where prctl(2) and setrlimit(2) are allowed"),
            Self::Users(error) => pair(&error.to_string(), "see that getent passwd works, then try again"),
            Self::NotSetUp => pair(
                "two-factor login is not set up right on this machine",
                "tell whoever administers it: the log says what is wrong",
            ),
            Self::NoService(example) => pair(
                "there is no PAM service herald that could ask for your password",
                &format!("sudo cp /usr/share/doc/herald/pam.d-example/{example} /etc/pam.d/herald"),
            ),
            Self::Broker(text) => pair(&format!("the broker: {text}"), "sudo herald doctor"),
            Self::NoConfig(path) => {
                (format!("{} is not there", path.display()), "look at the path behind --config".to_owned())
            }
            Self::File(FileError::Missing(path)) => {
                (format!("{} is not there", path.display()), "look at the path".to_owned())
            }
            Self::File(error) => sentences(&error.to_string(), "look at the file"),
            Self::Config(error) => config(error),
            Self::Store(error) => store(error),
            Self::Courier(error) => courier(error),
            Self::NoSuchDriver(name, known) => {
                (format!("there is no driver {name}"), format!("one of {}", known.join(", ")))
            }
            Self::NoSuchGateway(name, known) if known.is_empty() => {
                (format!("there is no gateway {name}, and no other"), "sudo herald gateway add telegram-bot".to_owned())
            }
            Self::NoSuchGateway(name, known) => {
                (format!("there is no gateway {name}"), format!("one of {}", known.join(", ")))
            }
            Self::NameTaken(name) => (
                format!("there is a gateway {name} already, and it is another"),
                "--replace to put this in its place, or --name NAME to have both".to_owned(),
            ),
            Self::FieldMissing { field, help, option } => (format!("{field} is missing: {help}"), option.to_owned()),
            Self::Faults(gateway, faults, mend) => {
                // One fault may bring its own mend.
                let (faults, mend) = match faults.as_slice() {
                    [fault] => sentences(fault, mend),
                    faults => (faults.join("; "), mend.clone()),
                };
                (format!("{gateway} cannot work like this: {faults}"), mend)
            }
            Self::Unwell(gateway, detail, mend) => {
                (format!("{gateway} does not work, nothing was written: {detail}"), mend.clone())
            }
            Self::Undelivered(gateway, detail, mend) => {
                (format!("{gateway} did not deliver the message: {detail}"), mend.clone())
            }
            Self::Write(path, error) => {
                (format!("{} cannot be written: {}", path.display(), plain(error)), write_mend(error))
            }
            Self::ChangedMeanwhile(path) => {
                (format!("{} was changed by somebody else meanwhile", path.display()), "run it again".to_owned())
            }
            Self::NotEditable(path, why) => {
                (format!("{} {why}", path.display()), format!("change it by hand: {}", path.display()))
            }
            Self::Refused(said, mend) | Self::NoStart(said, mend) => pair(said, mend),
            Self::Foreign(path, problem, mend) => (format!("{}: {problem}", path.display()), mend.clone()),
            Self::NoLog => (
                "there is no log: neither systemd's journal nor /var/log/auth.log, secure or messages".to_owned(),
                "see that something keeps it: systemd-journald, or apt install rsyslog".to_owned(),
            ),
            // Those above.
            Self::NotRoot(_)
            | Self::NoSuchUser(_)
            | Self::Registrar { .. }
            | Self::ProofNeeded(..)
            | Self::OwnProof(..)
            | Self::OnlyAdmins(_)
            | Self::Hidden(_) => pair("", ""),
        }
    }
}

impl From<LoadError> for Error {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::File(error) => Self::File(error),
            LoadError::Config(error) => Self::Config(error),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<CourierError> for Error {
    fn from(error: CourierError) -> Self {
        Self::Courier(error)
    }
}

/// A text of two sentences, the second of which is the mend, as `herald-sys` writes them.
pub(crate) fn sentences(text: &str, otherwise: &str) -> (String, String) {
    let Some((problem, mend)) = text.rsplit_once(". ") else {
        // A dot behind a space is a character that is spoken of.
        let whole = if text.ends_with(" .") { text } else { text.trim_end_matches('.') };
        return (whole.to_owned(), otherwise.to_owned());
    };
    let mend = ["Mend it: ", "Make it: ", "Remove it: ", "Try: "]
        .iter()
        .find_map(|start| mend.strip_prefix(start).map(str::to_owned))
        .unwrap_or_else(|| uncapitalised(mend));
    (problem.to_owned(), mend)
}

fn uncapitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

/// The first problem; the rest is a command away.
fn config(error: &ConfigError) -> (String, String) {
    let first = error.problems.first().map(ToString::to_string).unwrap_or_default();
    let others = match error.problems.len() {
        0 | 1 => String::new(),
        2 => " (and one more)".to_owned(),
        count => format!(" (and {} more)", count - 1),
    };
    (format!("{}{first}{others}", error.file.display()), "sudo herald config check".to_owned())
}

fn store(error: &StoreError) -> (String, String) {
    match error {
        StoreError::Busy { holder: Some(pid) } => (error.to_string(), format!("look what it does: ps {pid}")),
        StoreError::Busy { holder: None } => (error.to_string(), "try again in a moment".to_owned()),
        StoreError::State(text) | StoreError::Failed(text) => sentences(text, "look at the file"),
    }
}

pub(crate) fn courier(error: &CourierError) -> (String, String) {
    match error {
        CourierError::NotStarted(text) if text.starts_with("delivery.") => sentences(text, "sudo herald config check"),
        CourierError::NotStarted(text) => sentences(text, "install herald-deliver, or set paths.deliver"),
        CourierError::Failed(text) => {
            let mend = "try again; if it stays so, install herald and herald-deliver anew, of one version";
            (sentences(text, "").0, mend.to_owned())
        }
    }
}

fn registrar(voice: &Voice, user: &str, what: &str, error: &RegistrarError) -> (String, String) {
    let channel = what.split(':').next().unwrap_or(what);
    let user = ("user", user);
    match error {
        RegistrarError::Store(error) => store(error),
        RegistrarError::Courier(error) => courier(error),
        RegistrarError::NoGateway(channel) => {
            let mend = match channel.as_str() {
                "telegram" => "sudo herald gateway add telegram-bot",
                _ => "herald gateway drivers",
            };
            (voice.say(|texts| texts.no_gateway, &[("channel", channel)]), mend.to_owned())
        }
        RegistrarError::Address(forms) => (
            voice.say(|texts| texts.bad_address, &[("channel", channel)]),
            voice.say(|texts| texts.give_one, &[("forms", &voice.forms(forms))]),
        ),
        RegistrarError::Label => (voice.word(|texts| texts.bad_label), "--label phone".to_owned()),
        RegistrarError::NotEnrolled(name) => (
            voice.say(|texts| texts.never_enrolled, &[("factor", name), user]),
            format!("sudo herald status --user {}", user.1),
        ),
        RegistrarError::Ambiguous(names) => (
            voice.say(|texts| texts.ambiguous, &[("factor", what), ("names", &names.join(", "))]),
            voice.word(|texts| texts.name_one),
        ),
        RegistrarError::NeverProved(name) => (
            voice.say(|texts| texts.never_verified, &[("factor", name), user]),
            format!("sudo herald enroll {channel} ADDRESS --user {}", user.1),
        ),
        RegistrarError::Link(detail) => {
            (voice.say(|texts| texts.bot_unreachable, &[("detail", detail)]), "sudo herald gateway status".to_owned())
        }
        RegistrarError::Taken(name) => (
            voice.say(|texts| texts.taken, &[("factor", name), user]),
            voice.say(|texts| texts.label_or_remove, &[("factor", name), user]),
        ),
        RegistrarError::ChangedMeanwhile(name) => {
            (voice.say(|texts| texts.changed_meanwhile, &[("user", name)]), voice.word(|texts| texts.same_again))
        }
        RegistrarError::Secret => (voice.word(|texts| texts.bad_secret), voice.word(|texts| texts.look_at_secret)),
        RegistrarError::Machine(text) => (text.clone(), voice.word(|texts| texts.same_again)),
        RegistrarError::Unproved(_) => (error.to_string(), voice.word(|texts| texts.same_again)),
    }
}

/// What a login says at its end, without what to do: that is said in other words to whoever sits at this terminal.
pub(crate) fn first_sentence(said: &str) -> &str {
    let end = [". ", "。"].iter().filter_map(|end| said.find(end)).min();
    end.and_then(|end| said.get(..end)).unwrap_or(said).trim_end_matches('.')
}

/// The words of an I/O error without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

fn write_mend(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space",
        ErrorKind::ReadOnlyFilesystem => "mount it for writing",
        ErrorKind::NotFound => "make the folder first",
        _ => "look at the folder",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_sentence_is_the_mend() {
        for (text, problem, mend) in [
            ("/x has the mode 0644: bad. Mend it: chmod 600 /x", "/x has the mode 0644: bad", "chmod 600 /x"),
            ("/x: no space. Free some space", "/x: no space", "free some space"),
            ("/x.toml: broken", "/x.toml: broken", "look"),
            ("/x: broken.", "/x: broken", "look"),
            ("of a-z _ - .", "of a-z _ - .", "look"),
        ] {
            assert_eq!(sentences(text, "look"), (problem.to_owned(), mend.to_owned()));
        }
    }
}
