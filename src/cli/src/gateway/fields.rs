//! Fields of a gateway as they are given: `K=V`, `K=-` for a line of stdin, `K_file=/path`, or asked for.

use crate::error::Error;
use crate::output::wrapped;
use crate::terminal::Terminal;
use herald_core::courier::{Driver, Field, FieldHelp};
use herald_core::secret::Secret;
use herald_core::text::display_line;
use std::io::Write;

/// Keys that belong to core and not to a driver.
const OURS: [&str; 2] = ["channel", "insecure"];

/// One key and where its value comes from.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) key: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Value(String),
    Stdin,
}

impl Given {
    /// The value is empty: the key is to be taken out.
    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.source, Source::Value(value) if value.is_empty())
    }
}

/// Reads `K=V` words. Nothing of a value is ever repeated in an error. `command` is what the mend begins with.
pub(super) fn parse(words: &[String], driver: &Driver, command: &str) -> Result<Vec<Given>, Error> {
    let mut given: Vec<Given> = Vec::new();
    for word in words {
        let Some((key, value)) = word.split_once('=') else {
            return Err(Error::Usage("a field is given as K=V".to_owned(), format!("{command} {}", example(driver))));
        };
        let name = key.strip_suffix("_file").unwrap_or(key);
        let help = driver.fields.iter().find(|field| field.name == key || field.name == name);
        if help.is_none() && !OURS.contains(&key) {
            return Err(unknown(key, driver));
        }
        let by_file = help.is_some_and(|field| field.name != key);
        if help.is_some_and(|field| field.secret) && !by_file && !matches!(value, "-" | "") {
            return Err(Error::Usage(
                format!("{key} is a secret, and others can read it on a command line; it was not used"),
                format!("{command} {key}=-"),
            ));
        }
        let bare = |key: &str| key.strip_suffix("_file").unwrap_or(key).to_owned();
        if given.iter().any(|other| bare(&other.key) == bare(key)) {
            return Err(Error::Usage(format!("{} is given twice", bare(key)), format!("give {} once", bare(key))));
        }
        let source = if value == "-" { Source::Stdin } else { Source::Value(value.to_owned()) };
        given.push(Given { key: key.to_owned(), source });
    }
    Ok(given)
}

/// `token=-`: what a field looks like, by the first that must be there.
fn example(driver: &Driver) -> String {
    let field = driver.fields.iter().find(|field| field.required).or(driver.fields.first());
    field.map_or_else(|| "K=V".to_owned(), |field| format!("{}=-", field.name))
}

fn unknown(key: &str, driver: &Driver) -> Error {
    let key = display_line(key, 40);
    if matches!(key.as_str(), "name" | "driver") {
        return Error::Usage(
            format!("{key} is not set like this"),
            "herald gateway remove, then herald gateway add DRIVER --name NAME".to_owned(),
        );
    }
    let known: Vec<&str> = driver.fields.iter().map(|field| field.name.as_str()).chain(OURS).collect();
    Error::Usage(format!("{} has no field {key}", driver.name), format!("one of {}", known.join(", ")))
}

/// Gets the values, in order: what is given, and lines of stdin.
pub(super) fn values(given: Vec<Given>, driver: &Driver, terminal: &Terminal) -> Result<Vec<(String, Field)>, Error> {
    let value = |Given { key, source }| {
        let text = match source {
            Source::Value(value) => Secret::new(value),
            Source::Stdin => {
                let secret = driver.fields.iter().any(|field| field.name == key && field.secret);
                // Whoever pipes it in was not asked.
                let prompt = if terminal.is_interactive() { format!("{key}: ") } else { String::new() };
                terminal.line(&prompt, !secret).filter(|line| !line.expose().is_empty()).ok_or_else(|| {
                    Error::Usage(
                        format!("{key} was to come from stdin, and nothing came"),
                        format!("give {key} as one line of stdin"),
                    )
                })?
            }
        };
        let text = cut_end(text);
        let field = match (key.as_str(), text.expose()) {
            ("insecure", "true") => Field::Flag(true),
            ("insecure", "false") => Field::Flag(false),
            ("insecure", _) => {
                return Err(Error::Usage("insecure is true or false".to_owned(), "insecure=true".to_owned()));
            }
            _ => Field::Text(text),
        };
        Ok((key, field))
    };
    given.into_iter().map(value).collect()
}

