//! Backup codes: ten characters each, shown once, good once (rule 20).
//!
//! Only PBKDF2 hashes are kept, all under one salt per user, so that an answer costs one evaluation however many codes
//! there are. A code is gone from the disk before anybody hears that it was right; if it cannot be taken out, it is
//! refused.

use super::{Challenged, Failure, Proof, Provider, Unusable, Verified, When};
use crate::account::hex;
use crate::answer::Answer;
use crate::clock::Timestamp;
use crate::code::same;
use crate::enrollment::{Enrollment, Factor};
use crate::ledger::Ledger;
use crate::login::Login;
use crate::phrases::Phrases;
use crate::randomness::Randomness;
use crate::secret::Secret;
use sha2::Sha256;

/// The channel.
pub const BACKUP_CHANNEL: &str = "backup";
/// Digits and letters that nobody takes for another: no 0 o, no 1 i l.
const ALPHABET: &[u8; 31] = b"23456789abcdefghjkmnpqrstuvwxyz";
const LENGTH: usize = 10;
/// PBKDF2 iterations. A code has 49 bits: this is for the file in a stranger's hands, not for guesses at a prompt.
const ITERATIONS: u32 = 20_000;
/// From here on the login says that the codes run out.
const FEW: usize = 3;

/// The provider of backup codes.
#[derive(Clone, Copy, Debug)]
pub struct BackupCodes;

impl Provider for BackupCodes {
    fn id(&self) -> &str {
        BACKUP_CHANNEL
    }

    fn display_name(&self, phrases: &Phrases) -> String {
        phrases.channel(BACKUP_CHANNEL)
    }

    fn description(&self, phrases: &Phrases) -> String {
        phrases.backup_code_from_paper()
    }

    fn challenge(&self, login: &Login<'_>, _factor: &Factor, _when: When) -> Result<Challenged, Failure> {
        if remaining(&login.enrollment_now()?, login.machine.clock().wall()) > 0 {
            return Ok(Challenged::asking(login.phrases.backup_code()));
        }
        // A set that is used up or over is no offline factor: there is nothing to ask for.
        Ok(Challenged::Undelivered { unreachable: false, failed: Vec::new() })
    }

    fn fits(&self, _login: &Login<'_>, _ledger: &Ledger, answer: &Answer) -> bool {
        normalised(answer).is_some()
    }

    fn verify(&self, login: &Login<'_>, ledger: &mut Ledger, answer: &Answer) -> Result<Verified, Failure> {
        let Some(code) = normalised(answer) else { return Ok(Verified::Wrong) };
        let _lock = login.store.lock_enrollment(&login.user)?;
        let mut enrollment = login.enrollment_now()?;
        let wall = login.machine.clock().wall();
        let usable: Vec<&Factor> = enrollment.active().filter(|factor| is_usable(factor, &enrollment, wall)).collect();
        // A set that is used up still tells a code that was used from a wrong one.
        let set =
            usable.first().copied().or_else(|| enrollment.active().find(|factor| factor.channel == BACKUP_CHANNEL));
        let Some(salt) = set.and_then(|factor| factor.salt.clone()) else { return Ok(Verified::Wrong) };
        let hash = hash(&salt, &code);
        let of_this_salt = |factor: &&&Factor| factor.salt.as_ref() == Some(&salt);
        let ids: Vec<u32> = usable.iter().filter(of_this_salt).map(|factor| factor.id).collect();
        let mut found = false;
        for factor in enrollment.factors.iter_mut().filter(|factor| ids.contains(&factor.id)) {
            if let Some(codes) = &mut factor.codes {
                let before = codes.len();
                codes.retain(|known| !same(known, &hash));
                found |= codes.len() != before;
            }
        }
        if !found {
            let spent = ledger.spent.iter().any(|spent| same(spent, &hash));
            return Ok(if spent { Verified::Unusable(Unusable::Used) } else { Verified::Wrong });
        }
        let left = remaining(&enrollment, wall);
        if login.store.save_enrollment(&login.user, &enrollment).is_err() {
            return Ok(Verified::Unusable(Unusable::NotNow));
        }
        ledger.spend(hash);
        Ok(Verified::Right(Proof {
            channel: BACKUP_CHANNEL.to_owned(),
            gateway: None,
            to: String::new(),
            remark: Some(login.phrases.backup_codes_left(left, left <= FEW)),
        }))
    }
}

