//! The bytes between a host and the broker: frames of [`crate::wire`], each a version and a kind of its own.

use super::{FromBroker, FromHost, Hello, Wish};
use crate::login::{Attempt, Evidence, Shapes, Verdict};
use crate::secret::SecretBytes;
use crate::wire::{Input, Malformed, Output, frame};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
/// The longest payload, either way: what is said at a prompt has 512 bytes at most (PAM_MAX_MSG_SIZE).
pub const MAX_FRAME: usize = 4096;

const EVIDENCE: [Evidence; 3] = [Evidence::Missing, Evidence::Given, Evidence::Junk];
const WISHES: [Wish; 2] = [Wish::Login, Wish::Shapes];
const VERDICTS: [Verdict; 10] = [
    Verdict::SystemError,
    Verdict::Success,
    Verdict::Ignore,
    Verdict::AuthError,
    Verdict::MaxTries,
    Verdict::PermissionDenied,
    Verdict::AuthInfoUnavailable,
    Verdict::UserUnknown,
    Verdict::ConversationError,
    Verdict::ServiceError,
];

/// A host's first frame, of an attempt as it is: nothing of it is copied elsewhere, and the first factor stays out.
///
/// # Errors
/// Only for its length: beyond [`MAX_FRAME`].
pub fn encode_hello(wish: Wish, attempt: &Attempt) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    frame(VERSION, MAX_FRAME, |out| write_hello(out, wish, attempt))
}

fn write_hello(out: &mut Output, wish: Wish, attempt: &Attempt) {
    out.byte(0);
    out.tag(&WISHES, wish);
    out.text(&attempt.service);
    out.blob(&attempt.user);
    out.text(&attempt.rhost);
    out.text(&attempt.tty);
    out.text(&attempt.ruser);
    out.tag(&EVIDENCE, Evidence::of(attempt));
    out.list(&attempt.arguments, |out, argument| out.blob(argument));
    out.option(attempt.appended.as_ref(), |out, appended| out.blob(appended.expose()));
}

/// What a host says as one frame, length included, in memory that is wiped.
///
/// # Errors
/// Only for its length: beyond [`MAX_FRAME`].
pub fn encode_from_host(said: &FromHost) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    frame(VERSION, MAX_FRAME, |out| match said {
        FromHost::Hello(hello) => write_hello(out, hello.wish, &hello.attempt),
        FromHost::Reply(reply) => {
            out.byte(1);
            out.blob(reply.expose());
        }
        FromHost::FirstFactor => out.byte(2),
        FromHost::NoReply => out.byte(3),
    })
}

/// Reads the payload of what a host says.
///
/// # Errors
/// Anything unexpected, trailing bytes included.
pub fn decode_from_host(payload: &[u8]) -> Result<FromHost, Malformed> {
    let mut input = Input::open(VERSION, payload)?;
    let said = match input.byte()? {
        0 => FromHost::Hello(Hello {
            wish: input.tag(&WISHES)?,
            attempt: Attempt {
                service: input.text()?,
                user: input.blob()?.to_vec(),
                rhost: input.text()?,
                tty: input.text()?,
                ruser: input.text()?,
                claimed: Some(input.tag(&EVIDENCE)?),
                arguments: input.list(|input| Ok(input.blob()?.to_vec()))?,
                appended: input.option(|input| Ok(SecretBytes::from(input.blob()?)))?,
                ..Attempt::default()
            },
        }),
        1 => FromHost::Reply(SecretBytes::from(input.blob()?)),
        2 => FromHost::FirstFactor,
        3 => FromHost::NoReply,
        _ => return Err(Malformed),
    };
    input.close()?;
    Ok(said)
}

/// What the broker says as one frame, length included.
///
/// # Errors
/// Only for its length: beyond [`MAX_FRAME`].
pub fn encode_from_broker(said: &FromBroker) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    frame(VERSION, MAX_FRAME, |out| match said {
        FromBroker::Ask { prompt, echo } => {
            out.byte(0);
            out.text(prompt);
            out.flag(*echo);
        }
        FromBroker::Error(text) => {
            out.byte(1);
            out.text(text);
        }
        FromBroker::Info(text) => {
            out.byte(2);
            out.text(text);
        }
        FromBroker::Verdict(verdict) => {
            out.byte(3);
            out.tag(&VERDICTS, *verdict);
        }
        FromBroker::Shapes(Shapes { digits, backup }) => {
            out.byte(4);
            out.list(digits, |out, digits| out.byte(*digits));
            out.flag(*backup);
        }
    })
}

