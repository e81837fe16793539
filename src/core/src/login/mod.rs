//! One login, from the arguments of the module to the verdict.
//!
//! The gates stand in one order (`docs/design.md`): arguments, configuration, does the user exist, is the user or the
//! network exempt, is there evidence of a first factor, is anything enrolled, is the user locked; then the dialogue.
//! Every gate ends in a refusal unless policy, read successfully, says otherwise: [`Gate::skip`] is the only road to
//! [`Verdict::Ignore`] before the dialogue (rule 3).

mod append;
mod arguments;
mod console;
mod context;
mod dialogue;
mod enrolling;
mod evidence;
mod judgement;

pub use append::{Shapes, appends, shapes_behind};
pub use arguments::Arguments;
pub use console::is_console;
pub use context::Login;
pub use evidence::Evidence;
pub use judgement::{Judgement, judge};

use crate::account::Account;
use crate::audit::{Audit, Line, Severity};
use crate::config::{Config, Policy, Rules, Unenrolled};
use crate::conversation::{Conversation, Reply};
use crate::enrollment::{Enrollment, Factor};
use crate::ledger::Origin;
use crate::machine::{Machine, load_config};
use crate::phrases::{self, Phrases};
use crate::provider::{Choice, Failure, Provider, Registry};
use crate::secret::SecretBytes;
use crate::store::StoreError;
use crate::text::{display_line, literal_peer, remote_host};
use console::Console;
use dialogue::Dialogue;

/// What the host asks for: one call of pam_sm_authenticate, or `herald try`.
#[derive(Debug, Default)]
pub struct Attempt {
    /// PAM_SERVICE.
    pub service: String,
    /// PAM_USER, bytes as the host gave them.
    pub user: Vec<u8>,
    /// PAM_RHOST; absent is empty.
    pub rhost: String,
    /// PAM_TTY; absent is empty.
    pub tty: String,
    /// PAM_RUSER: for log and message only (rule 2).
    pub ruser: String,
    /// PAM_AUTHTOK, if there is one.
    pub authtok: Option<SecretBytes>,
    /// Whether SSH_AUTH_INFO_0 in the PAM environment is there and not empty.
    pub ssh_key: bool,
    /// Root's own word, in `herald try`.
    pub vouched: bool,
    /// What a host on the other side of the broker says of a first factor. It counts instead of all the above; nothing
    /// that lasts follows from it: nobody enrolls and no place is remembered.
    pub claimed: Option<Evidence>,
    /// The arguments of the module line, as bytes.
    pub arguments: Vec<Vec<u8>>,
    /// With `input=append`, behind the password module: what was found behind the password, if anything.
    pub appended: Option<SecretBytes>,
    /// What is spoken at this terminal, where that is known: by the command `herald`, which knows its locale.
    pub spoken: Option<&'static Phrases>,
}

/// How a login ended: one for each PAM code that the module returns. `src/pam` translates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// PAM_SUCCESS
    Success,
    /// PAM_IGNORE
    Ignore,
    /// PAM_AUTH_ERR
    AuthError,
    /// PAM_MAXTRIES
    MaxTries,
    /// PAM_PERM_DENIED
    PermissionDenied,
    /// PAM_AUTHINFO_UNAVAIL
    AuthInfoUnavailable,
    /// PAM_USER_UNKNOWN
    UserUnknown,
    /// PAM_CONV_ERR
    ConversationError,
    /// PAM_SERVICE_ERR
    ServiceError,
    /// PAM_SYSTEM_ERR
    SystemError,
}

/// Runs one login.
pub fn authenticate(
    machine: &dyn Machine,
    attempt: &Attempt,
    conversation: &mut dyn Conversation,
    audit: &dyn Audit,
) -> Verdict {
    authenticate_with(&[], machine, attempt, conversation, audit)
}

/// Runs one login that may also ask these providers, besides the delivered codes of the configured gateways.
pub fn authenticate_with(
    others: &[&dyn Provider],
    machine: &dyn Machine,
    attempt: &Attempt,
    conversation: &mut dyn Conversation,
    audit: &dyn Audit,
) -> Verdict {
    let arguments = match Arguments::parse(&attempt.arguments) {
        Ok(arguments) => arguments,
        Err(text) => return broken_set_up(machine, attempt, &text, conversation, audit),
    };
    let audit = &Heard { audit, debug: arguments.debug };
    let config = match load_config(machine.files(), &arguments.config) {
        Ok(config) => config,
        Err(error) => return broken_set_up(machine, attempt, &error.to_string(), conversation, audit),
    };
    let mut rules = config.for_service(&attempt.service).clone();
    if let Some(unenrolled) = arguments.unenrolled {
        rules.policy.unenrolled = unenrolled;
    }
    // GDM names the console of its greeter, which draws for itself.
    let plain = is_console(&attempt.tty) && !attempt.service.starts_with("gdm");
    let phrases = attempt.spoken.unwrap_or_else(|| speak(config.language.as_deref(), plain));
    let written = speak(config.language.as_deref(), false);
    let evidence = Evidence::of(attempt);
    let mut console = Console(conversation);
    let conversation: &mut dyn Conversation = if plain { &mut console } else { console.0 };
    let mut gate =
        Gate { machine, attempt, arguments, config, rules, evidence, phrases, written, plain, audit, conversation };
    gate.pass(others)
}

