//! The dialogue (interface §4): one prompt after another until the person is in, or is not.

use super::context::Login;
use super::evidence::is_junk;
use super::judgement::{Judgement, judge};
use super::{Attempt, Verdict};
use crate::answer::{Answer, Wish};
use crate::audit::Severity;
use crate::clock::Moment;
use crate::config::Undelivered;
use crate::conversation::{Conversation, Reply};
use crate::message::notice;
use crate::provider::{Challenged, Choice, Failure, Proof, Unusable, When};
use crate::secret::SecretBytes;
use crate::text::{columns, display_line};
use std::time::Duration;

/// Prompts in one call, whatever is typed (rule 10).
const MOST_PROMPTS: u32 = 10;
/// The widest prompt, in columns.
const COLUMNS: usize = 60;
/// The longest message that every host takes, in bytes (PAM_MAX_MSG_SIZE is 512).
const MOST_BYTES: usize = 511;

/// One dialogue under way.
pub(super) struct Dialogue<'a> {
    login: &'a Login<'a>,
    choices: Vec<Choice<'a>>,
    conversation: &'a mut dyn Conversation,
    authtok: Option<&'a SecretBytes>,
    echo: bool,
    begun: Moment,
    waited: Duration,
    /// What stands before the next prompt.
    note: String,
    /// What stands before the next prompt and may be longer.
    help: String,
    current: Option<Current>,
    renewed: bool,
    wrong_without_challenge: u32,
}

/// What the next prompt asks for.
struct Current {
    choice: usize,
    prompt: String,
    shorter: String,
    challenge: Option<String>,
    /// Enter sends (rule 9): nothing was sent yet.
    offer: bool,
}

impl<'a> Dialogue<'a> {
    /// A dialogue about these choices, the first of which is asked first; there is at least one.
    pub(super) fn new(
        login: &'a Login<'a>,
        choices: Vec<Choice<'a>>,
        attempt: &'a Attempt,
        echo: bool,
        conversation: &'a mut dyn Conversation,
    ) -> Self {
        Self {
            login,
            choices,
            conversation,
            authtok: attempt.authtok.as_ref().filter(|token| !token.expose().is_empty()),
            echo,
            begun: login.now(),
            waited: Duration::ZERO,
            note: String::new(),
            help: String::new(),
            current: None,
            renewed: false,
            wrong_without_challenge: 0,
        }
    }

    /// Runs it. With `offer`, the first prompt offers to send instead of sending (rule 9).
    pub(super) fn run(mut self, offer: bool) -> Verdict {
        let begun = if offer { self.offer() } else { self.send(0, When::First) };
        if let Err(verdict) = begun {
            return verdict;
        }
        for _ in 0..MOST_PROMPTS {
            if let Err(verdict) = self.one_prompt() {
                return verdict;
            }
        }
        self.refuse(Verdict::AuthError, "too-many-prompts", &self.login.phrases.refused())
    }

    /// Asks nothing (`input=append`): the end of what was typed is the one answer. Without one a code is sent, for the
    /// next try; that counts as no answer.
    pub(super) fn run_appended(mut self, end: Option<&SecretBytes>) -> Verdict {
        let Some(end) = end else {
            return match self.send(0, When::First) {
                Err(verdict) => verdict,
                Ok(()) => {
                    let sent = self.current.as_ref().map(|current| current.prompt.trim_end_matches(": ").to_owned());
                    let text = self.login.phrases.append_the_code(&sent.unwrap_or_default());
                    self.refuse(Verdict::AuthError, "no-code-appended", &text)
                }
            };
        };
        if let Err(verdict) = self.fall_back() {
            return verdict;
        }
        match self.judge(&Answer::of(end)) {
            Err(verdict) => verdict,
            Ok(()) => self.refuse(Verdict::AuthError, "wrong-answer", &self.login.phrases.refused()),
        }
    }

