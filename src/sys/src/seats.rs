//! How many conversations one user may hold with the broker at a time: each holds the lock of a seat for as long as its
//! process lives. So who opens thousands of connections takes no seat of anybody else's.
#![forbid(unsafe_code)]

use crate::folder::{Folder, store_error};
use crate::lock::Lock;
use herald_core::config::Paths;
use herald_core::store::StoreError;
use std::time::Duration;

/// Seats of one user: some sessions of one person, each with a locker and a question or two.
const SEATS: u32 = 10;

/// A seat, until it is dropped.
#[derive(Debug)]
pub struct Seat {
    _lock: Lock,
}

/// Takes a seat of this user; `None` if all are taken.
///
/// # Errors
/// The folder of the seats, below Herald's own in /run, could not be used.
pub fn take(uid: u32) -> Result<Option<Seat>, StoreError> {
    let folder = Folder::open_or_make(&Paths::default().runtime).and_then(|runtime| runtime.child_or_make("broker"));
    let folder = folder.map_err(store_error)?;
    for seat in 0..SEATS {
        match Lock::acquire(&folder, &format!("{uid}-{seat}~lock"), Duration::ZERO) {
            Ok(lock) => return Ok(Some(Seat { _lock: lock })),
            Err(StoreError::Busy { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
