//! The broker: logins for hosts that cannot be where Herald decides, because they are not root (screen lockers) or are
//! caged (polkit's agent). The module in such a host only carries the conversation, over a socket to a process of root's
//! that lives as long as this one conversation.
//!
//! Here is what both say to each other ([`FromHost`], [`FromBroker`]), and what of it is believed: everything that a
//! caller who is not root says about itself is only its word. So it verifies nobody but itself, its terminal, peer and
//! configuration count for nothing, and of what it says of a first factor nothing follows that lasts.

mod errand;
mod wire;

pub use errand::{Errand, VARIABLES, decode_errand, decode_status, encode_errand, encode_status};
pub use wire::{MAX_FRAME, decode_from_broker, decode_from_host, encode_from_broker, encode_from_host, encode_hello};

use crate::account::Account;
use crate::audit::{Audit, Line, Severity};
use crate::conversation::Conversation;
use crate::login::{Attempt, Evidence, Shapes, Verdict, authenticate, shapes_behind};
use crate::machine::Machine;
use crate::phrases;
use crate::secret::SecretBytes;

/// Where the broker listens. The folder is root's, and so must be whoever answers.
pub const SOCKET: &str = "/run/herald-broker.sock";

/// The longest PAM service name.
const LONGEST_SERVICE: usize = 64;
/// Stands for the terminal of a caller who is not root. No terminal has this name, so that codes which were asked for
/// here are good nowhere else, and others not here.
const NO_TERMINAL: &str = "broker";

/// What a host says.
#[derive(Debug)]
pub enum FromHost {
    /// The first frame: who is to be verified, where.
    Hello(Hello),
    /// What was typed at the prompt; may be empty.
    Reply(SecretBytes),
    /// The host gave what it knows as PAM_AUTHTOK. The password itself stays where it is.
    FirstFactor,
    /// There was no answer: the person went away, or the host cannot ask.
    NoReply,
}

/// What a host wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Whether this is the person: a whole login.
    Login,
    /// With `input=append`, before the password module: what a code can look like now.
    Shapes,
}

/// A host's first frame.
#[derive(Debug)]
pub struct Hello {
    /// What it wants to know.
    pub wish: Wish,
    /// Who is to be verified, where. The first factor stays with the host, which says whether it saw one: `claimed`.
    pub attempt: Attempt,
}

/// What the broker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromBroker {
    /// A prompt, which the host answers.
    Ask {
        /// Its text.
        prompt: String,
        /// Whether the answer may be seen while typed.
        echo: bool,
    },
    /// Why the login was refused.
    Error(String),
    /// Something that may be lost.
    Info(String),
    /// The last frame of a login.
    Verdict(Verdict),
    /// The only frame after [`Wish::Shapes`].
    Shapes(Shapes),
}

/// Serves one caller, whose user id the kernel told. `own` stands before the arguments of every host: which configuration
/// is read. Gives the last frame.
pub fn serve(
    machine: &dyn Machine,
    caller: u32,
    own: &[Vec<u8>],
    hello: &Hello,
    conversation: &mut dyn Conversation,
    audit: &dyn Audit,
) -> FromBroker {
    let audit = &Via(audit);
    let attempt = match admit(machine, caller, own, hello, audit) {
        Ok(attempt) => attempt,
        Err(verdict) => {
            if hello.wish == Wish::Login {
                conversation.error(&phrases::of("").refused());
            }
            return FromBroker::Verdict(verdict);
        }
    };
    match hello.wish {
        Wish::Login => FromBroker::Verdict(authenticate(machine, &attempt, conversation, audit)),
        Wish::Shapes => match shapes_behind(machine, &attempt, audit) {
            Ok(shapes) => FromBroker::Shapes(shapes),
            Err(verdict) => FromBroker::Verdict(verdict),
        },
    }
}

/// What is believed of what a caller says.
fn admit(
    machine: &dyn Machine,
    caller: u32,
    own: &[Vec<u8>],
    hello: &Hello,
    audit: &dyn Audit,
) -> Result<Attempt, Verdict> {
    let refuse = |account: Option<&Account>, reason: &str, verdict| {
        let user = account.map(|account| account.name.as_str());
        let line = Line::new("refused").with_some("user", user).with("uid", caller.to_string()).because(reason);
        audit.record(Severity::Notice, line.as_str());
        Err(verdict)
    };
    let is_root = caller == 0;
    let said = &hello.attempt;
    // Made anew: what is not named here is not taken over.
    let mut attempt = Attempt {
        service: said.service.clone(),
        user: said.user.clone(),
        arguments: [own, &said.arguments].concat(),
        appended: said.appended.clone(),
        claimed: Some(Evidence::of(said)),
        ..Attempt::default()
    };
    if is_root {
        attempt.rhost.clone_from(&said.rhost);
        attempt.tty.clone_from(&said.tty);
        attempt.ruser.clone_from(&said.ruser);
        return Ok(attempt);
    }
    NO_TERMINAL.clone_into(&mut attempt.tty);
    if said.arguments.iter().any(|argument| argument.starts_with(b"config=")) {
        return refuse(
            None,
            "the broker reads its own configuration: config= stands in its unit",
            Verdict::ServiceError,
        );
    }
    let named = said.service.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    if said.service.is_empty() || said.service.len() > LONGEST_SERVICE || !named {
        return refuse(None, "no service of that name", Verdict::ServiceError);
    }
    let name = std::str::from_utf8(&said.user).ok();
    match name.map_or(Ok(None), |name| machine.users().find(name)) {
        Ok(Some(account)) if account.uid == caller => Ok(attempt),
        // Whether there is such a user is nobody else's business.
        Ok(account) => refuse(account.as_ref(), "not the caller", Verdict::AuthError),
        Err(error) => refuse(None, &error.to_string(), Verdict::SystemError),
    }
}

/// The log, with the word that says by which way it came.
struct Via<'a>(&'a dyn Audit);

impl Audit for Via<'_> {
    fn record(&self, severity: Severity, line: &str) {
        self.0.record(severity, &format!("{line} via=broker"));
    }
}
