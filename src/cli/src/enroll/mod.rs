//! `herald enroll`: from an address, a link or a secret to a factor.

mod app;
mod link;

use crate::backup_codes;
use crate::call::{Call, Installation};
use crate::command::Enroll;
use crate::error::{Error, first_sentence};
use crate::gateway::describe;
use crate::national;
use crate::output::{Changed, Report, next};
use crate::own::again;
use crate::phrases::Texts;
use crate::proof::existing_factor;
use crate::status::{FactorEntry, entry};
use crate::terminal::Terminal;
use herald_core::account::UserName;
use herald_core::address::{Form, shown};
use herald_core::enrollment::{Enrollment, Factor};
use herald_core::login::Verdict;
use herald_core::provider::{BACKUP_CHANNEL, TOTP_CHANNEL};
use herald_core::registrar::{Newcomer, RegistrarError};
use serde::Serialize;

/// The driver whose bots can be reached by a link.
pub(crate) const LINKED_DRIVER: &str = "telegram-bot";

#[derive(Serialize)]
struct Document<'a> {
    user: &'a str,
    factor: Option<FactorEntry<'a>>,
}

pub(crate) fn run(call: &Call, command: &Enroll) -> Result<Report, Error> {
    let user = call.user(&command.whom)?;
    let installation = call.installation()?;
    let terminal = call.terminal();
    let channel = command.channel.clone().unwrap_or_default();
    Desk { call, command, user, channel, installation, terminal }.run()
}

/// One enrollment under way.
struct Desk<'a> {
    call: &'a Call,
    command: &'a Enroll,
    user: UserName,
    channel: String,
    installation: Installation,
    terminal: Terminal,
}

