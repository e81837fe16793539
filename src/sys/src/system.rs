//! The machine as a whole.
#![forbid(unsafe_code)]

use crate::clock::OsClock;
use crate::courier::Spawner;
use crate::files::TrustedFiles;
use crate::randomness::OsRandomness;
use crate::store::FileStore;
use crate::users::OsUsers;
use herald_core::account::Users;
use herald_core::clock::Clock;
use herald_core::config::Paths;
use herald_core::courier::Courier;
use herald_core::machine::{Files, Machine};
use herald_core::randomness::Randomness;
use herald_core::store::Store;

/// The machine this runs on. Holds nothing: every call asks the system anew.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Machine for System {
    fn clock(&self) -> &dyn Clock {
        &OsClock
    }

    fn randomness(&self) -> &dyn Randomness {
        &OsRandomness
    }

    fn users(&self) -> &dyn Users {
        &OsUsers
    }

    fn files(&self) -> &dyn Files {
        &TrustedFiles
    }

    fn host_name(&self) -> String {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }

    fn session(&self) -> Option<String> {
        crate::session::current()
    }

    fn store(&self, paths: &Paths) -> Box<dyn Store> {
        Box::new(FileStore::new(paths))
    }

    fn courier(&self, paths: &Paths) -> Box<dyn Courier> {
        Box::new(Spawner::new(&paths.deliver))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_knows_its_name() {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("/proc");
        assert_eq!(System.host_name(), name.trim_end());
    }
}
