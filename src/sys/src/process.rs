//! What programs of our own do to themselves. Never called inside a host: all of it is global (rule 22).
#![allow(unsafe_code)] // setresuid(2) and its kin, through glibc, which sees to all threads

use crate::users::OsUsers;
use crate::way::text;
use herald_core::account::{Account, Users};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::process::{getegid, geteuid, getgid, getuid};
use std::fmt;

/// A process could not be confined as it must be; it should end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessError(String);

impl fmt::Display for ProcessError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ProcessError {}

/// The user we act as.
pub fn effective_uid() -> u32 {
    geteuid().as_raw()
}

/// No core file and no debugger of the same user may ever see our memory (rule 33). Changing ids undoes half of
/// this (prctl(2), PR_SET_DUMPABLE): call it again after [`drop_to`].
///
/// # Errors
/// If the kernel refuses.
pub fn forbid_dumps() -> Result<(), ProcessError> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable))
        .map_err(|error| failed("core dumps cannot be forbidden", error))
}

/// Nothing that this process executes can gain privileges (prctl(2), PR_SET_NO_NEW_PRIVS). Holds for the calling
/// thread and what it starts from now on.
///
/// # Errors
/// If the kernel refuses.
pub fn no_new_privileges() -> Result<(), ProcessError> {
    rustix::thread::set_no_new_privs(true).map_err(|error| failed("new privileges cannot be forbidden", error))
}

/// Gives up root for good, in all threads: all ids become those of the first account of `names` that there is, and the
/// supplementary groups become `groups`, never root's. Gives back that account, or `None` if the process was not root;
/// then the real and saved ids become the effective ones, since a real uid of root would be a way back.
///
/// # Errors
/// If there is no such account, it is root itself, or afterwards root can still be had. The process must end then.
pub fn drop_to(names: &[&str], groups: &[u32]) -> Result<Option<Account>, ProcessError> {
    if effective_uid() != 0 {
        become_only(geteuid().as_raw(), getegid().as_raw())?;
        return Ok(None);
    }
    let mut account = None;
    for name in names {
        account = OsUsers.find(name).map_err(|error| ProcessError(error.to_string()))?;
        if account.is_some() {
            break;
        }
    }
    let Some(account) = account else {
        let text = format!("there is no user {}. Make one: useradd --system _herald", names.join(" and no user "));
        return Err(ProcessError(text));
    };
    if account.uid == 0 || account.gid == 0 {
        return Err(ProcessError(format!("the user {} is root or in its group. Give it ids of its own", account.name)));
    }
    let mut wanted: Vec<libc::gid_t> = groups.iter().copied().filter(|group| *group != 0).collect();
    wanted.sort_unstable();
    wanted.dedup();
    // SAFETY: reads as many ids as the list holds.
    check("setgroups", unsafe { libc::setgroups(wanted.len(), wanted.as_ptr()) })?;
    become_only(account.uid, account.gid)?;
    let mut left = rustix::process::getgroups().map_err(|error| failed("the groups cannot be read", error))?;
    left.sort_unstable_by_key(|group| group.as_raw());
    if !left.iter().map(|group| group.as_raw()).eq(wanted) {
        return Err(ProcessError("groups of root are left".to_owned()));
    }
    Ok(Some(account))
}

/// Closes every descriptor from this one on, whoever opened it (close_range(2), Linux 5.9; an older kernel closes none). For
/// a program's first act, before it has opened anything itself.
pub fn close_from(first: u32) {
    const NOTHING: libc::c_uint = 0;
    // SAFETY: takes numbers only. Nobody in this program owns a descriptor yet that could be among them.
    unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, NOTHING) };
}

/// Ctrl-Z and Ctrl-\\ pass by (signal(7)).
pub fn never_stop() {
    // SAFETY: takes numbers only, and no handler runs.
    unsafe {
        libc::signal(libc::SIGTSTP, libc::SIG_IGN);
        libc::signal(libc::SIGQUIT, libc::SIG_IGN);
    }
}

/// Which side of a [`fork`] goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The process that called.
    Parent,
    /// The new one, whose memory is a copy.
    Child,
}

/// Makes a second process that goes on from here (fork(2)). Only while there is one thread: others would be missing in
/// the child, with the locks that they hold.
///
/// # Errors
/// No process is to be had.
pub fn fork() -> Result<Side, Errno> {
    // SAFETY: takes nothing. The child may do anything, for its one thread held no lock of another.
    match unsafe { libc::fork() } {
        -1 => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::AGAIN)),
        0 => Ok(Side::Child),
        _ => Ok(Side::Parent),
    }
}

/// The version of landlock(7) that this kernel has; `None` without it, when a program of ours is confined by its user,
/// limits and system call filter alone.
pub fn landlock_version() -> Option<u32> {
    const VERSION: libc::c_ulong = 1; // LANDLOCK_CREATE_RULESET_VERSION
    let none: *const libc::c_void = std::ptr::null();
    let nothing: libc::size_t = 0;
    // SAFETY: with this flag the kernel takes no attributes, and only says its version (landlock_create_ruleset(2)).
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, nothing, VERSION) };
    u32::try_from(version).ok().filter(|version| *version > 0)
}

fn become_only(uid: u32, gid: u32) -> Result<(), ProcessError> {
    // SAFETY: takes numbers only.
    check("setresgid", unsafe { libc::setresgid(gid, gid, gid) })?;
    // SAFETY: takes numbers only.
    check("setresuid", unsafe { libc::setresuid(uid, uid, uid) })?;
    let ids = [getuid().as_raw(), geteuid().as_raw(), getgid().as_raw(), getegid().as_raw()];
    // SAFETY: takes numbers only; -1 leaves an id as it is. It must fail.
    let back = uid != 0 && unsafe { libc::setresuid(libc::uid_t::MAX, 0, libc::uid_t::MAX) } == 0;
    if back || ids != [uid, uid, gid, gid] {
        return Err(ProcessError("root was given up, and can still be had".to_owned()));
    }
    Ok(())
}

fn check(function: &str, result: libc::c_int) -> Result<(), ProcessError> {
    if result == 0 { Ok(()) } else { Err(ProcessError(format!("{function}: {}", std::io::Error::last_os_error()))) }
}

fn failed(what: &str, error: Errno) -> ProcessError {
    ProcessError(format!("{what}: {}", text(error)))
}
