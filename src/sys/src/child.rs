//! A process that we started inside somebody else's program.
//!
//! The host owns SIGCHLD: it may ignore it, or reap every child it has. So the process is known by a pidfd
//! (pidfd_open(2)), it is waited for alone, and that somebody else reaped it is no error (rule 23).
#![allow(unsafe_code)] // posix_spawn(3) and what prepares it are C functions

use crate::lock::pause;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use rustix::fs::Timespec;
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, pidfd_send_signal, waitid,
};
use std::ffi::{CStr, c_int, c_short};
use std::mem::MaybeUninit;
use std::ptr;
use std::time::{Duration, Instant};

/// How long a process that has answered, or was killed, may take to end.
const LINGER: Duration = Duration::from_millis(200);
/// Between two looks at a process that has no pidfd.
const PAUSE: Duration = Duration::from_millis(2);

/// A child process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    /// None where the kernel has none to give (before 5.3, under some seccomp filters, too many descriptors): then
    /// the process is never killed, since its number may by now be somebody else's. It ends itself at hang-up.
    pidfd: Option<OwnedFd>,
    /// Ended and reaped, by us or by the host.
    gone: bool,
    /// How it ended, if it was us.
    status: Option<WaitIdStatus>,
}

impl Child {
    /// Starts `program` with the one argument `name`, an empty environment, a session of its own, default signals
    /// with none blocked, `line` as stdin and stdout, `/dev/null` as stderr, and no other descriptor.
    ///
    /// `line` must be above 2.
    pub(crate) fn spawn(program: &CStr, name: &CStr, line: BorrowedFd<'_>) -> Result<Self, Errno> {
        let mut actions = Actions::new()?;
        actions.duplicate(line.as_raw_fd(), 0)?;
        actions.duplicate(line.as_raw_fd(), 1)?;
        actions.open_for_writing(2, c"/dev/null")?;
        actions.close_from(3)?;
        let attributes = Attributes::new()?;
        let arguments = [name.as_ptr().cast_mut(), ptr::null_mut()];
        let environment = [ptr::null_mut()];
        let mut pid = 0;
        // SAFETY: all strings are NUL-terminated and both lists end with NULL; actions and attributes are
        // initialised. posix_spawn(3) only reads them, and all outlive the call. The child shares nothing with us
        // after it, and runs no code of this program.
        check(unsafe {
            libc::posix_spawn(
                &raw mut pid,
                program.as_ptr(),
                &raw const actions.0,
                &raw const attributes.0,
                arguments.as_ptr(),
                environment.as_ptr(),
            )
        })?;
        Pid::from_raw(pid).map(Self::know).ok_or(Errno::SRCH)
    }

    fn know(pid: Pid) -> Self {
        let (pidfd, gone) = match pidfd_open(pid, PidfdFlags::empty()) {
            // A host that ignores SIGCHLD may have lost the child already, and its number may belong to a stranger.
            // waitid(2) tells: a stranger is not our child.
            Ok(pidfd) => {
                let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
                match waitid(WaitId::PidFd(pidfd.as_fd()), look) {
                    Ok(_) => (Some(pidfd), false),
                    Err(Errno::CHILD) => (None, true),
                    // Linux 5.3 has pidfds, but cannot wait for them.
                    Err(_) => (None, false),
                }
            }
            Err(Errno::SRCH) => (None, true),
            Err(_) => (None, false),
        };
        Self { pid, pidfd, gone, status: None }
    }

    /// Lets a process that has done its part end, and kills it if it does not. Tells how it ended, for messages:
    /// an exit status is never a success.
    pub(crate) fn finish(mut self) -> Option<String> {
        self.wait(LINGER);
        let status = self.status.as_ref()?;
        let signal = status.terminating_signal().map(|signal| format!("signal {signal}"));
        signal.or_else(|| status.exit_status().map(|status| format!("exit status {status}")))
    }

