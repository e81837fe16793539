//! Accounts of this machine, and how they are named in files.

use sha2::{Digest, Sha256};
use std::fmt;

/// The name of an account as getpwnam_r(3) gives it back (`pw_name`): the key of everything that is
/// kept about a person (rule 1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

impl UserName {
    /// Wraps a name that the user database returned.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file name that stands for this user: every byte outside `[A-Za-z0-9_.-]`, and a leading dot,
    /// percent-encoded, so `/`, `..` and `~` cannot occur. Beyond 200 bytes it is `%h` and the SHA-256 in hex.
    pub fn file_name(&self) -> String {
        let mut name = String::new();
        for (position, byte) in self.0.bytes().enumerate() {
            let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || (byte == b'.' && position > 0);
            if plain {
                name.push(char::from(byte));
            } else {
                name.push_str(&format!("%{byte:02X}"));
            }
        }
        if name.len() > 200 {
            return format!("%h{}", hex(&Sha256::digest(self.0.as_bytes())));
        }
        name
    }

    /// The user that a file name stands for, or `None` for hashed or foreign names.
    pub fn from_file_name(file_name: &str) -> Option<Self> {
        let mut bytes = Vec::new();
        let mut rest = file_name.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            } else {
                bytes.push(byte);
            }
        }
        let name = Self(String::from_utf8(bytes).ok()?);
        (name.file_name() == file_name).then_some(name)
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One account of the user database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// `pw_name`.
    pub name: UserName,
    /// `pw_uid`.
    pub uid: u32,
    /// `pw_gid`, the primary group.
    pub gid: u32,
}

/// The name service failed: not the same as "there is no such user" (rule 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServiceError(pub String);

impl fmt::Display for NameServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the user database cannot be read: {}", self.0)
    }
}

/// The user and group databases, through NSS.
pub trait Users {
    /// The account of that name; `None` if there is none.
    ///
    /// # Errors
    /// When the database could not be asked.
    fn find(&self, name: &str) -> Result<Option<Account>, NameServiceError>;
    /// The ids of all groups of an account, primary included (getgrouplist(3)).
    ///
    /// # Errors
    /// When the database could not be asked.
    fn groups_of(&self, account: &Account) -> Result<Vec<u32>, NameServiceError>;
    /// The id of the group of that name; `None` if there is none.
    ///
    /// # Errors
    /// When the database could not be asked.
    fn group_id(&self, name: &str) -> Result<Option<u32>, NameServiceError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_cannot_leave_their_folder() {
        for (name, file) in [
            ("alice", "alice"),
            ("a.b-c_d", "a.b-c_d"),
            (".alice", "%2Ealice"),
            ("..", "%2E."),
            ("../root", "%2E.%2Froot"),
            ("alice@corp", "alice%40corp"),
            ("CORP\\alice", "CORP%5Calice"),
            ("a~lock", "a%7Elock"),
            ("a b%", "a%20b%25"),
            ("日", "%E6%97%A5"),
        ] {
            assert_eq!(UserName::new(name).file_name(), file);
            assert_eq!(UserName::from_file_name(file), Some(UserName::new(name)));
        }
    }

    #[test]
    fn long_names_become_a_hash() {
        let file = UserName::new("x".repeat(255)).file_name();
        assert_eq!((&file[..2], file.len()), ("%h", 66));
        assert_ne!(file, UserName::new("x".repeat(254)).file_name());
        assert_eq!(UserName::from_file_name(&file), None);
        assert_eq!(UserName::new("x".repeat(200)).file_name().len(), 200);
    }
}