/// Reads the payload of what the broker says.
///
/// # Errors
/// Anything unexpected, trailing bytes included: then it says nothing, and lets nobody in.
pub fn decode_from_broker(payload: &[u8]) -> Result<FromBroker, Malformed> {
    let mut input = Input::open(VERSION, payload)?;
    let said = match input.byte()? {
        0 => FromBroker::Ask { prompt: input.text()?, echo: input.flag()? },
        1 => FromBroker::Error(input.text()?),
        2 => FromBroker::Info(input.text()?),
        3 => FromBroker::Verdict(input.tag(&VERDICTS)?),
        4 => FromBroker::Shapes(Shapes { digits: input.list(Input::byte)?, backup: input.flag()? }),
        _ => return Err(Malformed),
    };
    input.close()?;
    Ok(said)
}

impl Output {
    /// A value by its place among all of them; one that is not there would be read as none.
    fn tag<T: PartialEq>(&mut self, all: &[T], one: T) {
        let place = all.iter().position(|known| *known == one).and_then(|place| u8::try_from(place).ok());
        self.byte(place.unwrap_or(u8::MAX));
    }
}

impl Input<'_> {
    fn tag<T: Copy>(&mut self, all: &[T]) -> Result<T, Malformed> {
        all.get(usize::from(self.byte()?)).copied().ok_or(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt() -> Attempt {
        Attempt {
            service: "kde".into(),
            user: b"alice".to_vec(),
            tty: ":0".into(),
            ruser: "alice".into(),
            authtok: Some(SecretBytes::from(&b"correct horse"[..])),
            arguments: vec![b"channel=sms".to_vec(), vec![0xff]],
            appended: Some(SecretBytes::from(&b"123456"[..])),
            ..Attempt::default()
        }
    }

    fn from_host() -> Vec<FromHost> {
        let reply = FromHost::Reply(SecretBytes::from(&b"12\xff34"[..]));
        vec![
            FromHost::Hello(Hello { wish: Wish::Login, attempt: attempt() }),
            reply,
            FromHost::FirstFactor,
            FromHost::NoReply,
        ]
    }

    fn from_broker() -> Vec<FromBroker> {
        let mut said = vec![
            FromBroker::Ask { prompt: "Code: ".into(), echo: true },
            FromBroker::Error("no".into()),
            FromBroker::Info("日".into()),
            FromBroker::Shapes(Shapes { digits: vec![6, 8], backup: true }),
        ];
        said.extend(VERDICTS.map(FromBroker::Verdict));
        said
    }

    #[test]
    fn what_is_said_arrives_as_it_was_said() {
        for said in from_broker() {
            let frame = encode_from_broker(&said).expect("fits");
            assert_eq!(frame[..4], u32::try_from(frame.len() - 4).expect("small").to_be_bytes());
            assert_eq!(decode_from_broker(&frame[4..]), Ok(said));
        }
        for said in from_host() {
            let frame = encode_from_host(&said).expect("fits");
            let got = decode_from_host(&frame[4..]).expect("well-formed");
            assert_eq!(*encode_from_host(&got).expect("fits"), *frame, "{said:?}");
        }
        let frame = encode_hello(Wish::Login, &attempt()).expect("fits");
        assert!(!frame.windows(13).any(|bytes| bytes == b"correct horse"), "the first factor stays with the host");
        let Ok(FromHost::Hello(Hello { attempt: got, .. })) = decode_from_host(&frame[4..]) else { panic!("no hello") };
        let appended = got.appended.as_ref().map(SecretBytes::expose);
        assert_eq!((got.service.as_str(), got.tty.as_str(), appended), ("kde", ":0", Some(&b"123456"[..])));
        assert_eq!((got.claimed, got.authtok.is_none()), (Some(Evidence::Given), true));
    }

    #[test]
    fn a_verdict_that_is_cut_or_goes_on_is_none() {
        for said in from_broker() {
            let frame = encode_from_broker(&said).expect("fits");
            for cut in 0..frame.len() - 4 {
                assert_eq!(decode_from_broker(&frame[4..4 + cut]), Err(Malformed), "{said:?} cut at {cut}");
            }
            let longer = [&frame[4..], &[0]].concat();
            assert_eq!(decode_from_broker(&longer), Err(Malformed), "{said:?}");
        }
    }

    #[test]
    fn another_version_and_an_unknown_kind_are_no_frames() {
        let good = encode_from_broker(&FromBroker::Verdict(Verdict::Success)).expect("fits");
        assert_eq!(good[4..], [1, 3, 1]);
        for bad in [&[2, 3, 1][..], &[0, 3, 1], &[1, 5, 1], &[1, 3, 10], &[1, 3, 255], &[1], &[]] {
            assert_eq!(decode_from_broker(bad), Err(Malformed), "{bad:?}");
        }
        for bad in [&[2, 2][..], &[1, 4], &[1, 0], &[]] {
            assert!(decode_from_host(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_frame_beyond_the_limit_is_not_made() {
        let long = FromHost::Reply(SecretBytes::new(vec![b'7'; MAX_FRAME]));
        assert!(encode_from_host(&long).is_err());
        assert!(encode_from_broker(&FromBroker::Info("x".repeat(MAX_FRAME))).is_err());
    }
}
