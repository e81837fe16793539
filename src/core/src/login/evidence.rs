//! Whether a first factor was given (rules 8 and 9).

use super::Attempt;

/// What the host shows of the first factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// PAM_AUTHTOK, a key, or root's word.
    Given,
    /// Nothing.
    Missing,
    /// sshd's stand-in for the answer of somebody it has refused already.
    Junk,
}

impl Evidence {
    /// What this attempt shows of it.
    pub fn of(attempt: &Attempt) -> Self {
        if let Some(claimed) = attempt.claimed {
            return claimed;
        }
        match &attempt.authtok {
            Some(token) if is_junk(token.expose()) => Self::Junk,
            Some(token) if !token.expose().is_empty() => Self::Given,
            _ if attempt.ssh_key || attempt.vouched => Self::Given,
            _ => Self::Missing,
        }
    }

    /// For the log.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Missing => "missing",
            Self::Junk => "junk",
        }
    }
}

/// sshd answers for users that it refused with `\b\n\r\x7fINCORRECT`, cycled to the length of the real answer
/// (auth-pam.c, `fake_password`). Nobody types a backspace as the first byte.
pub(super) fn is_junk(reply: &[u8]) -> bool {
    reply.first() == Some(&0x08)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretBytes;

    fn with(authtok: Option<&[u8]>, ssh_key: bool) -> Evidence {
        Evidence::of(&Attempt { authtok: authtok.map(SecretBytes::from), ssh_key, ..Attempt::default() })
    }

    #[test]
    fn rule_8_junk_is_no_evidence_even_beside_a_key() {
        let junk: Vec<u8> = b"\x08\n\r\x7fINCORRECT".iter().copied().cycle().take(40).collect();
        for length in 1..=40 {
            assert_eq!(with(Some(&junk[..length]), true), Evidence::Junk);
        }
    }

    #[test]
    fn rule_9_an_empty_token_is_no_evidence() {
        assert_eq!(with(None, false), Evidence::Missing);
        assert_eq!(with(Some(b""), false), Evidence::Missing);
        assert_eq!(with(Some(b"x"), false), Evidence::Given);
        assert_eq!(with(None, true), Evidence::Given);
    }
}
