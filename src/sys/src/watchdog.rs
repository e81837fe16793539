//! What ends a process of ours when nobody waits for it any more, or its time is up (rule 23).
//!
//! A thread that waits and then ends the whole process cannot be held up by a resolver, a TLS handshake or a service
//! that never answers. The module itself has no threads (rule 22): this is for `herald-deliver` and `herald-broker`.
#![allow(unsafe_code)] // _exit(2), getpgrp(2), alarm(2)

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::AsFd;
use rustix::fs::Timespec;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_current_process_group, kill_process, kill_process_group};
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// A process group that ends with us; 0 for none.
static CHILDREN: AtomicI32 = AtomicI32::new(0);

/// Ends this process, and the processes of its session that it started, as soon as the other end of `line` hangs up,
/// and at `deadline` at the latest.
///
/// # Errors
/// If there is no thread to be had; the process should end then.
pub fn die_with(line: impl AsFd + Send + 'static, deadline: Instant) -> io::Result<()> {
    let watch = move || {
        wait(&line, deadline);
        end()
    };
    std::thread::Builder::new().name("watchdog".to_owned()).stack_size(128 * 1024).spawn(watch).map(drop)
}

/// Ends this process after so long by a signal, whatever it is at (alarm(2)). For programs that have no other thread.
pub fn end_after(time: Duration) {
    let seconds = libc::c_uint::try_from(time.as_secs()).unwrap_or(libc::c_uint::MAX);
    // SAFETY: both take numbers only. The default of the signal ends the process; whoever started us may have left it
    // ignored.
    unsafe {
        libc::signal(libc::SIGALRM, libc::SIG_DFL);
        libc::alarm(seconds);
    }
}

/// The same for processes that may have something to finish: the leader of the group that [`take_along`] names first
/// hears of it (SIGHUP), and all of it ends after `grace` at the latest. Once no group is named, this process has done its
/// work, and ends as such.
///
/// # Errors
/// If there is no thread to be had; the process should end then.
pub fn hang_up_with(line: impl AsFd + Send + 'static, deadline: Instant, grace: Duration) -> io::Result<()> {
    let watch = move || {
        wait(&line, deadline);
        let Some(children) = Pid::from_raw(CHILDREN.load(Ordering::SeqCst)) else {
            // Whoever hung up has heard all of it: no failure, and nobody is left to end.
            // SAFETY: ends the process at once; nothing of it runs after this.
            unsafe { libc::_exit(0) }
        };
        let _ = kill_process(children, Signal::HUP);
        std::thread::sleep(grace);
        end()
    };
    std::thread::Builder::new().name("watchdog".to_owned()).stack_size(128 * 1024).spawn(watch).map(drop)
}

/// Names a process group that ends with this process, if it ends before its time; `None` once that group is gone.
pub fn take_along(group: Option<Pid>) {
    CHILDREN.store(group.map_or(0, |group| group.as_raw_nonzero().get()), Ordering::SeqCst);
}

/// Returns at hang-up (POLLHUP, which needs no asking for: poll(2)) or at the deadline.
fn wait(line: &impl AsFd, deadline: Instant) {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(time) = Timespec::try_from(left) else { return };
        match poll(&mut [PollFd::new(line, PollFlags::empty())], Some(&time)) {
            Ok(0) if left.is_zero() => return,
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

fn end() -> ! {
    if let Some(children) = Pid::from_raw(CHILDREN.load(Ordering::SeqCst)) {
        let _ = kill_process_group(children, Signal::KILL);
    }
    // Only as the leader of a group of its own: else the group is that of a shell, or of a test.
    if leads_its_group() {
        let _ = kill_current_process_group(Signal::KILL);
    }
    // SAFETY: ends the process at once; nothing of it runs after this.
    unsafe { libc::_exit(1) }
}

/// rustix's own `getpgrp` takes the 0 that stands for a group from outside of our PID namespace for a process.
fn leads_its_group() -> bool {
    // SAFETY: both take nothing, give a number, and never fail.
    unsafe { libc::getpgrp() == libc::getpid() }
}
