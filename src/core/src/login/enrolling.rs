//! Enrolling inside a login (`unenrolled = "enroll"`): channel, link or address, code.
//!
//! Only behind a first factor. All limits hold: ten prompts in the call, the first factor is never taken for an answer,
//! sends are budgeted and wrong codes lock. Whatever is not proved is dropped again.

use super::evidence::is_junk;
use super::{Gate, Verdict, ending};
use crate::account::Account;
use crate::address::Form;
use crate::answer::{Answer, Wish};
use crate::audit::Severity;
use crate::conversation::{Conversation, ConversationError, Reply};
use crate::courier::ChatSearch;
use crate::link::{Link, look, new_link};
use crate::provider::{Failure, built};
use crate::registrar::{Newcomer, Registrar, RegistrarError};
use crate::text::display_line;

/// Prompts in one call (rule 10).
const MOST_PROMPTS: u32 = 10;

impl Gate<'_> {
    /// Walks somebody without a factor through an enrollment, or lets them in until `enroll_until`.
    pub(super) fn enroll(&mut self, account: &Account) -> Verdict {
        let wall = self.machine.clock().wall();
        if let Some(day) = self.rules.policy.enroll_until.filter(|day| wall >= built() && wall < *day) {
            let day = day.to_string();
            self.conversation.info(&self.phrases.enroll_until(day.split('T').next().unwrap_or_default()));
            return self.skip(account, super::Exemption::Unenrolled);
        }
        let store = self.machine.store(&self.config.paths);
        let courier = self.machine.courier(&self.config.paths);
        let registrar = Registrar {
            machine: self.machine,
            config: &self.config,
            store: store.as_ref(),
            courier: courier.as_ref(),
            audit: self.audit,
            by: account.name.as_str().to_owned(),
            phrases: self.phrases,
        };
        let mut counted = Counted { conversation: self.conversation, left: MOST_PROMPTS };
        let (echo, digits) = (self.arguments.echo, self.rules.code.digits);
        let mut desk = Desk { attempt: self.attempt, echo, digits, registrar };
        let verdict = desk.run(account, &mut counted);
        let exhausted = counted.left == 0;
        if verdict != Ok(Verdict::Success) {
            if let Err(error) = desk.registrar.drop_pending(&account.name) {
                let line = self.line("error", account.name.as_str()).because(error.to_string());
                self.audit.record(Severity::Error, line.as_str());
            }
        }
        let (verdict, reason) = match verdict {
            Ok(Verdict::Success) => return Verdict::Success,
            Ok(_) if exhausted => (Verdict::AuthError, Some("too-many-prompts")),
            Ok(Verdict::ConversationError) => (Verdict::ConversationError, Some("conversation")),
            Ok(verdict) => (verdict, Some("refused-by-the-host")),
            // The dialogue has logged how it ended.
            Err(RegistrarError::Unproved(Verdict::ConversationError)) if exhausted => (Verdict::AuthError, None),
            Err(RegistrarError::Unproved(verdict)) => return verdict,
            Err(error) => return self.not_enrolled(account, &error),
        };
        if let Some(reason) = reason {
            let line = self.line("refused", account.name.as_str()).because(reason);
            self.audit.record(Severity::Notice, line.as_str());
        }
        if verdict == Verdict::AuthError {
            self.conversation.error(&self.phrases.refused());
        }
        verdict
    }

    fn not_enrolled(&mut self, account: &Account, error: &RegistrarError) -> Verdict {
        let line = self.line("error", account.name.as_str()).because(error.to_string());
        self.audit.record(Severity::Error, line.as_str());
        let (phrases, host) = (self.phrases, self.machine.host_name());
        let (verdict, text) = match error {
            RegistrarError::Store(error) => ending(&Failure::Store(error.clone()), phrases, &host),
            RegistrarError::Courier(error) => ending(&Failure::Courier(error.clone()), phrases, &host),
            RegistrarError::Link(_) => (Verdict::AuthInfoUnavailable, phrases.undelivered(&host)),
            _ => (Verdict::PermissionDenied, phrases.unenrolled(&display_line(account.name.as_str(), 64), &host)),
        };
        self.conversation.error(&text);
        verdict
    }
}

/// One enrollment under way.
struct Desk<'a> {
    attempt: &'a super::Attempt,
    echo: bool,
    /// Of a code.
    digits: u32,
    registrar: Registrar<'a>,
}

/// What somebody typed, or how the call ends.
type Typed = Result<Answer, Verdict>;

