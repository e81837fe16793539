//! What one SMS holds: 160 septets of the GSM 7-bit default alphabet, or 70 units of UCS-2 (3GPP TS 23.038 §6.2,
//! TS 23.040 §9.2.3.16).

use herald_core::text::ascii;
use std::fmt;

/// How the characters of an SMS are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// The GSM 7-bit default alphabet with its extension table.
    Gsm7,
    /// UCS-2, in truth UTF-16: phones show pairs.
    Ucs2,
}

/// How much of an SMS a text takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Length {
    pub(crate) alphabet: Alphabet,
    /// Septets, or UTF-16 units.
    pub(crate) units: usize,
}

/// TS 23.038 §6.2.1, without the escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// TS 23.038 §6.2.1.1: each takes an escape as well.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

impl Length {
    /// The length of a text.
    pub(crate) fn of(text: &str) -> Self {
        match text.chars().map(septets).sum::<Option<usize>>() {
            Some(units) => Self { alphabet: Alphabet::Gsm7, units },
            None => Self { alphabet: Alphabet::Ucs2, units: text.encode_utf16().count() },
        }
    }

    /// How many segments it takes. What is longer than one loses room in each to a header.
    pub(crate) fn segments(self) -> usize {
        let (alone, each) = self.room();
        if self.units <= alone { 1 } else { self.units.div_ceil(each) }
    }

    fn room(self) -> (usize, usize) {
        match self.alphabet {
            Alphabet::Gsm7 => (160, 153),
            Alphabet::Ucs2 => (70, 67),
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alphabet = match self.alphabet {
            Alphabet::Gsm7 => "GSM-7",
            Alphabet::Ucs2 => "UCS-2",
        };
        let (segments, (alone, _)) = (self.segments(), self.room());
        match segments {
            1 => write!(formatter, "1 segment in {alphabet}, {} of {alone} characters", self.units),
            more => write!(formatter, "{more} segments in {alphabet}, {} characters", self.units),
        }
    }
}

/// The text with letters that GSM-7 lacks written without their marks, and typographic signs written plainly; `None`
/// where that is no way to write it.
pub(crate) fn in_gsm7(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            _ if septets(character).is_some() => plain.push(character),
            '\u{2018}' | '\u{2019}' | '\u{201a}' => plain.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '«' | '»' => plain.push('"'),
            '\u{2013}' | '\u{2014}' | '\u{2011}' => plain.push('-'),
            '\u{2026}' => plain.push_str("..."),
            '\u{a0}' | '\u{202f}' => plain.push(' '),
            other => match ascii(other.encode_utf8(&mut [0; 4])).as_str() {
                "" | "?" => return None,
                letter => plain.push_str(letter),
            },
        }
    }
    Some(plain)
}

fn septets(character: char) -> Option<usize> {
    if BASIC.contains(character) {
        Some(1)
    } else if EXTENSION.contains(character) {
        Some(2)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_is_that_of_the_standard() {
        assert_eq!(BASIC.chars().count(), 127);
        assert_eq!(EXTENSION.chars().count(), 10);
        assert_eq!(Length::of("Code: 314159"), Length { alphabet: Alphabet::Gsm7, units: 12 });
        assert_eq!(Length::of("€[é]"), Length { alphabet: Alphabet::Gsm7, units: 7 });
        assert_eq!(Length::of("ê"), Length { alphabet: Alphabet::Ucs2, units: 1 });
        assert_eq!(Length::of("日😀"), Length { alphabet: Alphabet::Ucs2, units: 3 });
        assert_eq!(Length::of("`").alphabet, Alphabet::Ucs2);
    }

    #[test]
    fn segments_are_counted_as_phones_join_them() {
        let segments = |text: &str, times| Length::of(&text.repeat(times)).segments();
        assert_eq!((segments("a", 160), segments("a", 161), segments("a", 306), segments("a", 307)), (1, 2, 2, 3));
        assert_eq!((segments("日", 70), segments("日", 71), segments("日", 134), segments("日", 135)), (1, 2, 2, 3));
        assert_eq!(Length::of("日本").to_string(), "1 segment in UCS-2, 2 of 70 characters");
        assert_eq!(Length::of(&"a".repeat(161)).to_string(), "2 segments in GSM-7, 161 characters");
    }

    #[test]
    fn letters_lose_their_marks_and_other_scripts_stay() {
        assert_eq!(in_gsm7("Código “aquí” à São João…").as_deref(), Some("Codigo \"aqui\" à Sao Joao..."));
        assert_eq!(in_gsm7("Größe ç").as_deref(), Some("Größe c"));
        assert_eq!(in_gsm7("日本"), None);
        assert_eq!(in_gsm7("😀"), None);
    }
}
