//! Enrollments, ledgers and the key, in files.
//!
//! | where | what |
//! |---|---|
//! | `STATE/users/NAME.toml` | an enrollment: durable, must be found in a folder that is ours (rule 3) |
//! | `STATE/totp/NAME` | the last TOTP step used, a line for each factor: durable |
//! | `RUNTIME/key` | 32 random bytes, made once per boot |
//! | `RUNTIME/ledger/NAME`, `NAME~lock` | a ledger and its lock |
//! | `RUNTIME/ledger/NAME~enroll` | the lock of an enrollment |
//! | `RUNTIME/gateways/NAME` | until when a gateway wants to be left alone: milliseconds and boot id |
//!
//! STATE is `/var/lib/herald`, made when Herald is installed or by a command. RUNTIME is `/run/herald`, on tmpfs,
//! made by whoever needs it first. NAME is `UserName::file_name`, for users and gateways alike.
#![forbid(unsafe_code)]

use crate::clock::OsClock;
use crate::folder::{Folder, Lasting, store_error};
use crate::ledger::{OpenLedger, read_ledger};
use crate::lock::Lock;
use crate::randomness::OsRandomness;
use herald_core::account::UserName;
use herald_core::clock::{Clock, Moment};
use herald_core::config::Paths;
use herald_core::enrollment::{Enrollment, MAX_SIZE};
use herald_core::ledger::Ledger;
use herald_core::machine::FileError;
use herald_core::randomness::Randomness;
use herald_core::store::{Key, LockedLedger, Store, StoreError};
use std::any::Any;
use std::path::PathBuf;
use std::time::Duration;

/// How long anyone waits for a lock (rule 17).
const PATIENCE: Duration = Duration::from_secs(3);
const USERS: &str = "users";
const TOTP: &str = "totp";
const LEDGER: &str = "ledger";
const GATEWAYS: &str = "gateways";
const KEY: &str = "key";

/// The store in the folders that `[paths]` names.
#[derive(Clone, Debug)]
pub struct FileStore {
    state: PathBuf,
    runtime: PathBuf,
    patience: Duration,
}

impl FileStore {
    /// A store in these folders. Nothing is opened or made yet.
    pub fn new(paths: &Paths) -> Self {
        Self { state: paths.state.clone(), runtime: paths.runtime.clone(), patience: PATIENCE }
    }

    /// Makes the state folder and what belongs in it (0700), as far as it is missing; the folder above must be there.
    /// For commands and packages: a login never does, to it a missing folder is an error (rule 3).
    ///
    /// # Errors
    /// If a folder cannot be made, or is there and not ours.
    pub fn prepare(&self) -> Result<(), StoreError> {
        let state = Folder::open_or_make(&self.state).map_err(store_error)?;
        state.child_or_make(USERS).map_err(store_error)?;
        state.child_or_make(TOTP).map_err(store_error)?;
        state.sync()
    }

    /// Every user who has an enrollment file, in no order. For commands: no login asks for it.
    ///
    /// Names of more than 200 bytes are kept as a hash, from which nobody can tell them: they are left out.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn enrolled_users(&self) -> Result<Vec<UserName>, StoreError> {
        let names = self.users()?.names()?;
        let user = |name: &String| name.strip_suffix(".toml").and_then(UserName::from_file_name);
        Ok(names.iter().filter_map(user).collect())
    }

    fn users(&self) -> Result<Folder, StoreError> {
        Folder::open(&self.state).and_then(|state| state.child(USERS)).map_err(store_error)
    }

    fn totp(&self) -> Result<Folder, StoreError> {
        Folder::open(&self.state).and_then(|state| state.child(TOTP)).map_err(store_error)
    }

    /// The steps in the file of a user: factor and step, a line each.
    fn used_steps(&self, user: &UserName) -> Result<Vec<(u32, u64)>, StoreError> {
        let folder = self.totp()?;
        let name = user.file_name();
        let Some(bytes) = folder.read(&name, MAX_SIZE)? else { return Ok(Vec::new()) };
        let step = |line: &str| {
            let (factor, step) = line.split_once(' ')?;
            Some((factor.parse().ok()?, step.parse().ok()?))
        };
        let steps = std::str::from_utf8(&bytes).ok().and_then(|text| text.lines().map(step).collect());
        steps.ok_or_else(|| {
            let at = folder.at(&name);
            StoreError::State(format!("{0} cannot be understood. Remove it: rm {0}", at.display()))
        })
    }

    /// A folder of this boot, made if it is missing.
    fn runtime(&self, name: &str) -> Result<Folder, StoreError> {
        Folder::open_or_make(&self.runtime).and_then(|runtime| runtime.child_or_make(name)).map_err(store_error)
    }

    /// The same for a look: nothing is made.
    fn peek(&self, name: &str) -> Result<Option<Folder>, StoreError> {
        match Folder::open(&self.runtime).and_then(|runtime| runtime.child(name)) {
            Ok(folder) => Ok(Some(folder)),
            Err(FileError::Missing(_)) => Ok(None),
            Err(error) => Err(store_error(error)),
        }
    }
}

impl Store for FileStore {
    fn enrollment(&self, user: &UserName) -> Result<Option<Enrollment>, StoreError> {
        let users = self.users()?;
        let name = enrollment_file(user);
        let Some(bytes) = users.read(&name, MAX_SIZE)? else { return Ok(None) };
        let unreadable = |why: &dyn std::fmt::Display| {
            let mend = "Restore it, or remove it and enroll anew";
            StoreError::State(format!("{}: {why}. {mend}", users.at(&name).display()))
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| unreadable(&"the enrollment file is not text"))?;
        Enrollment::parse(text).map(Some).map_err(|error| unreadable(&error))
    }

