//! Codes from an authenticator app: TOTP (RFC 6238), six digits, SHA-1, 30 s, as every app has them.
//!
//! A step is good once (rule 19). The last one used stands in the ledger, which must be written, and in a file of its
//! own that outlives the boot, if the disk lets it. Where the ledger knows nothing, a step that began before this boot
//! is refused: it may have been used then.

use super::{Challenged, Failure, Proof, Provider, Unusable, Verified, When};
use crate::address::shown;
use crate::answer::Answer;
use crate::audit::{Line, Severity};
use crate::code::same;
use crate::enrollment::Factor;
use crate::ledger::{Ledger, UsedStep};
use crate::login::Login;
use crate::phrases::Phrases;
use crate::randomness::Randomness;
use crate::secret::Secret;
use totp_rs::{Algorithm, TOTP};
use zeroize::Zeroizing;

/// The channel.
pub const TOTP_CHANNEL: &str = "totp";
/// Seconds of a step (RFC 6238, X).
const STEP: u64 = 30;
/// How long a code is.
pub const DIGITS: u32 = 6;
/// Steps before and after now that are still accepted: clocks drift, and people type slowly.
const SKEW: u64 = 1;

/// The provider of authenticator apps.
#[derive(Clone, Copy, Debug)]
pub struct AuthenticatorApp;

impl Provider for AuthenticatorApp {
    fn id(&self) -> &str {
        TOTP_CHANNEL
    }

    fn display_name(&self, phrases: &Phrases) -> String {
        phrases.channel(TOTP_CHANNEL)
    }

    fn description(&self, phrases: &Phrases) -> String {
        phrases.app_shows_a_code()
    }

    fn challenge(&self, login: &Login<'_>, _factor: &Factor, _when: When) -> Result<Challenged, Failure> {
        Ok(Challenged::asking(login.phrases.code_from_app()))
    }

    fn fits(&self, _login: &Login<'_>, _ledger: &Ledger, answer: &Answer) -> bool {
        answer.has_digits(DIGITS)
    }

    fn verify(&self, login: &Login<'_>, ledger: &mut Ledger, answer: &Answer) -> Result<Verified, Failure> {
        if !answer.has_digits(DIGITS) {
            return Ok(Verified::Wrong);
        }
        let wall = login.machine.clock().wall().unix();
        let now = wall / STEP;
        let enrollment = login.enrollment_now()?;
        let mut right = None;
        for factor in enrollment.factors.iter().filter(|factor| factor.channel == TOTP_CHANNEL) {
            let Some(app) = factor.secret.as_ref().and_then(app).filter(|_| login.may_ask(&enrollment, factor)) else {
                continue;
            };
            for step in now.saturating_sub(SKEW)..=now.saturating_add(SKEW) {
                let code = Secret::new(app.generate(step.saturating_mul(STEP)));
                if same(code.expose(), answer.code()) {
                    right = Some((factor, step));
                }
            }
        }
        let Some((factor, step)) = right else { return Ok(Verified::Wrong) };
        let in_ledger = ledger.steps.iter().filter(|used| used.factor == factor.id).map(|used| used.step).max();
        let on_disk = login.store.used_step(&login.user, factor.id).ok().flatten();
        if in_ledger.max(on_disk).is_some_and(|last| step <= last) {
            return Ok(Verified::Unusable(Unusable::Used));
        }
        let boot = wall.saturating_sub(login.now().millis() / 1000);
        if in_ledger.is_none() && step.saturating_mul(STEP) < boot {
            return Ok(Verified::Unusable(Unusable::Old));
        }
        ledger.steps.retain(|used| used.factor != factor.id);
        ledger.steps.push(UsedStep { factor: factor.id, step });
        if let Err(error) = login.store.set_used_step(&login.user, factor.id, step) {
            let line = Line::new("error").with("user", login.user.as_str()).because(error.to_string());
            login.audit.record(Severity::Warning, line.as_str());
        }
        Ok(Verified::Right(Proof {
            channel: TOTP_CHANNEL.to_owned(),
            gateway: None,
            to: factor.label.as_ref().map(|_| shown(factor)).unwrap_or_default(),
            remark: None,
        }))
    }
}

/// The generator of a secret in base32; `None` if it is none.
fn app(secret: &Secret) -> Option<TOTP> {
    let bytes = totp_rs::Secret::Encoded(secret.expose().to_owned()).to_bytes().ok()?;
    // Unchecked: other systems' secrets are shorter than the 128 bits that RFC 4226 asks of new ones.
    Some(TOTP::new_unchecked(Algorithm::SHA1, 6, 0, STEP, bytes))
}

/// A new secret: base32 of 160 random bits (RFC 4226, R6).
///
/// # Errors
/// The random source's own.
pub fn new_totp_secret(randomness: &dyn Randomness) -> Result<Secret, String> {
    let mut bytes = Zeroizing::new([0u8; 20]);
    randomness.fill(bytes.as_mut_slice())?;
    Ok(match totp_rs::Secret::Raw(bytes.to_vec()).to_encoded() {
        totp_rs::Secret::Encoded(text) => Secret::new(text),
        totp_rs::Secret::Raw(_) => return Err("a secret could not be written as base32".to_owned()),
    })
}

/// Whether a text is a secret that an app can use: base32 of at least 80 bits, padding optional.
pub fn is_totp_secret(secret: &Secret) -> bool {
    totp_rs::Secret::Encoded(secret.expose().to_owned()).to_bytes().is_ok_and(|bytes| bytes.len() >= 10)
}
