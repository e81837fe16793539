//! The arguments of the module's line in a PAM stack (interface §3).

use crate::config::{DEFAULT_PATH, Unenrolled};
use crate::text::log_value;
use std::path::PathBuf;

/// What the arguments say; they beat the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    /// `config=PATH`
    pub config: PathBuf,
    /// `channel=NAME`: start with it.
    pub channel: Option<String>,
    /// `unenrolled=…`
    pub unenrolled: Option<Unenrolled>,
    /// `exempt=success` (rule 4).
    pub exempt_success: bool,
    /// `echo=on`: answers may be seen while typed (rule 29).
    pub echo: bool,
    /// `debug`: more log lines.
    pub debug: bool,
    /// `input=append`: the code stands behind the password.
    pub append: bool,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            config: DEFAULT_PATH.into(),
            channel: None,
            unenrolled: None,
            exempt_success: false,
            echo: false,
            debug: false,
            append: false,
        }
    }
}

impl Arguments {
    /// Reads them.
    ///
    /// # Errors
    /// One that is not known, or has a value that is not, by its name.
    pub fn parse(arguments: &[Vec<u8>]) -> Result<Self, String> {
        let mut parsed = Self::default();
        for argument in arguments {
            let text = String::from_utf8_lossy(argument);
            let bad = || format!("the argument {} is not known", log_value(&text.chars().take(64).collect::<String>()));
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (&*text, None),
            };
            match (name, value) {
                ("config", Some(path)) if path.starts_with('/') => parsed.config = path.into(),
                ("channel", Some(channel)) if !channel.is_empty() => parsed.channel = Some(channel.to_owned()),
                ("unenrolled", Some(word)) => {
                    let known = Unenrolled::WORDS.iter().find(|(known, _)| *known == word);
                    parsed.unenrolled = Some(known.ok_or_else(bad)?.1);
                }
                ("exempt", Some("ignore")) => parsed.exempt_success = false,
                ("exempt", Some("success")) => parsed.exempt_success = true,
                ("echo", Some("on")) => parsed.echo = true,
                ("echo", Some("off")) => parsed.echo = false,
                ("debug", None) => parsed.debug = true,
                ("input", Some("append")) => parsed.append = true,
                _ => return Err(bad()),
            }
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, String> {
        Arguments::parse(&words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>())
    }

    #[test]
    fn every_argument_of_the_contract_is_taken() {
        let words = [
            "config=/etc/x.toml",
            "channel=sms",
            "unenrolled=skip",
            "exempt=success",
            "echo=on",
            "debug",
            "input=append",
        ];
        assert_eq!(
            parse(&words),
            Ok(Arguments {
                config: "/etc/x.toml".into(),
                channel: Some("sms".to_owned()),
                unenrolled: Some(Unenrolled::Skip),
                exempt_success: true,
                echo: true,
                debug: true,
                append: true,
            })
        );
        assert_eq!(parse(&[]), Ok(Arguments::default()));
        assert_eq!(parse(&["exempt=success", "exempt=ignore", "echo=off"]), Ok(Arguments::default()));
    }

    #[test]
    fn anything_else_is_named_and_refused() {
        for word in [
            "nullok",
            "config",
            "config=x",
            "channel=",
            "unenrolled=maybe",
            "exempt=",
            "echo",
            "debug=1",
            "",
            "Debug",
            "input",
            "input=prompt",
        ] {
            let error = parse(&[word]).expect_err(word);
            assert!(error.contains(&log_value(word)), "{error}");
        }
    }
}
