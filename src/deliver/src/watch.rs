//! The thread that ends the process: at its time, or when nobody waits for the answer any more (rule 23).
//!
//! It also notices when the process itself was kept from running. Who starts `su` may freeze or throttle what it
//! starts; a connection that "timed out" while we stood still says nothing about the network, and must not
//! count as a gateway that cannot be reached (rule 5).

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often it looks.
const TICK: Duration = Duration::from_millis(100);
/// A look that comes this late means that the process stood still.
const STANDSTILL: Duration = Duration::from_millis(600);
const TICK_TIMESPEC: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// What the thread has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch(Arc<AtomicBool>);

impl Watch {
    /// Whether the process was kept from running at some moment.
    pub(crate) fn stood_still(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    #[cfg(test)]
    pub(crate) fn that_saw(standstill: bool) -> Self {
        Self(Arc::new(AtomicBool::new(standstill)))
    }
}

/// Starts the thread. At `end`, or when the socket on standard input hangs up, the process is over.
///
/// # Errors
/// No thread is to be had.
pub(crate) fn start(end: Instant) -> io::Result<Watch> {
    let watch = Watch::default();
    let seen = watch.clone();
    std::thread::Builder::new().name("watch".to_owned()).stack_size(64 * 1024).spawn(move || keep(end, &seen.0))?;
    Ok(watch)
}

fn keep(end: Instant, stood_still: &AtomicBool) {
    let socket = rustix::stdio::stdin();
    let mut last = Instant::now();
    while last < end {
        let mut sockets = [PollFd::new(&socket, PollFlags::empty())];
        let hung_up = poll(&mut sockets, Some(&TICK_TIMESPEC)).is_ok_and(|changed| changed > 0);
        if hung_up {
            break;
        }
        let now = Instant::now();
        if late(now.duration_since(last)) {
            stood_still.store(true, Ordering::Release);
        }
        last = now;
    }
    std::process::exit(75);
}

fn late(since_last_look: Duration) -> bool {
    since_last_look > TICK + STANDSTILL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_was_frozen_is_noticed() {
        assert!(!late(Duration::from_millis(150)));
        assert!(late(Duration::from_millis(800)));
    }
}
