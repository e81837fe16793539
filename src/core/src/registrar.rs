//! Changing who may log in how: what the command `herald` does to enrollments. Everything is checked before anything is
//! written, and the person's other factors are told (rule 34).

mod many;
mod offline;

pub use many::{Plan, Row, RowError, Standing};
pub use offline::{App, Codes};

use crate::account::UserName;
use crate::address::{self, Form};
use crate::audit::{Audit, Line, Severity};
use crate::config::Config;
use crate::conversation::Conversation;
use crate::courier::{Answer, Courier, CourierError, Job};
use crate::delivery::Sender;
use crate::enrollment::{Enrollment, Factor, SelectError, State};
use crate::ledger::{Ledger, Origin};
use crate::login::{Attempt, Login, Verdict, prove_pending};
use crate::machine::Machine;
use crate::message::notice;
use crate::phrases::{self, Change, Phrases};
use crate::store::{Store, StoreError};
use std::fmt;

/// Where changes are made, and by whom.
pub struct Registrar<'a> {
    /// The machine.
    pub machine: &'a dyn Machine,
    /// The configuration.
    pub config: &'a Config,
    /// Enrollments and ledgers.
    pub store: &'a dyn Store,
    /// The way to the network side.
    pub courier: &'a dyn Courier,
    /// Where lines go.
    pub audit: &'a dyn Audit,
    /// Who asked for the change: for the log.
    pub by: String,
    /// What is spoken where the person sits, in whatever is to be proved. Messages go out in the person's own language.
    pub phrases: &'static Phrases,
}

/// Somebody who is to be reached.
#[derive(Clone, Copy, Debug)]
pub struct Newcomer<'a> {
    /// Whose factor.
    pub user: &'a UserName,
    /// The channel.
    pub channel: &'a str,
    /// The address as typed.
    pub address: &'a str,
    /// What the person calls it.
    pub label: Option<&'a str>,
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrarError {
    /// Enrollment or ledger.
    Store(StoreError),
    /// The network side.
    Courier(CourierError),
    /// No gateway serves the channel.
    NoGateway(String),
    /// No driver takes an address like this; what would be taken.
    Address(Vec<Form>),
    /// The label cannot be used.
    Label,
    /// Nothing of that name was enrolled.
    NotEnrolled(String),
    /// The name could mean several: these.
    Ambiguous(Vec<String>),
    /// The factor was never proved: enabling it would let in whoever holds that address.
    NeverProved(String),
    /// The bot behind a link cannot be asked; why.
    Link(String),
    /// Another factor has that name already.
    Taken(String),
    /// Somebody else changed that user's enrollment at the same time.
    ChangedMeanwhile(String),
    /// A text is no secret of an authenticator app.
    Secret,
    /// The machine could not do its part: randomness.
    Machine(String),
    /// The person could not prove the factor.
    Unproved(Verdict),
}

impl fmt::Display for RegistrarError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(formatter),
            Self::Courier(error) => error.fmt(formatter),
            Self::NoGateway(channel) => write!(formatter, "no gateway serves the channel {channel}"),
            Self::Address(_) => formatter.write_str("that is no address that can be reached this way"),
            Self::Label => formatter.write_str("a label is 1 to 32 characters, without ':' and control characters"),
            Self::NotEnrolled(name) => write!(formatter, "{name} was never enrolled"),
            Self::Ambiguous(names) => write!(formatter, "that could be any of {}", names.join(", ")),
            Self::NeverProved(name) => write!(formatter, "{name} was never verified"),
            Self::Link(text) => write!(formatter, "the bot cannot be reached: {text}"),
            Self::Taken(name) => write!(formatter, "there is another {name} already"),
            Self::ChangedMeanwhile(user) => write!(formatter, "the enrollment of {user} was changed meanwhile"),
            Self::Secret => formatter.write_str("that is no secret of an authenticator app: base32, at least 80 bits"),
            Self::Machine(text) => formatter.write_str(text),
            Self::Unproved(_) => formatter.write_str("the code was not confirmed; nothing is enrolled"),
        }
    }
}

