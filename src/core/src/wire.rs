//! Frames: how the processes of Herald talk to each other over a socket.
//!
//! A frame is a length (u32, big endian) and so many bytes of payload. A payload starts with the version (one
//! byte) and a tag; numbers are big endian; a text is its length (u32) and its bytes in UTF-8; a list is its
//! length (u32) and its members. Both ends come from one build, so another version is an error, not a negotiation.

use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// The bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a message that can be understood")
    }
}

/// Lays out a frame twice: once to learn its length, once into memory of that length, so that growing
/// never leaves a copy of a secret behind.
pub(crate) fn frame(version: u8, limit: usize, write: impl Fn(&mut Output)) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    let mut measure = Output { length: 0, bytes: None };
    measure.byte(version);
    write(&mut measure);
    if measure.length > limit {
        return Err(Malformed);
    }
    let length = u32::try_from(measure.length).map_err(|_| Malformed)?;
    let mut output = Output { length: 0, bytes: Some(Zeroizing::new(Vec::with_capacity(measure.length + 4))) };
    output.bytes(&length.to_be_bytes());
    output.byte(version);
    write(&mut output);
    output.bytes.ok_or(Malformed)
}

/// A payload being laid out.
pub(crate) struct Output {
    length: usize,
    bytes: Option<Zeroizing<Vec<u8>>>,
}

impl Output {
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        if let Some(buffer) = &mut self.bytes {
            buffer.extend_from_slice(bytes);
        }
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes(&[byte]);
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    pub(crate) fn number(&mut self, number: u128) {
        self.bytes(&u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes());
    }

    fn length(&mut self, length: usize) {
        self.bytes(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.blob(text.as_bytes());
    }

    pub(crate) fn blob(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.bytes(bytes);
    }

    pub(crate) fn list<T>(&mut self, members: &[T], each: impl Fn(&mut Self, &T)) {
        self.length(members.len());
        for member in members {
            each(self, member);
        }
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, each: impl Fn(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            each(self, value);
        }
    }
}

/// What is left of a payload.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn open(version: u8, payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut input = Self(payload);
        if input.byte()? == version { Ok(input) } else { Err(Malformed) }
    }

    pub(crate) fn close(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn duration(&mut self) -> Result<Duration, Malformed> {
        Ok(Duration::from_millis(u64::from_be_bytes(self.array()?)))
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        let length = usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| Malformed)?;
        // Every member takes at least a byte: a length beyond what is left is a lie, and reserves nothing.
        if length > self.0.len() { Err(Malformed) } else { Ok(length) }
    }

    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        std::str::from_utf8(self.blob()?).map(str::to_owned).map_err(|_| Malformed)
    }

    pub(crate) fn blob(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.length()?;
        self.take(length)
    }

    pub(crate) fn list<T>(&mut self, each: impl Fn(&mut Self) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
        let length = self.length()?;
        (0..length).map(|_| each(self)).collect()
    }

    pub(crate) fn option<T>(
        &mut self,
        each: impl Fn(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.flag()? { Ok(Some(each(self)?)) } else { Ok(None) }
    }
}