/// How many codes a user could still use.
pub fn remaining(enrollment: &Enrollment, wall: Timestamp) -> usize {
    let usable = enrollment.active().filter(|factor| is_usable(factor, enrollment, wall));
    usable.filter_map(|factor| factor.codes.as_ref()).map(Vec::len).sum()
}

/// Whether a set has codes left and is not over. While the clock stands before the newest enrollment or the build,
/// nobody knows what time it is, and a set that ends is over (rule 18).
fn is_usable(factor: &Factor, enrollment: &Enrollment, wall: Timestamp) -> bool {
    let newest = enrollment.factors.iter().filter_map(|factor| factor.enrolled).max();
    let clock_is_right = wall >= built() && newest.is_none_or(|newest| wall >= newest);
    factor.channel == BACKUP_CHANNEL
        && factor.codes.as_ref().is_some_and(|codes| !codes.is_empty())
        && factor.expires.is_none_or(|expires| clock_is_right && wall < expires)
}

/// When this Herald was built: no clock that is right stands before it.
pub fn built() -> Timestamp {
    Timestamp::from_unix(env!("HERALD_BUILT").parse().unwrap_or(0))
}

/// A code as it is compared: lower case, ten characters of the alphabet, at least one letter, so that it is never
/// taken for a code of ten digits.
fn normalised(answer: &Answer) -> Option<Secret> {
    let code = Secret::new(answer.code().to_ascii_lowercase());
    let bytes = code.expose().as_bytes();
    let fits = bytes.len() == LENGTH
        && bytes.iter().all(|byte| ALPHABET.contains(byte))
        && bytes.iter().any(u8::is_ascii_alphabetic);
    fits.then_some(code)
}

/// PBKDF2-HMAC-SHA256 (RFC 8018) of a code, in hex.
fn hash(salt: &str, code: &Secret) -> String {
    let mut hash = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(code.expose().as_bytes(), salt.as_bytes(), ITERATIONS, &mut hash);
    hex(&hash)
}

/// New codes, and the salt and hashes that are kept of them. With `salt`, they join the codes of that salt.
///
/// # Errors
/// The random source's own.
pub fn new_codes(
    randomness: &dyn Randomness,
    salt: Option<&str>,
    count: usize,
) -> Result<(Vec<Secret>, String, Vec<String>), String> {
    let salt = match salt {
        Some(salt) => salt.to_owned(),
        None => {
            let mut bytes = [0u8; 16];
            randomness.fill(&mut bytes)?;
            hex(&bytes)
        }
    };
    let mut codes: Vec<Secret> = Vec::new();
    while codes.len() < count {
        let code = one_code(randomness)?;
        if code.expose().bytes().any(|byte| byte.is_ascii_alphabetic()) && !codes.contains(&code) {
            codes.push(code);
        }
    }
    let hashes = codes.iter().map(|code| hash(&salt, code)).collect();
    Ok((codes, salt, hashes))
}

fn one_code(randomness: &dyn Randomness) -> Result<Secret, String> {
    let mut code = String::with_capacity(LENGTH);
    while code.len() < LENGTH {
        let mut byte = [0u8; 1];
        randomness.fill(&mut byte)?;
        // 248 is the largest multiple of 31 in a byte: what lies above would favour the first characters.
        let [byte] = byte;
        let character = ALPHABET.get(usize::from(byte % 31)).filter(|_| byte < 248);
        code.extend(character.map(|character| char::from(*character)));
    }
    Ok(Secret::new(code))
}

/// How many bytes a code has as it is shown.
pub const SPELLED: usize = LENGTH + 1;

/// Whether these bytes are a code as it is shown, in either case.
pub fn is_spelled(bytes: &[u8]) -> bool {
    let of_code = |byte: &u8| ALPHABET.contains(&byte.to_ascii_lowercase());
    let groups = (bytes.get(..5), bytes.get(5), bytes.get(6..SPELLED));
    let (Some(first), Some(b'-'), Some(second)) = groups else { return false };
    bytes.len() == SPELLED && first.iter().chain(second).all(of_code)
}

/// How a code is shown: two groups of five.
pub fn spelled(code: &Secret) -> Secret {
    let text = code.expose();
    Secret::new(format!("{}-{}", text.get(..5).unwrap_or_default(), text.get(5..).unwrap_or_default()))
}
