//! What is kept between two logins, as core sees it; `herald-sys` keeps it in files.

use crate::account::UserName;
use crate::clock::Moment;
use crate::enrollment::Enrollment;
use crate::ledger::Ledger;
use std::fmt;
use zeroize::Zeroizing;

/// Why the store could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// What is there is not what we wrote: unreadable, truncated, from a newer version, wrong owner
    /// or mode, a missing folder. PAM_SERVICE_ERR.
    State(String),
    /// It could not be read or written just now: a full disk, an I/O error. PAM_SYSTEM_ERR.
    Failed(String),
    /// Another process holds the lock for longer than anyone should (rule 17). PAM_SYSTEM_ERR.
    Busy {
        /// The process that holds it, as far as it can be told.
        holder: Option<u32>,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(text) | Self::Failed(text) => formatter.write_str(text),
            Self::Busy { holder: Some(pid) } => write!(formatter, "the ledger is locked by process {pid}"),
            Self::Busy { holder: None } => formatter.write_str("the ledger is locked by another process"),
        }
    }
}

impl std::error::Error for StoreError {}

/// The key of the challenge MACs: 32 random bytes, made once per boot (`/run/herald/key`).
pub type Key = Zeroizing<[u8; 32]>;

/// One user's ledger while its lock is held. It is held to read, decide and write, never across a
/// prompt, a process or the network (rule 17); dropping it lets go.
pub trait LockedLedger {
    /// The ledger as it stands; an empty one if there is none, or if it is of another boot.
    ///
    /// # Errors
    /// [`StoreError::State`] if it cannot be understood.
    fn read(&mut self) -> Result<Ledger, StoreError>;
    /// Replaces the ledger whole: after a crash there is the old one or the new one.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if it cannot be written: the caller refuses.
    fn write(&mut self, ledger: &Ledger) -> Result<(), StoreError>;
}

/// Enrollments, ledgers, the key, and what gateways asked us to remember.
pub trait Store {
    /// The enrollment of a user; `None` only if the folder is there, is ours, and has no such file (rule 3).
    ///
    /// # Errors
    /// Everything else.
    fn enrollment(&self, user: &UserName) -> Result<Option<Enrollment>, StoreError>;
    /// Writes an enrollment whole and durably; one without factors and language is removed.
    ///
    /// # Errors
    /// The old file is still there then.
    fn save_enrollment(&self, user: &UserName, enrollment: &Enrollment) -> Result<(), StoreError>;
    /// Locks the enrollment of a user for a change; waits at most 3 s. Commands hold it from reading to
    /// writing. A login needs it only to write an enrollment.
    ///
    /// # Errors
    /// [`StoreError::Busy`] after the wait.
    fn lock_enrollment(&self, user: &UserName) -> Result<Box<dyn std::any::Any>, StoreError>;
    /// Locks the ledger of a user; waits at most 3 s.
    ///
    /// # Errors
    /// [`StoreError::Busy`] after the wait.
    fn lock_ledger(&self, user: &UserName) -> Result<Box<dyn LockedLedger>, StoreError>;
    /// The ledger as it stands, without the lock, for a look only; empty if there is none.
    ///
    /// # Errors
    /// As [`LockedLedger::read`].
    fn peek_ledger(&self, user: &UserName) -> Result<Ledger, StoreError>;
    /// Removes the ledger file whole, also one that cannot be read (`herald unlock`).
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn discard_ledger(&self, user: &UserName) -> Result<(), StoreError>;
    /// The key of this boot, made if it is missing.
    ///
    /// # Errors
    /// [`StoreError::Failed`] or [`StoreError::State`].
    fn key(&self) -> Result<Key, StoreError>;
    /// The last TOTP step of a factor that outlived its boot.
    ///
    /// # Errors
    /// An unreadable record; the ledger is what counts.
    fn used_step(&self, user: &UserName, factor: u32) -> Result<Option<u64>, StoreError>;
    /// Remembers the last TOTP step of a factor beyond this boot.
    ///
    /// # Errors
    /// [`StoreError::Failed`]; the caller logs it and goes on.
    fn set_used_step(&self, user: &UserName, factor: u32, step: u64) -> Result<(), StoreError>;
    /// Forgets the TOTP steps of a user that were remembered beyond this boot (`herald unlock`).
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn forget_used_steps(&self, user: &UserName) -> Result<(), StoreError>;
    /// Until when a gateway asked to be left alone, if it did.
    ///
    /// # Errors
    /// An unreadable record; the caller treats the gateway as free.
    fn retry_after(&self, gateway: &str) -> Result<Option<Moment>, StoreError>;
    /// Remembers until when a gateway wants to be left alone.
    ///
    /// # Errors
    /// [`StoreError::Failed`]; the caller logs it and goes on.
    fn set_retry_after(&self, gateway: &str, until: Moment) -> Result<(), StoreError>;
}
