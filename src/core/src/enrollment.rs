//! Who enrolled which way: the file `/var/lib/herald/users/NAME.toml`, and the registry of what is enabled.
//!
//! The file is TOML, at most 64 KiB. `version` is 1; a newer one is refused, not guessed. A factor's life follows
//! Nextcloud's: nothing → pending (a code was sent) → active ⇄ disabled → nothing.

use crate::clock::Timestamp;
use crate::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The only version of the file there is so far.
const VERSION: u32 = 1;
/// The largest file that is read, in bytes.
pub const MAX_SIZE: usize = 64 * 1024;

/// Everything that is enrolled for one user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Enrollment {
    /// The user's own choice of language.
    pub language: Option<String>,
    /// In order of preference: the first active one is asked first.
    pub factors: Vec<Factor>,
}

/// One enrolled way to prove oneself.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Factor {
    /// Stays with the factor as long as it is there.
    pub id: u32,
    /// What the user sees: `telegram`, `totp`, `backup` …
    pub channel: String,
    /// Where a gateway reaches the person, normalised; `None` for what is not delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the person calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Where it stands.
    #[serde(default)]
    pub state: State,
    /// Since when.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_time",
        deserialize_with = "read_time"
    )]
    pub enrolled: Option<Timestamp>,
    /// A TOTP secret, base32.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_secret",
        deserialize_with = "read_secret"
    )]
    pub secret: Option<Secret>,
    /// The salt of backup codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// The hashes of the backup codes that are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codes: Option<Vec<String>>,
    /// When backup codes end.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_time",
        deserialize_with = "read_time"
    )]
    pub expires: Option<Timestamp>,
}

/// Where a factor stands.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A code was sent and not yet answered: never offered at a login.
    Pending,
    /// In use. What a file that says nothing means.
    #[default]
    Active,
    /// Known, and never offered.
    Disabled,
}

impl State {
    /// As it stands in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileIn {
    version: u32,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    factor: Vec<Factor>,
}

#[derive(Serialize)]
struct FileOut<'a> {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Factor]>::is_empty")]
    factor: &'a [Factor],
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

/// The file cannot be used; nothing in it is guessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnrollmentError {
    /// It is not what we write: truncated, edited, too long.
    Unreadable(String),
    /// A later Herald wrote it.
    Newer(u32),
}

impl fmt::Display for EnrollmentError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(text) => write!(formatter, "the enrollment file cannot be read: {text}"),
            Self::Newer(version) => {
                write!(formatter, "the enrollment file has version {version}, this Herald knows {VERSION}")
            }
        }
    }
}

impl Enrollment {
    /// Reads the text of an enrollment file.
    ///
    /// # Errors
    /// Whatever is not exactly what [`Enrollment::to_toml`] could have written. The text of the error holds no
    /// value of the file.
    pub fn parse(text: &str) -> Result<Self, EnrollmentError> {
        if text.len() > MAX_SIZE {
            return Err(EnrollmentError::Unreadable("it is longer than 64 KiB".to_owned()));
        }
        let unreadable = |error: toml::de::Error| EnrollmentError::Unreadable(error.message().to_owned());
        let version = toml::from_str::<VersionOnly>(text).map_err(unreadable)?.version;
        if version > VERSION {
            return Err(EnrollmentError::Newer(version));
        }
        let file: FileIn = toml::from_str(text).map_err(unreadable)?;
        if file.version != VERSION {
            return Err(EnrollmentError::Unreadable(format!("there is no version {}", file.version)));
        }
        for (position, factor) in file.factor.iter().enumerate() {
            if file.factor.iter().take(position).any(|other| other.id == factor.id) {
                return Err(EnrollmentError::Unreadable(format!("two factors have the id {}", factor.id)));
            }
        }
        Ok(Self { language: file.language, factors: file.factor })
    }

    /// The text of the file.
    ///
    /// # Errors
    /// If it would be longer than it may be.
    pub fn to_toml(&self) -> Result<String, EnrollmentError> {
        let file = FileOut { version: VERSION, language: self.language.as_deref(), factor: &self.factors };
        let text = toml::to_string(&file).map_err(|error| EnrollmentError::Unreadable(error.to_string()))?;
        if text.len() > MAX_SIZE {
            return Err(EnrollmentError::Unreadable("it would be longer than 64 KiB".to_owned()));
        }
        Ok(text)
    }

    /// Nothing left to keep.
    pub fn is_empty(&self) -> bool {
        self.factors.is_empty() && self.language.is_none()
    }

    /// The factors that a login may ask for, in order of preference.
    pub fn active(&self) -> impl Iterator<Item = &Factor> {
        self.factors.iter().filter(|factor| factor.state == State::Active)
    }

    /// The factor of that id.
    pub fn factor(&self, id: u32) -> Option<&Factor> {
        self.factors.iter().find(|factor| factor.id == id)
    }