impl Desk<'_> {
    fn run(&mut self, account: &Account, conversation: &mut Counted<'_>) -> Result<Verdict, RegistrarError> {
        let channel = match self.channel(conversation)? {
            Ok(channel) => channel,
            Err(verdict) => return Ok(verdict),
        };
        let address = match self.address(&channel, conversation)? {
            Ok(address) => address,
            Err(verdict) => return Ok(verdict),
        };
        let newcomer = Newcomer { user: &account.name, channel: &channel, address: &address.text, label: None };
        self.registrar.enroll_within(&newcomer, self.attempt, self.echo, conversation)?;
        if address.linked {
            self.registrar.welcome(&newcomer, &address.text)?;
        }
        Ok(Verdict::Success)
    }

    fn channel(&self, conversation: &mut Counted<'_>) -> Result<Result<String, Verdict>, RegistrarError> {
        let config = self.registrar.config;
        let usable = |channel: &&str| config.gateways_of(channel).next().is_some();
        let channels: Vec<&str> = config.channels().into_iter().filter(usable).collect();
        let Some(first) = channels.first() else { return Err(RegistrarError::NoGateway("any".to_owned())) };
        if channels.len() == 1 {
            return Ok(Ok((*first).to_owned()));
        }
        let name = |channel: &&str| self.registrar.phrases.channel(channel);
        let numbered =
            channels.iter().enumerate().map(|(position, channel)| format!("{} {}", position + 1, name(channel)));
        let prompt = self.registrar.phrases.pick_a_channel(&numbered.collect::<Vec<_>>().join(", "));
        loop {
            let answer = match self.ask(&prompt, conversation) {
                Ok(answer) => answer,
                Err(verdict) => return Ok(Err(verdict)),
            };
            let by_number = match answer.wish() {
                Some(Wish::Number(number)) => number.checked_sub(1).and_then(|position| channels.get(position)),
                _ => None,
            };
            let named = answer.text().to_ascii_lowercase();
            let by_name =
                channels.iter().find(|channel| named == **channel || named == name(channel).to_ascii_lowercase());
            if let Some(channel) = by_number.or(by_name) {
                return Ok(Ok((*channel).to_owned()));
            }
        }
    }

    fn address(
        &self,
        channel: &str,
        conversation: &mut Counted<'_>,
    ) -> Result<Result<Address, Verdict>, RegistrarError> {
        let forms = self.registrar.forms(channel)?;
        let sender = self.registrar.sender();
        let link = if forms.contains(&Form::ChatId) { new_link(&sender)? } else { None };
        let example = forms.first().map(|form| form.example()).unwrap_or_default();
        let prompt = match &link {
            Some(link) => self.registrar.phrases.open_the_link(link.url.expose()),
            None => self.registrar.phrases.type_the_address(&self.registrar.phrases.channel(channel), example),
        };
        let mut note = String::new();
        loop {
            let answer = match self.ask(&format!("{note}{prompt}"), conversation) {
                Ok(answer) => answer,
                Err(verdict) => return Ok(Err(verdict)),
            };
            // A code that is typed before it was sent is no stranger's chat id.
            let too_early = link.is_some() && answer.has_digits(self.digits);
            let address = forms.iter().find_map(|form| form.normalise(answer.text()));
            if let Some(address) = address.filter(|_| !too_early) {
                return Ok(Ok(Address { text: address, linked: false }));
            }
            note = match &link {
                Some(link) => match self.look(link)? {
                    Ok(address) => return Ok(Ok(address)),
                    Err(note) => note,
                },
                None => self.registrar.phrases.no_such_address(),
            };
        }
    }

    /// One look for each answer: `ok`, or whatever the person types when they are back from the phone.
    fn look(&self, link: &Link) -> Result<Result<Address, String>, RegistrarError> {
        Ok(match look(&self.registrar.sender(), link, false)? {
            ChatSearch::Found { address, .. } => Ok(Address { text: address, linked: true }),
            ChatSearch::NotYet { .. } => Err(self.registrar.phrases.start_not_seen()),
            ChatSearch::Taken(_) | ChatSearch::Failed { .. } => Err(self.registrar.phrases.cannot_be_reached()),
        })
    }

    /// Rules 8 and 10: what a host answers by itself is no answer.
    fn ask(&self, prompt: &str, conversation: &mut Counted<'_>) -> Typed {
        match conversation.ask(prompt, self.echo) {
            Err(ConversationError) | Ok(Reply::Empty) => Err(Verdict::ConversationError),
            Ok(Reply::FirstFactor) => Err(Verdict::AuthError),
            Ok(Reply::Text(reply)) => {
                let first_factor = self.attempt.authtok.as_ref().is_some_and(|token| token.same_as(&reply));
                if is_junk(reply.expose()) || first_factor { Err(Verdict::AuthError) } else { Ok(Answer::of(&reply)) }
            }
        }
    }
}

/// Where the person is reached, and whether they came there by our link.
struct Address {
    text: String,
    linked: bool,
}

/// A conversation of so many prompts.
struct Counted<'a> {
    conversation: &'a mut dyn Conversation,
    left: u32,
}

impl Conversation for Counted<'_> {
    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Reply, ConversationError> {
        self.left = self.left.checked_sub(1).ok_or(ConversationError)?;
        self.conversation.ask(prompt, echo)
    }

    fn error(&mut self, text: &str) {
        self.conversation.error(text);
    }

    fn info(&mut self, text: &str) {
        self.conversation.info(text);
    }
}
