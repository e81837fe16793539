//! A lock that several processes share: flock(2) on a file that says who holds it.
//!
//! The file is never removed, because two processes would then lock two files of one name. The kernel lets go when
//! the holder ends, however it ends.
#![forbid(unsafe_code)]

use crate::folder::{Folder, store_error};
use crate::trust;
use herald_core::machine::Trust;
use herald_core::store::StoreError;
use rustix::event::poll;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{FlockOperation, Mode, Timespec, fchmod, flock, fstat};
use rustix::io::Errno;
use std::time::{Duration, Instant};

/// Between two tries. Locks are held for a read and a write of tmpfs, far less than this.
const PAUSE: Duration = Duration::from_millis(2);

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: OwnedFd,
}

impl Lock {
    /// Waits for the lock of that name, at most for `patience` (rule 17).
    pub(crate) fn acquire(folder: &Folder, name: &str, patience: Duration) -> Result<Self, StoreError> {
        let give_up = Instant::now() + patience;
        loop {
            let file = folder.open_shared(name)?;
            if !wait(&file, give_up).map_err(|error| folder.failed(name, error))? {
                return Err(StoreError::Busy { holder: holder(&file) });
            }
            let stat = fstat(&file).map_err(|error| folder.failed(name, error))?;
            trust::file(&folder.at(name), &stat, Trust::Secret).map_err(store_error)?;
            // Somebody cleaned the folder up while we waited: what we hold is no longer what others will find.
            if stat.st_nlink == 0 && Instant::now() < give_up {
                continue;
            }
            if stat.st_mode & 0o777 != 0o600 {
                // It was just made under a umask that takes more than it should.
                fchmod(&file, Mode::RUSR | Mode::WUSR).map_err(|error| folder.failed(name, error))?;
            }
            sign(&file);
            return Ok(Self { _file: file });
        }
    }
}

/// Takes the lock of an open file; false if it is still held at the end of the wait. Tries again and again: only a
/// signal could end a wait inside flock(2), and signals are the host's (rule 22).
pub(crate) fn wait(file: impl AsFd, give_up: Instant) -> Result<bool, Errno> {
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error),
        }
        let left = give_up.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        pause(left.min(PAUSE));
    }
}

/// Waits without a signal and without a timer of the process; a signal of the host may end it early.
pub(crate) fn pause(time: Duration) {
    if let Ok(time) = Timespec::try_from(time) {
        let _ = poll(&mut [], Some(&time));
    }
}

/// Writes who we are into the lock file. For the log only, so a full disk does not matter.
fn sign(file: &OwnedFd) {
    let pid = format!("{:<10}\n", std::process::id());
    let _ = rustix::io::pwrite(file, pid.as_bytes(), 0);
}

fn holder(file: &OwnedFd) -> Option<u32> {
    let mut bytes = [0; 11];
    let length = rustix::io::pread(file, &mut bytes, 0).ok()?;
    std::str::from_utf8(&bytes[..length]).ok()?.trim_end().parse().ok()
}
