//! Self-service: a command of `herald` that somebody runs for themselves. The client's terminal goes along as descriptors
//! (unix(7), SCM_RIGHTS); what is said over the socket is the command, and at the end its exit status.

use crate::wire::{Input, Malformed, frame};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const ERRAND: u8 = 4;
const STATUS: u8 = 5;

/// The variables that say how a terminal is spoken to (locale(7), term(7)). No other is taken along.
pub const VARIABLES: [&str; 8] =
    ["LC_ALL", "LC_MESSAGES", "LC_CTYPE", "LANG", "TERM", "COLORTERM", "NO_COLOR", "CLICOLOR"];
/// The longest value of one of them.
const LONGEST_VALUE: usize = 64;

/// A command for oneself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errand {
    /// The words behind `herald`.
    pub words: Vec<Vec<u8>>,
    /// Of [`VARIABLES`] those that are set.
    pub variables: Vec<(String, String)>,
}

impl Errand {
    /// The variables that are known and harmless: short, of letters, digits and `._-@`.
    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        let plain = |value: &str| {
            value.len() <= LONGEST_VALUE
                && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte))
        };
        let all = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(move |(name, value)| VARIABLES.contains(name) && plain(value))
    }
}

/// An errand as one frame.
///
/// # Errors
/// Only for its length: beyond [`super::MAX_FRAME`].
pub fn encode_errand(errand: &Errand) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    frame(VERSION, super::MAX_FRAME, |out| {
        out.byte(ERRAND);
        out.list(&errand.words, |out, word| out.blob(word));
        out.list(&errand.variables, |out, (name, value)| {
            out.text(name);
            out.text(value);
        });
    })
}

/// Reads the payload of an errand.
///
/// # Errors
/// Anything unexpected, trailing bytes included.
pub fn decode_errand(payload: &[u8]) -> Result<Errand, Malformed> {
    let mut input = open(payload, ERRAND)?;
    let errand = Errand {
        words: input.list(|input| Ok(input.blob()?.to_vec()))?,
        variables: input.list(|input| Ok((input.text()?, input.text()?)))?,
    };
    input.close()?;
    Ok(errand)
}

/// The end of an errand as one frame: its exit status.
///
/// # Errors
/// None that can occur: it is short.
pub fn encode_status(status: u8) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    frame(VERSION, super::MAX_FRAME, |out| {
        out.byte(STATUS);
        out.byte(status);
    })
}

/// Reads the payload of the end of an errand.
///
/// # Errors
/// Anything unexpected, trailing bytes included.
pub fn decode_status(payload: &[u8]) -> Result<u8, Malformed> {
    let mut input = open(payload, STATUS)?;
    let status = input.byte()?;
    input.close()?;
    Ok(status)
}

fn open(payload: &[u8], kind: u8) -> Result<Input<'_>, Malformed> {
    let mut input = Input::open(VERSION, payload)?;
    if input.byte()? == kind { Ok(input) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errand_and_its_end_arrive_as_they_were_sent_and_cut_they_are_none() {
        let sent = Errand {
            words: vec![b"enroll".to_vec(), b"\xff".to_vec()],
            variables: vec![("LANG".into(), "ja_JP.UTF-8".into())],
        };
        let frame = encode_errand(&sent).expect("fits");
        assert_eq!(decode_errand(&frame[4..]), Ok(sent));
        let status = encode_status(3).expect("fits");
        assert_eq!(decode_status(&status[4..]), Ok(3));
        for (payload, whole) in [(&frame[4..], false), (&status[4..], true)] {
            for cut in 0..payload.len() {
                assert!(decode_errand(&payload[..cut]).is_err() && decode_status(&payload[..cut]).is_err());
            }
            assert_eq!(decode_errand(payload).is_err(), whole);
            assert!(decode_errand(&[payload, &[0]].concat()).is_err());
        }
    }

    #[test]
    fn rule_21_of_an_environment_only_how_to_speak_is_taken_along() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let variables = vec![
            pair("LANG", "de_DE.UTF-8@euro"),
            pair("LD_PRELOAD", "x"),
            pair("TERM", "../../etc/shadow"),
            pair("LC_ALL", &"x".repeat(65)),
            pair("NO_COLOR", ""),
        ];
        let errand = Errand { words: Vec::new(), variables };
        assert_eq!(errand.environment().collect::<Vec<_>>(), [("LANG", "de_DE.UTF-8@euro"), ("NO_COLOR", "")]);
    }
}