impl std::error::Error for RegistrarError {}

impl From<StoreError> for RegistrarError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Registrar<'_> {
    /// Sends a code to the address and enrolls it once the code comes back. Gives back whether anything changed.
    /// Broken off, the factor stays pending, and the next call takes the same code up.
    ///
    /// # Errors
    /// See [`RegistrarError`].
    pub fn enroll(
        &self,
        newcomer: &Newcomer<'_>,
        tty: &str,
        conversation: &mut dyn Conversation,
    ) -> Result<bool, RegistrarError> {
        let attempt = Attempt { tty: tty.to_owned(), ..Attempt::default() };
        self.enroll_within(newcomer, &attempt, true, conversation)
    }

    /// The same inside a login: what it knows of the first factor and of where it comes from holds here too.
    ///
    /// # Errors
    /// See [`RegistrarError`].
    pub fn enroll_within(
        &self,
        newcomer: &Newcomer<'_>,
        attempt: &Attempt,
        echo: bool,
        conversation: &mut dyn Conversation,
    ) -> Result<bool, RegistrarError> {
        let Newcomer { user, channel, label, .. } = *newcomer;
        if self.config.gateways_of(channel).next().is_none() {
            return Err(RegistrarError::NoGateway(channel.to_owned()));
        }
        let address = self.normalised(newcomer)?;
        let same = |factor: &&Factor| factor.channel == channel && factor.address.as_ref() == Some(&address);
        let known = self.enrollment(user)?.factors.iter().find(same).cloned();
        if known.as_ref().is_some_and(|factor| factor.state == State::Active) {
            return self.vouch(newcomer);
        }
        let factor = self.change(user, |enrollment| {
            let id = enrollment.enroll(channel, &address, label, State::Pending, self.machine.clock().wall());
            enrollment.factor(id).cloned()
        })?;
        let Some(factor) = factor else { return Err(RegistrarError::NotEnrolled(channel.to_owned())) };
        let verdict = prove_pending(&self.proof(user, &factor, attempt), &factor, attempt, echo, conversation);
        if verdict != Verdict::Success {
            // What was known and switched off before is that again; what is new stays pending if a code is on its way.
            match known {
                Some(known) if known.state == State::Disabled => {
                    self.change(user, |enrollment| set_state(enrollment, factor.id, known.state))?;
                }
                None if verdict == Verdict::AuthInfoUnavailable => {
                    self.change(user, |enrollment| enrollment.factors.retain(|other| other.id != factor.id))?;
                }
                _ => {}
            }
            return Err(RegistrarError::Unproved(verdict));
        }
        self.activate(newcomer, &address)?;
        Ok(true)
    }

    /// Whether somebody could be reached so, as far as their gateways' drivers say.
    ///
    /// # Errors
    /// See [`RegistrarError`]; nothing was written or sent.
    pub fn check(&self, newcomer: &Newcomer<'_>) -> Result<(), RegistrarError> {
        self.normalised(newcomer).map(drop)
    }

    /// Enrolls without a code: an admin vouches for the address. Gives back whether anything changed.
    ///
    /// # Errors
    /// See [`RegistrarError`].
    pub fn vouch(&self, newcomer: &Newcomer<'_>) -> Result<bool, RegistrarError> {
        let address = self.normalised(newcomer)?;
        let same = |factor: &Factor| {
            factor.channel == newcomer.channel
                && factor.address.as_ref() == Some(&address)
                && factor.state == State::Active
        };
        if let Some(factor) = self.enrollment(newcomer.user)?.factors.into_iter().find(same) {
            if newcomer.label.is_none_or(|label| factor.label.as_deref() == Some(label)) {
                return Ok(false);
            }
            self.change(newcomer.user, |enrollment| {
                let now = factor.enrolled.unwrap_or_else(|| self.machine.clock().wall());
                enrollment.enroll(newcomer.channel, &address, newcomer.label, State::Active, now)
            })?;
            return Ok(true);
        }
        self.activate(newcomer, &address)?;
        Ok(true)
    }

    fn activate(&self, newcomer: &Newcomer<'_>, address: &str) -> Result<(), RegistrarError> {
        let Newcomer { user, channel, label, .. } = *newcomer;
        let factor = self.change(user, |enrollment| {
            let id = enrollment.enroll(channel, address, label, State::Active, self.machine.clock().wall());
            enrollment.factor(id).cloned()
        })?;
        if let Some(factor) = factor {
            self.report(user, &factor, Change::Added)?;
        }
        Ok(())
    }

    /// Drops what somebody began to enroll and did not prove, and its codes: the next factor may get the same number.
    /// The counters stay.
    ///
    /// # Errors
    /// See [`RegistrarError`].
    pub fn drop_pending(&self, user: &UserName) -> Result<(), RegistrarError> {
        let is_pending = |factor: &Factor| factor.state == State::Pending;
        let lost: Vec<u32> =
            self.enrollment(user)?.factors.iter().filter(|factor| is_pending(factor)).map(|factor| factor.id).collect();
        self.change(user, |enrollment| enrollment.factors.retain(|factor| !is_pending(factor)))?;
        lost.into_iter().try_for_each(|id| self.forget_codes(user, id))
    }

    /// Tells the person in the chat itself what it is now good for, and how to undo that.
    ///
    /// # Errors
    /// See [`RegistrarError`]; that nobody could be told is logged only.
    pub fn welcome(&self, newcomer: &Newcomer<'_>, address: &str) -> Result<(), RegistrarError> {
        let enrollment = self.enrollment(newcomer.user)?;
        let here = |factor: &&Factor| factor.channel == newcomer.channel && factor.address.as_deref() == Some(address);
        let Some(factor) = enrollment.active().find(here) else { return Ok(()) };
        let login = self.proof(newcomer.user, factor, &Attempt::default());
        let text = login.written.notice_linked(newcomer.user.as_str(), &login.host, newcomer.channel);
        let plan = login.sender().plan(&[factor]);
        if let Err(error) = login.sender().send(newcomer.user, plan, notice(login.written, text)) {
            let line = Line::new("error").with("user", newcomer.user.as_str()).because(error.to_string());
            self.audit.record(Severity::Warning, line.as_str());
        }
        Ok(())
    }

    /// What sending takes, for looks behind a link.
    pub fn sender(&self) -> Sender<'_> {
        Sender {
            machine: self.machine,
            store: self.store,
            courier: self.courier,
            config: self.config,
            delivery: &self.config.rules.delivery,
            audit: self.audit,
        }
    }

    /// Switches a factor on or off, by `CHANNEL` or `CHANNEL:LABEL`. Gives back whether anything changed.
    ///
    /// # Errors
    /// See [`RegistrarError`].
    pub fn switch(&self, user: &UserName, name: &str, on: bool) -> Result<bool, RegistrarError> {
        let factor = self.select(user, name)?;
        let wanted = if on { State::Active } else { State::Disabled };
        match factor.state {
            // Switched off, it could be switched on again, and it was never proved.
            State::Pending => return Err(RegistrarError::NeverProved(name.to_owned())),
            state if state == wanted => return Ok(false),
            _ => {}
        }
        self.change(user, |enrollment| set_state(enrollment, factor.id, wanted))?;
        self.forget_codes(user, factor.id)?;
        self.report(user, &factor, if on { Change::Enabled } else { Change::Disabled })?;
        Ok(true)
    }

    /// Removes a factor. Gives back whether anything changed: what was never there is an error.
    ///
    /// # Errors
    /// See [`RegistrarError`].
    pub fn remove(&self, user: &UserName, name: &str) -> Result<bool, RegistrarError> {
        let factor = self.select(user, name)?;
        self.change(user, |enrollment| enrollment.factors.retain(|other| other.id != factor.id))?;
        self.forget_codes(user, factor.id)?;
        if factor.state == State::Active {
            self.report(user, &factor, Change::Removed)?;
        }
        Ok(true)
    }

    /// Puts a factor before all others. Gives back whether anything changed.
    ///
    /// # Errors
    /// See [`RegistrarError`].
    pub fn prefer(&self, user: &UserName, name: &str) -> Result<bool, RegistrarError> {
        let factor = self.select(user, name)?;
        self.change(user, |enrollment| {
            let position = enrollment.factors.iter().position(|other| other.id == factor.id).unwrap_or(0);
            if let Some(first) = enrollment.factors.get_mut(..=position) {
                first.rotate_right(1);
            }
            position > 0
        })
    }

    /// Clears failures and lock, and mends a ledger that cannot be read. Gives back whether anything changed.
    ///
    /// # Errors
    /// See [`RegistrarError`].
    pub fn unlock(&self, user: &UserName) -> Result<bool, RegistrarError> {
        let changed = self.drop_steps_of_the_future(user)?;
        let mut locked = self.store.lock_ledger(user)?;
        match locked.read() {
            Err(StoreError::State(_)) => self.store.discard_ledger(user)?,
            Err(error) => return Err(error.into()),
            Ok(mut ledger) => {
                let before = ledger.clone();
                ledger.absolve();
                ledger.sends.clear();
                ledger.steps.retain(|used| used.step <= self.newest_step());
                if ledger == before && !changed {
                    return Ok(false);
                }
                locked.write(&ledger)?;
            }
        }
        drop(locked);
        self.log("unlocked", user, None);
        Ok(true)
    }

    /// Forgets where a user is not asked again (`policy.remember`). `false` if nothing was remembered.
    ///
    /// # Errors
    /// See [`RegistrarError`].
    pub fn forget(&self, user: &UserName) -> Result<bool, RegistrarError> {
        self.change_ledger(user, |ledger| ledger.remembered.clear())
    }

    /// Rule 19: a step used while the clock stood in the future would refuse every code until then.
    fn drop_steps_of_the_future(&self, user: &UserName) -> Result<bool, RegistrarError> {
        let enrollment = self.enrollment(user)?;
        let used = |factor: &Factor| self.store.used_step(user, factor.id);
        let readable =
            |factor: &Factor| used(factor).is_ok_and(|step| step.is_none_or(|step| step <= self.newest_step()));
        let future = !enrollment.factors.iter().all(readable);
        if future {
            self.store.forget_used_steps(user)?;
        }
        Ok(future)
    }

    /// The newest TOTP step that a clock which is right can have seen.
    fn newest_step(&self) -> u64 {
        self.machine.clock().wall().unix() / 30 + 1
    }

    /// What is enrolled for a user.
    ///
    /// # Errors
    /// See [`RegistrarError`].
    pub fn enrollment(&self, user: &UserName) -> Result<Enrollment, RegistrarError> {
        Ok(self.store.enrollment(user)?.unwrap_or_default())
    }

    /// Sets or forgets the language that a user is spoken to in. Gives back whether anything changed.
    ///
    /// # Errors
    /// See [`RegistrarError`].
    pub fn speak(&self, user: &UserName, language: Option<&str>) -> Result<bool, RegistrarError> {
        self.change(user, |enrollment| {
            let before = std::mem::replace(&mut enrollment.language, language.map(str::to_owned));
            before != enrollment.language
        })
    }

    /// The factor that `CHANNEL` or `CHANNEL:LABEL` names.
    ///
    /// # Errors
    /// None such, or several.
    pub fn select(&self, user: &UserName, name: &str) -> Result<Factor, RegistrarError> {
        let enrollment = self.enrollment(user)?;
        let nothing = || RegistrarError::NotEnrolled(name.to_owned());
        match enrollment.select(name) {
            Ok(id) => enrollment.factor(id).cloned().ok_or_else(nothing),
            Err(SelectError::NotEnrolled) => Err(nothing()),
            Err(SelectError::Ambiguous(ids)) => {
                let named = |id: &u32| {
                    let factor = enrollment.factor(*id)?;
                    Some(match factor.label.as_ref().or(factor.address.as_ref()) {
                        Some(which) => format!("{}:{which}", factor.channel),
                        None => factor.channel.clone(),
                    })
                };
                Err(RegistrarError::Ambiguous(ids.iter().filter_map(named).collect()))
            }
        }
    }

    /// Reads, changes and writes an enrollment while it is locked; writes nothing if nothing changed.
    fn change<T>(&self, user: &UserName, change: impl FnOnce(&mut Enrollment) -> T) -> Result<T, RegistrarError> {
        self.try_change(user, |enrollment| Ok(change(enrollment)))
    }

    /// The same for a change that may be given up: then nothing is written either.
    fn try_change<T>(
        &self,
        user: &UserName,
        change: impl FnOnce(&mut Enrollment) -> Result<T, RegistrarError>,
    ) -> Result<T, RegistrarError> {
        let _lock = self.store.lock_enrollment(user)?;
        let before = self.enrollment(user)?;
        let mut after = before.clone();
        let result = change(&mut after)?;
        if after != before {
            self.store.save_enrollment(user, &after)?;
        }
        Ok(result)
    }

    /// Rule 13: a code dies with its factor, at once.
    fn forget_codes(&self, user: &UserName, lost: u32) -> Result<(), RegistrarError> {
        self.change_ledger(user, |ledger| ledger.keep_factors(|id, _| id != lost)).map(drop)
    }

    /// Reads, changes and writes a ledger while it is locked. `false` if nothing changed.
    fn change_ledger(&self, user: &UserName, change: impl FnOnce(&mut Ledger)) -> Result<bool, RegistrarError> {
        let mut locked = self.store.lock_ledger(user)?;
        let before: Ledger = locked.read()?;
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            locked.write(&after)?;
        }
        Ok(after != before)
    }

    fn normalised(&self, newcomer: &Newcomer<'_>) -> Result<String, RegistrarError> {
        fits(newcomer.label)?;
        let forms = self.forms(newcomer.channel)?;
        let stored = forms.iter().find_map(|form| form.normalise(newcomer.address));
        stored.ok_or(RegistrarError::Address(forms))
    }

    /// The forms of address that the gateways of a channel take; where there are none yet, those of its drivers.
    pub(crate) fn forms(&self, channel: &str) -> Result<Vec<Form>, RegistrarError> {
        let request = crate::courier::Request {
            job: Job::Describe(None),
            deadline: self.config.rules.delivery.deadline,
            proxy: String::new(),
            ca: String::new(),
            gateways: Vec::new(),
        };
        let Answer::Drivers(drivers) = self.courier.carry(&request).map_err(RegistrarError::Courier)? else {
            let text = "herald-deliver gave another answer than was asked for".to_owned();
            return Err(RegistrarError::Courier(CourierError::Failed(text)));
        };
        let configured: Vec<&str> = self.config.gateways_of(channel).map(|gateway| gateway.driver.as_str()).collect();
        let serves = |driver: &&crate::courier::Driver| {
            if configured.is_empty() { driver.channel == channel } else { configured.contains(&driver.name.as_str()) }
        };
        let mut forms = Vec::new();
        for form in drivers.iter().filter(serves).flat_map(|driver| &driver.addresses) {
            if let Some(form) = Form::of_name(form).filter(|form| !forms.contains(form)) {
                forms.push(form);
            }
        }
        if forms.is_empty() { Err(RegistrarError::NoGateway(channel.to_owned())) } else { Ok(forms) }
    }

    /// The surroundings in which a pending factor is proved: an origin of its own, so that no other code answers it.
    fn proof(&self, user: &UserName, factor: &Factor, attempt: &Attempt) -> Login<'_> {
        Login {
            machine: self.machine,
            store: self.store,
            courier: self.courier,
            config: self.config,
            rules: self.config.for_service("herald"),
            audit: self.audit,
            phrases: self.phrases,
            written: self.written_to(self.enrollment(user).unwrap_or_default().language.as_deref()),
            user: user.clone(),
            by: self.by.clone(),
            origin: Origin {
                service: format!("herald-enroll:{}", factor.id),
                rhost: attempt.rhost.clone(),
                tty: attempt.tty.clone(),
            },
            host: self.machine.host_name(),
            factors: vec![factor.clone()],
            place: None,
            enrolling: true,
        }
    }

    /// What messages to somebody of this language are written in.
    fn written_to(&self, language: Option<&str>) -> &'static Phrases {
        phrases::of(language.or(self.config.language.as_deref()).unwrap_or_default())
    }

    /// Logs a change and tells the person's other active factors (rule 34). That nobody could be told is logged.
    fn report(&self, user: &UserName, factor: &Factor, change: Change) -> Result<(), RegistrarError> {
        self.report_to(user, factor, change, &self.enrollment(user)?);
        Ok(())
    }

    /// The same to the active factors of this enrollment.
    fn report_to(&self, user: &UserName, factor: &Factor, change: Change, others: &Enrollment) {
        let event = match change {
            Change::Added => "enrolled",
            Change::Removed => "removed",
            Change::Disabled => "disabled",
            Change::Enabled => "enabled",
        };
        self.log(event, user, Some(factor));
        self.tell(user, factor.id, others, |phrases, host| {
            let channel = phrases.channel(&factor.channel);
            if factor.address.is_some() {
                return phrases.notice_changed(user.as_str(), host, change, &channel, &address::shown(factor));
            }
            let label = factor.label.as_ref().map(|_| format!(" ({})", address::shown(factor)));
            let name = format!("{channel}{}", label.unwrap_or_default());
            phrases.notice_changed_offline(user.as_str(), host, change, &name)
        });
    }

    /// Sends a notice to every active factor of an enrollment but the one that it is about.
    fn tell(&self, user: &UserName, about: u32, told: &Enrollment, text: impl FnOnce(&Phrases, &str) -> String) {
        let others: Vec<&Factor> = told.active().filter(|other| other.id != about && other.address.is_some()).collect();
        let Some(first) = others.first() else { return };
        let phrases = self.written_to(told.language.as_deref());
        let login = self.proof(user, first, &Attempt::default());
        let text = text(phrases, &login.host);
        for other in others {
            let plan = login.sender().plan(&[other]);
            if plan.is_empty() {
                continue;
            }
            if let Err(error) = login.sender().send(user, plan, notice(phrases, text.clone())) {
                let line = Line::new("error").with("user", user.as_str()).because(error.to_string());
                self.audit.record(Severity::Warning, line.as_str());
            }
        }
    }

    fn log(&self, event: &str, user: &UserName, factor: Option<&Factor>) {
        let line = Line::new(event).with("user", user.as_str());
        let line = line.with_some("channel", factor.map(|factor| &factor.channel));
        let to = factor.map(Factor::shown).filter(|to| !to.is_empty());
        let line = line.with_some("to", to).with("by", &self.by);
        self.audit.record(Severity::Notice, line.as_str());
    }
}

/// Whether a label can be used: it stands behind a colon, and in prompts.
fn fits(label: Option<&str>) -> Result<(), RegistrarError> {
    let label = label.unwrap_or("-");
    let fits = (1..=32).contains(&label.chars().count()) && !label.contains(|c: char| c == ':' || c.is_control());
    if fits { Ok(()) } else { Err(RegistrarError::Label) }
}

fn set_state(enrollment: &mut Enrollment, id: u32, state: State) {
    for factor in enrollment.factors.iter_mut().filter(|factor| factor.id == id) {
        factor.state = state;
    }
}
