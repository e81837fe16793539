//! What the login asks: one way to prove oneself, behind an interface that carries over Nextcloud's `IProvider`.
//!
//! A provider is known by its `id`, which is the channel of the factors it serves. `docs/writing-a-provider.md` walks
//! through a minimal one.

mod backup;
mod delivered;
mod totp;

pub use backup::{BACKUP_CHANNEL, BackupCodes, SPELLED, built, is_spelled, new_codes, remaining, spelled};
pub use delivered::DeliveredCode;
pub use totp::{AuthenticatorApp, DIGITS as TOTP_DIGITS, TOTP_CHANNEL, is_totp_secret, new_totp_secret};

use crate::answer::Answer;
use crate::config::Config;
use crate::courier::CourierError;
use crate::enrollment::{Enrollment, Factor, State};
use crate::ledger::Ledger;
use crate::login::Login;
use crate::phrases::Phrases;
use crate::store::StoreError;
use std::fmt;
use std::time::Duration;

/// One way to prove oneself.
pub trait Provider {
    /// The channel it serves: the `channel` of its factors in an enrollment file.
    fn id(&self) -> &str;
    /// What people call it, in their language.
    fn display_name(&self, phrases: &Phrases) -> String;
    /// What it does, in a few words, for the help at the prompt.
    fn description(&self, phrases: &Phrases) -> String;
    /// Whether the user has an active factor of it.
    fn enabled_for(&self, enrollment: &Enrollment) -> bool {
        enrollment.active().any(|factor| factor.channel == self.id())
    }
    /// Gets ready to be answered: sends what has to be sent, and says what to ask. With [`When::TakeUp`] it must not
    /// send, only say whether an answer could be given already.
    ///
    /// # Errors
    /// Nothing could be decided; the login is refused unless another factor can be asked for.
    fn challenge(&self, login: &Login<'_>, factor: &Factor, when: When) -> Result<Challenged, Failure>;
    /// Whether an answer has the shape of this provider's answers: only such a one counts as a failure when it is
    /// wrong (rule 15).
    fn fits(&self, login: &Login<'_>, ledger: &Ledger, answer: &Answer) -> bool;
    /// Compares an answer, in constant time, while the ledger is locked and the failure is charged already. A right
    /// answer is used up by changing `ledger`, which is written before anybody hears of it (rule 17).
    ///
    /// # Errors
    /// As for `challenge`; the answer is refused.
    fn verify(&self, login: &Login<'_>, ledger: &mut Ledger, answer: &Answer) -> Result<Verified, Failure>;
}

/// Why a challenge is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Only what waits already; nothing is sent.
    TakeUp,
    /// The first of this call: what waits is taken up, else one is sent.
    First,
    /// `r`: a new code, after the wait.
    Again,
    /// Another factor was picked: a new code there, without the wait.
    Switch,
}

/// What came of a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenged {
    /// The person can be asked.
    Ask {
        /// The prompt, in the user's language, ending in `: `.
        prompt: String,
        /// The same in fewer words, for where something has to stand before it on the line.
        shorter: String,
        /// Which challenge the prompt speaks of; `None` for what is not sent.
        challenge: Option<String>,
        /// The channels that failed before one took the code.
        failed: Vec<String>,
    },
    /// Nothing waits, and nothing was to be sent.
    NothingWaits,
    /// `r` came too soon: so long to wait.
    TooSoon(Duration),
    /// Too many were sent in vain: so long to wait (rule 11).
    BudgetUsedUp(Duration),
    /// The user is locked for so long (rule 16).
    Locked(Duration),
    /// Nothing could be delivered.
    Undelivered {
        /// Whether that may count for `undelivered = "skip"` (rule 5).
        unreachable: bool,
        /// The channels that were tried.
        failed: Vec<String>,
    },
}

impl Challenged {
    /// Asks with this prompt for what is not sent.
    pub fn asking(prompt: String) -> Self {
        Self::Ask { shorter: prompt.clone(), prompt, challenge: None, failed: Vec::new() }
    }
}

/// What an answer was to one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Right, and used up.
    Right(Proof),
    /// Not one of this provider's.
    Wrong,
    /// One of this provider's that is not accepted, and not counted either (rules 15, 19, 20).
    Unusable(Unusable),
}

/// Why a code that is no guess is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It was used already.
    Used,
    /// It died, or may have been used before this boot.
    Old,
    /// That it is used could not be written down.
    NotNow,
}

/// A right answer, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The channel.
    pub channel: String,
    /// The gateway that delivered, if one did.
    pub gateway: Option<String>,
    /// The factor's shown address; may be empty.
    pub to: String,
    /// What the person should know, now that they are in.
    pub remark: Option<String>,
}

/// Something that is not the person's fault kept a provider from deciding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Enrollment, ledger or key.
    Store(StoreError),
    /// The network side.
    Courier(CourierError),
    /// The machine: randomness, clocks.
    Machine(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(formatter),
            Self::Courier(error) => error.fmt(formatter),
            Self::Machine(text) => formatter.write_str(text),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The providers of this machine: a [`DeliveredCode`] for every channel that has a gateway, authenticator apps, backup
/// codes, and those given besides.
pub struct Registry<'p> {
    delivered: Vec<DeliveredCode>,
    others: &'p [&'p dyn Provider],
}

/// One factor that can be asked for, with the provider that asks.
#[derive(Clone)]
pub struct Choice<'r> {
    /// Who asks.
    pub provider: &'r dyn Provider,
    /// What is asked for.
    pub factor: Factor,
}

impl<'p> Registry<'p> {
    /// The providers that a configuration makes possible.
    pub fn new(config: &Config, others: &'p [&'p dyn Provider]) -> Self {
        Self { delivered: config.channels().into_iter().map(DeliveredCode::new).collect(), others }
    }

    /// All of them.
    pub fn providers(&self) -> impl Iterator<Item = &dyn Provider> {
        let others = self.others.iter().copied();
        let offline: [&dyn Provider; 2] = [&AuthenticatorApp, &BackupCodes];
        self.delivered.iter().map(|provider| -> &dyn Provider { provider }).chain(offline).chain(others)
    }

    /// What can be asked of a user, in the user's order of preference; backup codes are for last.
    pub fn choices(&self, enrollment: &Enrollment) -> Vec<Choice<'_>> {
        let choice = |factor: &Factor| {
            let mut able = self.providers().filter(|provider| provider.enabled_for(enrollment));
            let provider = able.find(|provider| provider.id() == factor.channel)?;
            Some(Choice { provider, factor: factor.clone() })
        };
        let mut choices: Vec<Choice<'_>> = Vec::new();
        for choice in enrollment.active().filter_map(choice) {
            // What is not sent somewhere is one choice, however many secrets it has.
            let same = |known: &Choice<'_>| known.factor.channel == choice.factor.channel;
            if choice.factor.address.is_some() || !choices.iter().any(same) {
                choices.push(choice);
            }
        }
        let (last, mut first): (Vec<_>, Vec<_>) =
            choices.into_iter().partition(|choice| choice.provider.id() == BACKUP_CHANNEL);
        first.extend(last);
        first
    }

    /// The choice for one pending factor, which an enrollment wants to prove.
    pub fn pending(&self, factor: &Factor) -> Option<Choice<'_>> {
        let provider = self.providers().find(|provider| provider.id() == factor.channel)?;
        (factor.state == State::Pending).then(|| Choice { provider, factor: factor.clone() })
    }
}
