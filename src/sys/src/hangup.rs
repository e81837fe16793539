//! A hang-up (SIGHUP) that ends this process only where nothing is half done: while it waits for somebody.
//!
//! Root's side of self-service (`herald_core::broker`) is at a caller's terminal, and the caller can hang up at any moment:
//! also between a change and the notice to the phones that were there before (rule 34).
#![allow(unsafe_code)] // signal(2), pthread_sigmask(3)

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

static HELD: AtomicBool = AtomicBool::new(false);

/// From now on a hang-up waits for the next [`waiting`]. Before there is a second thread: threads inherit it.
pub fn hold() {
    // SAFETY: takes numbers only; no handler runs.
    unsafe { libc::signal(libc::SIGHUP, libc::SIG_DFL) };
    change(libc::SIG_BLOCK);
    HELD.store(true, Ordering::SeqCst);
}

/// Waits for somebody. A hang-up, also one that came before, ends the process now.
pub fn waiting<T>(wait: impl FnOnce() -> T) -> T {
    if !HELD.load(Ordering::SeqCst) {
        return wait();
    }
    change(libc::SIG_UNBLOCK);
    let waited = wait();
    change(libc::SIG_BLOCK);
    waited
}

fn change(how: libc::c_int) {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the first call fills the set in, the others read it; the old mask is not asked for. None of them fails for
    // these arguments.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGHUP);
        libc::pthread_sigmask(how, set.as_ptr(), ptr::null_mut());
    }
}
