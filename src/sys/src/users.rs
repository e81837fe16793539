//! The user and group databases, through NSS: files, SSSD, winbind, systemd.
#![allow(unsafe_code)] // getpwnam_r and its kin are C functions

use herald_core::account::{Account, NameServiceError, UserName, Users};
use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// An entry longer than this is a broken database: a group of a hundred thousand members takes 4 MiB.
const LARGEST_ENTRY: usize = 32 << 20;
/// As many groups as the kernel can give a process (NGROUPS_MAX, setgroups(2)).
const MOST_GROUPS: usize = 65_536;
/// A name service that is interrupted this often in a row is not going to answer.
const INTERRUPTIONS: u32 = 16;

/// getpwnam_r(3), getgrnam_r(3), getgrouplist(3).
#[derive(Clone, Copy, Debug, Default)]
pub struct OsUsers;

impl OsUsers {
    /// The account of a user id (getpwuid_r(3)).
    ///
    /// # Errors
    /// A name service failed.
    pub fn of_id(&self, uid: u32) -> Result<Option<Account>, NameServiceError> {
        lookup("getpwuid_r", |buffer| {
            let mut entry = MaybeUninit::<libc::passwd>::uninit();
            let mut found = ptr::null_mut();
            let (room, length) = (buffer.as_mut_ptr().cast(), buffer.len());
            // SAFETY: as for getpwnam_r below.
            let error = unsafe { libc::getpwuid_r(uid, entry.as_mut_ptr(), room, length, &raw mut found) };
            // SAFETY: a result that is not NULL points to `entry`, filled in whole.
            if found.is_null() { Outcome::of(error) } else { account(&unsafe { entry.assume_init() }) }
        })
    }
}

/// An entry of the user database, whose buffer is still there.
fn account(entry: &libc::passwd) -> Outcome<Account> {
    if entry.pw_name.is_null() {
        return Outcome::Absent;
    }
    // SAFETY: pw_name is a NUL-terminated string inside the buffer, which the caller still borrows.
    let name = unsafe { CStr::from_ptr(entry.pw_name) };
    match name.to_str() {
        Ok(name) => Outcome::Found(Account { name: UserName::new(name), uid: entry.pw_uid, gid: entry.pw_gid }),
        // Rule 1: nothing could be kept under such a name.
        Err(_) => Outcome::Absent,
    }
}

impl Users for OsUsers {
    fn find(&self, name: &str) -> Result<Option<Account>, NameServiceError> {
        // A name with a NUL in it is nobody's.
        let Ok(asked) = CString::new(name) else { return Ok(None) };
        lookup("getpwnam_r", |buffer| {
            let mut entry = MaybeUninit::<libc::passwd>::uninit();
            let mut found = ptr::null_mut();
            let (room, length) = (buffer.as_mut_ptr().cast(), buffer.len());
            // SAFETY: the name is NUL-terminated, `entry` and `found` are ours to write to, and the buffer is as
            // long as we say. All outlive the call, and nothing else is written.
            let error = unsafe { libc::getpwnam_r(asked.as_ptr(), entry.as_mut_ptr(), room, length, &raw mut found) };
            // SAFETY: a result that is not NULL points to `entry`, filled in whole.
            if found.is_null() { Outcome::of(error) } else { account(&unsafe { entry.assume_init() }) }
        })
    }

    fn groups_of(&self, account: &Account) -> Result<Vec<u32>, NameServiceError> {
        let Ok(name) = CString::new(account.name.as_str()) else {
            return Err(NameServiceError("an account name holds a NUL".to_owned()));
        };
        let mut groups: Vec<libc::gid_t> = vec![0; 64];
        loop {
            let room = libc::c_int::try_from(groups.len()).unwrap_or(libc::c_int::MAX);
            let mut count = room;
            // SAFETY: the name is NUL-terminated, and `groups` has room for the `count` ids that we say it has.
            let filled = unsafe { libc::getgrouplist(name.as_ptr(), account.gid, groups.as_mut_ptr(), &raw mut count) };
            let needed = usize::try_from(count).unwrap_or(0);
            if filled >= 0 && needed <= groups.len() {
                groups.truncate(needed);
                return Ok(groups);
            }
            // Too small: getgrouplist(3) says in `count` how many there are. The same count again is a failure of
            // another kind, as is a list beyond what the kernel knows.
            if needed <= groups.len() || needed > MOST_GROUPS {
                return Err(NameServiceError(format!("getgrouplist: the groups of {} cannot be listed", account.name)));
            }
            groups.resize(needed, 0);
        }
    }

