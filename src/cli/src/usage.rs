//! From the words of the command line to a [`Line`], or to what is wrong with them.
//!
//! Where words are not understood, only names of options are repeated, never values: somebody may have put a token
//! where none belongs.

use crate::command::Line;
use crate::error::Error;
use crate::output::Report;
use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use herald_core::text::display_line;
use serde_json::json;
use std::ffi::{OsStr, OsString};

/// What came of reading the command line.
pub(crate) enum Read {
    /// Something to do.
    Line(Line),
    /// Help or version, which were asked for.
    Text(Report),
    /// Help that was not asked for: half a command.
    Help(String),
    /// Something is wrong.
    Error(Error),
}

/// Reads the words, the program's name first.
pub(crate) fn read(words: &[OsString]) -> Read {
    let error = match Line::try_parse_from(words) {
        Ok(line) => return Read::Line(line),
        Err(error) => error,
    };
    let styled = || error.render().ansi().to_string();
    let plain = || error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp => Read::Text(Report::new(&json!({"ok": true, "help": plain()}), styled())),
        ErrorKind::DisplayVersion => {
            Read::Text(Report::new(&json!({"ok": true, "version": env!("CARGO_PKG_VERSION")}), plain()))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !wants_json(words) => Read::Help(styled()),
        _ => Read::Error(usage_error(&error, words)),
    }
}

/// Whether the words ask for JSON, also where they are not understood as a whole.
pub(crate) fn wants_json(words: &[OsString]) -> bool {
    words.iter().skip(1).take_while(|word| *word != "--").any(|word| word == "--json")
}

fn usage_error(error: &clap::Error, words: &[OsString]) -> Error {
    let path = command_path(words);
    let help = format!("{path} --help");
    let argument = argument(error, ContextKind::InvalidArg);
    let (problem, mend) = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let known = suggestion(error, ContextKind::SuggestedSubcommand);
            ("there is no such command".to_owned(), known.map(|known| format!("{path} {known}")))
        }
        ErrorKind::UnknownArgument => match argument {
            Some(option) => {
                let known = suggestion(error, ContextKind::SuggestedArg);
                (format!("{option} is not known here"), known.map(|known| format!("{path} {known}")))
            }
            None => ("there is a word too many".to_owned(), None),
        },
        ErrorKind::MissingRequiredArgument => {
            let missing = list(error, ContextKind::InvalidArg).join(" ");
            (format!("something is missing: {missing}"), None)
        }
        ErrorKind::InvalidValue if !list(error, ContextKind::ValidValue).is_empty() => {
            let known = list(error, ContextKind::ValidValue).join(", ");
            (format!("{} takes one of {known}", argument.unwrap_or_default()), None)
        }
        ErrorKind::ValueValidation => (format!("{} does not take that value", argument.unwrap_or_default()), None),
        ErrorKind::InvalidValue | ErrorKind::NoEquals => {
            (format!("a value is missing: {}", argument.unwrap_or_default()), None)
        }
        ErrorKind::ArgumentConflict => {
            let first =
                argument.or_else(|| list(error, ContextKind::InvalidArg).into_iter().next()).unwrap_or_default();
            match self::argument(error, ContextKind::PriorArg) {
                Some(second) if second != first => (format!("{first} and {second} exclude each other"), None),
                _ => (format!("{first} is given twice"), None),
            }
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            ("a command is missing".to_owned(), None)
        }
        ErrorKind::InvalidUtf8 => ("the command line is not text in UTF-8".to_owned(), None),
        ErrorKind::TooManyValues => (format!("{} takes no value", argument.unwrap_or_default()), None),
        _ => ("the command line is not understood".to_owned(), None),
    };
    Error::Usage(problem, mend.unwrap_or(help))
}

/// `herald gateway add`: the commands among the words.
fn command_path(words: &[OsString]) -> String {
    let mut here = crate::command::command();
    let mut path = "herald".to_owned();
    for word in words.iter().skip(1) {
        let Some(next) = word.to_str().and_then(|word| here.find_subcommand(word)).cloned() else { continue };
        path.push(' ');
        path.push_str(next.get_name());
        here = next;
    }
    path
}

