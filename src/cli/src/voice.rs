//! In which language, and with which letters, one call of `herald` speaks (interface §6): the locale's, then the
//! configuration's, then English. With `--json` always English: programs read it.

use crate::locale::Locale;
use crate::national::Unclear;
use crate::phrases::{self, Texts};
use herald_core::address::Form;
use herald_core::phrases::{Phrases, in_ascii};
use herald_core::text::ascii;
use std::borrow::Cow;
use std::cell::Cell;

const ENGLISH: &str = "en";

/// How a call speaks. It may learn its language while it runs: from the configuration.
pub(crate) struct Voice {
    language: Cell<&'static str>,
    settled: Cell<bool>,
    beyond_ascii: bool,
}

impl Voice {
    /// For a terminal of this locale, or for programs.
    pub(crate) fn new(locale: Locale, json: bool) -> Self {
        let language = if json { Some(ENGLISH) } else { locale.language };
        Self {
            language: Cell::new(language.unwrap_or(ENGLISH)),
            settled: Cell::new(language.is_some()),
            beyond_ascii: json || locale.beyond_ascii,
        }
    }

    /// English, as programs and admins read it.
    pub(crate) fn english() -> Self {
        Self::new(Locale { language: Some(ENGLISH), beyond_ascii: true }, false)
    }

    /// Speaks this language from now on, unless the locale has said which.
    pub(crate) fn prefer(&self, language: Option<&str>) {
        if let Some(language) = language.filter(|_| !self.settled.get()) {
            self.language.set(herald_core::phrases::of(language).language());
        }
    }

    /// What a login says in this language, as far as the terminal can show it.
    pub(crate) fn phrases(&self) -> &'static Phrases {
        let language = self.language.get();
        if self.beyond_ascii { herald_core::phrases::of(language) } else { in_ascii(language) }
    }

    /// A text with its values, as far as the terminal can show it (rule 32). Values are shown as they are.
    pub(crate) fn say(&self, text: impl FnOnce(&Texts) -> &'static str, values: &[(&str, &str)]) -> String {
        let text = text(phrases::of(self.phrases().language()));
        debug_assert!(
            text.split('{').skip(1).all(|part| values.iter().any(|(name, _)| part.starts_with(&format!("{name}}}")))),
            "{text}"
        );
        herald_core::phrases::fill(&self.in_letters(text), values)
    }

    /// A text without values.
    pub(crate) fn word(&self, text: impl FnOnce(&Texts) -> &'static str) -> String {
        self.say(text, &[])
    }

    /// The forms of address that are taken: `a phone number …, or a user name`.
    pub(crate) fn forms(&self, forms: &[Form]) -> String {
        let mut said: Vec<String> = Vec::new();
        for form in forms {
            let text = self.say(|texts| texts.form(*form), &[("example", form.example())]);
            if !said.contains(&text) {
                said.push(text);
            }
        }
        said.join(&self.word(|texts| texts.or))
    }

    /// Why a phone number was not taken, and what to do about it.
    pub(crate) fn unclear_number(&self, unclear: Unclear, country: &str) -> (String, String) {
        let problem = match unclear {
            Unclear::NoCountry => self.word(|texts| texts.no_country_code),
            Unclear::OtherForm => self.say(|texts| texts.no_number_of, &[("country", country)]),
            Unclear::UnknownCountry => self.say(|texts| texts.unknown_country, &[("country", country)]),
        };
        (problem, self.say(|texts| texts.give_country_code, &[("example", Form::E164.example())]))
    }

    /// A sentence as it stands behind a colon: small, but in German, where its first word may be a noun.
    pub(crate) fn behind_a_colon(&self, sentence: &str) -> String {
        let mut characters = sentence.chars();
        match characters.next() {
            Some(first) if self.language.get() != "de" => first.to_lowercase().chain(characters).collect(),
            _ => sentence.to_owned(),
        }
    }

    /// What core says in this language, with the letters that the terminal has.
    pub(crate) fn in_letters<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let bare = self.beyond_ascii || self.language.get() == ENGLISH;
        if bare { Cow::Borrowed(text) } else { Cow::Owned(ascii(text)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(language: Option<&'static str>, beyond_ascii: bool, json: bool) -> Voice {
        Voice::new(Locale { language, beyond_ascii }, json)
    }

    fn nobody(voice: &Voice) -> String {
        voice.word(|texts| texts.nobody_enrolled)
    }

    #[test]
    fn the_locale_comes_before_the_configuration_and_programs_read_english() {
        let speaks = voice(Some("de"), true, false);
        speaks.prefer(Some("ja"));
        assert_eq!(nobody(&speaks), "Niemand ist eingerichtet.");
        let speaks = voice(None, true, false);
        assert_eq!(nobody(&speaks), "Nobody is enrolled.");
        speaks.prefer(Some("ja"));
        assert_eq!(nobody(&speaks), "登録されている人はいません。");
        speaks.prefer(None);
        assert_eq!(speaks.phrases().language(), "ja");
        let speaks = voice(Some("ja"), true, true);
        speaks.prefer(Some("ja"));
        assert_eq!(nobody(&speaks), "Nobody is enrolled.");
    }

    #[test]
    fn rule_32_a_terminal_without_the_letters_gets_no_question_marks() {
        assert_eq!(nobody(&voice(Some("ja"), false, false)), "Nobody is enrolled.");
        let french = voice(Some("fr"), false, false);
        assert_eq!(french.word(|texts| texts.head_state), "ETAT");
        for language in herald_core::phrases::LANGUAGES {
            let speaks = voice(Some(language), false, false);
            let said = speaks.say(|texts| texts.open_or_scan, &[("bot", "@bot")]);
            let said = said + &speaks.word(|texts| texts.forget_all).replace(['?'], "");
            assert!(said.is_ascii() && !said.contains('?'), "{language}: {said}");
        }
        let spanish = voice(Some("es"), false, false);
        assert_eq!(spanish.word(|texts| texts.forget_all), "Olvidarlos todos?");
    }

    #[test]
    fn a_sentence_behind_a_colon_is_small_but_in_german() {
        let said = |language| voice(Some(language), true, false).behind_a_colon("Anmeldung abgelehnt");
        assert_eq!((said("de").as_str(), said("fr").as_str()), ("Anmeldung abgelehnt", "anmeldung abgelehnt"));
    }
}
