//! What is asked of the network side, and what it answers.
//!
//! `herald-deliver` is the only program that touches a network. It gets one [`Request`] and gives one
//! [`Answer`]; both travel as bytes in a format of their own (`wire`), so that secrets are written
//! once into memory that is wiped and nothing but a complete, well-formed answer is ever believed (rule 5).

mod wire;

pub use crate::wire::Malformed;
pub use wire::{MAX_ANSWER, MAX_REQUEST, decode_answer, decode_request, encode_answer, encode_request};

use crate::secret::Secret;
use std::fmt;
use std::time::Duration;

/// One piece of work for the network side.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is to be done.
    pub job: Job,
    /// How long everything together may take, DNS included.
    pub deadline: Duration,
    /// `http://…` or `socks5://…`; empty for none. Only from the configuration (rule 21).
    pub proxy: String,
    /// Extra trusted CA certificates, PEM text; empty for none.
    pub ca: String,
    /// Only the gateways that this job needs, their secrets included (rule 24).
    pub gateways: Vec<Gateway>,
}

/// The kinds of work.
#[derive(Clone, Debug)]
pub enum Job {
    /// Say what drivers there are and which fields they take; all of them, or the one named.
    Describe(Option<String>),
    /// Look at the fields of every gateway without touching the network.
    Check,
    /// Ask every gateway's service whether it is there and knows us.
    Status,
    /// Look once, through the one gateway of the request, whether somebody pressed START behind the link with this
    /// nonce, in a private chat. Confirms nothing: the updates of others stay.
    FindChat {
        /// What the link carried.
        nonce: Secret,
        /// Drops every update that waits first, also those of others.
        drop_pending: bool,
    },
    /// Try in order until one gateway has taken the message.
    Send {
        /// Which gateway and where to; the first that takes it ends the job.
        tries: Vec<Try>,
        /// What is sent.
        message: Message,
    },
}

/// What came of one look for the person behind a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatSearch {
    /// The person pressed START behind our link.
    Found {
        /// The chat, as an address.
        address: String,
        /// What the person calls themselves there, cleaned.
        name: String,
    },
    /// Nobody yet.
    NotYet {
        /// How many other updates the service holds; from 100 on they hide ours.
        others: u32,
    },
    /// Another program takes the bot's updates, so that we cannot see them: what to do about it.
    Taken(String),
    /// The service could not be asked.
    Failed {
        /// How that ended.
        end: End,
        /// The service's own words, cleaned and without secrets.
        detail: String,
    },
}

/// One gateway as the network side gets it.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Its name in `herald.toml`.
    pub name: String,
    /// What the user sees: `telegram`, `sms` …
    pub channel: String,
    /// Who speaks the service's API: `telegram-bot` …
    pub driver: String,
    /// Whether plain `http://` to other hosts was allowed.
    pub insecure: bool,
    /// All other keys of the table; the driver alone knows which there may be.
    pub fields: Vec<(String, Field)>,
    /// The admin's own definition of the driver, where there is one.
    pub definition: Option<Definition>,
}

/// A file of `providers.d`: a service that an admin described. What it says is the network side's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its path, for messages.
    pub file: String,
    /// All of it.
    pub text: String,
}

/// The value of a driver's field.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// Text: URLs, names, and everything secret.
    Text(Secret),
    /// A whole number.
    Integer(i64),
    /// A yes or no.
    Flag(bool),
}

/// One try: this gateway, this address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// [`Gateway::name`].
    pub gateway: String,
    /// The address as enrolled, normalised.
    pub address: String,
}

/// A message in parts, so that each driver can lay it out: marked up, or as plain text that fits a segment.
#[derive(Clone, Debug)]
pub struct Message {
    /// The code, first of all; `None` for a notice.
    pub code: Option<Secret>,
    /// How long the code is good, for services that show or enforce it.
    pub lifetime: Duration,
    /// The language of the parts, as in `herald language`.
    pub language: String,
    /// The label of a button that copies the code.
    pub copy_label: String,
    /// The rest, in the order in which it is shown. Plain text: the driver escapes it.
    pub parts: Vec<Part>,
}

/// One sentence of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is about: says what may be dropped where room is short.
    pub topic: Topic,
    /// The text, cleaned, without markup.
    pub text: String,
}