/// The option at fault, without a value that may hang on it; `None` for anything that is no option.
fn argument(error: &clap::Error, kind: ContextKind) -> Option<String> {
    let argument = list(error, kind).into_iter().next()?;
    let name = argument.split(['=', ' ']).next()?.to_owned();
    name.starts_with('-').then(|| display_line(&name, 40))
}

/// The nearest known word: the last of the list.
fn suggestion(error: &clap::Error, kind: ContextKind) -> Option<String> {
    list(error, kind).into_iter().last()
}

fn list(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// The command line once more, for `sudo`. Values of fields are left out, since they may be secrets: `-` has them
/// read from stdin.
pub(crate) fn again(words: &[OsString]) -> String {
    let fields_follow = words.iter().skip(1).any(|word| word == "gateway");
    let mut line = "sudo herald".to_owned();
    for word in words.iter().skip(1) {
        line.push(' ');
        line.push_str(&quoted(&without_value(word, fields_follow)));
    }
    line
}

fn without_value(word: &OsStr, in_gateway: bool) -> String {
    let text = display_line(&word.to_string_lossy(), 200);
    let (option, field) = match text.strip_prefix("--set=") {
        Some(field) => ("--set=", field),
        None => ("", text.as_str()),
    };
    match field.split_once('=') {
        Some((key, _)) if in_gateway && !field.starts_with('-') && !key.ends_with("_file") => {
            format!("{option}{key}=-")
        }
        _ => text,
    }
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn wrong(line: &str) -> (String, String) {
        match read(&words(line)) {
            Read::Error(error) => {
                assert_eq!(error.status(), 2);
                error.pair()
            }
            _ => panic!("{line} is understood"),
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_way_on() {
        for (line, problem, mend) in [
            ("herald enrol", "there is no such command", "herald enroll"),
            ("herald gateway ad", "there is no such command", "herald gateway add"),
            ("herald frobnicate", "there is no such command", "herald --help"),
            ("herald enroll", "something is missing: <CHANNEL>", "herald enroll --help"),
            ("herald gateway set telegram", "something is missing: <K=V>...", "herald gateway set --help"),
            ("herald status --al", "--al is not known here", "herald status --all"),
            ("herald status --frob=x", "--frob is not known here", "herald status --help"),
            ("herald status --user", "a value is missing: --user", "herald status --help"),
            ("herald status --user a --all", "--user and --all exclude each other", "herald status --help"),
            ("herald status --user a --user b", "--user is given twice", "herald status --help"),
            ("herald status --all=yes", "--all takes no value", "herald status --help"),
            ("herald --json", "a command is missing", "herald --help"),
            ("herald gateway --json", "a command is missing", "herald gateway --help"),
        ] {
            assert_eq!(wrong(line), (problem.to_owned(), mend.to_owned()), "{line}");
        }
    }

    #[test]
    fn rule_33_a_token_in_the_wrong_place_is_not_repeated() {
        for line in [
            "herald gateway add telegram-bot 110000000:FAKE-TOKEN",
            "herald gateway add telegram-bot --token=110000000:FAKE-TOKEN",
            "herald gateway add telegram-bot --token 110000000:FAKE-TOKEN",
            "herald gateway add telegram-bot --set token=- --110000000:FAKE-TOKEN=x",
            "herald 110000000:FAKE-TOKEN",
        ] {
            let (problem, mend) = wrong(line);
            let said = format!("{problem} {mend}").replace("--110000000:FAKE-TOKEN", "");
            assert!(!said.contains("FAKE"), "{line}: {said}");
        }
    }

    #[test]
    fn the_command_is_repeated_for_sudo_without_values_of_fields() {
        for (line, again) in [
            ("herald status --all", "sudo herald status --all"),
            ("/usr/bin/herald enroll telegram 475 --label it's", r"sudo herald enroll telegram 475 --label 'it'\''s'"),
            ("herald gateway set t token=FAKE x_file=/a", "sudo herald gateway set t token=- x_file=/a"),
            ("herald gateway add t --set=token=FAKE", "sudo herald gateway add t --set=token=-"),
            ("herald gateway add t --set token=FAKE --name n", "sudo herald gateway add t --set token=- --name n"),
            ("herald --config=/a/b gateway status", "sudo herald --config=/a/b gateway status"),
        ] {
            assert_eq!(super::again(&words(line)), again);
        }
    }
}
