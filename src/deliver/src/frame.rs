//! The two frames of the process: one request in, one answer out, both on the socket that it was started with.
//!
//! Read and written without the buffers of the standard library, which would keep copies of secrets.

use herald_core::courier::{Answer, MAX_REQUEST, Malformed, Request, decode_request, encode_answer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use std::time::Instant;
use zeroize::Zeroizing;

/// Reads the request.
///
/// # Errors
/// It did not arrive whole before `until`, or is none.
pub(crate) fn read_request(until: Instant) -> Result<Request, Malformed> {
    let mut length = [0; 4];
    fill(&mut length, until)?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| Malformed)?;
    if length > MAX_REQUEST {
        return Err(Malformed);
    }
    let mut payload = Zeroizing::new(vec![0; length]);
    fill(&mut payload, until)?;
    decode_request(&payload)
}

/// Writes the answer.
///
/// # Errors
/// The other end is gone, or the answer is too long for a frame.
pub(crate) fn write_answer(answer: &Answer) -> Result<(), Malformed> {
    let frame = encode_answer(answer)?;
    let mut rest: &[u8] = &frame;
    while !rest.is_empty() {
        match send(rustix::stdio::stdout(), rest, SendFlags::NOSIGNAL) {
            Ok(sent) => rest = rest.get(sent..).ok_or(Malformed)?,
            Err(Errno::INTR) => {}
            Err(_) => return Err(Malformed),
        }
    }
    Ok(())
}

fn fill(buffer: &mut [u8], until: Instant) -> Result<(), Malformed> {
    let socket = rustix::stdio::stdin();
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(|_| Malformed)?;
        match poll(&mut [PollFd::new(&socket, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return Err(Malformed),
            Err(Errno::INTR) => continue,
            Err(_) => return Err(Malformed),
            Ok(_) => {}
        }
        match rustix::io::read(socket, rest) {
            Ok(0) => return Err(Malformed),
            Ok(read) => filled += read,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return Err(Malformed),
        }
    }
    Ok(())
}