    /// Waits for the end, at most so long.
    fn wait(&mut self, patience: Duration) {
        let end = Instant::now() + patience;
        while !self.gone {
            self.reap();
            let left = end.saturating_duration_since(Instant::now());
            if self.gone || left.is_zero() {
                return;
            }
            match (&self.pidfd, Timespec::try_from(left)) {
                (Some(pidfd), Ok(left)) => {
                    // Readable when it has ended. Interrupted: the time that is left is counted anew.
                    let _ = poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&left));
                }
                _ => pause(left.min(PAUSE)),
            }
        }
    }

    fn reap(&mut self) {
        let id = self.pidfd.as_ref().map_or(WaitId::Pid(self.pid), |pidfd| WaitId::PidFd(pidfd.as_fd()));
        match waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
            Ok(None) | Err(Errno::INTR) => {}
            Ok(status) => (self.gone, self.status) = (true, status),
            // ECHILD: the host has reaped it.
            Err(_) => self.gone = true,
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.gone {
            return;
        }
        if let Some(pidfd) = &self.pidfd {
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
        self.wait(LINGER);
    }
}

/// What is done with descriptors between fork and exec.
struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new() -> Result<Self, Errno> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the function writes the whole object, for which there is room.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: it was just initialised. It may be moved: glibc keeps no pointer into it.
        Ok(Self(unsafe { actions.assume_init() }))
    }

    fn duplicate(&mut self, from: RawFd, to: RawFd) -> Result<(), Errno> {
        // SAFETY: the object is initialised and borrowed for the call.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(&raw mut self.0, from, to) })
    }

    fn open_for_writing(&mut self, to: RawFd, path: &CStr) -> Result<(), Errno> {
        let flags = libc::O_WRONLY;
        // SAFETY: the object is initialised and borrowed for the call; the path is NUL-terminated, and copied.
        check(unsafe { libc::posix_spawn_file_actions_addopen(&raw mut self.0, to, path.as_ptr(), flags, 0) })
    }

    /// Since glibc 2.34.
    #[cfg(not(target_env = "musl"))]
    fn close_from(&mut self, first: RawFd) -> Result<(), Errno> {
        // SAFETY: the object is initialised and borrowed for the call.
        check(unsafe { libc::posix_spawn_file_actions_addclosefrom_np(&raw mut self.0, first) })
    }

    /// musl has nothing like it. What is open now is closed one by one, and to close what is not open any more is no error
    /// there (src/process/posix_spawn.c). What another thread of the host opens meanwhile, or all of it where there is no
    /// /proc, the program itself closes as its first act ([`crate::process::close_from`]).
    #[cfg(target_env = "musl")]
    fn close_from(&mut self, first: RawFd) -> Result<(), Errno> {
        let names = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten().map(|entry| entry.file_name());
        for open in names.filter_map(|name| name.to_str()?.parse().ok()).filter(|open| *open >= first) {
            // SAFETY: the object is initialised and borrowed for the call.
            check(unsafe { libc::posix_spawn_file_actions_addclose(&raw mut self.0, open) })?;
        }
        Ok(())
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: the object is initialised, and destroyed only here.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

/// What else is different in the child: its own session, all signals at their defaults, none blocked.
struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn new() -> Result<Self, Errno> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the function writes the whole object, for which there is room.
        check(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: it was just initialised. It may be moved: it holds no pointer.
        let mut attributes = Self(unsafe { attributes.assume_init() });
        let (mut all, mut none) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        let flags = libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK;
        // SAFETY: the sets are written whole before they are read; the object is initialised and borrowed.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::sigemptyset(none.as_mut_ptr());
            check(libc::posix_spawnattr_setsigdefault(&raw mut attributes.0, all.as_ptr()))?;
            check(libc::posix_spawnattr_setsigmask(&raw mut attributes.0, none.as_ptr()))?;
            check(libc::posix_spawnattr_setflags(&raw mut attributes.0, flags as c_short | libc::POSIX_SPAWN_SETSID))?;
        }
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: the object is initialised, and destroyed only here.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
}

/// These functions return the error number.
fn check(error: c_int) -> Result<(), Errno> {
    if error == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(error)) }
}