    fn save_enrollment(&self, user: &UserName, enrollment: &Enrollment) -> Result<(), StoreError> {
        let users = self.users()?;
        // The lock of the user is the caller's business. This one only keeps `NAME~tmp` to one writer.
        let _writing = users.lock_whole(self.patience)?;
        let name = enrollment_file(user);
        if enrollment.is_empty() {
            return users.remove(&name, Lasting::Durable);
        }
        let text = enrollment.to_toml().map_err(|error| StoreError::Failed(error.to_string()))?;
        users.replace(&name, text.as_bytes(), Lasting::Durable)
    }

    fn lock_enrollment(&self, user: &UserName) -> Result<Box<dyn Any>, StoreError> {
        let folder = self.runtime(LEDGER)?;
        Ok(Box::new(Lock::acquire(&folder, &format!("{}~enroll", user.file_name()), self.patience)?))
    }

    fn lock_ledger(&self, user: &UserName) -> Result<Box<dyn LockedLedger>, StoreError> {
        Ok(Box::new(OpenLedger::lock(self.runtime(LEDGER)?, user, self.patience)?))
    }

    fn peek_ledger(&self, user: &UserName) -> Result<Ledger, StoreError> {
        let boot = OsClock.boot_id().map_err(StoreError::Failed)?;
        match self.peek(LEDGER)? {
            Some(folder) => read_ledger(&folder, user, &boot),
            None => Ok(Ledger::default()),
        }
    }

    /// Without the lock, which the caller may hold, and which a process that hangs may hold for ever.
    fn discard_ledger(&self, user: &UserName) -> Result<(), StoreError> {
        match self.peek(LEDGER)? {
            Some(folder) => folder.remove(&user.file_name(), Lasting::ThisBoot),
            None => Ok(()),
        }
    }

    fn key(&self) -> Result<Key, StoreError> {
        let folder = Folder::open_or_make(&self.runtime).map_err(store_error)?;
        if let Some(key) = read_key(&folder)? {
            return Ok(key);
        }
        let mut key = Key::default();
        let mut mark = [0; 8];
        OsRandomness.fill(key.as_mut_slice()).map_err(StoreError::Failed)?;
        OsRandomness.fill(&mut mark).map_err(StoreError::Failed)?;
        folder.publish(KEY, &format!("{:016x}", u64::from_be_bytes(mark)), key.as_slice())?;
        // Ours, or that of a process that was faster.
        read_key(&folder)?.ok_or_else(|| StoreError::Failed(format!("{} vanished", folder.at(KEY).display())))
    }

    fn used_step(&self, user: &UserName, factor: u32) -> Result<Option<u64>, StoreError> {
        Ok(self.used_steps(user)?.iter().find(|(known, _)| *known == factor).map(|(_, step)| *step))
    }

    fn set_used_step(&self, user: &UserName, factor: u32, step: u64) -> Result<(), StoreError> {
        let folder = self.totp()?;
        let _writing = folder.lock_whole(self.patience)?;
        // What cannot be read is written anew: the ledger is what counts, this is for after the next boot.
        let mut steps = self.used_steps(user).unwrap_or_default();
        steps.retain(|(known, _)| *known != factor);
        steps.push((factor, step));
        let record: String = steps.iter().map(|(factor, step)| format!("{factor} {step}\n")).collect();
        folder.replace(&user.file_name(), record.as_bytes(), Lasting::Durable)
    }

    fn forget_used_steps(&self, user: &UserName) -> Result<(), StoreError> {
        self.totp()?.remove(&user.file_name(), Lasting::Durable)
    }

    fn retry_after(&self, gateway: &str) -> Result<Option<Moment>, StoreError> {
        let Some(folder) = self.peek(GATEWAYS)? else { return Ok(None) };
        let name = gateway_file(gateway);
        let Some(bytes) = folder.read(&name, 128)? else { return Ok(None) };
        let (millis, written) = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| text.strip_suffix('\n')?.split_once(' '))
            .and_then(|(millis, boot)| Some((millis.parse().ok()?, boot)))
            .ok_or_else(|| {
                let at = folder.at(&name);
                StoreError::State(format!("{0} cannot be understood. Remove it: rm {0}", at.display()))
            })?;
        let boot = OsClock.boot_id().map_err(StoreError::Failed)?;
        Ok((written == boot).then(|| Moment::from_millis(millis)))
    }

    fn set_retry_after(&self, gateway: &str, until: Moment) -> Result<(), StoreError> {
        let folder = self.runtime(GATEWAYS)?;
        let _writing = folder.lock_whole(self.patience)?;
        let boot = OsClock.boot_id().map_err(StoreError::Failed)?;
        let record = format!("{} {boot}\n", until.millis());
        folder.replace(&gateway_file(gateway), record.as_bytes(), Lasting::ThisBoot)
    }
}

fn enrollment_file(user: &UserName) -> String {
    format!("{}.toml", user.file_name())
}

/// Gateways have plain names; this holds even if one day they have not.
fn gateway_file(gateway: &str) -> String {
    UserName::new(gateway).file_name()
}

fn read_key(folder: &Folder) -> Result<Option<Key>, StoreError> {
    let Some(bytes) = folder.read(KEY, 32)? else { return Ok(None) };
    let mut key = Key::default();
    if bytes.len() != key.len() {
        let at = folder.at(KEY);
        return Err(StoreError::State(format!("{0} is not a key of 32 bytes. Remove it: rm {0}", at.display())));
    }
    key.copy_from_slice(&bytes);
    Ok(Some(key))
}

#[cfg(test)]
mod tests;