    /// Adds a factor behind the others and gives back its id. The same channel and address again is the same
    /// factor: it keeps its id and place, and takes the new label (if any) and state.
    pub fn enroll(&mut self, channel: &str, address: &str, label: Option<&str>, state: State, now: Timestamp) -> u32 {
        let known = |factor: &&mut Factor| factor.channel == channel && factor.address.as_deref() == Some(address);
        if let Some(factor) = self.factors.iter_mut().find(known) {
            factor.state = state;
            if state == State::Active {
                factor.enrolled = Some(now);
            }
            if label.is_some() {
                factor.label = label.map(str::to_owned);
            }
            return factor.id;
        }
        let id = self.factors.iter().map(|factor| factor.id).max().unwrap_or(0).saturating_add(1);
        self.factors.push(Factor {
            id,
            channel: channel.to_owned(),
            address: Some(address.to_owned()),
            label: label.map(str::to_owned),
            state,
            enrolled: (state == State::Active).then_some(now),
            secret: None,
            salt: None,
            codes: None,
            expires: None,
        });
        id
    }

    /// The factor that `CHANNEL` or `CHANNEL:LABEL` names (a label, or the address itself).
    ///
    /// # Errors
    /// None such, or more than one.
    pub fn select(&self, name: &str) -> Result<u32, SelectError> {
        let (channel, label) = match name.split_once(':') {
            Some((channel, label)) => (channel, Some(label)),
            None => (name, None),
        };
        let mut found = self.factors.iter().filter(|factor| {
            factor.channel == channel
                && label.is_none_or(|label| {
                    factor.label.as_deref() == Some(label) || factor.address.as_deref() == Some(label)
                })
        });
        let first = found.next().ok_or(SelectError::NotEnrolled)?;
        let others: Vec<u32> = found.map(|factor| factor.id).collect();
        if others.is_empty() {
            return Ok(first.id);
        }
        let mut all = vec![first.id];
        all.extend(others);
        Err(SelectError::Ambiguous(all))
    }
}

/// A name that does not single out one factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectError {
    /// Nothing of that name was ever enrolled.
    NotEnrolled,
    /// Several: their ids.
    Ambiguous(Vec<u32>),
}

#[allow(clippy::ref_option)] // the signature that serde's attribute wants
fn write_time<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(time) = time else { return serializer.serialize_none() };
    let datetime: toml::value::Datetime = time.to_string().parse().map_err(serde::ser::Error::custom)?;
    datetime.serialize(serializer)
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let datetime = toml::value::Datetime::deserialize(deserializer)?;
    let time = Timestamp::parse(&datetime.to_string());
    time.map(Some).ok_or_else(|| serde::de::Error::custom("a time must be like 2026-11-22T02:00:00Z"))
}

#[allow(clippy::ref_option)]
fn write_secret<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::expose).serialize(serializer)
}

fn read_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Some(Secret::new(String::deserialize(deserializer)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: &str = r#"
version = 1
language = "ja"
[[factor]]
id = 1
channel = "telegram"
address = "475721977"
label = "matoken"
state = "active"
enrolled = 2026-11-22T02:00:00Z
[[factor]]
id = 2
channel = "totp"
secret = "GEZDGNBVGY3TQOJQ"
[[factor]]
id = 3
channel = "backup"
salt = "c2FsdA"
codes = ["aa", "bb"]
"#;

    #[test]
    fn the_file_of_the_contract_is_read_and_written_back_the_same() {
        let enrollment = Enrollment::parse(CONTRACT).expect("the contract's own example");
        assert_eq!(enrollment.factors.len(), 3);
        assert_eq!(enrollment.active().count(), 3);
        assert_eq!(enrollment.factor(1).and_then(|factor| factor.enrolled), Timestamp::parse("2026-11-22T02:00:00Z"));
        let again = enrollment.to_toml().expect("short enough");
        assert!(again.contains("enrolled = 2026-11-22T02:00:00Z"), "{again}");
        assert_eq!(Enrollment::parse(&again), Ok(enrollment));
    }

    #[test]
    fn what_we_did_not_write_is_refused_and_not_guessed() {
        assert_eq!(Enrollment::parse("version = 2\nfuture = true\n"), Err(EnrollmentError::Newer(2)));
        for text in [
            "",
            "version = 0",
            "version = 1\nwhat = 1",
            &CONTRACT[..CONTRACT.len() / 2],
            "version = 1\n[[factor]]\nid = 1\nchannel = \"a\"\n[[factor]]\nid = 1\nchannel = \"b\"",
            "version = 1\n[[factor]]\nid = 1\nchannel = \"a\"\nstate = \"on\"",
        ] {
            assert!(matches!(Enrollment::parse(text), Err(EnrollmentError::Unreadable(_))), "{text}");
        }
        let long = format!("version = 1\n# {}", "x".repeat(MAX_SIZE));
        assert!(Enrollment::parse(&long).is_err());
    }

    #[test]
    fn the_registry_goes_from_nothing_to_pending_to_active_and_keeps_its_id() {
        let now = Timestamp::from_unix(0);
        let mut enrollment = Enrollment::default();
        let id = enrollment.enroll("telegram", "1", None, State::Pending, now);
        assert_eq!((enrollment.active().count(), enrollment.is_empty()), (0, false));
        assert_eq!(enrollment.enroll("telegram", "1", Some("phone"), State::Active, now), id);
        let second = enrollment.enroll("telegram", "2", None, State::Active, now);
        assert_ne!(second, id);
        assert_eq!(enrollment.select("telegram"), Err(SelectError::Ambiguous(vec![id, second])));
        assert_eq!(enrollment.select("telegram:phone"), Ok(id));
        assert_eq!(enrollment.select("telegram:2"), Ok(second));
        assert_eq!(enrollment.select("signal"), Err(SelectError::NotEnrolled));
    }
}
