//! herald-sys: the real machine under Herald.
//!
//! The other side of the traits in `herald-core`: clocks, randomness, users, files, the store, and the way to
//! `herald-deliver`. It runs inside sshd, sudo and gdm, so nothing here starts a thread, reads the environment or
//! changes anything that belongs to the process (rules 21 and 22); only [`process`] and [`watchdog`], which are for
//! programs of our own, do. Nothing is kept between two calls: hosts fork and close descriptors as they like.
//!
//! Together with `src/pam` this is the only unsafe code; each module that needs none forbids it.
#![deny(unsafe_code)]

pub mod broker;
mod child;
mod clock;
mod courier;
pub mod errand;
mod files;
mod folder;
pub mod hangup;
mod ledger;
pub mod line;
mod lock;
pub mod password;
pub mod process;
mod randomness;
pub mod seats;
mod session;
mod store;
mod system;
mod trust;
mod users;
pub mod watchdog;
mod way;

pub use clock::OsClock;
pub use courier::Spawner;
pub use files::{TrustedFiles, check_executable, check_trusted};
pub use randomness::OsRandomness;
pub use store::FileStore;
pub use system::System;
pub use users::OsUsers;

#[cfg(test)]
mod testing;
