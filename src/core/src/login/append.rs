//! `input=append`: hosts that show one field and no second question. The code stands in it behind the password.
//!
//! The module's line stands twice. Before the password module it takes the code off, if there is one to expect; behind
//! it the code is judged. Here is the former: it sends, compares and counts nothing, so that a refused password tells
//! nothing about codes.
//!
//! A password that itself ends in digits is taken for one with a code where a code of that length can be expected: a
//! code that was sent and waits, or an app. Then the password module refuses, and nothing is counted here. So whoever
//! has an app types its code every time, as everybody else does once the code was sent.

use super::arguments::Arguments;
use super::{Attempt, broken};
use crate::audit::Audit;
use crate::config::Config;
use crate::ledger::Origin;
use crate::machine::{Machine, load_config};
use crate::provider::{BACKUP_CHANNEL, SPELLED, TOTP_CHANNEL, TOTP_DIGITS, is_spelled};

/// Whether a module line has `input=append`.
pub fn appends(arguments: &[Vec<u8>]) -> bool {
    arguments.iter().any(|argument| argument == b"input=append")
}

/// What a code of this user can look like now, for the line before the password module. Whatever cannot be read is left
/// to the line behind it, which refuses.
///
/// # Errors
/// Why the set-up cannot be used, for the log: the caller refuses.
pub fn shapes_behind(machine: &dyn Machine, attempt: &Attempt, audit: &dyn Audit) -> Result<Shapes, super::Verdict> {
    let arguments = Arguments::parse(&attempt.arguments).map_err(|text| broken(&text, audit))?;
    let config = load_config(machine.files(), &arguments.config).map_err(|error| broken(&error.to_string(), audit))?;
    Ok(expected(machine, attempt, &config).unwrap_or_default())
}

/// What a code can look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shapes {
    /// So many digits.
    pub digits: Vec<u8>,
    /// A backup code, as it is printed: two groups with a dash.
    pub backup: bool,
}

fn expected(machine: &dyn Machine, attempt: &Attempt, config: &Config) -> Option<Shapes> {
    let name = std::str::from_utf8(&attempt.user).ok()?;
    let account = machine.users().find(name).ok()??;
    let policy = &config.for_service(&attempt.service).policy;
    // Whoever is never asked types a password and nothing else.
    if policy.exempt.iter().any(|exempt| exempt == account.name.as_str()) {
        return None;
    }
    let store = machine.store(&config.paths);
    let enrollment = store.enrollment(&account.name).ok()??;
    let ledger = store.peek_ledger(&account.name).ok()?;
    let Attempt { service, rhost, tty, .. } = attempt;
    let origin = Origin { service: service.clone(), rhost: rhost.clone(), tty: tty.clone() };
    let live = ledger.live(&origin).map_or(&[][..], |live| &live.code);
    let mut digits: Vec<u8> = live.iter().filter_map(|code| u8::try_from(code.digits).ok()).collect();
    let has = |channel: &str| enrollment.active().any(|factor| factor.channel == channel);
    if has(TOTP_CHANNEL) {
        digits.extend(u8::try_from(TOTP_DIGITS).ok());
    }
    Some(Shapes { digits, backup: has(BACKUP_CHANNEL) })
}

impl Shapes {
    /// How many bytes at the end of what was typed have one of these shapes, with something before them; 0 if none.
    pub fn end_of(&self, typed: &[u8]) -> usize {
        let end = |length: usize| {
            typed.len().checked_sub(length).filter(|start| *start > 0).and_then(|start| typed.get(start..))
        };
        let digits = |length: &usize| end(*length).is_some_and(|end| end.iter().all(u8::is_ascii_digit));
        // The longest that fits: of eight digits, the last six are no code.
        if let Some(length) = self.digits.iter().map(|length| usize::from(*length)).filter(digits).max() {
            return length;
        }
        let backup = self.backup && end(SPELLED).is_some_and(is_spelled);
        if backup { SPELLED } else { 0 }
    }
}