/// What a part is about. Where room is short, parts are dropped in the order `Advice`, `Origin`, `User`,
/// `Service`, `Lifetime` (interface §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Which machine.
    Host,
    /// Which service of it.
    Service,
    /// Which user.
    User,
    /// Where the login comes from.
    Origin,
    /// How long the code is good.
    Lifetime,
    /// Where to type it, and that nobody will ask for it.
    Warning,
    /// What to do if it was not you.
    Advice,
    /// The text of a notice.
    Notice,
}

/// What the network side did.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To [`Job::Describe`].
    Drivers(Vec<Driver>),
    /// To [`Job::Check`]: what is wrong; empty if nothing is.
    Faults(Vec<Fault>),
    /// To [`Job::Status`], one for each gateway, in order.
    Status(Vec<Condition>),
    /// To [`Job::FindChat`].
    Chat(ChatSearch),
    /// To [`Job::Send`]: every try that was made, in order. The message is out if the last says so.
    Tries(Vec<Tried>),
}

/// A driver as its own table describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// Its name in `driver = "…"`.
    pub name: String,
    /// The channel it serves unless the gateway says otherwise.
    pub channel: String,
    /// The forms of address that it takes: `chat-id`, `e164` …
    pub addresses: Vec<String>,
    /// The keys of its `[[gateway]]` table.
    pub fields: Vec<FieldHelp>,
}

/// One field of a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldHelp {
    /// The key.
    pub name: String,
    /// Asked without echo, never shown again.
    pub secret: bool,
    /// Whether the driver works without it.
    pub required: bool,
    /// What it is, and where it is found, in the service's own words.
    pub help: String,
}

/// What is wrong with the configuration of one gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// [`Gateway::name`].
    pub gateway: String,
    /// The key at fault; empty if it is the driver itself.
    pub field: String,
    /// What is wrong and what is accepted. Never the value of a secret.
    pub problem: String,
}

/// How one gateway is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// [`Gateway::name`].
    pub gateway: String,
    /// Reachable, and it knows us.
    pub ok: bool,
    /// Who it is (bot name, account, balance), or what is wrong.
    pub detail: String,
    /// What to do about it; empty if nothing.
    pub mend: String,
    /// How long it took.
    pub took: Duration,
}

/// One try that was made, or passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// [`Gateway::name`].
    pub gateway: String,
    /// How it ended.
    pub end: End,
    /// The service's own words, cleaned and without secrets; empty on success.
    pub detail: String,
    /// How long it took.
    pub took: Duration,
}

/// How a try ended. What moves on to what is told in `docs/design.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The service took the message.
    Delivered,
    /// DNS, connect or TLS handshake failed or timed out, or 5xx: the only end that may count for
    /// `undelivered = "skip"` (rule 5).
    Unreachable,
    /// The service refused for now (429), after so many seconds again if it said so; or its certificate is
    /// not to be trusted. Surely not sent.
    TryAgain {
        /// When the service wants to be asked again.
        after: Option<Duration>,
    },
    /// The request went out, and nothing that could be understood came back: perhaps sent.
    Unclear,
    /// This person cannot be reached this way: blocked the bot, unknown number. On to the next channel.
    Permanent,
    /// The gateway's own set-up is wrong: a bad token, a bad field. For the admin; on to the next gateway.
    Configuration,
    /// Not tried: the driver does not take an address of this form.
    PassedOver,
}

impl End {
    /// Whether the message surely did not go out, so that its charge is given back (rule 11).
    pub fn surely_refused(self) -> bool {
        !matches!(self, Self::Delivered | Self::Unclear)
    }
}

/// The network side did not do its part (rule 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CourierError {
    /// It could not be started: missing, not to be trusted, no process to be had. Nothing was sent.
    NotStarted(String),
    /// It was started, and no complete, well-formed answer came back: killed, late, garbage. Perhaps it sent.
    Failed(String),
}

impl fmt::Display for CourierError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(text) | Self::Failed(text) => formatter.write_str(text),
        }
    }
}

impl std::error::Error for CourierError {}

/// Who carries a request to the network side and waits for the answer.
pub trait Courier {
    /// Does the work within its deadline and a second more.
    ///
    /// # Errors
    /// See [`CourierError`].
    fn carry(&self, request: &Request) -> Result<Answer, CourierError>;
}
