//! A user's ledger in its file, and the lock beside it.
#![forbid(unsafe_code)]

use crate::clock::OsClock;
use crate::folder::{Folder, Lasting};
use crate::lock::Lock;
use herald_core::account::UserName;
use herald_core::clock::Clock;
use herald_core::ledger::Ledger;
use herald_core::store::{LockedLedger, StoreError};
use std::time::Duration;

/// In bytes. With the largest budget that can be configured, 4000 sends and 1000 challenges, a ledger stays below.
const MAX_LEDGER: usize = 4 << 20;

/// A ledger while its lock is held.
#[derive(Debug)]
pub(crate) struct OpenLedger {
    folder: Folder,
    user: UserName,
    boot: String,
    _lock: Lock,
}

impl OpenLedger {
    /// Waits for the lock of a user's ledger.
    pub(crate) fn lock(folder: Folder, user: &UserName, patience: Duration) -> Result<Self, StoreError> {
        let boot = OsClock.boot_id().map_err(StoreError::Failed)?;
        let lock = Lock::acquire(&folder, &format!("{}~lock", user.file_name()), patience)?;
        Ok(Self { folder, user: user.clone(), boot, _lock: lock })
    }
}

impl LockedLedger for OpenLedger {
    fn read(&mut self) -> Result<Ledger, StoreError> {
        read_ledger(&self.folder, &self.user, &self.boot)
    }

    fn write(&mut self, ledger: &Ledger) -> Result<(), StoreError> {
        let text = ledger.to_toml(&self.boot);
        self.folder.replace(&self.user.file_name(), text.as_bytes(), Lasting::ThisBoot)
    }
}

/// The ledger as it stands; an empty one if there is none, or if it is of another boot (rule 18).
pub(crate) fn read_ledger(folder: &Folder, user: &UserName, boot: &str) -> Result<Ledger, StoreError> {
    let name = user.file_name();
    let Some(bytes) = folder.read(&name, MAX_LEDGER)? else { return Ok(Ledger::default()) };
    let unreadable = |why: String| {
        let at = folder.at(&name);
        StoreError::State(format!("{} cannot be understood: {why}. Mend it: herald unlock {user}", at.display()))
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable("it is not text".to_owned()))?;
    let mut ledger = Ledger::parse(text, boot).map_err(unreadable)?;
    ledger.tidy(OsClock.now());
    Ok(ledger)
}
