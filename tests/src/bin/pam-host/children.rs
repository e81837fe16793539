//! A host with children of its own, and one that reaps whatever child it has.

use std::process::{Child, Command};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

static REAPED: AtomicUsize = AtomicUsize::new(0);
static OWN: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// From now on a thread waits for every child there is, as the loop of a daemon or of an init does (waitpid(2)).
pub(crate) fn reap_all() {
    thread::spawn(|| {
        loop {
            // SAFETY: nothing is asked for but the number of the process.
            if unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) } > 0 {
                REAPED.fetch_add(1, Ordering::SeqCst);
            } else {
                // There is none: this looks again before one has said anything.
                thread::sleep(Duration::from_micros(50));
            }
        }
    });
}

/// How many it reaped so far.
pub(crate) fn reaped() -> usize {
    REAPED.load(Ordering::SeqCst)
}

/// A child that ends at once with this status, and is not looked at for now.
pub(crate) fn bear(status: i32) {
    let child = Command::new("/bin/sh").args(["-c", &format!("exit {status}")]).spawn().expect("sh");
    OWN.lock().expect("one at a time").push(child);
}

/// Waits for all of them, and gives back their statuses; `lost` where somebody else has reaped one.
pub(crate) fn bury() -> String {
    let children = std::mem::take(&mut *OWN.lock().expect("one at a time"));
    let ends = children.into_iter().map(|mut child| match child.wait() {
        Ok(status) => status.code().map_or("killed".to_owned(), |code| code.to_string()),
        Err(_) => "lost".to_owned(),
    });
    ends.collect::<Vec<_>>().join(" ")
}
