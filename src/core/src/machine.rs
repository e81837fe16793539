//! Everything that a login needs from the machine it runs on. `herald-sys` is the real one; tests have one in memory.

use crate::account::Users;
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Paths, Problem};
use crate::courier::Courier;
use crate::randomness::Randomness;
use crate::store::Store;
use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The machine: clocks, users, files, and the way to the network side.
pub trait Machine {
    /// Its clocks.
    fn clock(&self) -> &dyn Clock;
    /// Its random source.
    fn randomness(&self) -> &dyn Randomness;
    /// Its user and group databases.
    fn users(&self) -> &dyn Users;
    /// Its files.
    fn files(&self) -> &dyn Files;
    /// Its own name, for messages (gethostname(2)).
    fn host_name(&self) -> String;
    /// Which login session the calling process belongs to, in words that no other session of this boot has; `None` if
    /// that cannot be told.
    fn session(&self) -> Option<String>;
    /// Where enrollments and ledgers are kept.
    fn store(&self, paths: &Paths) -> Box<dyn Store>;
    /// The way to the network side.
    fn courier(&self, paths: &Paths) -> Box<dyn Courier>;
}

/// Who may have a hand in a file (rule 25). In every case: a regular file, owned by root or the effective uid,
/// not writable by others, in folders of which the same is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Others may read it: certificates, service definitions.
    Public,
    /// Others may not read it either.
    Secret,
}

/// A file could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileError {
    /// There is none.
    Missing(PathBuf),
    /// Its owner, mode, kind or a folder above it is not what rule 25 asks for; the text says which and the mend.
    Untrusted(String),
    /// It could not be read, or is too long, or is not text.
    Failed(String),
}

impl fmt::Display for FileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(formatter, "{}: there is no such file", path.display()),
            Self::Untrusted(text) | Self::Failed(text) => formatter.write_str(text),
        }
    }
}

impl std::error::Error for FileError {}

/// Files that an admin wrote.
pub trait Files {
    /// The whole text of a file of at most `limit` bytes, in memory that is wiped.
    ///
    /// # Errors
    /// See [`FileError`].
    fn read(&self, path: &Path, trust: Trust, limit: usize) -> Result<Zeroizing<String>, FileError>;
}

/// The longest `herald.toml` that is read, in bytes.
const MAX_CONFIG: usize = 1 << 20;

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The file itself.
    File(FileError),
    /// What stands in it.
    Config(ConfigError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(formatter),
            Self::Config(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for LoadError {}

/// Reads and checks a configuration file.
///
/// # Errors
/// See [`LoadError`].
pub fn load_config(files: &dyn Files, path: &Path) -> Result<Config, LoadError> {
    let text = files.read(path, Trust::Secret, MAX_CONFIG).map_err(LoadError::File)?;
    Config::parse(&text, path).map_err(LoadError::Config)
}

impl Problem {
    /// A problem that has no line, found after the file was read.
    pub fn of_key(key: &str, text: impl Into<String>) -> Self {
        Self { line: 0, key: key.to_owned(), text: text.into() }
    }
}
