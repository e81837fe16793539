//! Both ends of self-service (`herald_core::broker`): a command goes to the broker with the terminal it was typed at.

use crate::broker::Broker;
use crate::line::{Broken, Line};
use herald_core::broker::{Errand, MAX_FRAME, decode_status, encode_errand};
use rustix::event::PollFlags;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use rustix::stdio::{stderr, stdin, stdout};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::time::Duration;
use zeroize::Zeroizing;

/// stdin, stdout, stderr.
const DESCRIPTORS: usize = 3;
/// Longer than any errand lasts: the broker ends it before.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Has the broker do something at this process's own terminal. Gives the exit status; `None` if no broker of root's
/// listens.
///
/// # Errors
/// Why it came to no end.
pub fn run(errand: &Errand) -> Result<Option<u8>, String> {
    let Ok(Broker(mut line)) = Broker::connect() else { return Ok(None) };
    let frame = encode_errand(errand).map_err(|_| "these are too many words".to_owned())?;
    // Also what a full house does: who is turned away is told nothing.
    let said = |broken: Broken| match broken {
        Broken::Closed | Broken::System(Errno::PIPE | Errno::CONNRESET) => {
            "it hung up; ten commands and prompts of one person are the most at a time".to_owned()
        }
        other => other.to_string(),
    };
    send_along(&line, &frame).map_err(said)?;
    let _ = line.allow(PATIENCE);
    let payload = line.receive(MAX_FRAME).map_err(said)?;
    decode_status(&payload).map(Some).map_err(|malformed| malformed.to_string())
}

/// One frame with the standard descriptors of this process.
fn send_along(line: &Line, frame: &[u8]) -> Result<(), Broken> {
    let (input, output, errors) = (stdin(), stdout(), stderr());
    let descriptors = [input.as_fd(), output.as_fd(), errors.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    match sendmsg(line, &[IoSlice::new(frame)], &mut ancillary, SendFlags::NOSIGNAL) {
        Ok(count) if count == frame.len() => Ok(()),
        Ok(_) => Err(Broken::TooLong),
        Err(error) => Err(Broken::System(error)),
    }
}

/// The payload of the first frame, and the descriptors that came along: three or none.
///
/// # Errors
/// See [`Broken`].
pub fn receive(line: &Line, limit: usize) -> Result<(Zeroizing<Vec<u8>>, Vec<OwnedFd>), Broken> {
    let mut length = [0; 4];
    let mut descriptors = Vec::new();
    let mut filled = 0;
    while filled < length.len() {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let Some(rest) = length.get_mut(filled..) else { break };
        match recvmsg(line, &mut [IoSliceMut::new(rest)], &mut ancillary, flags) {
            Ok(got) if got.bytes == 0 => return Err(Broken::Closed),
            Ok(got) => filled += got.bytes,
            Err(error) => line.cope(error, PollFlags::IN)?,
        }
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                descriptors.extend(received);
            }
        }
    }
    if ![0, DESCRIPTORS].contains(&descriptors.len()) {
        return Err(Broken::TooLong);
    }
    Ok((line.receive_payload(length, limit)?, descriptors))
}
