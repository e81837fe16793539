//! Addresses: their forms, how they are normalised, and how they are shown.

use crate::enrollment::Factor;
use crate::text::display_line;

/// The forms of address that drivers take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A Telegram chat: digits; negative for groups, which no person's factor may be.
    ChatId,
    /// A phone number in E.164: `+` and 8 to 15 digits (ITU-T E.164).
    E164,
    /// A UUID, as Signal's account identifiers.
    Uuid,
    /// A user name of the service.
    Username,
    /// A Jabber identifier, `name@example.org`.
    Jid,
    /// An e-mail address.
    Email,
}

impl Form {
    /// Every form with its name in driver tables.
    const NAMES: [(&'static str, Self); 6] = [
        ("chat-id", Self::ChatId),
        ("e164", Self::E164),
        ("uuid", Self::Uuid),
        ("username", Self::Username),
        ("jid", Self::Jid),
        ("email", Self::Email),
    ];

    /// The form of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, form)| *form)
    }

    /// What a person would type for it.
    pub fn example(self) -> &'static str {
        match self {
            Self::ChatId => "475721977",
            Self::E164 => "+81312345678",
            Self::Uuid => "123e4567-e89b-12d3-a456-426614174000",
            Self::Username => "alice.01",
            Self::Jid | Self::Email => "alice@example.org",
        }
    }

    /// The address as it is stored, if `text` is of this form.
    pub fn normalise(self, text: &str) -> Option<String> {
        let text = text.trim();
        match self {
            Self::ChatId => {
                let fits = (1..=19).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_digit())
                    && !text.starts_with('0');
                fits.then(|| text.to_owned())
            }
            Self::E164 => {
                let digits: String = text
                    .strip_prefix('+')?
                    .chars()
                    .filter(|character| !matches!(character, ' ' | '-' | '.' | '(' | ')' | '/'))
                    .collect();
                let fits = (8..=15).contains(&digits.len())
                    && digits.bytes().all(|byte| byte.is_ascii_digit())
                    && !digits.starts_with('0');
                fits.then(|| format!("+{digits}"))
            }
            Self::Uuid => {
                let lower = text.to_ascii_lowercase();
                let groups: Vec<usize> = lower.split('-').map(str::len).collect();
                let hex = lower.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
                (hex && groups == [8, 4, 4, 4, 12]).then_some(lower)
            }
            Self::Username => {
                let fits = (2..=64).contains(&text.len())
                    && text
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@'));
                fits.then(|| text.to_owned())
            }
            Self::Jid | Self::Email => {
                let (name, domain) = text.rsplit_once('@')?;
                let fits = !name.is_empty()
                    && text.len() <= 254
                    && domain.contains('.')
                    && !domain.starts_with('.')
                    && !domain.ends_with('.')
                    && text
                        .bytes()
                        .all(|byte| (b'!'..=b'~').contains(&byte) && !matches!(byte, b'<' | b'>' | b'"' | b','));
                fits.then(|| format!("{name}@{}", domain.to_ascii_lowercase()))
            }
        }
    }
}

/// A factor's address as it may be shown: its label, or what the mask leaves of the address (interface §4).
pub fn shown(factor: &Factor) -> String {
    match factor.label.as_deref().map(|label| display_line(label, 12)) {
        Some(label) if !label.is_empty() => label,
        _ => masked(&factor.channel, factor.address.as_deref().unwrap_or_default()),
    }
}

/// The mask: the last three digits of a number (two if it has under seven), `a...@example.org` for e-mail, the
/// first two characters of anything else.
pub fn masked(channel: &str, address: &str) -> String {
    let digits = address.trim_start_matches(['+', '-']);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let kept = if digits.len() < 7 { 2 } else { 3 };
        let hidden = digits.len().saturating_sub(kept);
        return format!("...{}", digits.get(hidden..).unwrap_or_default());
    }
    let clean = display_line(address, 254);
    if channel == "email" {
        if let Some((name, domain)) = clean.rsplit_once('@') {
            return format!("{}...@{domain}", name.chars().take(1).collect::<String>());
        }
    }
    format!("{}...", clean.chars().take(2).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_show_what_the_contract_shows() {
        for (channel, address, mask) in [
            ("telegram", "475721977", "...977"),
            ("telegram", "123456", "...56"),
            ("sms", "+81312345678", "...678"),
            ("email", "alice@example.org", "a...@example.org"),
            ("signal", "b3b5c7d1-0000-0000-0000-000000000000", "b3..."),
            ("xmpp", "alice@example.org", "al..."),
            ("signal", "", "..."),
        ] {
            assert_eq!(masked(channel, address), mask);
        }
    }

    #[test]
    fn addresses_are_normalised_or_refused() {
        for (form, text, stored) in [
            (Form::ChatId, " 475721977 ", Some("475721977")),
            (Form::ChatId, "-100123", None),
            (Form::ChatId, "@alice", None),
            (Form::ChatId, "", None),
            (Form::E164, "+81 3-1234-5678", Some("+81312345678")),
            (Form::E164, "03-1234-5678", None),
            (Form::E164, "+0123456789", None),
            (Form::Uuid, "B3B5C7D1-0000-0000-0000-000000000000", Some("b3b5c7d1-0000-0000-0000-000000000000")),
            (Form::Email, "Alice@Example.ORG", Some("Alice@example.org")),
            (Form::Email, "alice", None),
            (Form::Jid, "alice@example.org", Some("alice@example.org")),
        ] {
            assert_eq!(form.normalise(text).as_deref(), stored, "{text}");
        }
    }
}
