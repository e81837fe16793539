//! One end of a socket between two processes of Herald: frames in and out, each within its time, whatever the other end
//! does.
#![forbid(unsafe_code)]

use crate::way::text;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::Timespec;
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::fmt;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Our end, and when waiting is over.
#[derive(Debug)]
pub struct Line {
    socket: OwnedFd,
    deadline: Instant,
}

/// Why nothing came, or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Not in time.
    Late,
    /// The other end is gone.
    Closed,
    /// More than a frame may hold.
    TooLong,
    /// Anything else.
    System(Errno),
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => formatter.write_str("no answer in time"),
            Self::Closed => formatter.write_str("ended without a complete answer"),
            Self::TooLong => formatter.write_str("more than a frame may hold"),
            Self::System(error) => formatter.write_str(&text(*error)),
        }
    }
}

impl Line {
    /// A line over a connected socket, with no time to wait yet.
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket, deadline: Instant::now() }
    }

    /// From now on, everything together may take so long. `None` if no clock goes so far.
    pub fn allow(&mut self, time: Duration) -> Option<()> {
        self.deadline = Instant::now().checked_add(time)?;
        Some(())
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// See [`Broken`].
    pub fn send(&self, mut bytes: &[u8]) -> Result<(), Broken> {
        while !bytes.is_empty() {
            // Without MSG_NOSIGNAL an other end that is gone would end us by SIGPIPE.
            match send(&self.socket, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) => self.cope(error, PollFlags::OUT)?,
            }
        }
        Ok(())
    }

    /// The payload of one frame, of at most `limit` bytes.
    ///
    /// # Errors
    /// See [`Broken`].
    pub fn receive(&self, limit: usize) -> Result<Zeroizing<Vec<u8>>, Broken> {
        let mut length = [0; 4];
        self.fill(&mut length)?;
        self.receive_payload(length, limit)
    }

    /// The rest of a frame that begins with this length.
    pub(crate) fn receive_payload(&self, length: [u8; 4], limit: usize) -> Result<Zeroizing<Vec<u8>>, Broken> {
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > limit {
            return Err(Broken::TooLong);
        }
        let mut payload = Zeroizing::new(vec![0; length]);
        self.fill(&mut payload)?;
        Ok(payload)
    }

    /// Whether something more has come already.
    pub(crate) fn has_more(&self) -> bool {
        matches!(recv(&self.socket, &mut [0], RecvFlags::DONTWAIT), Ok((_, 1..)))
    }

    fn fill(&self, buffer: &mut [u8]) -> Result<(), Broken> {
        let mut filled = 0;
        while filled < buffer.len() {
            match recv(&self.socket, &mut buffer[filled..], RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return Err(Broken::Closed),
                Ok((_, count)) => filled += count,
                Err(error) => self.cope(error, PollFlags::IN)?,
            }
        }
        Ok(())
    }

    /// Waits if there is something to wait for.
    pub(crate) fn cope(&self, error: Errno, events: PollFlags) -> Result<(), Broken> {
        match error {
            Errno::AGAIN => self.wait(events),
            Errno::INTR => Ok(()),
            Errno::PIPE | Errno::CONNRESET => Err(Broken::Closed),
            other => Err(Broken::System(other)),
        }
    }

    fn wait(&self, events: PollFlags) -> Result<(), Broken> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Broken::Late);
            }
            let left = Timespec::try_from(left).map_err(|_| Broken::Late)?;
            match poll(&mut [PollFd::new(&self.socket, events)], Some(&left)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(Broken::System(error)),
            }
        }
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Moves a descriptor above 2: hosts close 0 to 2, and what they write to them would go into it.
pub(crate) fn raised(descriptor: OwnedFd) -> Result<OwnedFd, Errno> {
    if descriptor.as_raw_fd() > 2 { Ok(descriptor) } else { fcntl_dupfd_cloexec(&descriptor, 3) }
}
