//! The line to the test: on descriptors of its own, so that this host can also be one without stdin, stdout and stderr.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::{Mutex, OnceLock};

struct Wire {
    lines: Mutex<BufReader<File>>,
    test: Mutex<File>,
}

fn wire() -> &'static Wire {
    static WIRE: OnceLock<Wire> = OnceLock::new();
    WIRE.get_or_init(|| Wire { lines: Mutex::new(BufReader::new(copy(0))), test: Mutex::new(copy(1)) })
}

fn copy(descriptor: i32) -> File {
    // Far from those that a module gets, where so many are allowed.
    // SAFETY: makes a new descriptor, which nobody else knows.
    let copied = |least: i32| unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, least) };
    let descriptor = [500, 3].into_iter().map(copied).find(|descriptor| *descriptor >= 0);
    let descriptor = descriptor.expect("a descriptor for the line to the test");
    // SAFETY: it was just made and is ours alone.
    File::from(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// The next line from the test; `None` at the end of the input.
pub(crate) fn line() -> Option<String> {
    let mut line = String::new();
    let length = wire().lines.lock().expect("one reader").read_line(&mut line).expect("a line of text");
    (length > 0).then_some(line)
}

/// A line to the test.
pub(crate) fn say(line: &str) {
    let mut test = wire().test.lock().expect("writers take turns");
    // A test that no longer listens is about to end this process; one that misses a line would wait for ever.
    if test.write_all(format!("{line}\n").as_bytes()).is_err() {
        std::process::exit(1);
    }
}

/// Closes stdin, stdout and stderr, as a daemon may.
pub(crate) fn leave_stdio() {
    wire();
    for descriptor in 0..3 {
        // SAFETY: nothing in this process uses them from here on but what libpam and its modules do.
        unsafe { libc::close(descriptor) };
    }
}

/// In hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// From hexadecimal.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: &u8| u8::try_from(char::from(*byte).to_digit(16).expect("a digit")).expect("below 16");
    text.as_bytes().chunks(2).map(|pair| pair.iter().fold(0, |value, byte| value * 16 + digit(byte))).collect()
}
