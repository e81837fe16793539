//! Catches what pam_syslog(3) logs, so that tests see the module's lines without a syslog daemon.
//!
//! libpam calls syslog(3) by its hardened name, and the program's own function of that name comes before libc's. It
//! always passes the same format and two strings (the prefix and the line), so the variable arguments can be taken
//! as two plain ones, which the calling conventions of x86-64, ARM and RISC-V Linux pass alike.

use crate::{hex, say};
use std::ffi::{CStr, c_char, c_int};

#[unsafe(no_mangle)]
extern "C" fn __syslog_chk(
    priority: c_int,
    _: c_int,
    format: *const c_char,
    prefix: *const c_char,
    line: *const c_char,
) {
    // SAFETY: the format is a string.
    let format = unsafe { CStr::from_ptr(format) };
    assert_eq!(format, c"%s %s", "libpam logs in another way than this catch knows");
    // SAFETY: the format says that two strings follow.
    let (prefix, line) = unsafe { (CStr::from_ptr(prefix), CStr::from_ptr(line)) };
    say(&format!("log {priority} {} {}", hex(prefix.to_bytes()), hex(line.to_bytes())));
}