/// The channel, where the driver has none of its own.
pub(super) fn channel() -> FieldHelp {
    let help = "what people see and enroll for: sms, telegram, or a name of your own";
    FieldHelp { name: "channel".to_owned(), secret: false, required: true, help: help.to_owned() }
}

/// Asks for one field that must be there.
pub(super) fn ask(field: &FieldHelp, terminal: &Terminal) -> Option<Field> {
    if terminal.is_interactive() {
        let _ = write!(std::io::stderr(), "{}", wrapped(&format!("{}: {}", field.name, field.help), 0));
    }
    let line = terminal.line(&format!("{}: ", field.name), !field.secret)?;
    (!line.expose().is_empty()).then(|| Field::Text(cut_end(line)))
}

/// Lines of other systems end in a carriage return, and copied tokens in spaces.
fn cut_end(text: Secret) -> Secret {
    if text.expose().ends_with([' ', '\r', '\t']) { Secret::from(text.expose().trim_end()) } else { text }
}

/// A text that a driver did not take, as the number or the yes or no that it may have meant.
pub(super) fn other_kind(field: &Field) -> Option<Field> {
    let Field::Text(text) = field else { return None };
    match text.expose() {
        "true" => Some(Field::Flag(true)),
        "false" => Some(Field::Flag(false)),
        digits => digits.parse().ok().map(Field::Integer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driver() -> Driver {
        let field =
            |name: &str, secret, required| FieldHelp { name: name.into(), secret, required, help: "…".into() };
        Driver {
            name: "playsms".into(),
            channel: "sms".into(),
            addresses: vec!["e164".into()],
            fields: vec![field("url", false, true), field("token", true, true), field("flash", false, false)],
        }
    }

    fn wrong(words: &[&str]) -> (String, String) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let error = parse(&words, &driver(), "herald gateway set sms").expect_err("refused");
        assert_eq!(error.status(), 2);
        error.pair()
    }

    #[test]
    fn rule_33_a_secret_by_value_is_refused_and_not_repeated() {
        let (problem, mend) = wrong(&["token=FAKE-SECRET"]);
        assert!(problem.starts_with("token is a secret"), "{problem}");
        assert_eq!(mend, "herald gateway set sms token=-");
        for words in [&["tokn=FAKE-SECRET"][..], &["FAKE-SECRET"], &["url=x", "url=FAKE-SECRET"], &["name=FAKE-SECRET"]]
        {
            let (problem, mend) = wrong(words);
            assert!(!format!("{problem}{mend}").contains("FAKE"), "{problem} {mend}");
        }
    }

    #[test]
    fn a_field_and_its_file_are_one() {
        assert_eq!(wrong(&["token_file=/a", "token=-"]).0, "token is given twice");
        let words = ["token_file=/etc/herald/token".to_owned(), "insecure=true".to_owned(), "flash=".to_owned()];
        let given = parse(&words, &driver(), "").expect("all known");
        assert_eq!(given.iter().map(Given::is_empty).collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn a_word_that_may_be_a_number_is_one_only_if_the_driver_wants_it() {
        assert_eq!(other_kind(&Field::Text("80".into())), Some(Field::Integer(80)));
        assert_eq!(other_kind(&Field::Text("true".into())), Some(Field::Flag(true)));
        assert_eq!(other_kind(&Field::Text("https://x".into())), None);
        assert_eq!(other_kind(&Field::Integer(1)), None);
    }
}
