//! Who enrolled which way: the file `/var/lib/herald/users/NAME.toml`, and the registry of what is enabled.
//!
//! The file is TOML, at most 64 KiB. `version` is 1; a newer one is refused, not guessed. A factor's life follows
//! Nextcloud's: nothing → pending (a code was sent) → active ⇄ disabled → nothing.

use crate::clock::Timestamp;
use crate::document::{Section, Writer, read_document};
use crate::secret::Secret;
use std::fmt;
use zeroize::Zeroizing;

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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Factor {
    /// Stays with the factor as long as it is there.
    pub id: u32,
    /// What the user sees: `telegram`, `totp`, `backup` …
    pub channel: String,
    /// Where a gateway reaches the person, normalised; `None` for what is not delivered.
    pub address: Option<String>,
    /// What the person calls it.
    pub label: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub enrolled: Option<Timestamp>,
    /// A TOTP secret, base32.
    pub secret: Option<Secret>,
    /// The salt of backup codes.
    pub salt: Option<String>,
    /// The hashes of the backup codes that are left.
    pub codes: Option<Vec<String>>,
    /// When backup codes end.
    pub expires: Option<Timestamp>,
}

/// Where a factor stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
        let mut enrollment = Self::default();
        let mut version = 0;
        let problems = read_document(text, |root| {
            version = root.required_u32("version");
            if version > VERSION {
                return root.give_up();
            }
            enrollment.language = root.optional_text("language");
            root.list_of_tables("factor", &mut |section| enrollment.factors.push(Factor::read(section)));
        });
        if version > VERSION {
            return Err(EnrollmentError::Newer(version));
        }
        if let Some(problem) = problems.first() {
            return Err(EnrollmentError::Unreadable(format!("line{problem}").replacen(':', " ", 1)));
        }
        if version != VERSION {
            return Err(EnrollmentError::Unreadable(format!("there is no version {version}")));
        }
        for (position, factor) in enrollment.factors.iter().enumerate() {
            if enrollment.factors.iter().take(position).any(|other| other.id == factor.id) {
                return Err(EnrollmentError::Unreadable(format!("two factors have the id {}", factor.id)));
            }
        }
        Ok(enrollment)
    }

    /// The text of the file.
    ///
    /// # Errors
    /// If it would be longer than it may be.
    pub fn to_toml(&self) -> Result<Zeroizing<String>, EnrollmentError> {
        let mut writer = Writer::default();
        writer.plain("version", &VERSION);
        writer.optional("language", self.language.as_deref());
        for factor in &self.factors {
            factor.write(&mut writer);
        }
        let text = writer.finish();
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
        self.add(Factor {
            channel: channel.to_owned(),
            address: Some(address.to_owned()),
            label: label.map(str::to_owned),
            state,
            enrolled: (state == State::Active).then_some(now),
            ..Factor::default()
        })
    }

    /// Adds a factor behind the others, and gives back the id that it gets.
    pub fn add(&mut self, factor: Factor) -> u32 {
        let id = self.factors.iter().map(|factor| factor.id).max().unwrap_or(0).saturating_add(1);
        self.factors.push(Factor { id, ..factor });
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

impl Factor {
    fn read(section: &mut Section<'_>) -> Self {
        let words = [State::Pending, State::Active, State::Disabled].map(|state| (state.as_str(), state));
        let mut factor = Self {
            id: section.required_u32("id"),
            channel: section.required_text("channel"),
            address: section.optional_text("address"),
            label: section.optional_text("label"),
            state: State::Active,
            enrolled: section.time("enrolled"),
            secret: section.optional_text("secret").map(Secret::new),
            salt: section.optional_text("salt"),
            codes: None,
            expires: section.time("expires"),
        };
        section.word("state", &words, &mut factor.state);
        if section.has("codes") {
            let mut codes = Vec::new();
            section.list("codes", &mut codes, |code| Ok(code.to_owned()));
            factor.codes = Some(codes);
        }
        factor
    }

    fn write(&self, writer: &mut Writer) {
        writer.table("factor");
        writer.plain("id", &self.id);
        writer.text("channel", &self.channel);
        writer.optional("address", self.address.as_deref());
        writer.optional("label", self.label.as_deref());
        writer.text("state", self.state.as_str());
        if let Some(enrolled) = &self.enrolled {
            writer.plain("enrolled", enrolled);
        }
        writer.optional("secret", self.secret.as_ref().map(Secret::expose));
        writer.optional("salt", self.salt.as_deref());
        if let Some(codes) = &self.codes {
            writer.texts("codes", codes);
        }
        if let Some(expires) = &self.expires {
            writer.plain("expires", expires);
        }
    }
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
        assert!(again.contains("enrolled = 2026-11-22T02:00:00Z"), "{}", *again);
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