impl Desk<'_> {
    fn run(mut self) -> Result<Report, Error> {
        let first = match self.installation.enrollment(&self.user) {
            Ok(enrollment) => enrollment.active().next().is_none(),
            // There is no folder yet: it is made below.
            Err(_) => true,
        };
        let (changed, factor) = match (self.channel.as_str(), &self.command.address) {
            (BACKUP_CHANNEL, _) => {
                let problem = self.call.voice.word(|texts| texts.codes_by_own_command);
                return Err(Error::Usage(problem, again(self.call, "backup-codes", &self.user)));
            }
            (TOTP_CHANNEL, Some(_)) => {
                let problem = self.call.voice.word(|texts| texts.app_has_no_address);
                return Err(Error::Usage(problem, again(self.call, "enroll totp", &self.user)));
            }
            (TOTP_CHANNEL, None) => self.app()?,
            (_, Some(address)) => {
                let country = &self.installation.config.default_country;
                let address = national::international(&self.channel, address, country).map_err(|unclear| {
                    let (problem, mend) = self.call.voice.unclear_number(unclear, country);
                    Error::Usage(problem, mend)
                })?;
                self.address(&address, false)?
            }
            (_, None) if self.has_a_link() => self.link()?,
            (_, None) => return Err(self.address_missing()?),
        };
        let document = Changed::new(changed, Document { user: self.user.as_str(), factor: factor.as_ref().map(entry) });
        let mut text = self.text(factor.as_ref(), changed);
        let offer =
            first && changed && !self.call.json && !self.command.no_backup_codes && !self.command.assume_verified;
        if offer && self.terminal.is_interactive() {
            if self.terminal.agrees(&self.call.voice.word(|texts| texts.offer_backup_codes), true) {
                text = format!("{}\n{text}", backup_codes::offered(self.call, &self.installation, &self.user)?);
            }
        } else if offer {
            text.push_str(&next(&again(self.call, "backup-codes", &self.user)));
        }
        Ok(Report::new(&document, text))
    }

    fn app(&mut self) -> Result<(bool, Option<Factor>), Error> {
        self.installation.store.prepare()?;
        let label = self.command.label.as_deref();
        let known = self.installation.enrollment(&self.user)?;
        let same = |factor: &Factor| factor.channel == TOTP_CHANNEL && factor.label.as_deref() == label;
        if !known.active().any(same) {
            self.prove()?;
        }
        app::enroll(self)
    }

    fn link(&mut self) -> Result<(bool, Option<Factor>), Error> {
        if self.call.json {
            return Err(Error::Usage(
                "with --json nothing is shown, and the link would have to be".to_owned(),
                "leave out --json, or give the address".to_owned(),
            ));
        }
        self.installation.store.prepare()?;
        self.prove()?;
        let address = link::chat(self)?;
        let (changed, factor) = self.address(&address, true)?;
        if changed {
            let newcomer = Newcomer { user: &self.user, channel: &self.channel, address: &address, label: None };
            let welcomed = self.installation.registrar(self.call).welcome(&newcomer, &address);
            welcomed.map_err(|error| self.failed(error))?;
        }
        Ok((changed, factor))
    }

    fn address(&mut self, address: &str, proved: bool) -> Result<(bool, Option<Factor>), Error> {
        let Enroll { assume_verified, label, .. } = self.command;
        if self.call.json && self.terminal.is_interactive() && !assume_verified {
            return Err(Error::Usage(
                "with --json nothing is asked, and the code would have to be".to_owned(),
                "leave out --json, feed the code to stdin, or vouch: --assume-verified".to_owned(),
            ));
        }
        self.installation.store.prepare()?;
        let before = self.installation.enrollment(&self.user)?;
        let newcomer = Newcomer { user: &self.user, channel: &self.channel, address, label: label.as_deref() };
        let registrar = self.installation.registrar(self.call);
        registrar.check(&newcomer).map_err(|error| self.failed(error))?;
        if !proved && enrolled(&before, &before, &self.channel, address).is_none() {
            let vouched = self.is_vouched_for();
            existing_factor(self.call, &self.installation, &self.user, &mut self.terminal, vouched)?;
        }
        let changed = if *assume_verified {
            registrar.vouch(&newcomer)
        } else {
            registrar.enroll(&newcomer, &Terminal::name(), &mut self.terminal)
        };
        let changed = changed.map_err(|error| self.failed(error))?;
        let after = self.installation.enrollment(&self.user)?;
        Ok((changed, enrolled(&before, &after, &self.channel, address).cloned()))
    }

    fn prove(&mut self) -> Result<(), Error> {
        let vouched = self.is_vouched_for();
        existing_factor(self.call, &self.installation, &self.user, &mut self.terminal, vouched)
    }

    fn is_vouched_for(&self) -> bool {
        self.command.force || self.command.assume_verified
    }

    fn has_a_link(&self) -> bool {
        self.installation.config.gateways_of(&self.channel).any(|gateway| gateway.driver == LINKED_DRIVER)
    }

    fn usage(&self, problem: fn(&Texts) -> &'static str, mend: fn(&Texts) -> &'static str) -> Error {
        Error::Usage(self.call.voice.word(problem), self.call.voice.word(mend))
    }

    fn failed(&self, error: RegistrarError) -> Error {
        match error {
            RegistrarError::Unproved(verdict) => self.unproved(verdict),
            error => Error::Registrar { user: self.user.to_string(), what: self.channel.clone(), error },
        }
    }

    /// What the dialogue said at its end, why, and what to do about it.
    fn unproved(&self, verdict: Verdict) -> Error {
        let Call { voice, journal, .. } = self.call;
        let is_ours = matches!(verdict, Verdict::AuthInfoUnavailable | Verdict::ServiceError | Verdict::SystemError);
        let cause = journal.cause().filter(|_| is_ours).map(|cause| format!(" ({cause})")).unwrap_or_default();
        let said = self.terminal.said().unwrap_or_else(|| voice.phrases().nothing_typed());
        let said = voice.behind_a_colon(first_sentence(&said));
        let problem = voice.say(|texts| texts.not_enrolled_because, &[("said", &said)]) + &cause;
        let mend = match verdict {
            Verdict::MaxTries => voice.say(|texts| texts.wait_or_unlock, &[("user", self.user.as_str())]),
            Verdict::AuthInfoUnavailable if journal.is_permanent() => voice.word(|texts| texts.look_at_address),
            Verdict::AuthInfoUnavailable => "sudo herald gateway status".to_owned(),
            Verdict::ServiceError | Verdict::SystemError => "sudo herald config check".to_owned(),
            _ => voice.word(|texts| texts.same_again),
        };
        Error::Refused(problem, mend)
    }

    fn text(&self, factor: Option<&Factor>, changed: bool) -> String {
        let Self { call, user, .. } = self;
        let channel = call.voice.phrases().channel(&self.channel);
        let to = factor.map(shown).unwrap_or_default();
        let said = if self.channel == TOTP_CHANNEL {
            let label = factor.and_then(|factor| factor.label.as_ref()).map(|_| format!(" ({to})")).unwrap_or_default();
            let text = |texts: &Texts| if changed { texts.can_log_in_by_app } else { texts.app_enrolled_already };
            call.voice.say(text, &[("user", user.as_str()), ("label", &label)])
        } else {
            let text = |texts: &Texts| if changed { texts.can_log_in } else { texts.enrolled_already };
            call.voice.say(text, &[("user", user.as_str()), ("channel", &channel), ("to", &to)])
        };
        // For whoever did it for themselves, the next login is the try.
        let try_it = if changed && !call.own { next(&format!("sudo herald try --user {user}")) } else { String::new() };
        format!("{said}\n{try_it}")
    }

    /// What is taken, and where it is found.
    fn address_missing(&self) -> Result<Error, Error> {
        let Self { channel, user, installation, .. } = self;
        let drivers = describe(&installation.courier, &installation.config)?;
        let configured: Vec<&str> =
            installation.config.gateways_of(channel).map(|gateway| gateway.driver.as_str()).collect();
        if configured.is_empty() {
            return Ok(self.failed(RegistrarError::NoGateway(channel.clone())));
        }
        let drivers = drivers.iter().filter(|driver| configured.contains(&driver.name.as_str()));
        let forms: Vec<Form> =
            drivers.flat_map(|driver| &driver.addresses).filter_map(|name| Form::of_name(name)).collect();
        let mend = again(self.call, &format!("enroll {channel} ADDRESS"), user);
        let forms = self.call.voice.forms(&forms);
        let values = [("channel", channel.as_str()), ("forms", &forms)];
        Ok(Error::Usage(self.call.voice.say(|texts| texts.address_needed, &values), mend))
    }
}

/// The factor that the command was about: the one that changed, or that has this very address.
fn enrolled<'e>(before: &Enrollment, after: &'e Enrollment, channel: &str, address: &str) -> Option<&'e Factor> {
    let mut active = after.active().filter(|factor| factor.channel == channel);
    let mut same = after.active().filter(|factor| factor.channel == channel);
    let digits = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let is_it = |factor: &&Factor| factor.address.as_deref().is_some_and(|known| digits(known) == digits(address));
    active.find(|factor| before.factor(factor.id) != Some(*factor)).or_else(|| same.find(is_it))
}
