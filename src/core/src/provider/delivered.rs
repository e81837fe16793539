//! A code that travels to the person: one implementation for every channel.
//!
//! Sending takes three steps, so that the ledger is never locked while the network is busy (rule 17): charge and note
//! the code as being sent; hand it over; note what came of it.

use super::{Challenged, Failure, Proof, Provider, Verified, When};
use crate::address::shown;
use crate::answer::Answer;
use crate::audit::Severity;
use crate::clock::Moment;
use crate::code;
use crate::courier::CourierError;
use crate::delivery::Sent;
use crate::enrollment::{Enrollment, Factor};
use crate::ledger::{Budget, Challenge, Code, Ledger};
use crate::login::Login;
use crate::message::code_message;
use crate::phrases::Phrases;
use crate::secret::Secret;
use std::time::Duration;

/// How much longer than its deadline the network side may take before a code counts as failed.
const GRACE: Duration = Duration::from_secs(1);

/// The provider of one delivered channel.
#[derive(Clone, Debug)]
pub struct DeliveredCode {
    channel: String,
}

impl DeliveredCode {
    /// The provider of that channel.
    pub fn new(channel: &str) -> Self {
        Self { channel: channel.to_owned() }
    }
}

/// What the first step decided.
enum Step {
    /// Nothing to send: this is the answer.
    Done(Challenged),
    /// Charged and noted: send this code.
    Send(Charged),
}

/// A code that is charged and about to be handed over.
struct Charged {
    challenge: String,
    mac: String,
    code: Secret,
}

impl Provider for DeliveredCode {
    fn id(&self) -> &str {
        &self.channel
    }

    fn display_name(&self, phrases: &Phrases) -> String {
        phrases.channel(&self.channel)
    }

    fn description(&self, phrases: &Phrases) -> String {
        phrases.sends_a_code(&self.display_name(phrases))
    }

    fn challenge(&self, login: &Login<'_>, factor: &Factor, when: When) -> Result<Challenged, Failure> {
        if when == When::TakeUp {
            let mut ledger = login.store.peek_ledger(&login.user)?;
            let enrollment = login.enrollment_now()?;
            login.drop_lost_factors(&mut ledger, &enrollment);
            let now = login.now();
            let live = ledger.live(&login.origin);
            return Ok(live.map_or(Challenged::NothingWaits, |live| taken_up(login, &enrollment, live, now)));
        }
        let factors = self.in_order(login, factor, when)?;
        let plan = login.sender().plan(&factors);
        let first = if plan.is_empty() { None } else { factors.first().copied() };
        let charged = match self.charge(login, first, when)? {
            Step::Done(challenged) => return Ok(challenged),
            Step::Send(charged) => charged,
        };
        let message = code_message(login.written, &login.about(), &charged.code, login.rules.code.lifetime);
        let sent = login.sender().send(&login.user, plan, message);
        self.settle(login, &charged, sent)
    }

    fn fits(&self, login: &Login<'_>, ledger: &Ledger, answer: &Answer) -> bool {
        let live = ledger.live(&login.origin).map_or(&[][..], |live| &live.code);
        answer.has_digits(login.rules.code.digits) || live.iter().any(|code| answer.has_digits(code.digits))
    }

    fn verify(&self, login: &Login<'_>, ledger: &mut Ledger, answer: &Answer) -> Result<Verified, Failure> {
        let Some(live) = ledger.live(&login.origin) else { return Ok(Verified::Wrong) };
        let mac = code::mac(&login.store.key()?, &login.user, &login.origin, &live.id, answer.code());
        // Every code is compared, so that the time taken does not tell which one was near.
        let mut found = None;
        for code in live.code.iter().filter(|code| code.channel == self.channel) {
            if code::same(&code.mac, &mac) {
                found = Some(code.clone());
            }
        }
        let Some(right) = found else { return Ok(Verified::Wrong) };
        let enrollment = login.enrollment_now()?;
        ledger.consume(&login.origin, Some(&right.mac));
        ledger.refund_send(right.sent);
        Ok(Verified::Right(Proof {
            channel: right.channel,
            gateway: Some(right.gateway),
            to: enrollment.factor(right.factor).map(shown).unwrap_or_default(),
            remark: None,
        }))
    }
}

