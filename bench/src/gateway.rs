//! The server that stands in for Telegram: what has arrived there.
//!
//! It is nginx, and it writes a line into its log after it has answered (`scripts/bench.sh`): the status, the method,
//! and the body of the request. So nobody who is measured waits for the reading of a code.

use crate::Failure;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a line may take to come after its answer.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_micros(200);

/// The log of the server.
pub(crate) struct Gateway {
    log: PathBuf,
}

/// A place in the log.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place(u64);

impl Gateway {
    /// The server that writes this log.
    pub(crate) fn new(log: PathBuf) -> Self {
        Self { log }
    }

    /// Where the log ends now.
    pub(crate) fn end(&self) -> Result<Place, Failure> {
        self.log.metadata().map(|log| Place(log.len())).map_err(|error| self.failed(&error))
    }

    /// The code in the first message after `place` that speaks of `rhost`.
    pub(crate) fn code(&self, place: Place, rhost: &str) -> Result<String, Failure> {
        let find = |lines: &[String]| lines.iter().find(|line| line.contains(rhost)).map(|line| code_in(line));
        self.wait(place, find)?.ok_or_else(|| format!("no message that speaks of {rhost} has arrived"))?
    }

    /// Waits until so many messages have arrived after `place`, and a moment longer for one too many.
    pub(crate) fn expect(&self, place: Place, count: usize) -> Result<(), Failure> {
        self.wait(place, |lines| (lines.len() >= count).then_some(()))?;
        let lines = self.since(place)?;
        match lines.iter().find(|line| !line.starts_with("200 POST ")) {
            Some(line) => Err(format!("the gateway refused: {line}")),
            None if lines.len() == count => Ok(()),
            None => Err(format!("{} messages have arrived, not {count}", lines.len())),
        }
    }

    fn wait<T>(&self, place: Place, mut find: impl FnMut(&[String]) -> Option<T>) -> Result<Option<T>, Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = find(&self.since(place)?);
            if found.is_some() || Instant::now() >= end {
                return Ok(found);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// The whole lines after a place.
    fn since(&self, place: Place) -> Result<Vec<String>, Failure> {
        let read = || {
            let mut text = String::new();
            let mut log = File::open(&self.log)?;
            log.seek(SeekFrom::Start(place.0))?;
            log.read_to_string(&mut text).map(|_| text)
        };
        let text = read().map_err(|error| self.failed(&error))?;
        Ok(text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect())
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        format!("{}: {error}", self.log.display())
    }
}

/// The code in a line of the log. It stands in the copy button, or first in a message; nginx puts a backslash before every
/// quote and every backslash.
fn code_in(line: &str) -> Result<String, Failure> {
    let body = line.replace("\\\"", "\"");
    let button = body.split_once("\"copy_text\":{\"text\":\"").and_then(|(_, rest)| rest.split_once('"'));
    let text = || body.split_once("\"message\":\"").and_then(|(_, rest)| rest.split_once("\\\\n"));
    let code = button.or_else(text);
    code.map(|(code, _)| code.to_owned()).ok_or_else(|| format!("there is no code in this message: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_from_the_copy_button() {
        let line = r#"200 POST {\"chat_id\":1,\"reply_markup\":{\"inline_keyboard\":[[{\"copy_text\":{\"text\":\"000000\"},\"text\":\"Copy\"}]]},\"text\":\"999999\"}"#;
        assert_eq!(code_in(line), Ok("000000".to_owned()));
        let line = r#"200 POST {\"message\":\"000000\\nHost: bench\",\"phone\":\"1\"}"#;
        assert_eq!(code_in(line), Ok("000000".to_owned()));
        assert!(code_in("200 POST {}").is_err());
    }
}
