//! The host at the other end, and the person before it.

use herald_core::broker::{
    Errand, FromBroker, FromHost, Hello, MAX_FRAME, decode_errand, decode_from_host, encode_from_broker,
};
use herald_core::conversation::{Conversation, ConversationError, Reply};
use herald_sys::errand;
use herald_sys::line::Line;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// What somebody connects for.
pub(crate) enum Wanted {
    /// A login that is decided here.
    Login(Hello),
    /// A command for themselves, and the terminal where they typed it.
    Errand(Errand, Vec<OwnedFd>),
}

/// A conversation over the socket. The first thing that goes wrong ends it: what comes afterwards is not looked at.
pub(crate) struct Caller {
    line: Option<Line>,
}

impl Caller {
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self { line: Some(Line::new(socket)) }
    }

    /// Everything from now on may take so long.
    pub(crate) fn allow(&mut self, time: Duration) {
        let allowed = self.line.as_mut().and_then(|line| line.allow(time));
        if allowed.is_none() {
            self.line = None;
        }
    }

    /// What the caller wants, said within this time; `None` if that is nothing, or no frame.
    pub(crate) fn hear(&mut self, time: Duration) -> Option<Wanted> {
        self.allow(time);
        let (payload, terminal) = errand::receive(self.line.as_ref()?, MAX_FRAME).ok()?;
        match (decode_from_host(&payload), decode_errand(&payload)) {
            (Ok(FromHost::Hello(hello)), _) => Some(Wanted::Login(hello)),
            (_, Ok(errand)) => Some(Wanted::Errand(errand, terminal)),
            _ => None,
        }
    }

    /// The line itself, for what is no login.
    pub(crate) fn into_line(self) -> Option<Line> {
        self.line
    }

    /// Says something, if anybody listens.
    pub(crate) fn say(&mut self, said: &FromBroker) {
        let sent = self.line.as_ref().zip(encode_from_broker(said).ok()).map(|(line, frame)| line.send(&frame));
        if !matches!(sent, Some(Ok(()))) {
            self.line = None;
        }
    }

    fn next(&mut self) -> Option<FromHost> {
        let payload = self.line.as_ref()?.receive(MAX_FRAME).ok();
        let said = payload.and_then(|payload| decode_from_host(&payload).ok());
        if said.is_none() {
            self.line = None;
        }
        said
    }
}

impl Conversation for Caller {
    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Reply, ConversationError> {
        self.say(&FromBroker::Ask { prompt: prompt.to_owned(), echo });
        match self.next() {
            Some(FromHost::Reply(reply)) if reply.expose().is_empty() => Ok(Reply::Empty),
            Some(FromHost::Reply(reply)) => Ok(Reply::Text(reply)),
            Some(FromHost::FirstFactor) => Ok(Reply::FirstFactor),
            Some(FromHost::NoReply | FromHost::Hello(_)) | None => Err(ConversationError),
        }
    }

    fn error(&mut self, text: &str) {
        self.say(&FromBroker::Error(text.to_owned()));
    }

    fn info(&mut self, text: &str) {
        self.say(&FromBroker::Info(text.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use herald_core::broker::{decode_from_broker, encode_from_host};
    use herald_core::secret::SecretBytes;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    const SOON: Duration = Duration::from_millis(200);

    fn pair() -> (Caller, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        (Caller::new(ours.into()), theirs)
    }

    fn frame(said: &FromHost) -> Vec<u8> {
        encode_from_host(said).expect("fits").to_vec()
    }

    fn heard(host: &mut UnixStream) -> FromBroker {
        let mut length = [0; 4];
        host.read_exact(&mut length).expect("a frame");
        let mut payload = vec![0; u32::from_be_bytes(length) as usize];
        host.read_exact(&mut payload).expect("a frame");
        decode_from_broker(&payload).expect("well-formed")
    }

    #[test]
    fn prompts_go_out_and_replies_come_in() {
        for (said, empty) in [(&b"123456"[..], false), (b"", true)] {
            let (mut caller, mut host) = pair();
            caller.allow(SOON);
            host.write_all(&frame(&FromHost::Reply(SecretBytes::from(said)))).expect("open");
            let reply = caller.ask("Code: ", false).expect("a reply");
            assert_eq!(matches!(reply, Reply::Empty), empty);
            assert_eq!(heard(&mut host), FromBroker::Ask { prompt: "Code: ".into(), echo: false });
            caller.error("no");
            assert_eq!(heard(&mut host), FromBroker::Error("no".into()));
        }
    }

    #[test]
    fn silence_half_frames_and_noise_end_a_conversation_and_nothing_is_heard_afterwards() {
        let good = frame(&FromHost::Reply(SecretBytes::from(&b"123456"[..])));
        let long = [&u32::MAX.to_be_bytes()[..], &[1; 64]].concat();
        for bad in [&good[..0], &good[..3], &good[..good.len() - 1], &long, b"\0\0\0\x02\x01\x09", b"\0\0\0\0"] {
            let (mut caller, mut host) = pair();
            caller.allow(SOON);
            host.write_all(bad).expect("open");
            assert!(caller.ask("Code: ", false).is_err(), "{bad:?}");
            host.write_all(&good).unwrap_or_default();
            assert!(caller.ask("Code: ", false).is_err(), "{bad:?}: it is over");
        }
    }

    #[test]
    fn a_host_that_is_gone_or_never_reads_holds_nobody_up() {
        let (mut caller, host) = pair();
        drop(host);
        caller.allow(SOON);
        assert!(caller.ask("Code: ", false).is_err());
        let (mut caller, _host) = pair();
        caller.allow(SOON);
        // More than the socket holds: this returns.
        for _ in 0..2000 {
            caller.info(&"x".repeat(500));
        }
        assert!(caller.ask("Code: ", false).is_err());
    }
}