/// The phrases of a language, as far as the terminal can show them (rule 32).
fn speak(language: Option<&str>, plain: bool) -> &'static Phrases {
    let language = language.unwrap_or_default();
    if plain { phrases::in_ascii(language) } else { phrases::of(language) }
}

/// The machine or the set-up could not do its part: the verdict, and the line that says so.
fn ending(failure: &Failure, phrases: &Phrases, host: &str) -> (Verdict, String) {
    match failure {
        Failure::Store(StoreError::State(_)) => (Verdict::ServiceError, phrases.set_up_broken(host)),
        _ => (Verdict::SystemError, phrases.could_not_check(host)),
    }
}

fn broken_set_up(
    machine: &dyn Machine,
    attempt: &Attempt,
    text: &str,
    conversation: &mut dyn Conversation,
    audit: &dyn Audit,
) -> Verdict {
    broken(text, audit);
    let phrases = attempt.spoken.unwrap_or_else(|| phrases::of(""));
    conversation.error(&phrases.set_up_broken(&machine.host_name()));
    Verdict::ServiceError
}

fn broken(text: &str, audit: &dyn Audit) -> Verdict {
    for line in text.lines() {
        audit.record(Severity::Error, Line::new("error").because(line).as_str());
    }
    Verdict::ServiceError
}

/// Everything that stands before the dialogue.
struct Gate<'a> {
    machine: &'a dyn Machine,
    attempt: &'a Attempt,
    arguments: Arguments,
    config: Config,
    rules: Rules,
    evidence: Evidence,
    phrases: &'static Phrases,
    written: &'static Phrases,
    plain: bool,
    audit: &'a dyn Audit,
    conversation: &'a mut dyn Conversation,
}

/// Why somebody is not asked: the reasons that policy knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exemption {
    User,
    Network,
    Unenrolled,
    Remembered,
}