    /// Asks once. `Err` is the end, good or bad.
    fn one_prompt(&mut self) -> Result<(), Verdict> {
        let Some(current) = &self.current else { return Err(self.broken("no prompt to show")) };
        let (offer, choice) = (current.offer, current.choice);
        let text = format!("{}{}", self.help, fitted(&self.note, &current.prompt, &current.shorter));
        self.note.clear();
        self.help.clear();
        let asked = self.login.now();
        let reply = self.conversation.ask(cut(&text), self.echo);
        self.waited += self.login.now().since(asked);
        let reply = match reply {
            Err(_) => {
                self.log_refusal("conversation");
                return Err(Verdict::ConversationError);
            }
            Ok(Reply::Empty) if offer => return self.send(choice, When::First),
            Ok(Reply::Empty) => {
                let text = self.login.phrases.nothing_typed();
                return Err(self.refuse(Verdict::ConversationError, "empty-reply", &text));
            }
            Ok(Reply::FirstFactor) => return Err(self.first_factor_again()),
            Ok(Reply::Text(reply)) => reply,
        };
        if is_junk(reply.expose()) {
            return Err(self.refuse(Verdict::AuthError, "refused-by-the-host", &self.login.phrases.refused()));
        }
        if self.authtok.is_some_and(|token| token.same_as(&reply)) {
            return Err(self.first_factor_again());
        }
        let answer = Answer::of(&reply);
        drop(reply);
        if let Some(picked) = self.picked(&answer) {
            let when = if picked != choice {
                When::Switch
            } else if offer {
                When::First
            } else {
                When::Again
            };
            return self.send(picked, when);
        }
        match answer.wish() {
            Some(Wish::Again) => self.send(choice, if offer { When::First } else { When::Again }),
            Some(Wish::Help) => self.explain(choice),
            _ => self.judge(&answer),
        }
    }

    /// The host answers every prompt with what was typed first: no person could have typed a code here (rule 10).
    fn first_factor_again(&mut self) -> Verdict {
        let reason = "the host answers every prompt with the first factor; in sshd set PasswordAuthentication no and \
                      KbdInteractiveAuthentication yes";
        self.refuse(Verdict::AuthError, reason, &self.login.phrases.refused())
    }

    /// Which factor an answer picks, by number or by the channel's name.
    fn picked(&self, answer: &Answer) -> Option<usize> {
        if let Some(Wish::Number(number)) = answer.wish() {
            return number.checked_sub(1).filter(|position| *position < self.choices.len());
        }
        let named = answer.text().to_ascii_lowercase();
        self.choices.iter().position(|choice| {
            let name = choice.provider.display_name(self.login.phrases).to_ascii_lowercase();
            named == choice.provider.id() || named == name
        })
    }

    /// Shows what there is: as a list to pick from where the host has one, else before the next prompt.
    fn explain(&mut self, asked: usize) -> Result<(), Verdict> {
        let lines = self.lines();
        let title = self.current.as_ref().map(|current| current.prompt.trim_end_matches(": ")).unwrap_or_default();
        let picked = if lines.len() > 1 { self.conversation.choose(title, &lines) } else { None };
        match picked {
            Some(picked) if picked != asked => return self.send(picked, When::Switch),
            Some(_) => {}
            None => self.help = self.login.phrases.help(&lines),
        }
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        let phrases = self.login.phrases;
        let line = |(position, choice): (usize, &Choice<'_>)| {
            let name = choice.provider.display_name(phrases);
            let to = choice.factor.address.as_ref().map(|_| format!(" {}", self.login.shown(&choice.factor)));
            let description = choice.provider.description(phrases);
            format!("{} {name}{}: {description}", position + 1, to.unwrap_or_default())
        };
        self.choices.iter().enumerate().map(line).collect()
    }

    /// The first prompt of a local service without evidence: what waits, or an offer to send.
    fn offer(&mut self) -> Result<(), Verdict> {
        let ready = self.take_up(0);
        match ready {
            Err(failure) => Err(self.failed(&failure)),
            Ok(true) => Ok(()),
            Ok(false) => {
                let Some(choice) = self.choices.first() else { return Err(self.broken("nothing to ask for")) };
                let channel = choice.provider.display_name(self.login.phrases);
                let prompt = self.login.phrases.enter_sends(&channel);
                self.current =
                    Some(Current { choice: 0, shorter: prompt.clone(), prompt, challenge: None, offer: true });
                Ok(())
            }
        }
    }

