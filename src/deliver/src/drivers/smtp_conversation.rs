//! A conversation with a mail server (RFC 5321), each step of it bounded in time and size.
//!
//! Commands and replies are lettre's. Its connection is not used: it reads a line until that ends, however long it
//! grows, and says goodbye to a server that hangs.

use super::socket::{Endpoint, Line};
use crate::refusal::Refusal;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::commands::{Auth, Ehlo, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, ServerInfo};
use lettre::transport::smtp::response::{Response, Severity};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::fmt::Display;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;

/// The longest reply, all of its lines together: several times what a server that can everything says to EHLO.
const LONGEST_REPLY: usize = 16 * 1024;
/// A login that asks more often than this goes round in circles.
const MOST_CHALLENGES: usize = 4;

/// A conversation that has begun.
pub(super) struct Conversation {
    stream: Stream,
    /// What was read and not yet looked at.
    ahead: Vec<u8>,
    server: ServerInfo,
}

/// How a step went wrong.
#[derive(Debug)]
pub(super) enum Broken {
    /// The server said no.
    Refused {
        /// Only for now (4yz).
        transient: bool,
        /// RFC 5321 §4.2
        code: u16,
        /// Its words.
        words: String,
    },
    /// It offers no STARTTLS.
    NoStarttls,
    /// It offers no way to log in that we know.
    NoLogin,
    /// It said what no mail server says.
    Nonsense,
    /// Nothing more came or went.
    Lost(io::Error),
}

enum Stream {
    Plain(Line),
    Tls(Box<StreamOwned<ClientConnection, Line>>),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl Conversation {
    /// Connects, with TLS from the first byte if there is a configuration for that, and listens to the greeting.
    ///
    /// # Errors
    /// The outer one: no connection. The inner one: what was said, or not, over it.
    pub(super) fn begin(
        host: &str,
        port: u16,
        tls: Option<ClientConfig>,
        until: Instant,
    ) -> Result<Result<Self, Broken>, Refusal> {
        let line = Endpoint::Tcp(host.to_owned(), port).connect(until)?;
        let greeted = || {
            let stream = match tls {
                Some(tls) => encrypted(line, host, tls)?,
                None => Stream::Plain(line),
            };
            Self::greeted(stream)
        };
        Ok(greeted())
    }

    /// Over a line that is connected already.
    #[cfg(any(test, fuzzing))]
    pub(super) fn over(line: Line) -> Result<Self, Broken> {
        Self::greeted(Stream::Plain(line))
    }

    fn greeted(stream: Stream) -> Result<Self, Broken> {
        let mut conversation = Self { stream, ahead: Vec::new(), server: ServerInfo::default() };
        conversation.hear()?;
        conversation.introduce()?;
        Ok(conversation)
    }

    /// Goes on encrypted (RFC 3207).
    pub(super) fn encrypt(mut self, host: &str, tls: ClientConfig) -> Result<Self, Broken> {
        if !self.server.supports_feature(Extension::StartTls) {
            return Err(Broken::NoStarttls);
        }
        self.say(Starttls)?;
        // What was said before in clear must not be taken for something that was said afterwards.
        if !self.ahead.is_empty() {
            return Err(Broken::Nonsense);
        }
        let Stream::Plain(line) = self.stream else { return Err(Broken::Nonsense) };
        let stream = encrypted(line, host, tls)?;
        let mut conversation = Self { stream, ahead: Vec::new(), server: ServerInfo::default() };
        conversation.introduce()?;
        Ok(conversation)
    }

    /// Logs in (RFC 4954).
    pub(super) fn log_in(&mut self, credentials: &Credentials) -> Result<(), Broken> {
        let known = [Mechanism::Plain, Mechanism::Login];
        let mechanism = self.server.get_auth_mechanism(&known).ok_or(Broken::NoLogin)?;
        let begin = Auth::new(mechanism, credentials.clone(), None).map_err(|_| Broken::NoLogin)?;
        let mut reply = self.say(begin)?;
        for _ in 0..MOST_CHALLENGES {
            if !reply.has_code(334) {
                return Ok(());
            }
            let answer = Auth::new_from_response(mechanism, credentials.clone(), &reply);
            reply = self.say(answer.map_err(|_| Broken::Nonsense)?)?;
        }
        Err(Broken::Nonsense)
    }

    /// Says one command and hears the reply.
    pub(super) fn say(&mut self, command: impl Display) -> Result<Response, Broken> {
        let command = Zeroizing::new(command.to_string());
        self.write(command.as_bytes())?;
        self.hear()
    }

    /// Says a whole mail, after DATA, and hears what became of it.
    pub(super) fn mail(&mut self, mail: &[u8]) -> Result<Response, Broken> {
        let mut stuffed = Zeroizing::new(Vec::with_capacity(mail.len() + 64));
        let mut begins = true;
        for byte in mail {
            // A line that begins with a dot gets another (RFC 5321 §4.5.2).
            if begins && *byte == b'.' {
                stuffed.push(b'.');
            }
            stuffed.push(*byte);
            begins = *byte == b'\n';
        }
        stuffed.extend_from_slice(b"\r\n.\r\n");
        self.write(&stuffed)?;
        self.hear()
    }

    fn introduce(&mut self) -> Result<(), Broken> {
        let reply = self.say(Ehlo::new(ClientId::default()))?;
        self.server = ServerInfo::from_response(&reply).map_err(|_| Broken::Nonsense)?;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream: &mut dyn Write = match &mut self.stream {
            Stream::Plain(line) => line,
            Stream::Tls(tls) => tls,
        };
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// One reply: lines with a dash behind their code, and a last one without (RFC 5321 §4.2.1).
    fn hear(&mut self) -> Result<Response, Broken> {
        let mut length = 0;
        loop {
            let rest = self.ahead.get(length..).unwrap_or_default();
            match rest.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    length += end + 1;
                    if rest.get(3) != Some(&b'-') {
                        break;
                    }
                }
                None => self.fill()?,
            }
        }
        let reply: Vec<u8> = self.ahead.drain(..length).collect();
        let reply: Response = String::from_utf8_lossy(&reply).parse().map_err(|_| Broken::Nonsense)?;
        match reply.code().severity {
            Severity::PositiveCompletion | Severity::PositiveIntermediate => Ok(reply),
            severity => Err(Broken::Refused {
                transient: severity == Severity::TransientNegativeCompletion,
                code: reply.code().into(),
                words: reply.message().collect::<Vec<_>>().join(" "),
            }),
        }
    }

    fn fill(&mut self) -> Result<(), Broken> {
        if self.ahead.len() > LONGEST_REPLY {
            return Err(Broken::Nonsense);
        }
        let mut chunk = [0; 2048];
        let stream: &mut dyn Read = match &mut self.stream {
            Stream::Plain(line) => line,
            Stream::Tls(tls) => tls,
        };
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        self.ahead.extend_from_slice(chunk.get(..read).unwrap_or_default());
        Ok(())
    }
}

fn encrypted(mut line: Line, host: &str, tls: ClientConfig) -> io::Result<Stream> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(Arc::new(tls), name).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut line)?;
    }
    Ok(Stream::Tls(Box::new(StreamOwned::new(connection, line))))
}