impl Gate<'_> {
    fn pass(&mut self, others: &[&dyn Provider]) -> Verdict {
        let name = std::str::from_utf8(&self.attempt.user).ok();
        let account = match name.map_or(Ok(None), |name| self.machine.users().find(name)) {
            Ok(Some(account)) => account,
            Ok(None) => return self.without_a_word("unknown-user", "?", Verdict::UserUnknown),
            Err(error) => return self.failed("?", &Failure::Machine(error.to_string())),
        };
        match self.exempt_user(&account) {
            Ok(true) => return self.skip(&account, Exemption::User),
            Ok(false) => {}
            Err(failure) => return self.failed(account.name.as_str(), &failure),
        }
        let remote = self.rules.policy.remote_services.contains(&self.attempt.service);
        if remote && self.exempt_network() {
            return self.skip(&account, Exemption::Network);
        }
        let seen = self.line("debug", account.name.as_str()).with("service", &self.attempt.service);
        let seen = seen.with("remote", remote.to_string()).with("evidence", self.evidence.as_str());
        self.audit.record(Severity::Debug, seen.as_str());
        let unproved = remote && self.evidence == Evidence::Missing && !self.rules.policy.code_alone;
        if unproved || self.evidence == Evidence::Junk {
            return self.without_a_word("no-evidence", account.name.as_str(), Verdict::AuthError);
        }
        let store = self.machine.store(&self.config.paths);
        let enrollment = match store.enrollment(&account.name) {
            Ok(enrollment) => enrollment.unwrap_or_default(),
            Err(error) => return self.failed(account.name.as_str(), &Failure::Store(error)),
        };
        if let Some(language) = &enrollment.language {
            self.phrases = self.attempt.spoken.unwrap_or_else(|| speak(Some(language), self.plain));
            self.written = speak(Some(language), false);
        }
        if enrollment.active().next().is_none() {
            return self.unenrolled(&account);
        }
        let courier = self.machine.courier(&self.config.paths);
        let login = Login {
            machine: self.machine,
            store: store.as_ref(),
            courier: courier.as_ref(),
            config: &self.config,
            rules: &self.rules,
            audit: self.audit,
            phrases: self.phrases,
            written: self.written,
            user: account.name.clone(),
            by: self.attempt.ruser.clone(),
            origin: Origin {
                service: self.attempt.service.clone(),
                rhost: self.attempt.rhost.clone(),
                tty: self.attempt.tty.clone(),
            },
            host: self.machine.host_name(),
            factors: enrollment.active().cloned().collect(),
            place: self.place(remote),
            enrolling: false,
        };
        match remembered(&login, &enrollment) {
            Ok(true) => return self.skip(&account, Exemption::Remembered),
            Ok(false) => {}
            Err(failure) => return self.failed(account.name.as_str(), &failure),
        }
        let offer = !remote && self.evidence == Evidence::Missing;
        ask(&login, &enrollment, others, self.attempt, &self.arguments, offer, self.conversation)
    }

    fn exempt_user(&self, account: &Account) -> Result<bool, Failure> {
        let failed = |error: crate::account::NameServiceError| Failure::Machine(error.to_string());
        let Policy { exempt, .. } = &self.rules.policy;
        if exempt.iter().any(|name| name == account.name.as_str()) {
            return Ok(true);
        }
        let groups: Vec<&str> = exempt.iter().filter_map(|name| name.strip_prefix('@')).collect();
        if groups.is_empty() {
            return Ok(false);
        }
        let member_of = self.machine.users().groups_of(account).map_err(failed)?;
        let mut exempt = false;
        for group in groups {
            match self.machine.users().group_id(group).map_err(failed)? {
                Some(id) => exempt |= member_of.contains(&id),
                None => {
                    let line = Line::new("error").with("group", group).because("policy.exempt: no such group");
                    self.audit.record(Severity::Warning, line.as_str());
                }
            }
        }
        Ok(exempt)
    }

    /// Where a success is remembered, and found again: a literal address, or a terminal and the login session on it.
    /// Nowhere without a first factor, and nowhere where the code is to do it alone.
    fn place(&self, remote: bool) -> Option<String> {
        let Policy { remember, code_alone, .. } = &self.rules.policy;
        let Attempt { rhost, tty, vouched, claimed, .. } = self.attempt;
        let word_only = *vouched || claimed.is_some();
        if remember.is_zero() || *code_alone || word_only || self.evidence != Evidence::Given {
            return None;
        }
        if remote {
            return literal_peer(rhost).map(|peer| peer.to_string());
        }
        let session = self.machine.session().filter(|_| !tty.is_empty() && rhost.is_empty())?;
        Some(format!("{tty} {session}"))
    }

    fn exempt_network(&self) -> bool {
        self.rules.policy.exempt_networks.iter().any(|network| network.holds_peer(&self.attempt.rhost))
    }

    /// The one road out without a question (rules 3 and 4).
    fn skip(&self, account: &Account, why: Exemption) -> Verdict {
        let reason = match why {
            Exemption::User => "exempt",
            Exemption::Network => "exempt-network",
            Exemption::Unenrolled => "unenrolled",
            Exemption::Remembered => "remembered",
        };
        let line = self.line("skipped", account.name.as_str());
        let (severity, line, verdict) = match (self.arguments.exempt_success, self.evidence) {
            (false, _) => (Severity::Info, line.because(reason), Verdict::Ignore),
            (true, Evidence::Given) => (Severity::Info, line.because(reason), Verdict::Success),
            (true, _) => {
                let reason = format!("{reason}, exempt=success needs evidence of a first factor: PAM_IGNORE");
                (Severity::Warning, line.because(reason), Verdict::Ignore)
            }
        };
        self.audit.record(severity, line.as_str());
        verdict
    }

    fn unenrolled(&mut self, account: &Account) -> Verdict {
        match self.rules.policy.unenrolled {
            Unenrolled::Skip => self.skip(account, Exemption::Unenrolled),
            Unenrolled::Enroll if self.may_enroll() => self.enroll(account),
            Unenrolled::Refuse | Unenrolled::Enroll => {
                let line = self.line("refused", account.name.as_str()).because("unenrolled");
                self.audit.record(Severity::Notice, line.as_str());
                let user = display_line(account.name.as_str(), 64);
                self.conversation.error(&self.phrases.unenrolled(&user, &self.machine.host_name()));
                Verdict::PermissionDenied
            }
        }
    }

    /// Behind a first factor that was seen here, and with more than one question.
    fn may_enroll(&self) -> bool {
        self.evidence == Evidence::Given && self.attempt.claimed.is_none() && !self.arguments.append
    }

    /// One prompt that is the same for everybody, whose answer nobody looks at (rule 9).
    fn without_a_word(&mut self, reason: &str, user: &str, verdict: Verdict) -> Verdict {
        // Who has one field was asked already.
        let reply = match self.arguments.append {
            true => Ok(Reply::Empty),
            false => self.conversation.ask(&self.phrases.bare_code(), self.arguments.echo),
        };
        self.audit.record(Severity::Notice, self.line("refused", user).because(reason).as_str());
        match reply {
            Err(_) if verdict != Verdict::UserUnknown => Verdict::ConversationError,
            _ => {
                self.conversation.error(&self.phrases.refused());
                verdict
            }
        }
    }

    fn failed(&mut self, user: &str, failure: &Failure) -> Verdict {
        let (verdict, text) = ending(failure, self.phrases, &self.machine.host_name());
        self.audit.record(Severity::Error, self.line("error", user).because(failure.to_string()).as_str());
        self.conversation.error(&text);
        verdict
    }

    /// The name of an unknown user is not logged: people type their passwords there (rule 31).
    fn line(&self, event: &str, user: &str) -> Line {
        let Attempt { rhost, tty, .. } = self.attempt;
        let line =
            if user == "?" { Line::new(&format!("{event} user=?")) } else { Line::new(event).with("user", user) };
        line.with_some("rhost", remote_host(rhost)).with_some("tty", (!tty.is_empty()).then_some(tty))
    }
}