impl DeliveredCode {
    /// The factors to try: the one asked for, then, unless it was picked by name, the user's other delivered ones. What
    /// was disabled or removed since the login began is left out.
    fn in_order<'f>(&self, login: &'f Login<'_>, factor: &'f Factor, when: When) -> Result<Vec<&'f Factor>, Failure> {
        let enrollment = login.enrollment_now()?;
        let mut factors = vec![factor];
        if when != When::Switch {
            factors.extend(login.factors.iter().filter(|other| other.id != factor.id && other.address.is_some()));
        }
        factors.retain(|factor| login.may_ask(&enrollment, factor));
        Ok(factors)
    }

    /// Step one, locked: may a code be sent? Then charge it and note it as being sent.
    fn charge(&self, login: &Login<'_>, first: Option<&Factor>, when: When) -> Result<Step, Failure> {
        let key = login.store.key()?;
        let mut locked = login.store.lock_ledger(&login.user)?;
        let mut ledger = locked.read()?;
        let enrollment = login.enrollment_now()?;
        let now = login.now();
        login.drop_lost_factors(&mut ledger, &enrollment);
        if let Some(left) = ledger.locked_for(now) {
            return Ok(Step::Done(Challenged::Locked(left)));
        }
        if let Some(live) = ledger.live(&login.origin) {
            if when == When::First {
                return Ok(Step::Done(taken_up(login, &enrollment, live, now)));
            }
            let newest = live.newest().map_or(Moment::default(), |code| Moment::from_millis(code.sent));
            let wait = newest.plus(login.rules.limits.resend_after).since(now);
            if when == When::Again && !wait.is_zero() {
                return Ok(Step::Done(Challenged::TooSoon(wait)));
            }
        }
        let Some(first) = first else {
            let failed = vec![self.channel.clone()];
            return Ok(Step::Done(Challenged::Undelivered { unreachable: false, failed }));
        };
        if let Budget::UsedUp(wait) = ledger.budget(now, &login.rules.limits) {
            return Ok(Step::Done(Challenged::BudgetUsedUp(wait)));
        }
        if ledger.live(&login.origin).is_none() {
            if !ledger.has_room(&login.rules.limits) {
                let wait = ledger.next_end(now).unwrap_or(login.rules.code.lifetime);
                return Ok(Step::Done(Challenged::BudgetUsedUp(wait)));
            }
            let id = code::challenge_id(login.machine.randomness()).map_err(Failure::Machine)?;
            ledger.challenge.push(Challenge::new(id, login.origin.clone(), &login.rules.code));
        }
        let digits = login.rules.code.digits;
        let code = code::generate(login.machine.randomness(), digits).map_err(Failure::Machine)?;
        ledger.charge_send(now);
        let Some(challenge) = ledger.live_mut(&login.origin) else {
            return Err(Failure::Machine("the challenge that was just opened is not there".to_owned()));
        };
        let mac = code::mac(&key, &login.user, &login.origin, &challenge.id, code.expose());
        challenge.code.push(Code {
            mac: mac.clone(),
            digits,
            factor: first.id,
            channel: first.channel.clone(),
            gateway: String::new(),
            sent: now.millis(),
            dies: now.plus(login.rules.code.lifetime).millis(),
            sending_until: Some(now.plus(login.rules.delivery.deadline + GRACE).millis()),
        });
        let challenge = challenge.id.clone();
        locked.write(&ledger)?;
        Ok(Step::Send(Charged { challenge, mac, code }))
    }

    /// Step three, locked: the code is live, or it failed and is taken back.
    fn settle(
        &self,
        login: &Login<'_>,
        charged: &Charged,
        sent: Result<Sent<'_>, CourierError>,
    ) -> Result<Challenged, Failure> {
        let mut locked = login.store.lock_ledger(&login.user)?;
        let mut ledger = locked.read()?;
        let delivered = sent.as_ref().ok().and_then(|sent| sent.delivered.clone());
        let refund = match &sent {
            Ok(sent) => sent.surely_refused,
            Err(error) => matches!(error, CourierError::NotStarted(_)),
        };
        // Another session may have answered it already: then it is gone, and stays gone.
        if let Some(challenge) = ledger.live_mut(&login.origin).filter(|live| live.id == charged.challenge) {
            if let Some(position) = challenge.code.iter().position(|code| code.mac == charged.mac) {
                match (&delivered, challenge.code.get_mut(position)) {
                    (Some((factor, gateway)), Some(code)) => {
                        code.factor = factor.id;
                        code.channel.clone_from(&factor.channel);
                        code.gateway.clone_from(gateway);
                        code.sending_until = None;
                    }
                    _ => {
                        let charge = challenge.code.remove(position).sent;
                        if refund {
                            ledger.refund_send(charge);
                        }
                        ledger.challenge.retain(|challenge| !challenge.code.is_empty());
                    }
                }
                locked.write(&ledger)?;
            }
        }
        drop(locked);
        let sent = sent.map_err(Failure::Courier)?;
        let Some((factor, gateway)) = delivered else {
            return Ok(Challenged::Undelivered { unreachable: sent.unreachable, failed: sent.failed });
        };
        let line = login
            .line("sent")
            .with("channel", &factor.channel)
            .with("gateway", &gateway)
            .with("to", shown(factor))
            .with("took", format!("{}ms", sent.took.as_millis()));
        login.audit.record(Severity::Info, login.with_origin(line).as_str());
        let prompt = login.phrases.code_sent(&login.phrases.channel(&factor.channel), &shown(factor), None);
        Ok(Challenged::Ask {
            shorter: prompt.clone(),
            prompt,
            challenge: Some(charged.challenge.clone()),
            failed: sent.failed.iter().filter(|failed| **failed != factor.channel).cloned().collect(),
        })
    }
}

/// The prompt for a challenge that waits already.
fn taken_up(login: &Login<'_>, enrollment: &Enrollment, live: &Challenge, now: Moment) -> Challenged {
    let Some(newest) = live.newest() else { return Challenged::NothingWaits };
    let to = enrollment.factor(newest.factor).map(shown).unwrap_or_default();
    let ago = now.since(Moment::from_millis(newest.sent));
    let channel = login.phrases.channel(&newest.channel);
    Challenged::Ask {
        prompt: login.phrases.code_sent(&channel, &to, Some(ago)),
        shorter: login.phrases.code_waits(&channel, &to, ago),
        challenge: Some(live.id.clone()),
        failed: Vec::new(),
    }
}
