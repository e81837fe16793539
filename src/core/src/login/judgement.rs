//! Judging one answer: a single locked step (rule 17).
//!
//! Read again; locked is locked; a challenge that is gone is not compared with anything live; else the failure and the
//! attempt are charged and written, and only then is the answer compared. Whoever kills the process in between has
//! paid for the guess. A right answer is written before anybody hears of it.

use super::context::Login;
use crate::answer::Answer;
use crate::code;
use crate::ledger::{Ledger, Remembered};
use crate::provider::{Choice, Failure, Proof, Unusable, Verified};
use std::time::Duration;

/// What an answer was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Right, and used up.
    Right(Proof),
    /// Wrong.
    Wrong {
        /// Tries left for the challenge; `None` if none waits, 0 if it died of this answer.
        tries_left: Option<u32>,
        /// The user is locked by this answer, for so long.
        locked: Option<Duration>,
    },
    /// A code that is no guess and yet not accepted: not counted (rules 15, 19, 20).
    Unusable(Unusable),
    /// The challenge of the prompt is gone: not compared with anything live, not counted (rule 15).
    Gone {
        /// Whether the answer is a code that was used.
        used: bool,
    },
    /// The user is locked for so long.
    Locked(Duration),
}

/// Judges an answer to a prompt that spoke of `prompted`, if of any challenge.
///
/// # Errors
/// The ledger, the key or the enrollment could not be read or written: the answer is refused.
pub fn judge(
    login: &Login<'_>,
    choices: &[Choice<'_>],
    prompted: Option<&str>,
    answer: &Answer,
) -> Result<Judgement, Failure> {
    let mut locked = login.store.lock_ledger(&login.user)?;
    let mut ledger = locked.read()?;
    let enrollment = login.enrollment_now()?;
    let now = login.now();
    login.drop_lost_factors(&mut ledger, &enrollment);
    if let Some(left) = ledger.locked_for(now) {
        return Ok(Judgement::Locked(left));
    }
    let dead = dead_code(login, &ledger, answer)?;
    if prompted.is_some_and(|prompted| ledger.live(&login.origin).is_none_or(|live| live.id != prompted)) {
        return Ok(Judgement::Gone { used: dead == Some(true) });
    }
    if let Some(used) = dead {
        return Ok(Judgement::Unusable(if used { Unusable::Used } else { Unusable::Old }));
    }

    let before = ledger.clone();
    let fits = choices.iter().any(|choice| choice.provider.fits(login, &ledger, answer));
    if fits {
        ledger.charge_failure(now, &login.rules.limits);
    }
    if let Some(live) = ledger.live_mut(&login.origin) {
        live.attempts_left = live.attempts_left.saturating_sub(1);
    }
    locked.write(&ledger)?;
    if fits {
        let still =
            |choice: &&Choice<'_>| login.enrolling || enrollment.active().any(|factor| factor.id == choice.factor.id);
        let mut paid = before.clone();
        for choice in choices.iter().filter(still) {
            match choice.provider.verify(login, &mut paid, answer)? {
                Verified::Wrong => {}
                Verified::Unusable(why) => {
                    locked.write(&before)?;
                    return Ok(Judgement::Unusable(why));
                }
                Verified::Right(proof) => {
                    paid.absolve();
                    paid.consume(&login.origin, None);
                    if let Some(place) = &login.place {
                        paid.remember(Remembered {
                            service: login.origin.service.clone(),
                            place: place.clone(),
                            factor: choice.factor.id,
                            channel: choice.factor.channel.clone(),
                            until: now.plus(login.rules.policy.remember).millis(),
                        });
                    }
                    locked.write(&paid)?;
                    return Ok(Judgement::Right(proof));
                }
            }
        }
    }
    let tries_left = ledger.live(&login.origin).map(|live| live.attempts_left);
    if tries_left == Some(0) {
        ledger.consume(&login.origin, None);
        locked.write(&ledger)?;
    }
    Ok(Judgement::Wrong { tries_left, locked: ledger.locked_for(now) })
}

/// Whether the answer is a code of this origin that is good no more; `Some(true)` if it was used.
fn dead_code(login: &Login<'_>, ledger: &Ledger, answer: &Answer) -> Result<Option<bool>, Failure> {
    let mut found = None;
    let candidates = ledger.dead.iter().filter(|dead| dead.origin == login.origin && answer.has_digits(dead.digits));
    let key = login.store.key()?;
    for dead in candidates {
        let mac = code::mac(&key, &login.user, &login.origin, &dead.challenge, answer.code());
        if code::same(&dead.mac, &mac) {
            found = Some(dead.used);
        }
    }
    Ok(found)
}
