//! Codes: how they are made, and the only thing that is kept of them.

use crate::account::UserName;
use crate::account::hex;
use crate::ledger::Origin;
use crate::randomness::Randomness;
use crate::secret::Secret;
use crate::store::Key;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A new code of so many decimal digits, each equally likely (rule 12).
///
/// # Errors
/// The random source's own.
pub fn generate(randomness: &dyn Randomness, digits: u32) -> Result<Secret, String> {
    let wanted = usize::try_from(digits).map_err(|_| "too many digits".to_owned())?;
    let mut code = String::with_capacity(wanted);
    let mut bytes = Zeroizing::new([0u8; 32]);
    while code.len() < wanted {
        randomness.fill(bytes.as_mut())?;
        // 250 is the largest multiple of ten in a byte: what lies above would favour the digits 0 to 5.
        for byte in bytes.iter().filter(|byte| **byte < 250) {
            if code.len() < wanted {
                code.push(char::from(b'0' + byte % 10));
            }
        }
    }
    Ok(Secret::new(code))
}

/// A new name of a challenge: 128 random bits in hex.
///
/// # Errors
/// The random source's own.
pub fn challenge_id(randomness: &dyn Randomness) -> Result<String, String> {
    let mut bytes = [0u8; 16];
    randomness.fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// HMAC-SHA256 (RFC 2104) under the boot's key, in hex, over everything that a code belongs to, each part with its
/// length before it: the same digits elsewhere are another MAC (rule 12).
pub fn mac(key: &Key, user: &UserName, origin: &Origin, challenge: &str, code: &str) -> String {
    let mut hmac = match Hmac::<Sha256>::new_from_slice(key.as_slice()) {
        Ok(hmac) => hmac,
        // HMAC takes keys of any length.
        Err(_) => return String::new(),
    };
    for part in [user.as_str(), &origin.service, &origin.rhost, &origin.tty, challenge, code] {
        hmac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hmac.update(part.as_bytes());
    }
    hex(&hmac.finalize().into_bytes())
}

/// Whether two MACs are the same, in constant time and whole. An empty one is the same as nothing.
pub fn same(left: &str, right: &str) -> bool {
    !left.is_empty() && bool::from(left.as_bytes().ct_eq(right.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    struct Counter(Cell<u8>);

    impl Randomness for Counter {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), String> {
            for byte in bytes {
                *byte = self.0.get();
                self.0.set(self.0.get().wrapping_add(1));
            }
            Ok(())
        }
    }

    #[test]
    fn rule_12_every_digit_is_equally_likely() {
        let source = Counter(Cell::new(0));
        let mut seen = [0u32; 10];
        // 256 values in, 250 digits out: 40 times around the byte is 10,000 digits.
        for _ in 0..1000 {
            for digit in generate(&source, 10).expect("digits").expose().bytes() {
                seen[usize::from(digit - b'0')] += 1;
            }
        }
        assert!(seen.iter().all(|count| (970..=1030).contains(count)), "{seen:?}");
    }

    #[test]
    fn rule_12_codes_are_as_long_as_asked_for() {
        for digits in 6..=10 {
            let code = generate(&Counter(Cell::new(251)), digits).expect("digits");
            assert_eq!(code.expose().len(), usize::try_from(digits).expect("small"));
        }
    }

    #[test]
    fn rule_12_a_mac_belongs_to_one_user_origin_and_challenge() {
        let key = Key::new([7; 32]);
        let alice = UserName::new("alice");
        let origin = Origin { service: "sshd".into(), rhost: "::1".into(), tty: "ssh".into() };
        let shifted = Origin { service: "sshd::".into(), rhost: "1".into(), tty: "ssh".into() };
        let mine = mac(&key, &alice, &origin, "c", "123456");
        assert!(same(&mine, &mac(&key, &alice, &origin, "c", "123456")));
        for other in [
            mac(&Key::new([8; 32]), &alice, &origin, "c", "123456"),
            mac(&key, &UserName::new("bob"), &origin, "c", "123456"),
            mac(&key, &alice, &shifted, "c", "123456"),
            mac(&key, &alice, &origin, "d", "123456"),
            mac(&key, &alice, &origin, "c", "123457"),
            mac(&key, &alice, &origin, "c1", "23456"),
            mine[..63].to_owned(),
            String::new(),
        ] {
            assert!(!same(&mine, &other));
        }
        assert!(!same("", ""));
    }
}
