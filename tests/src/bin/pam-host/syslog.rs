//! Catches what pam_syslog(3) logs, so that tests see the module's lines without a syslog daemon.
//!
//! libpam calls syslog(3) by its hardened name, and the program's own function of that name comes before libc's. It
//! always passes the same format and two strings (the prefix and the line), so the variable arguments can be taken
//! as two plain ones, which the calling conventions of x86-64, ARM and RISC-V Linux pass alike.
//!
//! What the host itself logs goes to the syslog of its machine, under the name that it chose.

use crate::{hex, say as tell};
use std::ffi::{CStr, CString, c_char, c_int};

/// openlog(3), with a facility that is not the usual one: also that stays the host's own.
pub(crate) fn open(ident: Vec<u8>) {
    let ident = CString::new(ident).expect("no NUL inside");
    // SAFETY: libc keeps the pointer for as long as this process logs, and so the name is never given back.
    unsafe { libc::openlog(ident.into_raw(), libc::LOG_PID, libc::LOG_LOCAL3) };
}

/// syslog(3), by the name that it has in libc itself.
pub(crate) fn say(line: Vec<u8>) {
    let line = CString::new(line).expect("no NUL inside");
    // SAFETY: the format takes one string, and this is one.
    unsafe { libc::syslog(libc::LOG_INFO, c"%s".as_ptr(), line.as_ptr()) };
}

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
    tell(&format!("log {priority} {} {}", hex(prefix.to_bytes()), hex(line.to_bytes())));
}
