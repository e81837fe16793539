//! One line of Herald's in a log (rule 31): the event first, then `key=value`, bytes that could do harm as `%XX`.

use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;
use std::fmt::Write;
use time::OffsetDateTime;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) time: OffsetDateTime,
    /// The PAM service, or `herald`.
    pub(super) service: String,
    pub(super) event: String,
    fields: Vec<(String, String)>,
}

impl Entry {
    /// Takes a message apart; `None` if it is not one of ours. `program` is who logged it.
    pub(super) fn parse(time: OffsetDateTime, program: &str, message: &str) -> Option<Self> {
        let (service, line) = match message.strip_prefix("pam_herald(") {
            Some(rest) => {
                let (place, line) = rest.split_once("): ")?;
                (place.rsplit_once(':').map_or(place, |(service, _)| service), line)
            }
            None if program == "herald" => ("herald", message),
            None => return None,
        };
        let mut words = line.split(' ');
        let is_event = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        // What only helps to find faults is no event.
        let event = words.next().filter(is_event).filter(|event| *event != "debug")?;
        let fields: Option<Vec<(String, String)>> = words
            .filter(|word| !word.is_empty())
            .map(|word| word.split_once('=').map(|(key, value)| (key.to_owned(), plain(value))))
            .collect();
        Some(Self { time, service: service.to_owned(), event: event.to_owned(), fields: fields? })
    }

    /// The value of a key.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Everything but who, where and what, as a person would say it.
    pub(super) fn told(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        let mut channel = self.value("channel").unwrap_or_default().to_owned();
        if let Some(gateway) = self.value("gateway").filter(|gateway| *gateway != channel) {
            let _ = write!(channel, " by {gateway}");
        }
        if let Some(to) = self.value("to") {
            let _ = write!(channel, " to {to}");
        }
        parts.push(channel.trim().to_owned());
        for (key, value) in &self.fields {
            parts.push(match key.as_str() {
                "user" | "channel" | "gateway" | "to" | "tty" => continue,
                "rhost" => format!("from {value}"),
                "by" => format!("by {value}"),
                "reason" => value.replace('_', " "),
                "left" => format!("{value} left"),
                "for" => format!("for {value}"),
                "took" => format!("in {value}"),
                key => format!("{key} {value}"),
            });
        }
        parts.retain(|part| !part.is_empty());
        parts.join(", ")
    }
}

impl Serialize for Entry {
    /// `{"time":…,"service":…,"event":…}` and the line's own keys.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let time = herald_core::clock::Timestamp::from_unix(u64::try_from(self.time.unix_timestamp()).unwrap_or(0));
        map.serialize_entry("time", &time.to_string())?;
        map.serialize_entry("service", &self.service)?;
        map.serialize_entry("event", &self.event)?;
        let own: BTreeMap<&str, &str> = self.fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        for (key, value) in own.iter().filter(|(key, _)| !["time", "service", "event"].contains(key)) {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// A value as it was before `%XX`; what is no such escape stays.
fn plain(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let escaped = behind.get(..2).filter(|_| *first == b'%');
        let byte = escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(program: &str, message: &str) -> Option<Entry> {
        Entry::parse(OffsetDateTime::UNIX_EPOCH, program, message)
    }

    #[test]
    fn rule_31_a_line_is_taken_apart_and_its_values_are_whole_again() {
        let line = "pam_herald(sshd:auth): refused user=al%3Dice%20x reason=too%20many_codes rhost=::1";
        let entry = parse("sshd", line).expect("one of ours");
        assert_eq!((entry.service.as_str(), entry.event.as_str()), ("sshd", "refused"));
        assert_eq!(entry.value("user"), Some("al=ice x"));
        assert_eq!(entry.told(), "too many codes, from ::1");
        let enrolled = parse("herald", "enrolled user=bob channel=telegram to=...977 by=root").expect("one of ours");
        assert_eq!(enrolled.told(), "telegram to ...977, by root");
        assert_eq!(plain("100%"), "100%");
        assert_eq!(plain("%zz%4"), "%zz%4");
    }

    #[test]
    fn other_lines_are_none_of_ours() {
        for (program, message) in [
            ("sshd", "Accepted keyboard-interactive/pam for alice from 203.0.113.7 port 40000 ssh2"),
            ("sshd", "enrolled user=alice by=root"),
            ("sudo", "pam_unix(sudo:auth): authentication failure; logname= uid=1000"),
            ("sshd", "pam_herald(sshd:auth): Verified user=alice"),
            ("sshd", "pam_herald(sshd:auth): verified alice"),
            ("sshd", "pam_herald(sshd:auth): debug user=alice tries=1"),
            ("herald", ""),
        ] {
            assert_eq!(parse(program, message), None, "{message}");
        }
    }
}