    fn group_id(&self, name: &str) -> Result<Option<u32>, NameServiceError> {
        let Ok(asked) = CString::new(name) else { return Ok(None) };
        lookup("getgrnam_r", |buffer| {
            let mut entry = MaybeUninit::<libc::group>::uninit();
            let mut found = ptr::null_mut();
            // SAFETY: as for getpwnam_r above.
            let error = unsafe {
                libc::getgrnam_r(
                    asked.as_ptr(),
                    entry.as_mut_ptr(),
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    &raw mut found,
                )
            };
            if found.is_null() {
                return Outcome::of(error);
            }
            // SAFETY: a result that is not NULL points to `entry`, filled in whole.
            Outcome::Found(unsafe { entry.assume_init() }.gr_gid)
        })
    }
}

/// What one call of a `…_r` function came to.
enum Outcome<T> {
    Found(T),
    Absent,
    TooSmall,
    Interrupted,
    Failed(i32),
}

impl<T> Outcome<T> {
    /// What an error number means where no entry was found. getpwnam_r(3) names more numbers that some systems
    /// return for "not found"; on Linux with glibc they are failures of a name service, and count as such.
    fn of(error: i32) -> Self {
        match error {
            0 | libc::ENOENT | libc::ESRCH => Self::Absent,
            libc::ERANGE => Self::TooSmall,
            libc::EINTR => Self::Interrupted,
            other => Self::Failed(other),
        }
    }
}

/// Calls with a buffer that grows until the entry fits.
fn lookup<T>(function: &str, mut call: impl FnMut(&mut [u8]) -> Outcome<T>) -> Result<Option<T>, NameServiceError> {
    let mut buffer = vec![0; 2048];
    let mut interruptions = 0;
    loop {
        let error = match call(&mut buffer) {
            Outcome::Found(entry) => return Ok(Some(entry)),
            Outcome::Absent => return Ok(None),
            Outcome::TooSmall if buffer.len() < LARGEST_ENTRY => {
                buffer.resize(buffer.len() * 4, 0);
                continue;
            }
            Outcome::Interrupted if interruptions < INTERRUPTIONS => {
                interruptions += 1;
                continue;
            }
            Outcome::TooSmall => libc::ERANGE,
            Outcome::Interrupted => libc::EINTR,
            Outcome::Failed(error) => error,
        };
        return Err(NameServiceError(format!("{function}: {}", io::Error::from_raw_os_error(error))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_with_its_ids_and_groups() {
        let root = OsUsers.find("root").expect("NSS works").expect("there is a root");
        assert_eq!((root.name.as_str(), root.uid, root.gid), ("root", 0, 0));
        assert_eq!(OsUsers.of_id(0), Ok(Some(root.clone())));
        assert_eq!(OsUsers.of_id(u32::MAX - 7), Ok(None));
        assert!(OsUsers.groups_of(&root).expect("NSS works").contains(&0), "the primary group is one of them");
    }

    #[test]
    fn rule_1_unknown_names_are_not_found_and_no_error() {
        for name in ["no-such-user-here", "", "ro\0ot", "root\n", "日本", "../root"] {
            assert_eq!(OsUsers.find(name), Ok(None), "{name:?}");
        }
        assert_eq!(OsUsers.group_id("no-such-group-here"), Ok(None));
        assert_eq!(OsUsers.group_id("ro\0ot"), Ok(None));
        assert_eq!(OsUsers.group_id("root"), Ok(Some(0)));
    }

    #[test]
    fn the_primary_group_counts_even_if_the_name_is_in_no_group_file() {
        let account = Account { name: UserName::new("no-such-user-here"), uid: 12_345, gid: 23_456 };
        assert_eq!(OsUsers.groups_of(&account), Ok(vec![23_456]));
    }

    #[test]
    fn the_buffer_grows_until_the_entry_fits() {
        let mut lengths = Vec::new();
        let found = lookup("getpwnam_r", |buffer| {
            lengths.push(buffer.len());
            if buffer.len() < 100_000 { Outcome::of(libc::ERANGE) } else { Outcome::Found(1) }
        });
        assert_eq!((found, lengths), (Ok(Some(1)), vec![2048, 8192, 32_768, 131_072]));
    }

    #[test]
    fn rule_1_a_name_service_that_fails_is_not_a_user_who_is_missing() {
        for error in [libc::EIO, libc::EMFILE, libc::ENOMEM, libc::EPERM, libc::EBADF, libc::EINTR, libc::ERANGE] {
            let failed = lookup::<()>("getpwnam_r", |_| Outcome::of(error)).expect_err("a failure");
            assert!(failed.to_string().contains("getpwnam_r"), "{failed}");
        }
        let mut calls = 0;
        let found = lookup("getpwnam_r", |_| {
            calls += 1;
            if calls < 3 { Outcome::of(libc::EINTR) } else { Outcome::Found(()) }
        });
        assert_eq!(found, Ok(Some(())));
    }
}
