//! The clock: codes of apps need one that is right, and steps that were used in the future block them (rule 19).

use super::check::Check;
use super::said_by;
use crate::call::{Call, Installation};
use herald_core::account::UserName;
use herald_core::clock::Timestamp;
use herald_core::machine::Machine;
use herald_core::provider::{TOTP_CHANNEL, built};
use herald_core::store::Store;

/// Seconds of a TOTP step (RFC 6238).
const STEP: u64 = 30;
const MEND: &str = "set the clock: timedatectl set-ntp true";

pub(super) fn checks(call: &Call, installation: &Installation) -> Vec<Check> {
    let now = call.machine.clock().wall();
    let mut checks = Vec::new();
    let (mut newest, mut apps): (Option<Timestamp>, bool) = (None, false);
    for user in installation.store.enrolled_users().unwrap_or_default() {
        let Ok(enrollment) = installation.enrollment(&user) else { continue };
        newest = newest.max(enrollment.factors.iter().filter_map(|factor| factor.enrolled).max());
        for factor in enrollment.factors.iter().filter(|factor| factor.channel == TOTP_CHANNEL) {
            apps = true;
            if used_step(installation, &user, factor.id).is_some_and(|step| step > now.unix() / STEP + 1) {
                let detail = format!("a code of {user}'s app was used in the future: all others are refused till then");
                checks.push(Check::failed("clock", detail, format!("sudo herald unlock {user}")));
            }
        }
    }
    checks.push(if now < built() {
        Check::failed("clock", format!("it is {now}, before this program was made"), MEND)
    } else if newest.is_some_and(|newest| now < newest) {
        Check::failed("clock", format!("it is {now}, before somebody enrolled"), MEND)
    } else if apps && is_synchronised() == Some(false) {
        Check::noted("clock", "nothing keeps it right, and codes of apps depend on it", MEND)
    } else {
        Check::passed("clock", now.to_string())
    });
    checks
}

fn used_step(installation: &Installation, user: &UserName, factor: u32) -> Option<u64> {
    let on_disk = installation.store.used_step(user, factor).ok().flatten();
    let ledger = installation.store.peek_ledger(user).unwrap_or_default();
    let in_ledger = ledger.steps.iter().filter(|used| used.factor == factor).map(|used| used.step).max();
    on_disk.max(in_ledger)
}

/// What systemd knows about it, if it is there.
fn is_synchronised() -> Option<bool> {
    match said_by("/usr/bin/timedatectl", &["show", "--property=NTPSynchronized", "--value"])?.trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}
