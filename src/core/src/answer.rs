//! What was typed at a prompt, made comparable.

use crate::fold::fold;
use crate::secret::{Secret, SecretBytes};

/// An answer, folded by NFKC (so full-width digits are digits), without surrounding space.
#[derive(Debug)]
pub struct Answer {
    text: Secret,
    code: Secret,
}

/// What an answer asks for, if it is not a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// `r`: send again.
    Again,
    /// `?`: explain.
    Help,
    /// A number of the list of factors, counted from 1.
    Number(usize),
}

impl Answer {
    /// Folds a reply. Bytes that are no text become the replacement character, which no code holds.
    pub fn of(reply: &SecretBytes) -> Self {
        let raw = Secret::new(String::from_utf8_lossy(reply.expose()).into_owned());
        let mut folded = String::with_capacity(reply.expose().len() * 4);
        folded.extend(raw.expose().chars().map(fold));
        let folded = Secret::new(folded);
        let text = folded.expose().trim();
        let mut code = String::with_capacity(text.len());
        code.extend(text.chars().filter(|character| !character.is_whitespace() && !is_dash(*character)));
        Self { text: Secret::from(text), code: Secret::new(code) }
    }

    /// The folded text, for words: names of channels, and what a provider of its own asks for.
    pub fn text(&self) -> &str {
        self.text.expose()
    }

    /// The text without spaces and dashes, for codes.
    pub fn code(&self) -> &str {
        self.code.expose()
    }

    /// Whether it is a code of so many digits.
    pub fn has_digits(&self, digits: u32) -> bool {
        let code = self.code().as_bytes();
        u32::try_from(code.len()) == Ok(digits) && code.iter().all(u8::is_ascii_digit)
    }

    /// What it asks for, if it is no code and no name.
    pub fn wish(&self) -> Option<Wish> {
        match self.text() {
            "r" | "R" => Some(Wish::Again),
            "?" => Some(Wish::Help),
            text if (1..=2).contains(&text.len()) => text.parse().ok().filter(|number| *number > 0).map(Wish::Number),
            _ => None,
        }
    }
}

fn is_dash(character: char) -> bool {
    matches!(character, '-' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Answer {
        Answer::of(&SecretBytes::from(text.as_bytes()))
    }

    #[test]
    fn a_code_may_be_typed_with_spaces_dashes_and_full_width_digits() {
        for text in
            ["123456", " 123 456 ", "123-456", "１２３４５６", "１２３ー４５６", "123\u{2013}456", "123\u{a0}456"]
        {
            assert_eq!(answer(text).code(), "123456", "{text}");
            assert!(answer(text).has_digits(6));
        }
        for text in ["12345", "1234567", "12345a", "", "１２３４５", "٠١٢٣٤٥"] {
            assert!(!answer(text).has_digits(6), "{text}");
        }
    }

    #[test]
    fn wishes_are_told_from_codes() {
        assert_eq!(answer("r").wish(), Some(Wish::Again));
        assert_eq!(answer(" Ｒ ").wish(), Some(Wish::Again));
        assert_eq!(answer("?").wish(), Some(Wish::Help));
        assert_eq!(answer("？").wish(), Some(Wish::Help));
        assert_eq!(answer("2").wish(), Some(Wish::Number(2)));
        assert_eq!(answer("0").wish(), None);
        assert_eq!(answer("123456").wish(), None);
        assert_eq!(Answer::of(&SecretBytes::new(vec![0xff, 0xfe])).wish(), None);
    }
}