    /// Makes a choice the current one if it can be answered without sending.
    fn take_up(&mut self, position: usize) -> Result<bool, Failure> {
        let Some(choice) = self.choices.get(position) else { return Ok(false) };
        match choice.provider.challenge(self.login, &choice.factor, When::TakeUp)? {
            Challenged::Ask { prompt, shorter, challenge, .. } => {
                self.current = Some(Current { choice: position, prompt, shorter, challenge, offer: false });
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Gets a choice ready to be answered, sending if need be.
    fn send(&mut self, position: usize, when: When) -> Result<(), Verdict> {
        let phrases = self.login.phrases;
        let Some(choice) = self.choices.get(position) else { return Err(self.broken("no such choice")) };
        let challenged = choice.provider.challenge(self.login, &choice.factor, when);
        match challenged {
            Ok(Challenged::Ask { prompt, shorter, challenge, failed }) => {
                self.note_failed(&failed);
                self.current = Some(Current { choice: position, prompt, shorter, challenge, offer: false });
                Ok(())
            }
            Ok(Challenged::Locked(left)) => Err(self.locked(left)),
            Ok(Challenged::TooSoon(wait)) => {
                self.note.push_str(&phrases.wait_to_resend(wait));
                Ok(())
            }
            Ok(Challenged::BudgetUsedUp(wait)) => {
                self.note.push_str(&phrases.no_more_codes());
                if self.fall_back()? {
                    return Ok(());
                }
                Err(self.refuse(Verdict::MaxTries, "budget-used-up", &phrases.budget_used_up(wait)))
            }
            Ok(Challenged::NothingWaits) => Err(self.broken("a provider had nothing to ask")),
            Ok(Challenged::Undelivered { unreachable, failed }) => {
                self.note_failed(&failed);
                if self.fall_back()? {
                    return Ok(());
                }
                let skip = self.login.rules.policy.undelivered == Undelivered::Skip;
                if skip && unreachable && when == When::First && !self.renewed && !self.login.enrolling {
                    return Err(self.skipped());
                }
                Err(self.undelivered())
            }
            Err(failure @ Failure::Courier(_)) => {
                let channel = choice.factor.channel.clone();
                self.note_failed(&[channel]);
                if self.fall_back()? {
                    self.log_error(&failure);
                    return Ok(());
                }
                Err(self.failed(&failure))
            }
            Err(failure) => Err(self.failed(&failure)),
        }
    }

    /// Whether there is something to ask although nothing was sent: the prompt before, what still waits, or a factor
    /// that needs no sending.
    fn fall_back(&mut self) -> Result<bool, Verdict> {
        if self.current.as_ref().is_some_and(|current| !current.offer) {
            return Ok(true);
        }
        for position in 0..self.choices.len() {
            match self.take_up(position) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(failure) => return Err(self.failed(&failure)),
            }
        }
        Ok(false)
    }

    fn judge(&mut self, answer: &Answer) -> Result<(), Verdict> {
        let phrases = self.login.phrases;
        let prompted = self.current.as_ref().and_then(|current| current.challenge.clone());
        match judge(self.login, &self.choices, prompted.as_deref(), answer) {
            Err(failure) => Err(self.failed(&failure)),
            Ok(Judgement::Right(proof)) => Err(self.verified(&proof)),
            Ok(Judgement::Locked(left)) => Err(self.locked(left)),
            Ok(Judgement::Unusable(why)) => {
                self.note = match why {
                    Unusable::Used => phrases.already_used(),
                    Unusable::Old => phrases.no_longer_good(),
                    Unusable::NotNow => phrases.backup_codes_not_now(),
                };
                Ok(())
            }
            Ok(Judgement::Gone { used }) => {
                if self.renewed {
                    return Err(self.refuse(Verdict::AuthError, "challenge-gone-twice", &phrases.refused()));
                }
                self.note = if used { phrases.already_used() } else { phrases.no_longer_good() };
                self.renewed = true;
                let choice = self.current.take().map_or(0, |current| current.choice);
                self.send(choice, When::First)
            }
            Ok(Judgement::Wrong { tries_left, locked }) => self.wrong(tries_left, locked),
        }
    }

    fn wrong(&mut self, tries_left: Option<u32>, locked: Option<Duration>) -> Result<(), Verdict> {
        let phrases = self.login.phrases;
        let line =
            self.login.with_origin(self.login.line("wrong")).with_some("left", tries_left.map(|left| left.to_string()));
        self.login.audit.record(Severity::Notice, line.as_str());
        if let Some(length) = locked {
            self.tell_phone_of_lock(length);
            return Err(self.locked(length));
        }
        let over = match tries_left {
            Some(left) => left == 0,
            None => {
                self.wrong_without_challenge += 1;
                self.wrong_without_challenge >= self.login.rules.code.attempts
            }
        };
        if over {
            return Err(self.refuse(Verdict::AuthError, "wrong-answers", &phrases.tries_used_up()));
        }
        self.note = tries_left.map_or_else(|| phrases.wrong_answer(), |left| phrases.wrong(left));
        Ok(())
    }

    /// Rule 16: the person is told once per lock.
    fn tell_phone_of_lock(&self, length: Duration) {
        let login = self.login;
        let factors: Vec<_> = login.factors.iter().collect();
        let plan = login.sender().plan(&factors);
        if plan.is_empty() {
            return;
        }
        let text = login.written.notice_locked(login.user.as_str(), &login.host, length);
        if let Err(error) = login.sender().send(&login.user, plan, notice(login.written, text)) {
            self.log_error(&Failure::Courier(error));
        }
    }

    fn note_failed(&mut self, failed: &[String]) {
        if !failed.is_empty() {
            let names: Vec<String> = failed.iter().map(|channel| self.login.phrases.channel(channel)).collect();
            self.note.push_str(&self.login.phrases.channel_failed(&names));
        }
    }

    fn verified(&mut self, proof: &Proof) -> Verdict {
        if let Some(remark) = &proof.remark {
            self.conversation.info(remark);
        }
        let took = self.login.now().since(self.begun).saturating_sub(self.waited);
        let line = self.login.line("verified").with("channel", &proof.channel);
        let to = (!proof.to.is_empty()).then_some(&proof.to);
        let line = line.with_some("gateway", proof.gateway.as_ref()).with_some("to", to);
        let line = self.login.with_origin(line).with("took", format!("{}ms", took.as_millis()));
        self.login.audit.record(Severity::Info, line.as_str());
        Verdict::Success
    }

    fn skipped(&self) -> Verdict {
        let line = self.login.with_origin(self.login.line("skipped")).because("undelivered");
        self.login.audit.record(Severity::Warning, line.as_str());
        Verdict::Ignore
    }

    /// Rule 35: GDM hides the text of PAM_AUTHINFO_UNAVAIL and kscreenlocker turns itself off.
    pub(super) fn undelivered(&mut self) -> Verdict {
        let service = &self.login.origin.service;
        let graphical = service.starts_with("gdm") || service.starts_with("kde");
        let verdict = if graphical { Verdict::AuthError } else { Verdict::AuthInfoUnavailable };
        self.refuse(verdict, "undelivered", &self.login.phrases.undelivered(&self.login.host))
    }

    pub(super) fn locked(&mut self, left: Duration) -> Verdict {
        let line = self.login.with_origin(self.login.line("locked")).with("for", format!("{}s", left.as_secs()));
        self.login.audit.record(Severity::Notice, line.as_str());
        let Login { phrases, user, host, .. } = self.login;
        self.conversation.error(&phrases.locked(&display_line(user.as_str(), 64), host, left));
        Verdict::MaxTries
    }

    fn refuse(&mut self, verdict: Verdict, reason: &str, text: &str) -> Verdict {
        self.log_refusal(reason);
        self.conversation.error(text);
        verdict
    }

    fn log_refusal(&self, reason: &str) {
        let line = self.login.with_origin(self.login.line("refused")).because(reason);
        self.login.audit.record(Severity::Notice, line.as_str());
    }

    fn log_error(&self, failure: &Failure) {
        let line = self.login.with_origin(self.login.line("error")).because(failure.to_string());
        self.login.audit.record(Severity::Error, line.as_str());
    }

    pub(super) fn failed(&mut self, failure: &Failure) -> Verdict {
        self.log_error(failure);
        let (verdict, text) = super::ending(failure, self.login.phrases, &self.login.host);
        self.conversation.error(&text);
        verdict
    }

    fn broken(&mut self, what: &str) -> Verdict {
        self.failed(&Failure::Machine(what.to_owned()))
    }
}

/// A note and a prompt in at most 60 columns; where even the shorter prompt does not fit, on two lines.
fn fitted(note: &str, prompt: &str, shorter: &str) -> String {
    let fits = |prompt: &str| columns(note) + columns(prompt) <= COLUMNS;
    match note {
        "" => prompt.to_owned(),
        _ if fits(prompt) => format!("{note}{prompt}"),
        _ if fits(shorter) => format!("{note}{shorter}"),
        _ => format!("{}\n{shorter}", note.trim_end()),
    }
}

/// At most so many bytes, cut at a character; the end, where the prompt is, stays.
fn cut(text: &str) -> &str {
    let surplus = text.len().saturating_sub(MOST_BYTES);
    let start = (surplus..=text.len()).find(|start| text.is_char_boundary(*start)).unwrap_or(0);
    text.get(start..).unwrap_or(text)
}
