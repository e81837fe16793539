//! The ways in which a gateway fails.

use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// 403: the person has blocked the bot.
    Blocked,
    /// 403: the account is gone.
    Deactivated,
    /// 400: no such chat, or the person never pressed START.
    ChatNotFound,
    /// 400: the group has another id now.
    Upgraded,
    /// 401: the token was revoked.
    Unauthorized,
    /// 404: as for a token of no known shape.
    NotFound,
    /// 409: somebody else uses this bot.
    Conflict,
    /// 429, with `parameters.retry_after`.
    TooMany {
        /// In seconds.
        retry_after: u64,
    },
    /// 429 from a proxy in front: no JSON, only the header.
    TooManyByHeader {
        /// In seconds.
        retry_after: u64,
    },
    /// 500 with the Bot API's envelope.
    Broken,
    /// 502 with a page of HTML.
    BadGateway,
    /// Reads the request and never answers.
    Hang,
    /// The right answer, byte by byte.
    Drip {
        /// Between two bytes.
        pause: Duration,
    },
    /// 200 with bytes that mean nothing.
    Garbage,
    /// What follows the request is not even HTTP.
    NotHttp,
    /// 200 with more than 64 KiB.
    Oversized,
    /// 302 to somewhere else.
    Redirect,
    /// 403 that repeats the whole request, secrets included.
    Echo,
    /// Reads the request and closes.
    CloseAfterRequest,
    /// Resets the connection when the request arrives.
    Reset,
    /// Accepts the connection and never says a word.
    HangBeforeTls,
    /// Resets the connection before TLS.
    ResetBeforeTls,
    /// A certificate of the right CA for another name.
    WrongHost,
    /// A certificate of the right CA that has expired.
    Expired,
    /// A certificate that only vouches for itself.
    SelfSigned,
    /// Answers the TLS handshake with plain text.
    NotTls,
}

impl Fault {
    /// Chats that fail by their very number, for tests that only choose an address.
    pub const CHATS: [(i64, Self); 14] = [
        (9_000_403, Self::Blocked),
        (9_001_403, Self::Deactivated),
        (9_000_400, Self::ChatNotFound),
        (9_000_401, Self::Unauthorized),
        (9_000_404, Self::NotFound),
        (9_000_409, Self::Conflict),
        (9_000_429, Self::TooMany { retry_after: 7 }),
        (9_000_500, Self::Broken),
        (9_000_302, Self::Redirect),
        (9_000_001, Self::Hang),
        (9_000_002, Self::Drip { pause: Duration::from_millis(50) }),
        (9_000_003, Self::Garbage),
        (9_000_004, Self::Oversized),
        (9_000_005, Self::CloseAfterRequest),
    ];

    /// The fault of a chat of [`Fault::CHATS`].
    pub fn of_chat(chat: i64) -> Self {
        Self::CHATS.iter().find(|(known, _)| *known == chat).map_or(Self::None, |(_, fault)| *fault)
    }

    /// Whether it shows before a request can be read.
    pub(super) fn is_of_the_connection(self) -> bool {
        matches!(
            self,
            Self::HangBeforeTls
                | Self::ResetBeforeTls
                | Self::WrongHost
                | Self::Expired
                | Self::SelfSigned
                | Self::NotTls
        )
    }
}