/// Whether this login's place is remembered by a factor that is still good, and the user is not locked.
fn remembered(login: &Login<'_>, enrollment: &Enrollment) -> Result<bool, Failure> {
    let Some(place) = &login.place else { return Ok(false) };
    let mut ledger = login.store.peek_ledger(&login.user)?;
    login.drop_lost_factors(&mut ledger, enrollment);
    let now = login.now();
    Ok(ledger.locked_for(now).is_none() && ledger.remembers(now, &login.origin.service, place))
}

/// Lets somebody prove a pending factor by the code that is sent there: the dialogue of a login, with all its limits.
pub fn prove_pending(
    login: &Login<'_>,
    factor: &Factor,
    attempt: &Attempt,
    echo: bool,
    conversation: &mut dyn Conversation,
) -> Verdict {
    let registry = Registry::new(login.config, &[]);
    let choices: Vec<_> = registry.pending(factor).into_iter().collect();
    open_dialogue(login, choices, attempt, echo, Opening::Send, conversation)
}

/// The user's choices, in the order of preference or of `channel=`, and then the dialogue.
fn ask(
    login: &Login<'_>,
    enrollment: &Enrollment,
    others: &[&dyn Provider],
    attempt: &Attempt,
    arguments: &Arguments,
    offer: bool,
    conversation: &mut dyn Conversation,
) -> Verdict {
    let registry = Registry::new(login.config, others);
    let mut choices = registry.choices(enrollment);
    if let Some(channel) = &arguments.channel {
        let (first, rest): (Vec<_>, Vec<_>) = choices.into_iter().partition(|choice| choice.factor.channel == *channel);
        choices = first.into_iter().chain(rest).collect();
    }
    let opening = match (arguments.append, offer) {
        (true, _) => Opening::Appended,
        (false, true) => Opening::Offer,
        (false, false) => Opening::Send,
    };
    open_dialogue(login, choices, attempt, arguments.echo, opening, conversation)
}

/// How a dialogue begins.
enum Opening {
    /// A code is sent.
    Send,
    /// Enter sends one (rule 9).
    Offer,
    /// Nothing is asked: the answer was given behind the password, or is to be.
    Appended,
}

/// Locked, nothing to ask for, or the dialogue.
fn open_dialogue<'a>(
    login: &'a Login<'a>,
    choices: Vec<Choice<'a>>,
    attempt: &'a Attempt,
    echo: bool,
    opening: Opening,
    conversation: &'a mut dyn Conversation,
) -> Verdict {
    let nothing_to_ask = choices.is_empty();
    let mut dialogue = Dialogue::new(login, choices, attempt, echo, conversation);
    match login.store.peek_ledger(&login.user) {
        Err(error) => dialogue.failed(&Failure::Store(error)),
        Ok(ledger) => match ledger.locked_for(login.now()) {
            Some(left) => dialogue.locked(left),
            None if nothing_to_ask => dialogue.undelivered(),
            None => match opening {
                Opening::Send => dialogue.run(false),
                Opening::Offer => dialogue.run(true),
                Opening::Appended => dialogue.run_appended(attempt.appended.as_ref()),
            },
        },
    }
}

/// The log without what only `debug` asks for.
struct Heard<'a> {
    audit: &'a dyn Audit,
    debug: bool,
}

impl Audit for Heard<'_> {
    fn record(&self, severity: Severity, line: &str) {
        if self.debug || severity > Severity::Debug {
            self.audit.record(severity, line);
        }
    }
}
